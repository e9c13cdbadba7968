package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"breakglass/flows"
	"breakglass/store"
)

// past writes requests of all kinds into a store and keeps them as they were written.
type past struct {
	*testing.T
	s    *store.Store
	r    *rand.Rand
	now  time.Time
	all  []flows.Request
	lost map[flows.PersonID]bool // erased
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (p *past) person() flows.PersonID {
	return flows.PersonID("T/" + pick(p.r, "UDANA", "USAM", "UMARA", "UNOOR"))
}

// request asks for something, and takes it to one of the ends of the life cycle.
func (p *past) request(i int) {
	p.Helper()
	who := p.person()
	c := flows.Content{
		Flow: pick[flows.FlowID](p.r, "prod", "Prod", "data"), Target: pick[flows.TargetID](p.r, "db", "console"), Scope: flows.Scope(fmt.Sprint(i)),
		Requester: who, Beneficiary: pick(p.r, who, p.person()), Duration: time.Hour,
		Reason: flows.NewText(pick(p.r, "payouts are stuck", "the Database is 100% full", "OPS_17 rollback", "Ärger mit der Datenbank")),
	}
	if n := p.r.IntN(4); n > 0 {
		c.Incident = flows.IncidentRef{ID: flows.IncidentID(fmt.Sprintf("Q%d", n)), Number: 4700 + n}
	}
	p.now = p.now.Add(time.Duration(p.r.IntN(3)) * 700 * time.Microsecond) // some at the same time
	if p.r.IntN(8) == 0 {                                                  // days go by, too
		p.now = p.now.Add(time.Duration(p.r.IntN(60)) * time.Hour)
	}
	id := flows.RequestID(fmt.Sprintf("req_%04d", p.r.IntN(10_000)*1000+i))
	r := flows.Request{ID: id, Content: c, Hash: c.Hash(id), SubmittedAt: p.now}
	p.step(&r, flows.StateSubmitted, flows.VerbSubmit)
	switch p.r.IntN(5) {
	case 0:
		r.DecidedAt, r.DecidedBy, r.DenyWhy = p.now, p.person(), flows.NewText("use the replica")
		p.step(&r, flows.StateDenied, flows.VerbDeny)
	case 1:
		p.step(&r, flows.StateLapsed, flows.VerbLapse)
	case 2:
		p.granted(&r)
	case 3:
		p.step(&r, flows.StatePending, flows.VerbRoute)
		r.Votes = append(r.Votes, flows.Vote{By: p.person(), At: p.now})
		p.step(&r, flows.StatePending, flows.VerbApprove)
	}
	p.all = append(p.all, r)
}

func (p *past) granted(r *flows.Request) {
	by := p.person()
	r.DecidedAt, r.DecidedBy, r.SelfMade = p.now, by, by == r.Content.Requester
	p.step(r, flows.StateApproved, flows.VerbApprove)
	p.step(r, flows.StateGranting, flows.VerbActivate)
	if p.r.IntN(2) == 0 {
		r.GrantedAt = p.now
		p.step(r, flows.StateActive, flows.VerbGranted)
	}
	if r.Content.Incident.ID != "" && p.r.IntN(2) == 0 {
		r.MovedTo = "QPARENT"
		p.step(r, r.State, "incident_merged")
	}
	r.EndedBy, r.EndWhy = p.person(), flows.NewText("Not needed any more")
	p.step(r, flows.StateEnding, flows.VerbRevoke)
	r.EndedAt = p.now
	if r.SelfMade || p.r.IntN(3) == 0 {
		r.Review = &flows.Review{State: flows.ReviewOpen, Within: time.Hour, DueAt: p.now.Add(time.Hour)}
	}
	p.step(r, flows.StateEnded, flows.VerbRevoked)
	if r.Review != nil && p.r.IntN(2) == 0 {
		closed := *r.Review
		closed.State, closed.By, closed.At, closed.Verdict = flows.ReviewClosed, "T/UAUDI", p.now, flows.VerdictOK
		r.Review = &closed
		p.step(r, flows.StateEnded, flows.VerbReview)
	}
}

func (p *past) step(r *flows.Request, to flows.State, v flows.Verb) {
	p.Helper()
	sealed, head, err := flows.Seal(string(r.ID), r.Chain, []flows.Entry{{Verb: string(v), From: r.State, To: to, At: p.now}}, func([]byte) {})
	if err != nil {
		p.Fatal(err)
	}
	r.State, r.Chain, r.Version = to, head, r.Version+1
	c := flows.Change{Request: r, Entries: sealed}
	if to.Live() {
		c.Jobs = []flows.Job{{Kind: flows.JobRevoke, Key: "revoke:" + string(r.ID), Subject: string(r.ID), RunAt: p.now.Add(time.Hour)}}
	}
	if _, err := p.s.Apply(p.Context(), c); err != nil {
		p.Fatal(err)
	}
}

// search makes a question up.
func (p *past) search() flows.Search {
	var f flows.Search
	set := func(what func()) {
		if p.r.IntN(4) == 0 {
			what()
		}
	}
	set(func() { f.Incident = pick[flows.IncidentID](p.r, "Q1", "Q2", "QPARENT", "QNONE") })
	set(func() { f.Number = pick(p.r, 4701, 4703, 9) })
	if f.Incident != "" {
		f.Number = 0
	}
	if f.Incident == "" && f.Number == 0 {
		set(func() { f.Bare = true })
	}
	for range pick(p.r, 0, 0, 1, 2) {
		f.People = append(f.People, flows.Involved{Person: p.person(), Part: pick(p.r, flows.AnyPart, flows.PartRequester,
			flows.PartHolder, flows.PartApprover, flows.PartDenier, flows.PartEnder)})
	}
	set(func() { f.Viewer = p.person() })
	set(func() { f.Target = pick[flows.TargetID](p.r, "db", "console", "DB") })
	set(func() { f.Flow = pick[flows.FlowID](p.r, "prod", "data") })
	set(func() { f.States = []flows.State{flows.StateDenied} })
	set(func() {
		f.States = []flows.State{flows.StateEnded, flows.StateLapsed, flows.StatePending, flows.StateSubmitted}[:p.r.IntN(5)]
	})
	set(func() { f.Review = pick(p.r, flows.ReviewOpen, flows.ReviewClosed) })
	set(func() { f.Since = p.all[p.r.IntN(len(p.all))].SubmittedAt })
	set(func() { f.Until = p.all[p.r.IntN(len(p.all))].SubmittedAt })
	set(func() {
		f.Words = [][]string{{"DATABASE"}, {"100%"}, {"ops_17", "rollback"}, {"ärger"}, {"needed any"}, {"replica"}, {"stuck", "not needed"}}[p.r.IntN(7)]
		if p.r.IntN(2) == 0 { // as words are asked for most of the time: within a time, of everything
			f = flows.Search{Words: f.Words, Since: p.all[p.r.IntN(len(p.all))].SubmittedAt, States: f.States, Review: f.Review, Target: f.Target, Bare: f.Bare, Until: f.Until}
		}
	})
	f.Limit = 1 + p.r.IntN(9)
	return f
}

// want answers a question by looking at everything.
func (p *past) want(f flows.Search) []flows.RequestID {
	var out []flows.Request
	for _, r := range p.all {
		if p.answers(r, f) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b flows.Request) int {
		if c := b.SubmittedAt.Truncate(time.Millisecond).Compare(a.SubmittedAt.Truncate(time.Millisecond)); c != 0 {
			return c
		}
		return strings.Compare(string(b.ID), string(a.ID))
	})
	return ids(out)
}

func (p *past) answers(r flows.Request, f flows.Search) bool {
	refs := r.Incidents()
	had := func(who flows.PersonID, part flows.Part) bool {
		return slices.ContainsFunc(r.Parts(), func(in flows.Involved) bool { return in.Person == who && in.Part&part != 0 })
	}
	for _, in := range f.People {
		if !had(in.Person, in.Part) {
			return false
		}
	}
	ms := func(t time.Time) int64 { return t.UnixMilli() }
	ceil := func(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }
	for _, w := range f.Words {
		if !p.says(r, w) {
			return false
		}
	}
	return (!f.Bare || len(refs) == 0) && (f.Incident == "" || slices.ContainsFunc(refs, func(i flows.IncidentRef) bool { return i.ID == f.Incident })) &&
		(f.Number == 0 || slices.ContainsFunc(refs, func(i flows.IncidentRef) bool { return i.Number == f.Number })) &&
		(f.Viewer == "" || had(f.Viewer, flows.AnyPart)) && (f.Target == "" || r.Content.Target == f.Target) &&
		(f.Flow == "" || r.Content.Flow == f.Flow) && (f.Review == "" || r.ReviewIs() == f.Review) && (len(f.States) == 0 || slices.Contains(f.States, r.State)) &&
		(f.Since.IsZero() || ms(r.SubmittedAt) >= ceil(f.Since)) && (f.Until.IsZero() || ms(r.SubmittedAt) < ceil(f.Until))
}

func (p *past) says(r flows.Request, word string) bool {
	plain := func(s string) string {
		return strings.Join(strings.Fields(strings.Map(func(c rune) rune {
			if strings.ContainsRune(`%_\`, c) {
				return ' '
			}
			return c
		}, strings.ToLower(s))), " ")
	}
	for _, t := range []struct {
		by   flows.PersonID
		text flows.Text
	}{{r.Content.Requester, r.Content.Reason}, {r.DecidedBy, r.DenyWhy}, {r.EndedBy, r.EndWhy}} {
		if !p.lost[t.by] && strings.Contains(plain(t.text.Raw()), plain(word)) {
			return true
		}
	}
	return false
}

func ids(all []flows.Request) []flows.RequestID {
	out := []flows.RequestID{}
	for _, r := range all {
		out = append(out, r.ID)
	}
	return out
}

// pages reads a search to its end.
func (p *past) pages(f flows.Search) []flows.RequestID {
	p.Helper()
	out := []flows.RequestID{}
	for range 1000 {
		page, err := p.s.Search(p.Context(), f)
		if err != nil {
			p.Fatal(err)
		}
		if len(page.Requests) > f.Limit || page.Next.ID != "" && len(page.Requests) < f.Limit {
			p.Errorf("a page of %d with the limit %d, next %v", len(page.Requests), f.Limit, page.Next)
		}
		p.documents(f, page)
		out = append(out, ids(page.Requests)...)
		if page.Next.ID == "" {
			return out
		}
		f.After = page.Next
	}
	p.Fatal("the pages do not end")
	return nil
}

// documents holds a page of documents to the page of requests.
func (p *past) documents(f flows.Search, page flows.Found) {
	p.Helper()
	var all []flows.Request
	next, err := p.s.SearchDocs(p.Context(), f, func(i int, doc []byte) error {
		var r flows.Request
		if i != len(all) {
			return fmt.Errorf("document %d is called %d", len(all), i)
		}
		err := json.Unmarshal(doc, &r)
		all = append(all, r)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	if d := cmp.Diff(flows.Found{Requests: all, Next: next}, page, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b flows.Text) bool { return a == b })); d != "" {
		p.Fatalf("%+v: the documents are not the requests:\n%s", f, d)
	}
	enough := errors.New("enough")
	if _, err := p.s.SearchDocs(p.Context(), f, func(int, []byte) error { return enough }); len(all) > 0 && !errors.Is(err, enough) {
		p.Errorf("who has enough is told %v", err)
	}
}

// TestSearch holds every answer, read page by page, to what looking at everything says.
func TestSearch(t *testing.T) {
	onBoth(t, func(t *testing.T, pl place) {
		p := &past{T: t, s: mustOpen(t, pl.Options), r: rand.New(rand.NewPCG(4, 7)), now: noon, lost: map[flows.PersonID]bool{}}
		for i := range 120 {
			p.request(i)
		}
		found := 0
		check := func(times int) {
			for range times {
				f := p.search()
				want, got := p.want(f), p.pages(f)
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%+v:\n%s", f, d)
				}
				found += len(got)
			}
		}
		check(250)
		p.lost["T/USAM"] = true
		if _, err := p.s.EraseOpenings(t.Context(), "T/USAM"); err != nil {
			t.Fatal(err)
		}
		check(100)
		if found < 1000 {
			t.Errorf("only %d requests were found in all: the questions are too narrow", found)
		}
	})
}

func TestPartIn(t *testing.T) {
	onBoth(t, func(t *testing.T, pl place) {
		s := mustOpen(t, pl.Options)
		if err := decide(t.Context(), s, "1"); err != nil {
			t.Fatal(err)
		}
		for who, want := range map[flows.PersonID]flows.Part{"T/U1": flows.PartRequester | flows.PartHolder, "T/u1": 0, "T/UELSE": 0} {
			if got, err := s.PartIn(t.Context(), "req_1", who); got&^flows.PartDenier != want || err != nil {
				t.Errorf("%s: %v, %v, want %v", who, got, err, want)
			}
		}
		if got, err := s.PartIn(t.Context(), "req_none", "T/U1"); got != 0 || err != nil {
			t.Errorf("no such request: %v, %v", got, err)
		}
	})
}

// TestReviewsFromBefore: a review that was opened by the version before is found by when
// its access was asked for, after the migration and by a replica that is still of it.
func TestReviewsFromBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, o place) {
		s := mustOpen(t, o.Options)
		p := &past{T: t, s: s, r: rand.New(rand.NewPCG(1, 1)), now: noon}
		for i := 0; len(p.all) < 3; i++ {
			p.request(i)
			if p.all[len(p.all)-1].ReviewIs() != flows.ReviewOpen {
				p.all = p.all[:len(p.all)-1]
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		back := []string{"DROP INDEX reviews_at", "ALTER TABLE reviews DROP COLUMN submitted_at", "DROP TABLE packed_openings", "ALTER TABLE entries DROP COLUMN packed", "DELETE FROM goose_db_version WHERE version_id >= 16"}
		if o.driver == "sqlite" { // its trigger names the column
			back = append([]string{"DROP TRIGGER reviews_step", "CREATE TRIGGER reviews_step BEFORE UPDATE ON reviews BEGIN SELECT 1; END"}, back...)
		}
		run(t, o.driver, o.raw, append(unsummed(o.driver), back...)...)
		s = mustOpen(t, o.Options)
		p.s = s
		var want []flows.RequestID
		for _, r := range slices.Backward(p.all) {
			want = append(want, r.ID)
		}
		for range 2 {
			found, err := s.Search(t.Context(), flows.Search{Review: flows.ReviewOpen, Since: noon})
			if d := cmp.Diff(want, ids(found.Requests)); err != nil || d != "" {
				t.Errorf("%v\n%s", err, d)
			}
			if o.driver == "sqlite" {
				return
			}
			run(t, o.driver, o.raw, "ALTER TABLE reviews DISABLE TRIGGER reviews_check", "DELETE FROM reviews", "ALTER TABLE reviews ENABLE TRIGGER reviews_check")
			for _, r := range p.all {
				run(t, o.driver, o.raw, "INSERT INTO reviews (request, state, due_at) VALUES ('"+string(r.ID)+"', 'open', 1)")
			}
		}
	})
}
