package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"breakglass/flows"
)

// noon is when every test begins.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// fixture is a store under test with the words the tests are written in.
type fixture struct {
	*testing.T
	s      Store
	sub    Subject
	ctx    context.Context
	random func([]byte)
}

func newFixture(t *testing.T, sub Subject) *fixture {
	return &fixture{T: t, s: sub.Store, sub: sub, ctx: t.Context(), random: counting()}
}

// counting is a source of bytes that are all different and the same in every run.
func counting() func([]byte) {
	var n uint64
	return func(b []byte) {
		n++
		for i := range b {
			b[i] = byte(n >> (8 * (i % 8)))
		}
	}
}

// raw is the database beside the store; without one the test is skipped.
func (f *fixture) raw() *sql.DB {
	f.Helper()
	if f.sub.Raw == nil {
		f.Skip("this store has no database to reach around it")
	}
	return f.sub.Raw
}

// reopen closes the store and opens it again.
func (f *fixture) reopen() {
	f.Helper()
	if f.sub.Reopen == nil {
		f.Skip("this store forgets when it is closed")
	}
	f.s = f.sub.Reopen()
}

// asks is a request that person makes for target, not yet submitted.
func asks(id flows.RequestID, person flows.PersonID, target flows.TargetID) flows.Request {
	c := flows.Content{
		Flow: "prod", Target: target, Requester: person, Beneficiary: person,
		Duration: time.Hour, Reason: flows.NewText("the database is down"),
		Incident: flows.IncidentRef{ID: "Q1", Number: 4711},
	}
	return flows.Request{
		ID: id, State: flows.StateNone, Content: c, Hash: c.Hash(id), SubmittedAt: noon, Door: flows.DoorSlack,
		LapsesAt: noon.Add(2 * time.Hour), GrantBy: noon.Add(time.Hour), EndsAt: noon.Add(3 * time.Hour),
	}
}

// step is the change that takes r to state to, with its entry and whatever else a
// state must have; the request in it is the one after.
func (f *fixture) step(r flows.Request, to flows.State) flows.Change {
	f.Helper()
	entry := flows.Entry{
		Verb: "to_" + string(to), From: r.State, To: to, At: noon, Actor: flows.Actor{Person: r.Content.Requester, Door: flows.DoorSlack},
		Facts: map[string]any{"reason": flows.Personal{About: r.Content.Requester, Value: r.Content.Reason.Raw()}, "state": string(to)},
	}
	sealed, head, err := flows.Seal(string(r.ID), r.Chain, []flows.Entry{entry}, f.random)
	if err != nil {
		f.Fatal(err)
	}
	r.State, r.Chain, r.Version = to, head, r.Version+1
	c := flows.Change{Request: &r, Chain: string(r.ID), Entries: sealed}
	switch {
	case to == flows.StateDenied:
		r.DecidedAt, r.DecidedBy = noon, "T/UMARA"
	case to == flows.StateGranting || to == flows.StateActive || to == flows.StateEnding:
		c.Jobs = []flows.Job{job(flows.JobRevoke, string(r.ID), noon.Add(time.Hour))}
	case to.Final():
		c.Cancel = []string{flows.JobKey(flows.JobRevoke, string(r.ID))}
	}
	return c
}

// walk takes r through the states, each with a commit of its own.
func (f *fixture) walk(r flows.Request, states ...flows.State) flows.Request {
	f.Helper()
	for _, to := range states {
		c := f.step(r, to)
		f.apply(c)
		r = *c.Request
	}
	return r
}

// pathTo is a way through the life cycle from nothing to the state.
func pathTo(to flows.State) []flows.State {
	paths := map[flows.State][]flows.State{flows.StateNone: nil}
	for queue := []flows.State{flows.StateNone}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, s := range flows.Lifecycle() {
			if _, known := paths[s.To]; s.From == at && !known {
				paths[s.To] = append(slices.Clone(paths[at]), s.To)
				queue = append(queue, s.To)
			}
		}
	}
	return paths[to]
}

// job is a job of a kind for a subject, due at a time.
func job(kind flows.JobKind, subject string, at time.Time) flows.Job {
	return flows.Job{Kind: kind, Key: flows.JobKey(kind, subject), Subject: subject, RunAt: at}
}

// in puts the job into a lane.
func in(lane string, j flows.Job) flows.Job { j.Lane = lane; return j }

// leasedTo asks for the job to be written leased.
func leasedTo(owner string, j flows.Job) flows.Job {
	j.LeasedTo, j.LeaseUntil = owner, noon.Add(15*time.Second)
	return j
}

func (f *fixture) apply(c flows.Change) []flows.Job {
	f.Helper()
	jobs, err := f.s.Apply(f.ctx, c)
	if err != nil {
		f.Fatalf("apply: %v", err)
	}
	return jobs
}

// write stores jobs and returns them as stored.
func (f *fixture) write(jobs ...flows.Job) []flows.Job {
	f.Helper()
	return f.apply(flows.Change{Jobs: jobs})
}

// refused applies a change that must fail with want (any error if nil) and checks that
// it left nothing behind.
func (f *fixture) refused(c flows.Change, want error) {
	f.Helper()
	before := f.everything()
	_, err := f.s.Apply(f.ctx, c)
	switch {
	case err == nil:
		f.Fatalf("apply succeeded, want %v", want)
	case want != nil && !errors.Is(err, want):
		f.Fatalf("apply: %v, want %v", err, want)
	case want == nil && (errors.Is(err, flows.ErrConflict) || errors.Is(err, flows.ErrDuplicate) || errors.Is(err, flows.ErrLeaseLost)):
		f.Fatalf("apply: %v, which would have the engine try again", err)
	}
	f.same(before, f.everything())
}

// picture is all that can be seen of a store through its ports.
type picture struct {
	Requests []flows.Request
	Records  []flows.Record
	Entries  map[string][]flows.Sealed
	NextDue  string
	PastDue  []flows.RequestID
}

func (f *fixture) everything() picture {
	f.Helper()
	p := picture{Entries: map[string][]flows.Sealed{}}
	var err error
	if p.Requests, err = f.s.Requests(f.ctx, flows.RequestFilter{Limit: 1000}); err != nil {
		f.Fatal(err)
	}
	for _, r := range p.Requests {
		p.Records = append(p.Records, f.load(r.ID))
		p.Entries[string(r.ID)] = f.entries(string(r.ID))
	}
	p.Entries["system"] = f.entries("system")
	at, ok, err := f.s.NextDue(f.ctx)
	if err != nil {
		f.Fatal(err)
	}
	p.NextDue = fmt.Sprint(at, ok)
	if p.PastDue, err = f.s.PastDue(f.ctx, noon.AddDate(10, 0, 0), 1000); err != nil {
		f.Fatal(err)
	}
	return p
}

func (f *fixture) load(id flows.RequestID) flows.Record {
	f.Helper()
	rec, err := f.s.Load(f.ctx, id)
	if err != nil {
		f.Fatalf("load %s: %v", id, err)
	}
	return rec
}

func (f *fixture) entries(chain string) []flows.Sealed {
	f.Helper()
	list, err := f.s.Entries(f.ctx, chain)
	if err != nil {
		f.Fatalf("entries of %s: %v", chain, err)
	}
	return list
}

func (f *fixture) claim(owner string, now time.Time, limit int) []flows.Job {
	f.Helper()
	jobs, err := f.s.Claim(f.ctx, owner, now, 15*time.Second, limit)
	if err != nil {
		f.Fatalf("claim: %v", err)
	}
	return jobs
}

// claimOne claims the one job that must be there.
func (f *fixture) claimOne(owner string, now time.Time) flows.Job {
	f.Helper()
	jobs := f.claim(owner, now, 1)
	if len(jobs) != 1 {
		f.Fatalf("claimed %v, want one job", keys(jobs))
	}
	return jobs[0]
}

// keys are the keys of jobs, in their order.
func keys(jobs []flows.Job) []string {
	out := []string{}
	for _, j := range jobs {
		out = append(out, j.Key)
	}
	return out
}

// same compares what the store gave with what was expected.
func (f *fixture) same(want, got any) {
	f.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.AllowUnexported(flows.Text{})); d != "" {
		f.Fatalf("not as expected (-want +got):\n%s", d)
	}
}

// is fails unless err is want.
func (f *fixture) is(err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Errorf("error %v, want %v", err, want)
	}
}
