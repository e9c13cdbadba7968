package flowtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"breakglass/flows"
)

// World is everything outside the domain, in memory: who is who at Slack, who is on
// call, the incidents, a target with its own ledger. Its fields may be changed at
// any time; the ports read them when asked.
type World struct {
	Clock   *flows.HandClock
	Catalog *flows.Catalog

	Standings   map[flows.PersonID]flows.Standing
	Groups      map[flows.Principal][]flows.PersonID
	SlackDown   bool
	OnDuty      map[string]map[flows.PagerDutyUser]time.Time // policy → user → shift start
	PagerDown   bool
	IncidentsAt map[flows.IncidentID]flows.Incident
	Notes       map[string]int // note key → times written
	Target      *Target
	Seed        *rand.Rand
	SawResolved time.Time // when somebody last read that an incident is resolved
}

// NewWorld returns a world of seed in which nothing has happened yet.
func NewWorld(seed uint64, start time.Time) *World {
	return &World{
		Clock: flows.NewHandClock(start), Standings: map[flows.PersonID]flows.Standing{},
		Groups: map[flows.Principal][]flows.PersonID{}, OnDuty: map[string]map[flows.PagerDutyUser]time.Time{},
		IncidentsAt: map[flows.IncidentID]flows.Incident{}, Notes: map[string]int{},
		Target: NewTarget(), Seed: rand.New(rand.NewPCG(seed, 7)),
	}
}

// RequestID implements flows.IDs.
func (w *World) RequestID(now time.Time) flows.RequestID {
	return flows.RequestID(fmt.Sprintf("req_%013d%013d", now.UnixMilli(), w.Seed.Uint64N(1e13)))
}

// Random implements flows.IDs.
func (w *World) Random(b []byte) {
	for len(b) > 0 {
		var r [8]byte
		binary.LittleEndian.PutUint64(r[:], w.Seed.Uint64())
		b = b[copy(b, r[:]):]
	}
}

var errDown = errors.New("down")

// Profile implements flows.Directory.
func (w *World) Profile(_ context.Context, p flows.PersonID, _ bool) (flows.Profile, error) {
	if w.SlackDown {
		return flows.Profile{}, errDown
	}
	s, ok := w.Standings[p]
	if !ok {
		s = flows.StandingStranger
	}
	return flows.Profile{Person: p, Standing: s, Name: p.User()}, nil
}

// Members implements flows.Directory.
func (w *World) Members(_ context.Context, refs []flows.Principal) ([]flows.PersonID, error) {
	var out []flows.PersonID
	var err error
	for _, r := range refs {
		switch {
		case r.IsUser():
			out = append(out, flows.Person(w.Catalog.Team, string(r)))
		case w.SlackDown:
			err = errDown
		default:
			out = append(out, w.Groups[r]...)
		}
	}
	return out, err
}

// OnCall implements flows.OnCall.
func (w *World) OnCall(_ context.Context, q flows.OnCallQuery) flows.OnCallAnswer {
	if w.PagerDown {
		return flows.OnCallAnswer{Why: "down"}
	}
	a := flows.OnCallAnswer{Known: true, ReadAt: w.Clock.Now(), Pages: 1, Digest: "d"}
	for policy, users := range w.OnDuty {
		if q.Policy != "" && q.Policy != policy {
			continue
		}
		for u, since := range users {
			a.Entries = append(a.Entries, flows.OnCallEntry{
				User: u, PolicyID: policy, PolicyName: policy, Level: 1, ScheduleID: "S1", Schedule: "primary", Start: since, Override: flows.No,
			})
		}
	}
	return a
}

// Incident implements flows.Incidents.
func (w *World) Incident(_ context.Context, id string) (flows.Incident, error) {
	if w.PagerDown {
		return flows.Incident{}, errDown
	}
	inc, ok := w.IncidentsAt[flows.IncidentID(id)]
	if !ok {
		return flows.Incident{}, flows.ErrNotFound
	}
	inc.ReadAt = w.Clock.Now()
	if inc.Status == flows.IncidentResolved {
		w.SawResolved = inc.ReadAt
	}
	return inc, nil
}

// OpenIncidents implements flows.Incidents.
func (w *World) OpenIncidents(context.Context, flows.IncidentQuery) ([]flows.Incident, error) {
	return nil, nil
}

// IncidentsByID implements flows.Incidents.
func (w *World) IncidentsByID(ctx context.Context, ids []flows.IncidentID) (map[flows.IncidentID]flows.Incident, error) {
	out := map[flows.IncidentID]flows.Incident{}
	for _, id := range ids {
		if inc, err := w.Incident(ctx, string(id)); err == nil {
			out[id] = inc
		}
	}
	return out, nil
}

// Note implements flows.IncidentWriter.
func (w *World) Note(_ context.Context, _ flows.IncidentID, key, _ string) error {
	if w.PagerDown {
		return &flows.Temporary{Err: errDown}
	}
	w.Notes[key]++
	return nil
}

// CreateIncident implements flows.IncidentWriter.
func (w *World) CreateIncident(context.Context, string, string, flows.Text) (flows.Incident, error) {
	return flows.Incident{}, &flows.Permanent{Err: errDown}
}

// Reduce implements flows.Reducer: the reference document's two reducers in one. On
// call, the requester decides; otherwise the managers on call do.
func (w *World) Reduce(ctx context.Context, in flows.ReduceInput) flows.Evaluation {
	ev := flows.Evaluation{}
	a := w.OnCall(ctx, flows.OnCallQuery{MaxAge: in.MaxAge, Click: in.Click})
	call := flows.HostCall{Name: "pagerduty.is_on_call", Result: flows.Yes, ReadAt: a.ReadAt, Digest: a.Digest}
	if !a.Known {
		call.Result, call.Error = flows.Unknown, a.Why
		ev.Calls, ev.Tainted, ev.Fault = []flows.HostCall{call}, true, "prod.py:4: "+a.Why
		return ev
	}
	link, linked := in.Links.Of(in.Request.Content.Requester)
	on := false
	var managers []flows.PersonID
	for _, e := range a.Entries {
		on = on || linked && e.User == link.PagerDuty
		if m, ok := in.Links.At(e.User); ok && e.PolicyName == "mgr_on_call" {
			managers = append(managers, m.Person)
		}
	}
	call.Answer = on
	ev.Calls = []flows.HostCall{call}
	switch {
	case on:
		ev.Proposal = &flows.Proposal{Stages: []flows.ProposedStage{{People: []flows.PersonID{in.Request.Content.Requester}}}}
	case len(managers) > 0:
		ev.Proposal = &flows.Proposal{Stages: []flows.ProposedStage{{People: managers, Why: "on call for mgr_on_call"}}}
	}
	return ev
}

// Target is a target with its own ledger: what it really did, in order.
type Target struct {
	Has     map[flows.HoldingKey]bool
	Fence   map[flows.HoldingKey]int64
	Keys    map[string]bool // idempotency keys of grants that were applied
	Log     []Effect
	Mode    Mode
	NoFence bool // a target that does not look at fences: a seeded bug
	Now     func() time.Time
}

// Effect is one thing the target really did.
type Effect struct {
	Revoke  bool
	Request flows.RequestID
	Key     flows.HoldingKey
	Fence   int64
	At      time.Time
}

// Mode is how the target answers.
type Mode int

// The modes.
const (
	TargetWorks  Mode = iota
	TargetDown        // nothing is applied, temporary error
	TargetLoses       // applied, but the answer is lost
	TargetRefuse      // nothing is applied, permanent error on grants
)

// NewTarget returns an empty target.
func NewTarget() *Target {
	return &Target{Has: map[flows.HoldingKey]bool{}, Fence: map[flows.HoldingKey]int64{}, Keys: map[string]bool{}}
}

// Target implements worker.Targets: one kind for all.
func (t *Target) Target(string) (flows.Target, bool) { return t, true }

func key(o flows.Order) flows.HoldingKey {
	return flows.HoldingKey{Person: o.Person, Target: o.Target.ID, Scope: o.Scope}
}

// Grant implements flows.Target.
func (t *Target) Grant(_ context.Context, o flows.Order) (flows.Receipt, error) {
	if err := t.order(o, false); err != nil {
		return flows.Receipt{}, err
	}
	return flows.Receipt{ID: "r-" + string(o.Request)}, nil
}

// Revoke implements flows.Target.
func (t *Target) Revoke(_ context.Context, o flows.Order) error { return t.order(o, true) }

func (t *Target) order(o flows.Order, revoke bool) error {
	switch {
	case t.Mode == TargetDown:
		return &flows.Temporary{Err: errDown}
	case t.Mode == TargetRefuse && !revoke:
		return &flows.Permanent{Err: errDown}
	case !t.NoFence && o.Fence < t.Fence[key(o)]:
		return &flows.Temporary{Err: errors.New("an order with a higher fence came before")}
	}
	t.Fence[key(o)] = max(o.Fence, t.Fence[key(o)])
	if revoke || !t.Keys[o.Key] {
		t.Keys[o.Key] = true
		t.Has[key(o)] = !revoke
		t.Log = append(t.Log, Effect{Revoke: revoke, Request: o.Request, Key: key(o), Fence: o.Fence, At: t.Now()})
	}
	if t.Mode == TargetLoses {
		return &flows.Temporary{Err: errors.New("the answer was lost")}
	}
	return nil
}

// Read implements flows.Target.
func (t *Target) Read(_ context.Context, o flows.Order) (flows.Reading, error) {
	if t.Mode == TargetDown {
		return flows.Reading{}, &flows.Temporary{Err: errDown}
	}
	if t.Has[key(o)] {
		return flows.Reading{Has: flows.Yes}, nil
	}
	return flows.Reading{Has: flows.No}, nil
}
