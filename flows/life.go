package flows

import "slices"

import "time"

// cancel withdraws: before the decision nothing was given; after it the access ends.
func (d *decision) cancel() {
	who := d.cmd.Actor
	if !d.req.Own(who.Person) && !who.Admin {
		d.refuse(Refuse(RefusedNotAllowed, "Only who asked, or an admin, can cancel this. Nothing was changed."))
		return
	}
	if d.req.State.Undecided() {
		d.req.EndedAt, d.req.EndedBy = d.now, who.Person
		d.enter(VerbCancel, StateCancelled, nil)
		d.drop(JobRoute, JobLapse, JobRemind, JobForward)
		d.note("cancelled")
		if !d.req.Own(who.Person) {
			d.tell(AboutCancelled, "")
		}
		return
	}
	d.toEnding(VerbCancel, StateCancelled, EndCancel)
}

// activate begins the grant: from here on the target may have it.
func (d *decision) activate() {
	if d.cmd.Actor.Door != DoorEngine && !d.req.Own(d.cmd.Actor.Person) {
		d.refuse(Refuse(RefusedNotAllowed, "Only the holder can start this access."))
		return
	}
	switch {
	case d.f.EndOnly != "":
		d.out.Refusal = Refuse(RefusedEndOnly, "Nothing can be granted right now: %s.", d.f.EndOnly)
		return
	case !d.now.Before(d.req.GrantBy):
		d.out.Refusal = Refuse(RefusedLapsed, "The approval was not used in time.")
		return
	}
	d.enter(VerbActivate, StateGranting, map[string]any{"fence": d.f.Holding.Version})
}

// granted starts the clock of the access, when the target confirmed.
func (d *decision) granted() {
	r := &d.req
	r.GrantedAt, r.Receipt = d.now, d.cmd.Receipt               // the target's own words: they may name people
	r.EndsAt = earlier(d.now.Add(r.Content.Duration), r.EndsAt) // an end that moved earlier meanwhile stays
	if f := d.f.flow(&r.Content); f != nil && ends(f, EndShift) && r.Proof != nil && !r.Proof.Entry.End.IsZero() {
		if end := r.Proof.Entry.End; end.Before(r.EndsAt) {
			r.EndsAt, r.EndCause = end, EndShift
		}
	}
	d.holdTotal()
	d.enter(VerbGranted, StateActive, map[string]any{
		"ends_at": r.EndsAt.UnixMilli(), "receipt": quoted(r.Content.Beneficiary, r.Receipt), "fence": d.f.Holding.Version, "had_before": d.f.Holding.Before.String(),
	})
	h := d.f.Holding.With(r.ID, r.EndsAt)
	if _, goesOn := d.f.Holding.Without(r.ID).Longest(); !goesOn || h.Since.IsZero() {
		h.Since = d.now
	}
	d.hold(h)
	d.drop(JobGiveUp)
	d.own(JobRevoke, r.EndsAt)
	if lead := min(d.f.Limits.ExpiryNotice, r.EndsAt.Sub(d.now)/4); lead >= time.Minute {
		d.own(JobExpiring, r.EndsAt.Add(-lead))
	}
	d.tell(AboutApproved, "")
	d.note("granted")
	d.linkBack()
}

// grantFailed ends a grant that the target refused or did not confirm in time. What
// the target did is then unknown, so it is revoked all the same.
func (d *decision) grantFailed() {
	d.req.Fault = d.cmd.Fault
	d.toEnding(VerbGrantFailed, StateFailed, EndFailed)
	d.tell(AboutFailed, "")
	if f := d.f.flow(&d.req.Content); f != nil && f.ErrorsTo != "" {
		d.notify(Notice{Channel: f.ErrorsTo, About: AboutFault})
	}
}

// handBack ends access early: done by the holder, revoked by who decided, who could
// decide now, or an admin.
func (d *decision) handBack() {
	who := d.cmd.Actor
	if d.cmd.Verb == VerbDone {
		if !d.req.Own(who.Person) {
			d.refuse(Refuse(RefusedNotAllowed, "Only the holder can say that they are done. Nothing was changed."))
			return
		}
		d.toEnding(VerbDone, StateEnded, EndDone)
		return
	}
	sure := d.req.DecidedBy == who.Person || who.Admin || d.votedFor(who.Person)
	if !sure && !d.couldDecide(who.Person) {
		d.refuse(Refuse(RefusedNotEligible, "This can be revoked by who decided it, who could decide it now, or an admin. Nothing was changed."))
		return
	}
	if no := d.knownClicker(); no != nil && (!sure || no.Code != RefusedCouldNotCheck) { // ending access does not wait for Slack
		d.refuse(no)
		return
	}
	d.toEnding(VerbRevoke, StateEnded, EndRevoked)
}

// couldDecide reports whether p might decide now. Where that cannot be known, or the
// rules are others by now, it is who was asked.
func (d *decision) couldDecide(p PersonID) bool {
	_, no := d.eligible(p)
	if no == nil {
		return true
	}
	return (no.Code == RefusedOnCallUnknown || no.Code == RefusedRulesChanged) && d.inStage(p)
}

func (d *decision) votedFor(p PersonID) bool {
	for _, v := range d.req.Votes {
		if v.By == p {
			return true
		}
	}
	return false
}

// end is the engine's: at the time, or because of the incident, the shift, the
// person or the target.
func (d *decision) end() {
	if d.cmd.Actor.Door != DoorEngine && !d.cmd.Actor.Admin {
		d.refuse(Refuse(RefusedNotAllowed, "Only an admin can do that. Nothing was changed."))
		return
	}
	if d.cmd.Cause == EndTime && d.now.Before(d.req.EndsAt) {
		d.out.Refusal = Refuse(RefusedState, "It is too early to end this.")
		d.own(JobRevoke, d.req.EndsAt)
		return
	}
	d.toEnding(VerbEnd, StateEnded, d.cmd.Cause)
}

// toEnding lets go of the holding and has the target's access ended now.
func (d *decision) toEnding(v Verb, as State, cause EndCause) {
	r := &d.req
	r.EndsAs, r.EndCause, r.EndedBy, r.EndWhy = as, cause, d.cmd.Actor.Person, d.cmd.Reason
	r.EndsAt = earlier(d.now, r.EndsAt)
	facts := map[string]any{"as": string(as), "cause": string(cause)}
	if !d.cmd.Reason.Empty() {
		facts["reason"] = Personal{About: d.cmd.Actor.Person, Value: d.cmd.Reason.Raw()}
	}
	if r.Fault != "" {
		facts["fault"] = quoted(r.Content.Beneficiary, r.Fault)
	}
	d.enter(v, StateEnding, facts)
	d.release()
	d.drop(JobGrant, JobGiveUp, JobExpiring)
	d.own(JobRevoke, d.now)
}

// release has the request leave the holding: it stays in it, carrying nothing, until
// the target has confirmed the end.
func (d *decision) release() {
	h := d.f.Holding.marked(d.req.ID, func(own *Holder) { own.Leaving = true })
	if other, still := h.Longest(); still {
		d.req.StillThrough = other.Request
	}
	d.hold(h)
}

// revoked is the end: the target confirmed, or another grant carries the access on.
func (d *decision) revoked() {
	r := &d.req
	r.EndedAt, r.Overdue = d.now, false
	facts := map[string]any{"cause": string(r.EndCause), "fence": d.f.Holding.Version, "due_at": millis(r.EndsAt)}
	if back := d.cmd.Back; back != nil {
		facts["read_back"] = object{{"has", back.Has.String()}, {"until", millis(back.Until)}}
	}
	r.StillThrough = ""
	h := d.f.Holding.Without(r.ID)
	if other, still := h.Longest(); still {
		r.StillThrough = other.Request
		facts["still_through"] = string(other.Request)
	}
	if !h.Given() {
		h.Before, h.Since = Unknown, time.Time{} // the next grant reads it anew
	}
	d.hold(h)
	if d.cmd.Left {
		facts["left_as_it_was"] = true
	}
	d.enter(VerbRevoked, r.EndsAs, facts)
	d.drop(JobRevoke)
	if r.EndsAs != StateFailed {
		d.tell(AboutEnded, "")
	}
	d.note("ended")
	d.openReview()
}

func ends(f *Flow, cause EndCause) bool {
	return slices.Contains(f.EndWith, cause)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// aside starts an outcome that is no step of the life cycle: the state stays.
func aside(req Request, f Facts, now time.Time, verb string, facts map[string]any) *decision {
	d := &decision{cmd: Command{Actor: ByEngine()}, f: f, now: now, was: req, req: req}
	d.record(verb, facts)
	return d
}

// record writes an entry of what is no step.
func (d *decision) record(verb string, facts map[string]any) {
	d.out.Entries = append(d.out.Entries, Entry{
		Verb: verb, From: d.req.State, To: d.req.State, At: d.now, Actor: d.cmd.Actor, Facts: d.common(facts),
	})
}

// Overdue marks an end that the target has not confirmed in time, with an alarm to
// the operator. The state stays: the end is tried until it is confirmed.
func Overdue(req Request, f Facts, now time.Time, why string) Outcome {
	if req.State != StateEnding || req.Overdue {
		return Outcome{Request: req}
	}
	d := aside(req, f, now, "overdue", map[string]any{"why": quoted(req.Content.Beneficiary, why)})
	d.req.Overdue = true
	if fl := f.flow(&req.Content); fl != nil && fl.ErrorsTo != "" {
		d.notify(Notice{Channel: fl.ErrorsTo, About: AboutOverdue})
	}
	return d.finish()
}

// Observed records what a target said a person had before we first granted it; it is
// read and stored before the grant, so that it is never taken for ours. From here on
// the target may have been told: what it says later may be our own doing, and is not
// asked again until the last grant has ended.
func Observed(req Request, f Facts, now time.Time, had Tri) Outcome {
	if own, _ := f.Holding.Of(req.ID); req.State != StateGranting || !own.Unused {
		return Outcome{Request: req}
	}
	h := f.Holding.marked(req.ID, func(own *Holder) { own.Unused = false })
	if !f.Holding.Given() {
		h.Before = had
	}
	d := &decision{cmd: Command{Actor: ByEngine()}, f: f, now: now, was: req, req: req}
	if h.Before != Unknown { // else nothing was learned: only the mark is kept
		d = aside(req, f, now, "observed", map[string]any{"had_before": h.Before.String(), "fence": f.Holding.Version})
	}
	d.hold(h)
	return d.finish()
}

// FollowIncident is what a re-read of the incident means: resolved, access ends after
// the grace; merged, the request moves to the parent; otherwise changed, that is
// recorded. It is decided by the re-read alone, never by a webhook. Of a resolved
// incident nothing else follows while people are still asked; a grant that comes of it
// ends at the next re-read. What becomes of it when the request is over is recorded, and
// that is all.
func FollowIncident(req Request, f Facts, now time.Time) Outcome {
	fl := f.flow(&req.Content)
	switch {
	case f.IncidentIs != Yes || f.Incident == nil, f.Incident.ID != req.Incident(): // read before somebody else moved the request
		return Outcome{Request: req}
	case req.State.Final():
		return afterwards(req, f, now)
	case fl == nil:
		return Outcome{Request: req}
	}
	inc := *f.Incident
	if inc.MergedInto != "" && inc.MergedInto != req.Incident() {
		return merged(req, f, now)
	}
	if inc.Status != IncidentResolved || inc.MergedInto != "" || !ends(fl, EndIncident) || !req.IncidentGone.IsZero() || req.State == StateEnding || !req.State.Live() {
		return changed(req, f, now)
	}
	d := aside(req, f, now, "incident_resolved", map[string]any{"grace_seconds": int64(f.Limits.IncidentGrace / time.Second)})
	d.req.IncidentGone, d.req.IncidentDark, d.req.IncidentSeen = now, time.Time{}, inc.State()
	at := earlier(now.Add(f.Limits.IncidentGrace), req.EndsAt)
	d.req.EndsAt, d.req.EndCause = at, EndIncident
	d.own(JobRevoke, at)
	d.tell(AboutResolved, "")
	return d.finish()
}

// merged moves the request to the incident that its own was merged into.
func merged(req Request, f Facts, now time.Time) Outcome {
	d := aside(req, f, now, "incident_merged", map[string]any{"into": string(f.Incident.MergedInto)})
	d.req.MovedTo, d.req.IncidentDark, d.req.IncidentSeen = f.Incident.MergedInto, time.Time{}, IncidentState{}
	return d.finish()
}

// changed records that the incident is another than it was when it was last recorded,
// and takes the alarm of Unreadable back.
func changed(req Request, f Facts, now time.Time) Outcome {
	is, dark := f.Incident.State(), !req.IncidentDark.IsZero()
	was := req.IncidentSeen.since(is)
	told := was != is && req.tellsChange(was, is)
	if !told && !dark {
		return Outcome{Request: req}
	}
	d := &decision{cmd: Command{Actor: ByEngine()}, f: f, now: now, was: req, req: req}
	if dark {
		d.record("incident_readable", nil)
	}
	if told {
		facts := change(f.Incident, was, is, req.Content.Requester)
		if d.req.IncidentChanges++; d.req.IncidentChanges == ChangesTold {
			facts["later_changes"] = "not recorded one by one; that it is resolved still is, once"
		}
		d.record("incident_changed", facts)
		d.req.IncidentSeen = is
	}
	d.req.IncidentDark = time.Time{}
	return d.finish()
}

// change is what of an incident has changed. How it is now stands beside it, as it was read.
func change(inc *Incident, was, is IncidentState, about PersonID) map[string]any {
	facts := map[string]any{
		"was": object{{"service", was.Service}, {"status", string(was.Status)}, {"urgency", was.Urgency}}, "title_changed": was.Title != is.Title,
	}
	if was.Assignees != is.Assignees && is.Status != IncidentResolved { // that takes it from everybody
		facts["assignees"] = quoted(about, inc.assigned())
	}
	if was.Priority != is.Priority {
		facts["priority"], facts["priority_was"] = is.Priority, was.Priority
	}
	return facts
}

// IncidentRef is the incident the request belongs to: the one asked for, or the one
// that was opened for it.
func (r *Request) IncidentRef() IncidentRef {
	if r.Content.Incident.ID != "" {
		return r.Content.Incident
	}
	return r.Opened
}

// Incident is the incident to follow now: IncidentRef's, or what it was merged into.
func (r *Request) Incident() IncidentID {
	if r.MovedTo != "" {
		return r.MovedTo
	}
	return r.IncidentRef().ID
}

// IncidentNow is the incident to follow now, with what is known of it: of one that the
// request's was merged into, its id.
func (r *Request) IncidentNow() IncidentRef {
	if ref := r.IncidentRef(); r.MovedTo == "" || r.MovedTo == ref.ID {
		return ref
	}
	return IncidentRef{ID: r.MovedTo}
}

// IncidentOpened ties a request to the incident that was opened for it.
func IncidentOpened(req Request, f Facts, now time.Time, inc Incident) Outcome {
	if req.IncidentRef().ID != "" {
		return Outcome{Request: req}
	}
	d := aside(req, f, now, "incident_opened", map[string]any{"incident": string(inc.ID), "incident_number": int64(inc.Number)})
	d.req.Opened, d.req.IncidentSeen = inc.Ref(), inc.State()
	return d.finish()
}

// Expiring tells the holder that the access ends soon.
func Expiring(req Request, f Facts, now time.Time) Outcome {
	other, goesOn := f.Holding.Without(req.ID).Longest()
	if req.State != StateActive || goesOn && other.Until.After(req.EndsAt) {
		return Outcome{Request: req}
	}
	d := aside(req, f, now, "expiring", map[string]any{"ends_at": req.EndsAt.UnixMilli()})
	d.tell(AboutExpiring, "")
	return d.finish()
}

// Unreadable records, once until it can be read again, that the incident of live
// access could not be read for long; the access stays until its time.
func Unreadable(req Request, f Facts, now time.Time) Outcome {
	if !req.State.Live() || !req.IncidentDark.IsZero() {
		return Outcome{Request: req}
	}
	d := aside(req, f, now, "incident_unreadable", nil)
	d.req.IncidentDark = now
	if fl := f.flow(&req.Content); fl != nil && fl.ErrorsTo != "" {
		d.notify(Notice{Channel: fl.ErrorsTo, About: AboutUnreadable})
	}
	return d.finish()
}
