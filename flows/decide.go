package flows

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// Decide is the heart: what follows from cmd for the request, given the facts, at
// now. It is a pure function: no I/O, no clock, no randomness. req is nil for submit
// only. An outcome is applied whole, or not at all, by Ledger.Apply.
func Decide(req *Request, cmd Command, f Facts, now time.Time) Outcome {
	d := &decision{cmd: cmd, f: f, now: now}
	if cmd.Verb == VerbSubmit {
		d.submit()
		return d.out
	}
	if req == nil {
		d.out.Refusal = Refuse(RefusedUnknownRequest, "There is no such request.")
		return d.out
	}
	d.was = *req
	d.req = *req
	d.req.Votes = append([]Vote(nil), req.Votes...)
	if !stepsFrom(cmd.Verb, req.State) {
		d.refuseState()
		return d.finish()
	}
	switch cmd.Verb {
	case VerbRoute:
		d.route()
	case VerbReroute:
		d.reroute("the facts changed")
	case VerbApprove:
		d.approve()
	case VerbDeny:
		d.deny()
	case VerbForward:
		d.forward()
	case VerbCancel:
		d.cancel()
	case VerbLapse:
		d.lapse()
	case VerbActivate:
		d.activate()
	case VerbGranted:
		d.granted()
	case VerbGrantFailed:
		d.grantFailed()
	case VerbDone, VerbRevoke:
		d.handBack()
	case VerbEnd:
		d.end()
	case VerbRevoked:
		d.revoked()
	case VerbReview:
		d.review()
	default:
		d.refuse(Refuse(RefusedState, "There is no step %q.", cmd.Verb))
	}
	return d.finish()
}

// decision is one call of Decide while it works.
type decision struct {
	cmd Command
	f   Facts
	now time.Time
	was Request // as loaded
	req Request // as it becomes
	out Outcome

	planned bool   // plan was made
	fresh   *Route // what it gave
}

// finish turns what was done into the outcome: one version up, every card repaired.
func (d *decision) finish() Outcome {
	if !d.out.Changed() {
		d.out.Request = d.was
		return d.out
	}
	d.req.Version = d.was.Version + 1
	d.out.Request = d.req
	if d.shows() {
		d.refreshCards()
	}
	d.tellThreads()
	return d.out
}

// shows reports whether cards look different after the outcome.
func (d *decision) shows() bool {
	return looks(d.req.State) != looks(d.was.State) || d.req.Route != d.was.Route || d.req.Stage != d.was.Stage || len(d.req.Votes) != len(d.was.Votes) ||
		d.req.FallbackOpen != d.was.FallbackOpen || d.req.Reminded != d.was.Reminded || !d.req.EndsAt.Equal(d.was.EndsAt) ||
		d.req.Overdue != d.was.Overdue || d.req.Opened != d.was.Opened || d.req.Review != d.was.Review || len(d.out.Cards) > 0
}

// looks is a state as cards show it: that the target has been asked is nothing to see.
func looks(s State) State {
	if s == StateGranting {
		return StateApproved
	}
	return s
}

// enter records a step of the life cycle and moves the request into state to.
func (d *decision) enter(v Verb, to State, facts map[string]any) {
	d.out.Entries = append(d.out.Entries, Entry{
		Verb: string(v), From: d.req.State, To: to, At: d.now, Actor: d.cmd.Actor, Facts: d.common(facts),
	})
	d.req.State = to
}

// refuse says no to the person and, where the request is known, records it.
func (d *decision) refuse(r *Refusal) {
	d.out.Refusal = r
	facts := map[string]any{}
	if d.cmd.Verb == VerbSubmit {
		facts = d.asked() // no request comes of it that would say so
	}
	facts["asked_for"], facts["link"] = string(d.cmd.Verb), d.linkFacts()
	if d.cmd.Hash != "" {
		facts["shown"] = d.cmd.Hash
	}
	if d.f.Evaluation != nil { // what the refusal rests on
		facts["evidence"] = &evidenceFacts{d.evidence(), d.req.Content.Requester}
	}
	d.out.Entries = append(d.out.Entries, Entry{
		Verb: "refused", From: d.req.State, To: d.req.State, At: d.now, Actor: d.cmd.Actor, Code: r.Code, Facts: d.common(facts),
	})
}

// refuseState says why a verb is too late or too early, naming who was faster.
func (d *decision) refuseState() {
	r, v := &d.req, d.cmd.Verb
	if d.cmd.Actor.Door == DoorEngine {
		d.out.Refusal = Refuse(RefusedState, "A request that is %s has no step %s.", r.State, v)
		return
	}
	late, isLate := r.TooLate(d.now)
	switch {
	case r.State == StateSubmitted:
		d.refuse(Refuse(RefusedState, "This request is still being routed.").Then("Wait a moment and try again."))
	case isLate && (v == VerbApprove || v == VerbDeny || late.Code != RefusedAlreadyDecided):
		d.refuse(late)
	case r.State == StateEnding || r.State.Final():
		d.refuse(Refuse(RefusedState, "This access has already ended or is ending. Nothing was changed."))
	default:
		d.refuse(Refuse(RefusedState, "That cannot be done while the request is %s.", r.State))
	}
}

// TooLate says what became of a request that is no longer undecided, for who comes
// too late: who decided, and when. False while it is undecided.
func (r *Request) TooLate(now time.Time) (*Refusal, bool) {
	switch {
	case r.State.Undecided():
		return nil, false
	case !r.DecidedAt.IsZero():
		return Refuse(RefusedAlreadyDecided, "This was already decided: %s by %s, %s ago. Nothing was changed.",
			r.decidedWord(), Mention(r.DecidedBy), Ago(now.Sub(r.DecidedAt))), true
	case r.State == StateLapsed:
		return Refuse(RefusedLapsed, "This request lapsed: nobody decided in time. Nothing was changed.").Then("Ask again with /access."), true
	case r.State == StateCancelled:
		return Refuse(RefusedState, "This request was withdrawn. Nothing was changed."), true
	}
	return Refuse(RefusedState, "This access has already ended or is ending. Nothing was changed."), true
}

func (r *Request) decidedWord() string {
	if r.State == StateDenied {
		return "denied"
	}
	return "approved"
}

// usualJobs is how many jobs follow from most steps: room for them is made at once.
const usualJobs = 6

// job adds a durable effect.
func (d *decision) job(kind JobKind, subject string, at time.Time) {
	if d.out.Jobs == nil {
		d.out.Jobs = make([]Job, 0, usualJobs)
	}
	d.out.Jobs = append(d.out.Jobs, Job{Kind: kind, Key: JobKey(kind, subject), Subject: subject, RunAt: at, Lane: d.lane(kind, subject)})
}

// lane keeps effects for one person and target, and sends of one card, in a row.
func (d *decision) lane(kind JobKind, subject string) string {
	switch kind {
	case JobGrant, JobRevoke:
		return d.req.Content.Key().Lane()
	case JobCard:
		return subject
	}
	return ""
}

// own adds a job about the request itself.
func (d *decision) own(kind JobKind, at time.Time) { d.job(kind, string(d.req.ID), at) }

// drop takes jobs about the request back.
func (d *decision) drop(kinds ...JobKind) {
	d.out.Cancel = slices.Grow(d.out.Cancel, len(kinds))
	for _, k := range kinds {
		d.out.Cancel = append(d.out.Cancel, JobKey(k, string(d.req.ID)))
	}
}

// notify adds a message to one person (or, with To empty, to a channel).
func (d *decision) notify(n Notice) {
	if n.To.IsService() {
		return // it reads how things stand
	}
	n.Request = d.req.ID
	args, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings only
	}
	to := string(n.To)
	if to == "" {
		to = n.Channel
	}
	key, lane := string(d.req.ID)+"/"+string(n.About)+"/"+to+"/"+n.Detail, ""
	if n.About == AboutStep { // each is told, in the order in which they happened
		key, lane = key+"/"+strconv.FormatInt(d.req.Version, 10), "thread:"+string(d.req.ID)+"/"+to
	}
	d.out.Jobs = append(d.out.Jobs, Job{
		Kind: JobNotice, Key: JobKey(JobNotice, key), Subject: string(d.req.ID), Lane: lane, RunAt: d.now, Args: args,
	})
}

// told are the steps that the thread below a channel's card tells: the card shows how
// things stand, the thread what happened.
func told(verb string) bool {
	switch Verb(verb) {
	case VerbApprove, VerbDeny, VerbForward, VerbReroute, VerbCancel, VerbLapse, VerbGranted, VerbGrantFailed, VerbDone, VerbRevoke, VerbEnd, VerbRevoked, VerbReview:
		return true
	}
	return verb == "incident_resolved" || verb == "incident_merged" || verb == "overdue"
}

func (d *decision) tellThreads() {
	for i := range d.f.Cards {
		card := &d.f.Cards[i]
		if card.To != "" {
			continue
		}
		for j := range d.out.Entries {
			e := &d.out.Entries[j]
			if !told(e.Verb) || e.Verb == "incident_merged" && d.was.State.Final() { // that is recorded and no more
				continue
			}
			d.notify(Notice{Channel: card.Destination(), About: AboutStep, By: e.Actor.Person, Detail: e.Verb})
			if card.TS == "" { // it is being posted: its thread begins when it is there
				d.out.Jobs[len(d.out.Jobs)-1].Lane = card.ID
			}
		}
	}
}

// tell adds a message to the requester (and the beneficiary, if another).
func (d *decision) tell(about About, detail string) {
	d.notify(Notice{To: d.req.Content.Requester, About: about, Detail: detail})
	if b := d.req.Content.Beneficiary; b != d.req.Content.Requester {
		d.notify(Notice{To: b, About: about, Detail: detail})
	}
}

// Noted is what a note on the incident tells of.
type Noted struct {
	About string   `json:"about"`           // approval, granted, denied, lapsed, cancelled, ended
	By    PersonID `json:"by,omitempty"`    // of an approval that others must join
	Votes int      `json:"votes,omitempty"` // with it
	Of    int      `json:"of,omitempty"`
}

// note adds a note to the PagerDuty incident, if the request has one.
func (d *decision) note(about string) { d.noted(Noted{About: about}, about) }

func (d *decision) noted(n Noted, once string) {
	if f := d.f.flow(&d.req.Content); d.req.Incident() == "" && (f == nil || f.Incident != IncidentCreate) {
		return
	}
	args, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and numbers only
	}
	key, lane := string(d.req.ID)+"/"+once, "note:"+string(d.req.ID) // one after the other
	d.out.Jobs = append(d.out.Jobs, Job{Kind: JobNote, Key: JobKey(JobNote, key), Subject: string(d.req.ID), Lane: lane, RunAt: d.now, Args: args})
}

// card adds a copy of the card, once.
func (d *decision) card(kind CardKind, to PersonID, channel string) {
	if to.IsService() {
		return
	}
	who := string(to)
	if who == "" {
		who = channel
	}
	c := Card{ID: CardID(d.req.ID, kind, who), Request: d.req.ID, Kind: kind, To: to, Channel: channel}
	for _, have := range d.out.Cards {
		if have.ID == c.ID {
			return
		}
	}
	for _, have := range d.f.Cards {
		if have.ID == c.ID {
			return
		}
	}
	d.out.Cards = append(d.out.Cards, c)
}

// refreshCards has every copy sent or repaired.
func (d *decision) refreshCards() {
	for _, list := range [...][]Card{d.out.Cards, d.f.Cards} { // card sees to it that none is in both
		for i := range list {
			d.job(JobCard, list[i].ID, d.now)
		}
	}
}

// hold sets the holding, one version up: the fence rises.
func (d *decision) hold(h Holding) {
	h.Version = d.f.Holding.Version + 1
	h.Key = d.req.Content.Key()
	d.out.Holding = &h
}
