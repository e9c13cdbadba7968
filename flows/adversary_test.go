package flows_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/flowtest"
	"breakglass/flows/worker"
)

// Attacks: what somebody would try who wants access without the right approval, or to
// keep it past its end. Each is played by hand in the world of the histories.
type attack struct {
	*history
	t       *testing.T
	endOnly string
	reduce  func(flows.ReduceInput) flows.Evaluation // nil: the world's
	unread  bool                                     // readings of incidents fail, and nothing else
}

func attackOn(t *testing.T) *attack {
	t.Parallel()
	return anotherAttack(t)
}

// anotherAttack is one more world for the same test.
func anotherAttack(t *testing.T) *attack {
	a := &attack{history: newHistory(1), t: t}
	a.mem.Interleave, a.mem.Fail = nil, nil
	a.engine = flows.NewEngine(flows.Options{
		Ledger: a.mem, Chains: a.mem, Counts: a.mem, Reducer: a, OnCall: a.World, Incidents: a, Directory: a.World, Clock: a.Clock, IDs: a.World,
		Catalog: func() *flows.Catalog { return a.Catalog }, Owner: "me", EndOnly: func() string { return a.endOnly },
	})
	a.jobs.Engine = a.engine
	return a
}

// Reduce is the attack's reducer.
func (a *attack) Reduce(ctx context.Context, in flows.ReduceInput) flows.Evaluation {
	if a.reduce != nil {
		return a.reduce(in)
	}
	return a.World.Reduce(ctx, in)
}

// Incident fails where PagerDuty does not answer about incidents.
func (a *attack) Incident(ctx context.Context, id string) (flows.Incident, error) {
	if a.unread {
		return flows.Incident{}, &flows.Temporary{Err: errDied}
	}
	return a.World.Incident(ctx, id)
}

func (a *attack) do(cmd flows.Command, by flows.PersonID) flows.Result {
	a.t.Helper()
	cmd.Actor = flows.Actor{Person: by, Door: flows.DoorSlack}
	if cmd.Hash == "" {
		cmd.Hash = a.mem.Requests[cmd.ID].Hash
	}
	res, err := a.engine.Do(context.Background(), cmd, flows.Finish{})
	if err != nil {
		a.t.Fatalf("%s by %s: %v", cmd.Verb, by, err)
	}
	return res
}

// asks submits and routes a request.
func (a *attack) asks(by flows.PersonID, edit func(*flows.Content)) flows.RequestID {
	a.t.Helper()
	c := flows.Content{Flow: "prod", Target: "db", Duration: time.Hour, Reason: flows.NewText("because of it"), Requester: by, Beneficiary: by}
	if edit != nil {
		edit(&c)
	}
	res := a.do(flows.Command{Verb: flows.VerbSubmit, ID: a.engine.NewRequestID(), Content: c}, by)
	if res.Refusal != nil {
		a.t.Fatalf("submit: %v", res.Refusal)
	}
	a.work()
	return res.Request.ID
}

// work runs everything that is due, in order.
func (a *attack) work() {
	for range 200 {
		jobs, err := a.mem.Claim(context.Background(), "me", a.Clock.Now(), 15*time.Second, 1)
		if err != nil || len(jobs) == 0 {
			break
		}
		a.run(jobs[0])
	}
	a.mem.Restart() // what was handed over at once is free again
	if due, some, _ := a.mem.NextDue(context.Background()); some && !due.After(a.Clock.Now()) {
		if jobs, _ := a.mem.Claim(context.Background(), "me", a.Clock.Now(), 15*time.Second, 1); len(jobs) > 0 {
			a.run(jobs[0])
			a.work()
		}
	}
}

// later lets time pass in small steps, with all that is due done on the way.
func (a *attack) later(d time.Duration) {
	for range int(d / (10 * time.Second)) {
		a.Clock.Push(10 * time.Second)
		a.work()
	}
}

func (a *attack) state(id flows.RequestID, want flows.State) flows.Request {
	a.t.Helper()
	r := a.mem.Requests[id]
	if r.State != want {
		a.t.Fatalf("the request is %s, want %s", r.State, want)
	}
	return r
}

// active asks for access and approves it as the requester on call.
func (a *attack) active(by flows.PersonID) flows.RequestID {
	a.t.Helper()
	id := a.asks(by, nil)
	if res := a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, by); res.Refusal != nil {
		a.t.Fatal(res.Refusal)
	}
	a.work()
	a.state(id, flows.StateActive)
	return id
}

var danasDB = flows.HoldingKey{Person: dana, Target: "db"}

// An approval that was never used carries nobody's access on: the grant before it ends
// at the target, though the approval still stood at its end and lapsed afterwards.
func TestAnUnusedApprovalCarriesNothingOn(t *testing.T) {
	a := attackOn(t)
	first := a.active(dana)
	a.Clock.Push(55 * time.Minute)
	second := a.asks(dana, nil)
	a.do(flows.Command{Verb: flows.VerbApprove, ID: second}, dana)
	a.Clock.Push(15 * time.Minute) // the process is down
	a.later(20 * time.Minute)
	a.state(first, flows.StateEnded)
	a.state(second, flows.StateLapsed)
	if a.Target.Has[danasDB] {
		t.Error("both are over and the target still gives access")
	}
}

// Nothing is given in end-only mode, not even the rest of what had begun.
func TestEndOnlyStopsAGrantThatBegan(t *testing.T) {
	a := attackOn(t)
	id := a.asks(dana, nil)
	a.Target.Mode = flowtest.TargetDown
	a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, dana)
	a.work()
	a.state(id, flows.StateGranting)
	a.endOnly, a.Target.Mode = "the clock of the server jumped back", flowtest.TargetWorks
	a.later(5 * time.Minute)
	if a.Target.Has[danasDB] {
		t.Error("access was given in end-only mode")
	}
	a.later(10 * time.Minute)
	a.state(id, flows.StateFailed)
}

// Access that a person had before is left alone, however many grants overlapped it.
func TestWhatWasThereBeforeOutlivesOverlappingGrants(t *testing.T) {
	a := attackOn(t)
	a.Target.Has[danasDB] = true
	first, second := a.active(dana), a.active(dana)
	a.do(flows.Command{Verb: flows.VerbDone, ID: first}, dana)
	a.do(flows.Command{Verb: flows.VerbDone, ID: second}, dana)
	a.work()
	a.state(first, flows.StateEnded)
	a.state(second, flows.StateEnded)
	if !a.Target.Has[danasDB] {
		t.Error("access that was there before was taken away")
	}
}

// vague is a target that cannot say at first what a person has.
type vague struct {
	*flowtest.Target
	answers int
}

func (v *vague) Read(ctx context.Context, o flows.Order) (flows.Reading, error) {
	if v.answers++; v.answers == 1 {
		return flows.Reading{Has: flows.Unknown}, nil
	}
	return v.Target.Read(ctx, o)
}

// Our own grant, seen by a second try, is not what the person had before.
func TestOurOwnGrantIsNotTakenForTheirs(t *testing.T) {
	a := attackOn(t)
	a.jobs.Targets = targets{&vague{Target: a.World.Target}}
	id := a.asks(dana, nil)
	a.World.Target.Mode = flowtest.TargetLoses
	a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, dana)
	a.work()
	a.World.Target.Mode = flowtest.TargetWorks
	a.later(2 * time.Minute)
	a.state(id, flows.StateActive)
	a.do(flows.Command{Verb: flows.VerbDone, ID: id}, dana)
	a.work()
	a.state(id, flows.StateEnded)
	if a.World.Target.Has[danasDB] {
		t.Error("the access was left: the second try took its own grant for what was there before")
	}
}

type targets struct{ t flows.Target }

func (x targets) Target(string) (flows.Target, bool) { return x.t, true }

var _ worker.Targets = targets{}

// change loads a configuration with a changed flow and target.
func (a *attack) change(rev string, edit func(*flows.Flow, *flows.TargetSpec)) {
	c := catalog(rev)
	edit(c.Flows["prod"], c.Targets["db"])
	a.Catalog = c
}

// A ceiling that was lowered while people were asked holds at the click.
func TestCeilingsHoldAtTheClick(t *testing.T) {
	for name, edit := range map[string]func(*flows.Flow, *flows.TargetSpec){
		"the target's longest duration": func(_ *flows.Flow, s *flows.TargetSpec) { s.MaxDuration = 30 * time.Minute },
		"the flow's longest duration":   func(f *flows.Flow, _ *flows.TargetSpec) { f.MaxDuration = 30 * time.Minute },
		"the flow's targets":            func(f *flows.Flow, _ *flows.TargetSpec) { f.Targets = []flows.TargetID{"other"} },
	} {
		t.Run(name, func(t *testing.T) {
			a := attackOn(t)
			id := a.asks(dana, nil)
			a.change("f1", edit)
			res := a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, dana)
			if res.Refusal == nil || a.mem.Requests[id].State != flows.StatePending {
				t.Errorf("approved all the same: %s", a.mem.Requests[id].State)
			}
		})
	}
}

// A request whose flow was taken out can still be denied by who was asked.
func TestADenialNeedsNoFlow(t *testing.T) {
	a := attackOn(t)
	id := a.asks(sam, nil)
	delete(a.Catalog.Flows, "prod")
	if res := a.do(flows.Command{Verb: flows.VerbDeny, ID: id, Reason: flows.NewText("not now")}, mara); res.Refusal != nil {
		t.Errorf("refused: %v", res.Refusal)
	}
	a.state(id, flows.StateDenied)
}

// pair proposes two people together.
func pair(quorum int) func(flows.ReduceInput) flows.Evaluation {
	return func(flows.ReduceInput) flows.Evaluation {
		return flows.Evaluation{Proposal: &flows.Proposal{Stages: []flows.ProposedStage{{People: []flows.PersonID{mara, hana}, Quorum: quorum}}}}
	}
}

// Passing a request on does not make one of two needed approvals enough.
func TestForwardingDoesNotLowerTheQuorum(t *testing.T) {
	a := attackOn(t)
	a.reduce = pair(2)
	id := a.asks(sam, nil)
	a.Clock.Push(6 * time.Minute)
	a.work() // reminded: the requester may pass it on
	if res := a.do(flows.Command{Verb: flows.VerbForward, ID: id}, sam); res.Refusal != nil {
		t.Fatal(res.Refusal)
	}
	a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, mara)
	a.state(id, flows.StatePending)
	a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, hana)
	a.work()
	a.state(id, flows.StateActive)
}

// The rule as it is at the click says how many approvals are needed.
func TestAHigherQuorumHoldsAtTheClick(t *testing.T) {
	a := attackOn(t)
	a.reduce = pair(1)
	id := a.asks(sam, nil)
	a.reduce = pair(2)
	a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, mara)
	a.state(id, flows.StatePending)
}

// An approval of somebody who may not decide any more does not count towards the quorum.
func TestAnApprovalOfWhoIsNotAskedAnyMoreDoesNotCount(t *testing.T) {
	a := attackOn(t)
	a.reduce = pair(2)
	id := a.asks(sam, nil)
	a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, mara)
	a.reduce = func(flows.ReduceInput) flows.Evaluation {
		return flows.Evaluation{Proposal: &flows.Proposal{Stages: []flows.ProposedStage{{People: []flows.PersonID{noor, hana}, Quorum: 2}}}}
	}
	a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, hana)
	a.state(id, flows.StatePending)
	a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, noor)
	a.work()
	a.state(id, flows.StateActive)
}

// An incident that was resolved while people were asked ends the access after the
// grace all the same.
func TestAnIncidentResolvedBeforeTheDecisionEndsAccess(t *testing.T) {
	a := attackOn(t)
	id := a.asks(dana, func(c *flows.Content) { c.Incident = flows.IncidentRef{ID: "INC1"} })
	inc := a.IncidentsAt["INC1"]
	inc.Status = flows.IncidentResolved
	a.IncidentsAt["INC1"] = inc
	reread := func() {
		if err := a.jobs.Reread(context.Background(), "INC1", flows.Finish{}); err != nil {
			t.Fatal(err)
		}
	}
	reread()
	if res := a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, dana); res.Refusal != nil {
		t.Fatal(res.Refusal)
	}
	a.work()
	reread()
	a.later(11 * time.Minute)
	a.state(id, flows.StateEnded)
}

// Where an incident is required, nobody approves their own request for one that could
// not be read: the fallback decides.
func TestNoSelfApprovalForAnIncidentNobodyCouldRead(t *testing.T) {
	a := attackOn(t)
	a.change("f1", func(f *flows.Flow, _ *flows.TargetSpec) { f.Incident = flows.IncidentRequired })
	a.unread = true
	id := a.asks(dana, func(c *flows.Content) { c.Incident = flows.IncidentRef{ID: "QMADEUP"} })
	res := a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, dana)
	if r := a.state(id, flows.StatePending); res.Refusal == nil || !r.FallbackOpen {
		t.Fatalf("refusal %v, fallback asked %v", res.Refusal, r.FallbackOpen)
	}
	if res := a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, noor); res.Refusal != nil {
		t.Fatal(res.Refusal)
	}
	a.work()
	a.state(id, flows.StateActive)
}

// Names that somebody chose in PagerDuty are names in our sentences, and nothing else.
func TestNamesFromOutsideAreNoMarkup(t *testing.T) {
	a := attackOn(t)
	const evil = "<!channel> <https://evil.example|click here>\n*x*"
	a.Catalog.Flows["prod"].OnCall.Policies = nil
	a.OnDuty[evil] = a.OnDuty["primary"]
	delete(a.OnDuty, "primary")
	id := a.asks(dana, nil)
	stage := a.mem.Requests[id].Route.Stages[0]
	if !stage.Self || strings.ContainsAny(stage.Why, "<>\n") {
		t.Errorf("the requester reads %q", stage.Why)
	}
	a.reduce = func(flows.ReduceInput) flows.Evaluation {
		return flows.Evaluation{Proposal: &flows.Proposal{Stages: []flows.ProposedStage{{People: []flows.PersonID{mara}, Why: "on call for " + evil}}}}
	}
	stage = a.mem.Requests[a.asks(sam, nil)].Route.Stages[0]
	if strings.ContainsAny(stage.Why, "<>\n") || !strings.HasPrefix(stage.Why, "on call for ") {
		t.Errorf("the approver reads %q", stage.Why)
	}
}

// What somebody typed where an incident belongs does not stand in the open.
func TestATypedIncidentIsNotInTheOpen(t *testing.T) {
	a := attackOn(t)
	c := flows.Content{
		Flow: "prod", Target: "db", Duration: time.Hour, Reason: flows.NewText("because"), Requester: sam, Beneficiary: sam,
		Incident: flows.IncidentRef{ID: "canary of sam@acme.example"},
	}
	a.do(flows.Command{Verb: flows.VerbSubmit, ID: a.engine.NewRequestID(), Content: c}, sam)
	for name, chain := range a.mem.Chains {
		for _, e := range chain {
			if bytes.Contains(e.Bytes, []byte("canary")) {
				t.Errorf("%s/%d: %s", name, e.Seq, e.Bytes)
			}
		}
	}
}

// A target's own name of a grant may name the person.
func TestAReceiptIsNotInTheOpen(t *testing.T) {
	a := attackOn(t)
	a.jobs.Targets = targets{talkative{a.World.Target}}
	id := a.active(dana)
	for _, e := range a.mem.Chains[string(id)] {
		if bytes.Contains(e.Bytes, []byte("canary")) {
			t.Errorf("%s: %s", e.Verb, e.Bytes)
		}
	}
}

type talkative struct{ *flowtest.Target }

func (talkative) Grant(context.Context, flows.Order) (flows.Receipt, error) {
	return flows.Receipt{ID: "canary/dana@acme.example"}, nil
}

// A group that happens to hold nobody but the requester is no self-approval.
func TestAGroupOfTheRequesterAloneIsNoSelfApproval(t *testing.T) {
	for name, c := range map[string]struct {
		stage flows.ProposedStage
		self  bool
	}{
		"user":                {flows.ProposedStage{}, true},
		"group":               {flows.ProposedStage{Group: true}, false},
		"group, allowed":      {flows.ProposedStage{Group: true, AllowSelf: new(true)}, true},
		"user, not allowed":   {flows.ProposedStage{AllowSelf: new(false)}, false},
		"user with a channel": {flows.ProposedStage{Channel: "#sre"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := attackOn(t)
			c.stage.People = []flows.PersonID{dana}
			a.reduce = func(flows.ReduceInput) flows.Evaluation {
				return flows.Evaluation{Proposal: &flows.Proposal{Stages: []flows.ProposedStage{c.stage}}}
			}
			id := a.asks(dana, nil)
			if got := a.mem.Requests[id].Route.Stages[0].Self; got != c.self {
				t.Errorf("self-approval %v, want %v", got, c.self)
			}
		})
	}
}

// A denial without a reason is refused, and that is recorded.
func TestADenialWithoutAReasonIsRecorded(t *testing.T) {
	a := attackOn(t)
	id := a.asks(sam, nil)
	before := len(a.mem.Chains[string(id)])
	if res := a.do(flows.Command{Verb: flows.VerbDeny, ID: id}, mara); res.Refusal == nil {
		t.Fatal("denied without a reason")
	}
	if n := len(a.mem.Chains[string(id)]); n != before+1 {
		t.Errorf("%d entries more, want one", n-before)
	}
}

// Ending from memory, too, takes nothing away that the target was never told to give.
func TestEndingFromMemoryTakesOnlyWhatWasGiven(t *testing.T) {
	a := attackOn(t)
	a.Target.Has[danasDB] = true // before us
	id := a.asks(dana, nil)
	a.Target.Mode = flowtest.TargetDown
	a.do(flows.Command{Verb: flows.VerbApprove, ID: id}, dana)
	a.work()
	a.state(id, flows.StateGranting)
	a.Target.Mode = flowtest.TargetWorks
	rec, err := a.engine.Load(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.jobs.EndAtTarget(context.Background(), rec); err != nil || !a.Target.Has[danasDB] {
		t.Errorf("%v; access that was there before was taken away", err)
	}
	b := anotherAttack(t)
	live := b.active(dana)
	if rec, err = b.engine.Load(context.Background(), live); err != nil {
		t.Fatal(err)
	}
	if err := b.jobs.EndAtTarget(context.Background(), rec); err != nil || b.Target.Has[danasDB] {
		t.Errorf("%v; what was given is still there", err)
	}
}
