package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"breakglass/flows"
)

func propertyCases() []contractCase {
	return []contractCase{{"Property/LikeTheModel", likeTheModel}}
}

// likeTheModel drives the store and the model with the same random steps and compares
// every answer. The store is not emptied between runs: each run has names of its own.
func likeTheModel(f *fixture) {
	run := 0
	rapid.Check(f.T, func(rt *rapid.T) {
		run++
		m := &machine{f: f, rt: rt, model: NewModel(), now: noon, prefix: fmt.Sprintf("%04d.", run)}
		m.sweep()
		rt.Repeat(map[string]func(*rapid.T){
			"write": m.write, "claim": m.claim, "finish": m.finish, "retry": m.retry, "extend": m.extend, "cancel": m.cancel,
			"accept": m.accept, "step": m.step, "hold": m.hold, "tick": m.tick, "": m.compare,
		})
	})
}

// machine is one run: the store, the model, and what a worker has in hand.
type machine struct {
	f      *fixture
	rt     *rapid.T
	model  *Model
	now    time.Time
	prefix string
	hand   []pair // jobs that were claimed or written leased, some of them long lost
	reqs   map[flows.RequestID]flows.Request
	holds  map[flows.HoldingKey]int64
}

// pair is one job as the store and as the model gave it.
type pair struct{ real, model flows.Job }

func (m *machine) name(t *rapid.T, label string, n int) string {
	return m.prefix + fmt.Sprint(rapid.IntRange(1, n).Draw(t, label))
}

// job draws a job: few keys, so that they are written again; few lanes, so that they
// are in each other's way.
func (m *machine) job(t *rapid.T) flows.Job {
	subject := m.name(t, "subject", 6)
	kind := rapid.SampledFrom([]flows.JobKind{flows.JobLapse, flows.JobCard, flows.JobNotice}).Draw(t, "kind")
	j := job(kind, subject, m.now.Add(time.Duration(rapid.IntRange(-3, 5).Draw(t, "due"))*time.Second))
	if lane := rapid.IntRange(0, 2).Draw(t, "lane"); lane > 0 {
		j.Lane = m.prefix + fmt.Sprint("lane", lane)
	}
	if rapid.Bool().Draw(t, "leased") {
		j.LeasedTo = m.owner(t)
		j.LeaseUntil = m.now.Add(time.Duration(rapid.IntRange(1, 4).Draw(t, "lease")) * time.Second)
	}
	return j
}

func (m *machine) owner(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b"}).Draw(t, "owner")
}

// outcome is what both must agree on about an error.
func outcome(err error) string {
	for _, known := range []error{flows.ErrConflict, flows.ErrDuplicate, flows.ErrLeaseLost, flows.ErrNotFound} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if err != nil {
		return "another error"
	}
	return "done"
}

// agree compares two answers; ids of jobs differ by how many jobs earlier runs made,
// so jobs are compared without.
func (m *machine) agree(what string, real, model []flows.Job, realErr, modelErr error) bool {
	m.f.Helper()
	if a, b := outcome(realErr), outcome(modelErr); a != b {
		m.rt.Fatalf("%s: the store says %v, the model %v", what, realErr, modelErr)
	}
	if len(real) != len(model) {
		m.rt.Fatalf("%s: the store gives %v, the model %v", what, keys(real), keys(model))
	}
	for i := range real {
		a, b := describe(real[i]), describe(model[i])
		if a != b {
			m.rt.Fatalf("%s: job %d:\nstore %s\nmodel %s", what, i, a, b)
		}
		if real[i].LeasedTo != "" {
			m.hand = append(m.hand, pair{real[i], model[i]})
		}
	}
	return realErr == nil
}

func describe(j flows.Job) string {
	return fmt.Sprintf("%s %s %s lane %q at %v args %s attempts %d %q rev %d lease %d of %q until %v",
		j.Kind, j.Key, j.Subject, j.Lane, j.RunAt.UTC(), j.Args, j.Attempts, j.LastErr, j.Rev, j.Lease, j.LeasedTo, j.LeaseUntil.UTC())
}

// both applies a change to both; done, if not nil, is the job that it finishes.
func (m *machine) both(what string, c flows.Change, done *pair) bool {
	real, model := c, c
	if done != nil {
		real.Done, model.Done = &done.real, &done.model
	}
	a, errA := m.f.s.Apply(m.f.ctx, real)
	b, errB := m.model.Apply(m.f.ctx, model)
	return m.agree(what, a, b, errA, errB)
}

func (m *machine) write(t *rapid.T) {
	var c flows.Change
	for range rapid.IntRange(1, 3).Draw(t, "jobs") {
		c.Jobs = append(c.Jobs, m.job(t))
	}
	m.both("write", c, nil)
}

func (m *machine) claim(t *rapid.T) {
	owner, limit := m.owner(t), rapid.IntRange(1, 4).Draw(t, "limit")
	lease := time.Duration(rapid.IntRange(1, 4).Draw(t, "lease")) * time.Second
	a, errA := m.f.s.Claim(m.f.ctx, owner, m.now, lease, limit)
	b, errB := m.model.Claim(m.f.ctx, owner, m.now, lease, limit)
	m.agree("claim", a, b, errA, errB)
}

// pick draws a job in hand; true if there is one.
func (m *machine) pick(t *rapid.T) (*pair, bool) {
	if len(m.hand) == 0 {
		return nil, false
	}
	return &m.hand[rapid.IntRange(0, len(m.hand)-1).Draw(t, "in hand")], true
}

func (m *machine) finish(t *rapid.T) {
	done, ok := m.pick(t)
	if !ok {
		return
	}
	held := *done
	var c flows.Change
	for range rapid.IntRange(0, 2).Draw(t, "follow") {
		c.Jobs = append(c.Jobs, m.job(t))
	}
	if rapid.Bool().Draw(t, "cancel too") {
		c.Cancel = []string{held.real.Key}
	}
	m.both("finish", c, &held)
}

func (m *machine) retry(t *rapid.T) {
	if j, ok := m.pick(t); ok {
		at := m.now.Add(time.Second)
		m.agree("retry", nil, nil, m.f.s.Retry(m.f.ctx, j.real, at, "broken"), m.model.Retry(m.f.ctx, j.model, at, "broken"))
	}
}

func (m *machine) extend(t *rapid.T) {
	if j, ok := m.pick(t); ok {
		until := m.now.Add(3 * time.Second)
		m.agree("extend", nil, nil, m.f.s.Extend(m.f.ctx, j.real, until), m.model.Extend(m.f.ctx, j.model, until))
	}
}

func (m *machine) cancel(t *rapid.T) {
	m.both("cancel", flows.Change{Cancel: []string{m.job(t).Key}}, nil)
}

func (m *machine) accept(t *rapid.T) {
	key := m.name(t, "inbox", 4)
	row := flows.InboxRow{Key: key, Kind: "x", Body: []byte(key), At: m.now}
	j := job(flows.JobInbox, key, m.now)
	a, freshA, errA := m.f.s.Accept(m.f.ctx, row, j)
	b, freshB, errB := m.model.Accept(m.f.ctx, row, j)
	m.agree("accept", []flows.Job{a}, []flows.Job{b}, errA, errB)
	if freshA != freshB {
		m.rt.Fatalf("accept: the store says fresh %v, the model %v", freshA, freshB)
	}
	if rapid.Bool().Draw(t, "handle") {
		m.both("handle", flows.Change{Inbox: key}, nil)
	}
}

// step takes a request to a random state, from what a slow caller last knew of it.
func (m *machine) step(t *rapid.T) {
	id := flows.RequestID(m.name(t, "request", 3))
	r, known := m.reqs[id]
	if !known {
		r = asks(id, flows.PersonID(m.name(t, "person", 2)), "db")
	}
	to := rapid.SampledFrom(flows.States()).Draw(t, "to")
	c := m.f.step(r, to)
	c.Cancel = nil // final states keep their jobs here: more to disagree on
	if rapid.IntRange(0, 4).Draw(t, "forget the revoke job") == 0 {
		c.Jobs = nil
	}
	if m.both("step to "+string(to), c, nil) && rapid.IntRange(0, 9).Draw(t, "answer lost") > 0 {
		if m.reqs == nil {
			m.reqs = map[flows.RequestID]flows.Request{}
		}
		m.reqs[id] = *c.Request
	}
}

func (m *machine) hold(t *rapid.T) {
	key := flows.HoldingKey{Person: flows.PersonID(m.name(t, "person", 2)), Target: "db"}
	version := m.holds[key] + int64(rapid.IntRange(1, 2).Draw(t, "version"))
	if m.both("hold", flows.Change{Holding: &flows.Holding{Key: key, Version: version}}, nil) {
		if m.holds == nil {
			m.holds = map[flows.HoldingKey]int64{}
		}
		m.holds[key] = version
	}
}

func (m *machine) tick(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 3).Draw(t, "seconds")) * time.Second)
}

// compare looks at both after every step.
func (m *machine) compare(t *rapid.T) {
	atA, okA, errA := m.f.s.NextDue(m.f.ctx)
	atB, okB, errB := m.model.NextDue(m.f.ctx)
	m.agree("next due", nil, nil, errA, errB)
	if okA != okB || !atA.Equal(atB) {
		t.Fatalf("next due: the store says %v, %v, the model %v, %v", atA, okA, atB, okB)
	}
	for id := range m.reqs {
		a, errA := m.f.s.Load(m.f.ctx, id)
		b, errB := m.model.Load(m.f.ctx, id)
		m.agree("load", nil, nil, errA, errB)
		if a.Request.Version != b.Request.Version || a.Request.State != b.Request.State || a.Holding.Version != b.Holding.Version {
			t.Fatalf("load %s: the store has version %d %s, the model %d %s", id, a.Request.Version, a.Request.State, b.Request.Version, b.Request.State)
		}
	}
}

// sweep ends whatever the runs before left behind, so that this one starts with no
// jobs and no undecided requests.
func (m *machine) sweep() {
	f := m.f
	open, err := f.s.Requests(f.ctx, flows.RequestFilter{Limit: 1000, States: slices.DeleteFunc(flows.States(), flows.State.Final)})
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range open {
		path := pathToFinal(r.State)
		f.walk(r, path...)
	}
	for {
		left := f.claim("sweep", noon.AddDate(100, 0, 0), 1000)
		if len(left) == 0 {
			return
		}
		f.apply(flows.Change{Cancel: keys(left)})
	}
}

// pathToFinal is a way from a state to the end of a life.
func pathToFinal(s flows.State) (path []flows.State) {
	for !s.Final() {
		next := s
		for _, step := range flows.Lifecycle() {
			if step.From == s && step.To != s && (next == s || step.To.Final()) {
				next = step.To
			}
		}
		path = append(path, next)
		s = next
	}
	return path
}
