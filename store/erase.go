package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

var _ flows.Eraser = (*Store)(nil)

// naming finds a person in what is stored: their whole id, and that of the Slack user
// by itself, as it stands in what people type and in what handlers are told.
type naming struct {
	person  flows.PersonID
	pattern string // for LIKE: finds too much
	exact   *regexp.Regexp
}

func newNaming(p flows.PersonID) naming {
	user := p.User()
	like := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(user)
	whole := `(?i)(\b` + regexp.QuoteMeta(p.Team()) + `/)?\b` + regexp.QuoteMeta(user) + `\b`
	return naming{person: p, pattern: "%" + like + "%", exact: regexp.MustCompile(whole)}
}

func (n naming) in(s string) bool { return n.exact.MatchString(s) }

// replaced is a text with the made-up id in place of the person's.
func (n naming) replaced(s string, pseudonym flows.PersonID) string {
	return n.exact.ReplaceAllLiteralString(s, string(pseudonym))
}

// Footprint reads what is kept about a person; own is the key of a job to leave out.
func (s *Store) Footprint(ctx context.Context, p flows.PersonID, own string) (flows.Footprint, error) {
	n := newNaming(p)
	if p.User() == "" || p.Team() == "" {
		return flows.Footprint{}, fmt.Errorf("read what is kept about a person: %q is nobody's id", p)
	}
	var out flows.Footprint
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		out = flows.Footprint{}
		openings, err := n.openings(ctx, q)
		if err != nil {
			return err
		}
		for _, o := range openings {
			out.Openings = append(out.Openings, flows.OpeningRef{Chain: o.Chain, Seq: o.Seq, Path: o.Path})
			if at := fromMillis(o.At); at.After(out.Newest) {
				out.Newest = at
			}
		}
		requests, err := n.requests(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range requests {
			switch {
			case r.Reviewed > 0:
				out.Reviews = append(out.Reviews, flows.RequestID(r.ID))
				fallthrough
			case flows.State(r.State).Final():
				out.Requests = append(out.Requests, flows.RequestID(r.ID))
			default:
				out.Live = append(out.Live, flows.RequestID(r.ID))
			}
		}
		out.Pending, err = n.pending(ctx, q, own)
		return err
	})
	if err != nil {
		return flows.Footprint{}, fmt.Errorf("read what is kept about a person: %w", err)
	}
	return out, nil
}

func (n naming) openings(ctx context.Context, q queries) ([]postgresdb.OpeningsNamingRow, error) {
	all, err := q.OpeningsNaming(ctx, postgresdb.OpeningsNamingParams{Person: string(n.person), Pattern: n.pattern})
	if err != nil {
		return nil, fmt.Errorf("look for openings: %w", err)
	}
	return only(all, func(o postgresdb.OpeningsNamingRow) bool { return o.Person == string(n.person) || n.in(o.Value) }), nil
}

func (n naming) requests(ctx context.Context, q queries) ([]postgresdb.RequestsNamingRow, error) {
	all, err := q.RequestsNaming(ctx, postgresdb.RequestsNamingParams{Person: string(n.person), Pattern: n.pattern})
	if err != nil {
		return nil, fmt.Errorf("look for requests: %w", err)
	}
	return only(all, func(r postgresdb.RequestsNamingRow) bool {
		return r.Requester == string(n.person) || r.Beneficiary == string(n.person) || n.inJSON(r.Doc)
	}), nil
}

// pending counts what is still to be done and names the person.
func (n naming) pending(ctx context.Context, q queries, own string) (int, error) {
	jobs, err := q.JobsNaming(ctx, n.pattern)
	if err != nil {
		return 0, fmt.Errorf("look for jobs: %w", err)
	}
	jobs = only(jobs, func(j postgresdb.JobsNamingRow) bool { return j.Key != own })
	rows, err := q.InboxWaitingNaming(ctx, n.person.User())
	if err != nil {
		return 0, fmt.Errorf("look for payloads: %w", err)
	}
	return len(jobs) + int(rows), nil
}

// inJSON is in for the strings of a JSON value.
func (n naming) inJSON(doc string) (found bool) {
	_, err := eachString(doc, func(s string) string { found = found || n.in(s); return s })
	return found || err != nil && n.in(doc)
}

// eachString is a JSON value with each of its strings as f makes it.
func eachString(doc string, f func(string) string) (string, error) {
	var v any
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", fmt.Errorf("decode what is stored: %w", err)
	}
	b, err := json.Marshal(mapped(v, f))
	return string(b), err
}

func mapped(v any, f func(string) string) any {
	switch x := v.(type) {
	case string:
		return f(x)
	case []any:
		for i := range x {
			x[i] = mapped(x[i], f)
		}
	case map[string]any:
		for k := range x {
			x[k] = mapped(x[k], f)
		}
	}
	return v
}

func only[T any](all []T, keep func(T) bool) []T {
	out := all[:0]
	for _, x := range all {
		if keep(x) {
			out = append(out, x)
		}
	}
	return out
}

// JobByKey reads a stored job. flows.ErrNotFound.
func (s *Store) JobByKey(ctx context.Context, key string) (flows.Job, error) {
	row, err := s.tx.direct().JobByKey(ctx, key)
	if errors.Is(err, sql.ErrNoRows) {
		return flows.Job{}, fmt.Errorf("job %s: %w", key, flows.ErrNotFound)
	}
	if err != nil {
		return flows.Job{}, fmt.Errorf("read job %s: %w", key, err)
	}
	return jobFrom(row), nil
}

// Erase destroys what opens the commitments about a person, puts a made-up id in place
// of theirs wherever something is over, and empties what they typed, in one transaction
// with the entries that say so. Entries stay, and every proof with them.
func (s *Store) Erase(ctx context.Context, x flows.Erasure) ([]flows.Job, error) {
	p, err := prepare(x.Change)
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	p.now = millis(s.now())
	e := erasing{Erasure: x, naming: newNaming(x.Person), now: p.now}
	err = s.tx.write(ctx, p.keys(), func(ctx context.Context, q queries) error {
		for _, step := range []func(context.Context, queries) error{p.run, e.openings, e.requests, e.words, e.rest} {
			if err := step(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	lite, ok := s.srv.(*sqliteDB) // a server's files are its own
	if !ok {
		return p.stored, nil
	}
	if err := lite.forget(ctx); err != nil {
		return p.stored, fmt.Errorf("erase: it is done, but the log beside the database still has it: %w; it goes with the next checkpoint", err)
	}
	return p.stored, nil
}

// erasing is one erasure inside its transaction.
type erasing struct {
	flows.Erasure
	naming naming
	now    int64
}

// openings destroys the openings, which must be those that the entries name.
func (e *erasing) openings(ctx context.Context, q queries) error {
	found, err := e.naming.openings(ctx, q)
	if err != nil {
		return err
	}
	named := map[flows.OpeningRef]bool{}
	for _, o := range e.Openings {
		named[o] = true
	}
	for _, o := range found {
		if !named[flows.OpeningRef{Chain: o.Chain, Seq: o.Seq, Path: o.Path}] {
			return fmt.Errorf("there are openings that were not there before: %w", flows.ErrConflict)
		}
		if _, err := q.EraseOpening(ctx, postgresdb.EraseOpeningParams{Entry: o.Entry, Path: o.Path}); err != nil {
			return fmt.Errorf("destroy an opening: %w", err)
		}
	}
	if len(found) != len(named) {
		return fmt.Errorf("openings are gone that were there before: %w", flows.ErrConflict)
	}
	return nil
}

// requests rewrites the requests that are over; one that is not stops everything.
func (e *erasing) requests(ctx context.Context, q queries) error {
	found, err := e.naming.requests(ctx, q)
	if err != nil {
		return err
	}
	for _, r := range found {
		if !flows.State(r.State).Final() {
			return fmt.Errorf("request %s is not over: %w", r.ID, flows.ErrConflict)
		}
		if r.Reviewed > 0 {
			return fmt.Errorf("request %s is still to be reviewed: %w", r.ID, flows.ErrConflict)
		}
		doc, err := e.doc(r.Doc)
		if err != nil {
			return err
		}
		n, err := q.EraseInRequest(ctx, postgresdb.EraseInRequestParams{
			ID: r.ID, Version: r.Version, Requester: e.mask(r.Requester), Beneficiary: e.mask(r.Beneficiary), Doc: doc,
		})
		if err == nil && n == 0 {
			err = flows.ErrConflict
		}
		if err != nil {
			return fmt.Errorf("rewrite request %s: %w", r.ID, err)
		}
	}
	return nil
}

func (e *erasing) mask(id string) string {
	if id == string(e.Person) {
		return string(e.Pseudonym)
	}
	return id
}

// doc is a request without what the person typed and without their id.
func (e *erasing) doc(doc string) (string, error) {
	r, err := decodeRequest(doc)
	if err != nil {
		return "", err
	}
	r.Forget(e.Person)
	r.Version++
	if doc, err = encodeRequest(r); err != nil {
		return "", err
	}
	return eachString(doc, func(s string) string { return e.naming.replaced(s, e.Pseudonym) })
}

// words empties what searches find.
func (e *erasing) words(ctx context.Context, q queries) error {
	if _, err := q.EraseWords(ctx, string(e.Person)); err != nil {
		return fmt.Errorf("erase the words of reasons: %w", err)
	}
	rows, err := q.WordsNaming(ctx, strings.ToLower(e.naming.pattern))
	if err != nil {
		return fmt.Errorf("look for words of reasons: %w", err)
	}
	for _, w := range rows {
		_, err := q.EraseInWords(ctx, postgresdb.EraseInWordsParams{Request: w.Request, Kind: w.Kind, Text: e.naming.replaced(w.Text, e.Pseudonym)})
		if err != nil {
			return fmt.Errorf("rewrite the words of reasons: %w", err)
		}
	}
	return nil
}

// rest does the tables that hold the id alone, and the payloads that were handled.
func (e *erasing) rest(ctx context.Context, q queries) error {
	person, pseudonym := string(e.Person), string(e.Pseudonym)
	_, inbox := q.EraseInInbox(ctx, e.Person.User())
	_, holdings := q.EraseInHoldings(ctx, postgresdb.EraseInHoldingsParams{Person: person, Pseudonym: pseudonym})
	_, cards := q.EraseInCards(ctx, postgresdb.EraseInCardsParams{Person: person, Pseudonym: pseudonym})
	_, people := q.EraseInPeople(ctx, postgresdb.EraseInPeopleParams{Person: person, Pseudonym: pseudonym})
	_, passes := q.EraseInPasses(ctx, postgresdb.EraseInPassesParams{Person: person, Pseudonym: pseudonym, EndedAt: e.now})
	_, pins := q.EraseSignIns(ctx, person)
	_, links := q.EraseLinks(ctx, person)
	return errors.Join(inbox, holdings, cards, people, passes, pins, links, q.BumpLinks(ctx))
}
