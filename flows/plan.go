package flows

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// plan makes the route from what the handler returned, under the flow's ceilings:
// a tainted evaluation never carries self-approval or a smaller quorum, requester and
// beneficiary stand in no group, and where nobody is left the fallback decides. A nil
// route means that not even the fallback can. It is made once a decision: who voted and
// who clicks are held to the same one.
func (d *decision) plan() *Route {
	if !d.planned {
		d.planned, d.fresh = true, d.makePlan()
	}
	return d.fresh
}

func (d *decision) makePlan() *Route {
	f, ev := d.f.flow(&d.req.Content), d.f.Evaluation
	r := &Route{Origin: FromHandler, Flow: f.Hash, Tainted: ev.Tainted || ev.Fault != "", Evidence: d.evidence()}
	var whyNot []string
	if ev.Proposal != nil {
		for _, p := range ev.Proposal.Stages {
			s, no := d.shape(f, p, r)
			if no != "" {
				whyNot = append(whyNot, no)
				continue
			}
			r.Stages = append(r.Stages, s)
		}
	}
	fallback, hasFallback := d.fallback(f)
	r.Fallback = nil
	if hasFallback {
		r.Fallback = &fallback
	}
	if len(r.Stages) == 0 {
		r.Origin = FromFallback
		r.Why = d.whyFallback(whyNot)
		if !hasFallback {
			return nil
		}
		fallback.Why = r.Why + " " + fallback.Why
		r.Stages = []Stage{fallback}
		return r
	}
	r.Why = r.Stages[0].Why
	if hasFallback && !r.Stages[0].Self && !samePeople(r.Stages[len(r.Stages)-1], fallback) {
		late := fallback
		late.Why = "Nobody answered before. " + fallback.Why
		r.Stages = append(r.Stages, late)
	}
	return r
}

// whyFallback is the sentence that tells people why the fallback decides.
func (d *decision) whyFallback(whyNot []string) string {
	switch ev := d.f.Evaluation; {
	case ev.Tainted:
		return d.doubt().String() + ", so nothing was assumed."
	case ev.Fault != "":
		return d.doubt().String() + ", so it decided nothing."
	case len(whyNot) > 0:
		return strings.Join(whyNot, " ")
	}
	return "The flow's handler named nobody for this request."
}

// shape turns one proposed stage into a stage, or says why it cannot stand.
func (d *decision) shape(f *Flow, p ProposedStage, r *Route) (Stage, string) {
	c := d.req.Content
	s := Stage{Destination: Destination{Channel: p.Channel}, Quorum: max(p.Quorum, f.Quorum, 1), Timeout: p.Timeout, Why: named(p.Why)}
	if s.Timeout <= 0 {
		s.Timeout = f.StageTimeout
	}
	people := distinct(p.People)
	if len(people) == 1 && people[0] == c.Requester && p.Channel == "" && p.allowsSelf() {
		proof, no := d.maySelf(f, r.Tainted)
		if no != "" {
			return Stage{}, no
		}
		s.Self, s.Approvers, s.Quorum = true, people, 1
		s.Why = whySelf(s.Why, proof, d.f.Catalog)
		r.Evidence.OnCall = proof
		return s, ""
	}
	if len(people) == 0 && p.Channel != "" {
		people = d.f.Fallback // a channel shows the card; who decides is said by the flow
	}
	s.Approvers = d.others(people)
	switch {
	case len(s.Approvers) == 0 && len(p.Unlinked) > 0:
		return Stage{}, "The people PagerDuty names are not linked to anyone in Slack."
	case len(s.Approvers) == 0 && len(people) > 0:
		return Stage{}, "Only the requester would have been asked, and nobody decides on their own request this way."
	case len(s.Approvers) == 0:
		return Stage{}, "Nobody is on call there right now."
	case len(s.Approvers) < s.Quorum:
		return Stage{}, fmt.Sprintf("%d approvals are needed and only %d could be asked.", s.Quorum, len(s.Approvers))
	}
	return s, ""
}

// allowsSelf reports whether the handler meant the requester to decide. A group says
// who is on call, for example, and that it is the requester alone is an accident.
func (p ProposedStage) allowsSelf() bool {
	if p.AllowSelf == nil {
		return !p.Group
	}
	return *p.AllowSelf
}

// maySelf holds the flow's ceilings to a self-approval: who is on call by the
// engine's own reading, whatever the handler found.
func (d *decision) maySelf(f *Flow, tainted bool) (*OnCallProof, string) {
	c := d.req.Content
	switch {
	case c.Requester != c.Beneficiary:
		return nil, "Nobody approves their own request on another's behalf."
	case f.SelfApproval == SelfNever || f.SelfApproval == "":
		return nil, f.Label + " has no self-approval."
	case f.Quorum > 1:
		return nil, f.Label + " needs more than one approval."
	case tainted:
		return nil, d.doubt().String() + ", so nobody approves their own request."
	case f.SelfApproval == SelfAlways:
		return nil, ""
	case d.linkHeld(c.Requester) != "":
		return nil, DoubtLink.String() + ", so nobody approves their own request."
	case d.f.Link == nil || d.f.Link.Proposed:
		return nil, "The requester's Slack account is not linked to a PagerDuty user by an admin."
	case !d.onCallKnown():
		return nil, DoubtOnCall.String() + ", so nobody approves their own request."
	}
	return d.proof(f)
}

// onCallKnown reports whether the engine's own reading of who is on call says
// something, and is young enough to decide on.
func (d *decision) onCallKnown() bool {
	a := d.f.OnCall
	return a != nil && a.Known && d.now.Sub(a.ReadAt) <= OnCallMaxAge
}

// proof finds the on-call entry of the requester that meets the flow's limits: the
// lowest level, then the oldest shift.
func (d *decision) proof(f *Flow) (*OnCallProof, string) {
	var best *OnCallEntry
	why := "The requester is not on call."
	for i := range d.f.OnCall.Entries {
		e := &d.f.OnCall.Entries[i]
		if e.User != d.f.Link.PagerDuty {
			continue
		}
		ok, no := f.OnCall.Meets(*e, d.now)
		if !ok {
			why = "The requester is on call, but " + named(no) + "."
			continue
		}
		if best == nil || e.Level < best.Level || e.Level == best.Level && e.Start.Before(best.Start) {
			best = e
		}
	}
	if best == nil {
		return nil, why
	}
	return &OnCallProof{Entry: *best, ReadAt: d.f.OnCall.ReadAt, Digest: d.f.OnCall.Digest}, ""
}

func whySelf(said string, p *OnCallProof, _ *Catalog) string {
	if p == nil {
		return "This flow lets you approve this yourself."
	}
	e := p.Entry
	shift := "as a permanent member"
	if !e.Permanent() {
		shift = "on " + named(e.Schedule)
		if !e.End.IsZero() {
			shift += " until " + Moment(e.End)
		}
		if e.Override == Yes {
			shift += ", by an override"
		}
	}
	name := named(e.PolicyName)
	if name == "" {
		name = named(e.Schedule)
	}
	duty := "on call for " + name + ", level " + strconv.Itoa(e.Level)
	said = strings.TrimSuffix(said, ".")
	if said == "" || strings.HasPrefix(duty, said) { // the same, in fewer words
		return duty + ", " + shift + "."
	}
	return said + ": " + duty + ", " + shift + "."
}

// Moment marks an instant in a sentence; each front door shows it in the reader's
// own time zone (Slack's <!date^…> form is what is written here).
func Moment(t time.Time) string {
	b := make([]byte, 0, 80)
	b = strconv.AppendInt(append(b, "<!date^"...), t.Unix(), 10)
	b = append(b, "^{date_short_pretty} at {time}|"...)
	return string(append(t.UTC().AppendFormat(b, "2006-01-02 15:04 UTC"), '>'))
}

// fallback is the flow's fallback as a stage; false when nobody in it may decide.
func (d *decision) fallback(f *Flow) (Stage, bool) {
	if !d.f.FallbackOK {
		return Stage{}, false
	}
	s := Stage{
		Destination: Destination{Channel: f.Fallback.Destination}, Quorum: max(f.Quorum, 1),
		Timeout: f.StageTimeout, Fallback: true, Why: "The flow's fallback decides: " + principals(f.Fallback.Approvers) + ".",
	}
	s.Approvers = d.others(distinct(d.f.Fallback))
	return s, len(s.Approvers) >= s.Quorum
}

// others are people without requester and beneficiary.
func (d *decision) others(people []PersonID) []PersonID {
	out := make([]PersonID, 0, len(people))
	for _, p := range people {
		if !d.req.Own(p) {
			out = append(out, p)
		}
	}
	return out
}

func distinct(people []PersonID) []PersonID {
	out := make([]PersonID, 0, len(people))
	for _, p := range people {
		known := false
		for _, have := range out {
			known = known || have == p
		}
		if !known && p != "" {
			out = append(out, p)
		}
	}
	return out
}

func samePeople(a, b Stage) bool {
	if len(a.Approvers) != len(b.Approvers) {
		return false
	}
	for _, p := range a.Approvers {
		if !b.Has(p) {
			return false
		}
	}
	return true
}

// sameRoute reports whether the same people are asked in the same order.
func sameRoute(a, b *Route) bool {
	if a == nil || b == nil || len(a.Stages) != len(b.Stages) {
		return false
	}
	for i := range a.Stages {
		x, y := a.Stages[i], b.Stages[i]
		if x.Self != y.Self || x.Quorum != y.Quorum || x.Destination != y.Destination || !samePeople(x, y) {
			return false
		}
	}
	return true
}
