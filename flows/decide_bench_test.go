package flows_test

import (
	"context"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/flowtest"
)

// Deciding is the smallest part of a decision, and stays it: under 5 µs each. The time
// is for the reader of a benchmark; what does not depend on the machine, the number of
// allocations, is held by TestDecideAllocates.

// deciding is one call of Decide with everything it needs.
type deciding struct {
	name   string
	req    *flows.Request
	cmd    flows.Command
	facts  flows.Facts
	now    time.Time
	allocs float64 // at most
	want   flows.State
}

// decidings are the decisions of a request's life up to its approval: on call and for
// herself, and by a manager.
func decidings(t testing.TB) []deciding {
	t.Helper()
	w := flowtest.NewWorld(1, start)
	w.Catalog = catalog("f1")
	w.OnDuty["primary"] = map[flows.PagerDutyUser]time.Time{"PDANA": start.Add(-5 * time.Hour)}
	w.OnDuty["mgr_on_call"] = map[flows.PagerDutyUser]time.Time{"PMARA": start.Add(-5 * time.Hour), "PNOOR": start.Add(-6 * time.Hour)}
	var all []deciding
	add := func(name string, most float64, want flows.State, req *flows.Request, cmd flows.Command, f flows.Facts) *flows.Request {
		d := deciding{name: name, req: req, cmd: cmd, facts: f, now: start.Add(time.Minute), allocs: most, want: want}
		out := flows.Decide(d.req, d.cmd, d.facts, d.now)
		if out.Refusal != nil || out.Request.State != want {
			t.Fatalf("%s: %s, refusal %v", name, out.Request.State, out.Refusal)
		}
		all = append(all, d)
		return &out.Request
	}
	for _, who := range []struct {
		asks, decides flows.PersonID
		name          string
	}{{dana, dana, "self"}, {sam, mara, "manager"}} {
		f := factsAbout(w, who.asks)
		asked := add("submit/"+who.name, 40, flows.StateSubmitted, nil, flows.Command{
			Verb: flows.VerbSubmit, ID: "req_1", Actor: slackActor(who.asks), Content: flows.Content{
				Flow: "prod", Target: "db", Requester: who.asks, Beneficiary: who.asks, Duration: time.Hour, Reason: flows.NewText("the ledger is stuck"),
			},
		}, f)
		f = evaluated(w, f, asked)
		pending := add("route/"+who.name, 75, flows.StatePending, asked, flows.Command{Verb: flows.VerbRoute, ID: "req_1", Actor: flows.ByEngine()}, f)
		f = evaluated(w, f, pending)
		add("approve/"+who.name, 75, flows.StateApproved, pending, flows.Command{
			Verb: flows.VerbApprove, ID: "req_1", Actor: slackActor(who.decides), Hash: pending.Hash,
		}, f)
	}
	return all
}

func slackActor(p flows.PersonID) flows.Actor {
	return flows.Actor{Person: p, Door: flows.DoorSlack, Standing: flows.StandingMember, Trace: "action_ts=1795317160.000100,channel=D0DANA"}
}

// factsAbout are the facts that do not depend on the request.
func factsAbout(w *flowtest.World, p flows.PersonID) flows.Facts {
	f := flows.Facts{
		Catalog: w.Catalog, Limits: flows.DefaultLimits(), Requester: flows.StandingMember, Allowed: flows.Yes,
		Fallback: []flows.PersonID{noor, adam}, FallbackOK: true,
	}
	if link, ok := w.Catalog.Links.Of(p); ok {
		f.Link = &link
	}
	return f
}

func evaluated(w *flowtest.World, f flows.Facts, r *flows.Request) flows.Facts {
	ev := w.Reduce(context.Background(), flows.ReduceInput{Request: r, Links: w.Catalog.Links})
	on := w.OnCall(context.Background(), flows.OnCallQuery{Policy: "primary"})
	f.Evaluation, f.OnCall = &ev, &on
	return f
}

// Allocations are most of what deciding costs, and do not depend on the machine.
func TestDecideAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, too")
	}
	for _, d := range decidings(t) {
		if got := testing.AllocsPerRun(100, func() { flows.Decide(d.req, d.cmd, d.facts, d.now) }); got > d.allocs {
			t.Errorf("%s: %.0f allocations, want at most %.0f", d.name, got, d.allocs)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, d := range decidings(b) {
		b.Run(d.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				flows.Decide(d.req, d.cmd, d.facts, d.now)
			}
		})
	}
}
