package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// Search answers a question about the past with a page of requests, newest first. It
// walks the index that narrows most, so a first page by incident, person, target, flow,
// outcome, review or time costs the same however much is stored; what else is asked for is
// looked at on the rows of that walk. Words within a time have a way of their own
// (words.go).
func (s *Store) Search(ctx context.Context, f flows.Search) (flows.Found, error) {
	limit := pageOf(f)
	docs, err := s.answers(ctx, f, limit)
	if err != nil {
		return flows.Found{}, err
	}
	all, err := decodeRequests(docs)
	if err != nil {
		return flows.Found{}, fmt.Errorf("search requests: %w", err)
	}
	return page(all, limit), nil
}

// answers are the documents that the ways in find, each newest first.
func (s *Store) answers(ctx context.Context, f flows.Search, limit int) (docs []string, err error) {
	look, word := s.way.walk, leadingWord(f)
	if word != "" {
		look = s.way.sift
	}
	err = look(ctx, func(ctx context.Context, q queries) error {
		docs = nil
		ways, err := []way{byWords(word, s.way.window())}, error(nil)
		if word == "" {
			ways, err = waysIn(ctx, q, f)
		}
		for _, w := range ways {
			found, err := w(ctx, q, question(f, limit+1))
			if err != nil {
				return err
			}
			docs = append(docs, found...)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search requests: %w", err)
	}
	return docs, nil
}

// pageOf is how many requests a page has.
func pageOf(f flows.Search) int {
	if f.Limit <= 0 {
		return 50
	}
	return f.Limit
}

// page sorts what the ways in found, each newest first, and cuts it.
func page(all []flows.Request, limit int) flows.Found {
	slices.SortFunc(all, func(a, b flows.Request) int { return newest(&a, &b) })
	all = slices.CompactFunc(all, func(a, b flows.Request) bool { return a.ID == b.ID })
	if len(all) <= limit {
		return flows.Found{Requests: all}
	}
	last := all[limit-1]
	return flows.Found{Requests: all[:limit], Next: flows.Place{At: last.SubmittedAt, ID: last.ID}}
}

// newest compares requests by their places in listings.
func newest(a, b *flows.Request) int {
	if c := cmp.Compare(millis(b.SubmittedAt), millis(a.SubmittedAt)); c != 0 {
		return c
	}
	return cmp.Compare(b.ID, a.ID)
}

// asked is a search as the queries take it.
type asked struct {
	p      postgresdb.SearchByTargetParams // without Way
	people []flows.Involved
}

// question is what every way in is asked.
func question(f flows.Search, limit int) asked {
	p := postgresdb.SearchByTargetParams{
		BeforeAt: math.MaxInt64, BeforeID: lastID, Since: dueMillis(f.Since), Flow: string(f.Flow), Target: string(f.Target),
		Review: string(f.Review), Viewer: string(f.Viewer), Lim: int64(limit),
	}
	if f.Since.IsZero() {
		p.Since = math.MinInt64
	}
	if !f.Until.IsZero() {
		p.BeforeAt = dueMillis(f.Until) - 1
	}
	if at := millis(f.After.At); f.After.ID != "" && at <= p.BeforeAt {
		p.BeforeAt, p.BeforeID = at, string(f.After.ID)
	}
	for _, st := range f.States {
		p.States += "," + string(st)
	}
	if p.States != "" {
		p.States += ","
	}
	if f.Bare {
		p.Bare = flows.NoIncident
	}
	for i, into := range [...]*string{&p.Word1, &p.Word2, &p.Word3} {
		if i < len(f.Words) {
			*into = "%" + searched(f.Words[i]) + "%"
		}
	}
	return asked{p, f.People}
}

// among has the people looked at on each row.
func (a asked) among(people []flows.Involved) postgresdb.SearchByTargetParams {
	p := a.p
	if len(people) > 0 {
		p.Person1, p.Roles1 = string(people[0].Person), int64(people[0].Part)
	}
	if len(people) > 1 {
		p.Person2, p.Roles2 = string(people[1].Person), int64(people[1].Part)
	}
	return p
}

// way is one way into the requests.
type way func(context.Context, queries, asked) ([]string, error)

// maxStates is how many outcomes are walked one by one and merged.
const maxStates = 3

// waysIn chooses how to get to what is asked for; several ways are merged.
func waysIn(ctx context.Context, q queries, f flows.Search) ([]way, error) {
	var ways []way
	switch {
	case f.Incident != "":
		return []way{byIncident(string(f.Incident))}, nil
	case f.Number > 0:
		ids, err := q.IncidentsNumbered(ctx, int64(f.Number))
		for _, id := range ids {
			ways = append(ways, byIncident(id))
		}
		return ways, err
	case len(f.People) > 0:
		return []way{byPerson(f.People[0], f.People[1:])}, nil
	case f.Viewer != "":
		return []way{byPerson(flows.Involved{Person: f.Viewer, Part: flows.AnyPart}, nil)}, nil
	case f.Review != flows.ReviewNone:
		return []way{byReview}, nil
	case f.Target != "":
		return []way{func(ctx context.Context, q queries, a asked) ([]string, error) {
			p := a.among(nil)
			p.Way = string(f.Target)
			return q.SearchByTarget(ctx, p)
		}}, nil
	case f.Bare && !open(f.States):
		return []way{byNoIncident}, nil
	case len(f.States) > 0 && (len(f.States) <= maxStates || open(f.States)): // those that are not over are few
		for _, st := range f.States {
			ways = append(ways, byState(st))
		}
		return ways, nil
	case f.Flow != "":
		return []way{func(ctx context.Context, q queries, a asked) ([]string, error) {
			p := a.among(nil)
			p.Way = string(f.Flow)
			return q.SearchByFlow(ctx, postgresdb.SearchByFlowParams(p))
		}}, nil
	}
	return []way{byTime}, nil
}

func byIncident(id string) way {
	return func(ctx context.Context, q queries, a asked) ([]string, error) {
		p := a.among(a.people)
		p.Way = id
		return q.SearchByIncident(ctx, postgresdb.SearchByIncidentParams(p))
	}
}

// byNoIncident is for requests that belong to none. It looks at no reviews: those lead the
// way themselves.
func byNoIncident(ctx context.Context, q queries, a asked) ([]string, error) {
	p := a.among(nil)
	return q.SearchBare(ctx, postgresdb.SearchBareParams{
		BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Since: p.Since, Flow: p.Flow, Target: p.Target, States: p.States,
		Person1: p.Person1, Roles1: p.Roles1, Person2: p.Person2, Roles2: p.Roles2,
		Viewer: p.Viewer, Word1: p.Word1, Word2: p.Word2, Word3: p.Word3, Lim: p.Lim,
	})
}

func byState(st flows.State) way {
	return func(ctx context.Context, q queries, a asked) ([]string, error) {
		p := a.among(a.people)
		p.Way = string(st)
		return q.SearchByState(ctx, postgresdb.SearchByStateParams(p))
	}
}

// byReview is for the few that were ever to be reviewed.
func byReview(ctx context.Context, q queries, a asked) ([]string, error) {
	p := a.among(nil)
	p.Way, p.Review = p.Review, ""
	return q.SearchByReview(ctx, postgresdb.SearchByReviewParams(p))
}

func byPerson(who flows.Involved, others []flows.Involved) way {
	return func(ctx context.Context, q queries, a asked) ([]string, error) {
		p := a.among(others)
		return q.SearchByPerson(ctx, postgresdb.SearchByPersonParams{
			Way: string(who.Person), WayRoles: int64(who.Part), BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Since: p.Since, Bare: p.Bare,
			Flow: p.Flow, Target: p.Target, States: p.States, Review: p.Review, Person1: p.Person1, Roles1: p.Roles1, Person2: p.Person2, Roles2: p.Roles2,
			Viewer: p.Viewer, Word1: p.Word1, Word2: p.Word2, Word3: p.Word3, Lim: p.Lim,
		})
	}
}

func byTime(ctx context.Context, q queries, a asked) ([]string, error) {
	p := a.among(nil)
	return q.SearchByTime(ctx, postgresdb.SearchByTimeParams{
		BeforeAt: p.BeforeAt, BeforeID: p.BeforeID, Since: p.Since, Bare: p.Bare, Flow: p.Flow, Target: p.Target, States: p.States,
		Person1: p.Person1, Roles1: p.Roles1, Person2: p.Person2, Roles2: p.Roles2,
		Viewer: p.Viewer, Word1: p.Word1, Word2: p.Word2, Word3: p.Word3, Lim: p.Lim,
	})
}

// PartIn is what a person did in a request; 0 for nothing, or no such request.
func (s *Store) PartIn(ctx context.Context, id flows.RequestID, p flows.PersonID) (flows.Part, error) {
	roles, err := s.tx.direct().RolesIn(ctx, postgresdb.RolesInParams{Request: string(id), Person: string(p)})
	if err != nil {
		return 0, fmt.Errorf("read what %s did in request %s: %w", p, id, err)
	}
	if len(roles) == 0 {
		return 0, nil
	}
	return flows.Part(roles[0]), nil
}
