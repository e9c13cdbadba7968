package flows

import "time"

// route asks the people the reducer named, or the fallback.
func (d *decision) route() {
	if d.f.flow(&d.req.Content) == nil {
		d.closeUnroutable("The flow was taken out of the configuration.")
		return
	}
	r := d.plan()
	if r == nil {
		d.closeUnroutable("Nobody can decide this: " + d.whyFallback(nil) + " The flow's fallback has nobody either.")
		return
	}
	d.req.Route, d.req.Stage, d.req.Reminded = r, 0, false
	d.enter(VerbRoute, StatePending, d.routeFacts(r))
	d.drop(JobRoute)
	d.openStage()
	d.receipt()
	if r.Origin == FromFallback {
		d.tell(AboutFallback, "")
	}
	if ev, to := d.f.Evaluation, d.f.flow(&d.req.Content).ErrorsTo; to != "" && (ev.Fault != "" || ev.Tainted) {
		n := Notice{Channel: to, About: AboutFault}
		if ev.Tainted { // the handler is not to blame
			n.Detail = string(d.doubt())
		}
		d.notify(n)
	}
}

func (d *decision) closeUnroutable(why string) {
	d.req.Fault, d.req.DecidedAt = why, d.now
	d.enter(VerbRoute, StateDenied, map[string]any{"why": why, "evidence": &evidenceFacts{d.evidence(), d.req.Content.Requester}})
	d.drop(JobRoute, JobLapse)
	d.receipt()
	d.tell(AboutDenied, "")
	d.note("denied")
	if f := d.f.flow(&d.req.Content); f != nil && f.ErrorsTo != "" {
		d.notify(Notice{Channel: f.ErrorsTo, About: AboutFault})
	}
}

// receipt turns the modal that said "working…" into the receipt.
func (d *decision) receipt() {
	if d.req.View != "" {
		d.notify(Notice{To: d.req.Content.Requester, View: d.req.View, About: AboutReceipt})
	}
}

// openStage has the current stage's people asked, and sets its timers.
func (d *decision) openStage() {
	s, ok := d.req.Current()
	if !ok {
		return
	}
	d.req.StageSince, d.req.Reminded = d.now, false
	d.ask(s)
	if f := d.f.flow(&d.req.Content); f != nil && f.RemindAfter > 0 && f.RemindAfter < s.Timeout {
		d.own(JobRemind, d.now.Add(f.RemindAfter))
	}
	d.req.LapsesAt = d.now
	for _, later := range d.req.Route.Stages[d.req.Stage:] {
		d.req.LapsesAt = d.req.LapsesAt.Add(later.Timeout)
	}
	if d.req.Stage+1 < len(d.req.Route.Stages) {
		d.own(JobForward, d.now.Add(s.Timeout))
	} else {
		d.drop(JobForward)
	}
	d.own(JobLapse, d.req.LapsesAt)
}

// ask makes the copies of the card for a stage. A self-approval needs none: the
// requester's own card carries the button.
func (d *decision) ask(s Stage) {
	switch {
	case s.Self:
	case s.Destination.Channel != "":
		d.card(CardApprover, "", s.Destination.Channel)
	default:
		for _, p := range s.Approvers {
			d.card(CardApprover, p, "")
		}
	}
}

// reroute starts over with a fresh route; approvals so far are dropped.
func (d *decision) reroute(why string) {
	r := d.plan()
	if r == nil {
		return // nobody at all: the old route stays until it lapses
	}
	facts := d.routeFacts(r)
	facts["because"], facts["dropped"] = why, int64(len(d.req.Votes))
	d.req.Route, d.req.Stage, d.req.Votes, d.req.FallbackOpen = r, 0, nil, false
	d.enter(VerbReroute, StatePending, facts)
	d.openStage()
	if r.Origin == FromFallback {
		d.tell(AboutFallback, "")
	}
}

// forward asks the next stage: at the time-out, or sooner when somebody who may
// decide (or, after the reminder, the requester) says so.
func (d *decision) forward() {
	next := d.req.Stage + 1
	if d.req.Route == nil || next >= len(d.req.Route.Stages) {
		no := Refuse(RefusedState, "There is nobody further to ask.").Then("Wait for an answer, or cancel.")
		if d.out.Refusal = no; d.cmd.Actor.Door != DoorEngine {
			d.refuse(no)
		}
		return
	}
	who := d.cmd.Actor
	switch {
	case !d.now.Before(d.req.LapsesAt): // the clock was away for long: it lapses, and does not begin anew
		no := Refuse(RefusedLapsed, "This request lapsed %s ago. Nobody else was asked.", Ago(d.now.Sub(d.req.LapsesAt)))
		if d.out.Refusal = no; who.Door != DoorEngine {
			d.refuse(no)
		}
		return
	case who.Door == DoorEngine:
		if s, _ := d.req.Current(); d.now.Before(d.req.StageSince.Add(s.Timeout)) {
			d.out.Refusal = Refuse(RefusedState, "It is too early to ask the next people.")
			return
		}
	case d.knownClicker() != nil:
		d.refuse(d.knownClicker())
		return
	case d.req.Own(who.Person) && d.req.Reminded, !d.req.Own(who.Person) && d.couldDecide(who.Person):
	default:
		d.refuse(Refuse(RefusedNotEligible, "The request can be passed on by who could decide it now, or by the requester after the reminder."))
		return
	}
	d.req.Stage = next
	d.enter(VerbForward, StatePending, map[string]any{"stage": int64(next)})
	d.openStage()
	d.tell(AboutForwarded, d.req.Route.Stages[next].label())
}

// label names the stage for notices: "fallback" or nothing.
func (s Stage) label() string {
	if s.Fallback {
		return "fallback"
	}
	return ""
}

// inStage reports whether p was asked in the current stage or an earlier one.
func (d *decision) inStage(p PersonID) bool {
	if d.req.Route == nil {
		return false
	}
	for i, s := range d.req.Route.Stages {
		if i <= d.req.Stage && s.Has(p) {
			return true
		}
	}
	return d.req.FallbackOpen && d.req.Route.Fallback != nil && d.req.Route.Fallback.Has(p)
}

// openFallback asks the fallback beside the current stage, once.
func (d *decision) openFallback() {
	fb := d.req.Route.Fallback
	if d.req.FallbackOpen || fb == nil || d.fallbackAsked() {
		return
	}
	d.req.FallbackOpen = true
	d.ask(*fb)
	why, route, beside := d.doubt(), *d.req.Route, *fb
	beside.Why = why.String() + ", so the fallback is asked as well. " + fb.Why
	route.Fallback, d.req.Route = &beside, &route
	d.tell(AboutFallback, string(why))
	if until := d.now.Add(fb.Timeout); until.After(d.req.LapsesAt) {
		d.req.LapsesAt = until
		d.own(JobLapse, until)
	}
}

// fallbackAsked reports whether the fallback's people are asked already.
func (d *decision) fallbackAsked() bool {
	for i, s := range d.req.Route.Stages {
		if i <= d.req.Stage && s.Fallback {
			return true
		}
	}
	return false
}

// lapse closes a request that nobody decided in time, or an approval that was never
// acted on.
func (d *decision) lapse() {
	if due := d.req.Due(); d.cmd.Actor.Door == DoorEngine && d.now.Before(due) {
		d.out.Refusal = Refuse(RefusedState, "It is too early to lapse.")
		d.own(JobLapse, due)
		return
	}
	if d.req.State == StateApproved {
		d.hold(d.f.Holding.Without(d.req.ID)) // the target was never told
	}
	d.req.EndedAt = d.now
	d.enter(VerbLapse, StateLapsed, nil)
	d.drop(JobRoute, JobLapse, JobRemind, JobForward, JobGrant, JobRevoke, JobGiveUp)
	d.tell(AboutLapsed, "")
	d.note("lapsed")
}

// Remind is what the reminder job applies: everybody asked is asked again, once a
// stage. It is not a step of the life cycle; the state stays.
func Remind(req Request, f Facts, now time.Time) Outcome {
	d := &decision{cmd: Command{Actor: ByEngine()}, f: f, now: now, was: req, req: req}
	if req.State != StatePending || req.Reminded {
		return d.finish()
	}
	d.req.Reminded = true
	d.out.Entries = append(d.out.Entries, Entry{
		Verb: "remind", From: req.State, To: req.State, At: now, Actor: d.cmd.Actor, Facts: d.common(map[string]any{"stage": int64(req.Stage)}),
	})
	if s, ok := req.Current(); ok && !s.Self && s.Destination.Channel == "" {
		for _, p := range s.Approvers {
			d.notify(Notice{To: p, About: AboutReminded, Detail: "approver"})
		}
	} else if ok && s.Destination.Channel != "" {
		d.notify(Notice{Channel: s.Destination.Channel, About: AboutReminded, Detail: "approver"})
	}
	d.notify(Notice{To: req.Content.Requester, About: AboutReminded, Detail: "requester"})
	return d.finish()
}
