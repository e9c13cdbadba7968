package flows

import (
	"slices"
	"strconv"
	"strings"
)

// approve counts one person's yes, after everything was looked at again.
func (d *decision) approve() {
	if no := d.mayDecide(); no != nil {
		d.refuse(no)
		return
	}
	who := d.cmd.Actor.Person
	self, no := d.eligible(who)
	if no != nil {
		d.refuseClick(no)
		return
	}
	if self && d.cmd.Actor.Unconfirmed {
		d.refuse(Refuse(RefusedOwnRequest, "Your sign-in here is known by your e-mail address only, so it does not approve your own request. Your click was not counted.").
			Then("Approve it in Slack, sign in with Slack, or have an admin write your account's subject into the configuration."))
		return
	}
	if no := d.steppedUp(); no != nil {
		d.refuse(no)
		return
	}
	need := d.quorum(who, self)
	for _, v := range d.req.Votes {
		if v.By == who {
			d.refuse(Refuse(RefusedAlreadyVoted, "You approved this already; it needs %d approvals, from different people.", need))
			return
		}
	}
	d.dropVotes()
	d.req.Votes = append(d.req.Votes, Vote{By: who, At: d.now, Door: d.cmd.Actor.Door, Hash: d.cmd.Hash, Note: d.cmd.Reason, SteppedUp: d.cmd.Actor.SteppedUp})
	if len(d.req.Votes) < need {
		d.enter(VerbApprove, StatePending, d.decisionFacts(self, need))
		d.noted(Noted{About: "approval", By: who, Votes: len(d.req.Votes), Of: need}, "approval/"+who.User()+"/"+strconv.FormatInt(d.was.Version, 10))
		return
	}
	d.decided(self, need)
}

// dropVotes takes out the approvals of people who are known not to be asked any more:
// others are on call by now.
func (d *decision) dropVotes() {
	var kept []Vote
	for _, v := range d.req.Votes {
		if _, no := d.eligible(v.By); no == nil || no.Code != RefusedNotEligible {
			kept = append(kept, v)
		}
	}
	d.req.Votes = kept
}

// decided writes the decision, the grant intent and its revocation in one outcome.
func (d *decision) decided(self bool, need int) {
	r := &d.req
	r.DecidedAt, r.DecidedBy, r.SelfMade = d.now, d.cmd.Actor.Person, self
	if f := d.f.flow(&r.Content); self && f.SelfApproval == SelfOnCall {
		r.Proof = d.plan().Evidence.OnCall // eligible looked at it
	}
	if t := d.f.target(&r.Content); t != nil {
		r.Means = t.Means
	}
	r.GrantBy = d.now.Add(d.f.Limits.WaitForGrant)
	r.LatestEnd = r.GrantBy.Add(r.Content.Duration)
	r.EndsAt = r.LatestEnd
	d.promiseReview()
	d.enter(VerbApprove, StateApproved, d.decisionFacts(self, need))
	d.hold(d.f.Holding.With(r.ID, r.LatestEnd))
	d.own(JobGrant, d.now)
	d.own(JobRevoke, r.LatestEnd)
	d.own(JobGiveUp, r.GrantBy)
	d.drop(JobLapse, JobRemind, JobForward)
	if f := d.f.flow(&r.Content); self && f.Channel != "" {
		d.card(CardFYI, "", f.Channel)
	}
}

// deny closes the request with a no.
func (d *decision) deny() {
	who := d.cmd.Actor.Person
	if no := d.knownClicker(); no != nil {
		d.refuse(no)
		return
	}
	if d.req.Own(who) {
		d.refuse(Refuse(RefusedOwnRequest, "This is your own request. Nothing was changed.").Then("Cancel it, if it is no longer needed."))
		return
	}
	if _, no := d.eligible(who); no != nil && (!d.inStage(who) || !d.unsure()) {
		d.refuseClick(no)
		return
	}
	if d.cmd.Reason.Empty() {
		r := Refuse(RefusedInput, "Say why, in a few words: the requester reads it.")
		r.Field = "reason"
		d.refuse(r)
		return
	}
	d.req.DecidedAt, d.req.DecidedBy, d.req.DenyWhy = d.now, who, d.cmd.Reason
	d.enter(VerbDeny, StateDenied, d.decisionFacts(false, 1))
	d.drop(JobLapse, JobRemind, JobForward)
	d.tell(AboutDenied, "")
	d.note("denied")
}

// mayDecide checks what must hold for any approval, whoever clicks.
func (d *decision) mayDecide() *Refusal {
	f := d.f.flow(&d.req.Content)
	switch {
	case d.f.EndOnly != "":
		return Refuse(RefusedEndOnly, "Nothing can be granted right now: %s. Your approval was not counted.", d.f.EndOnly)
	case !d.now.Before(d.req.LapsesAt):
		return Refuse(RefusedLapsed, "This request lapsed %s ago. Your approval was not counted.", Ago(d.now.Sub(d.req.LapsesAt)))
	case d.cmd.Hash != d.req.Hash:
		return Refuse(RefusedContentMismatch, "What you were shown is not what would be applied, so your approval was not counted.").
			Then("Look at the card again.")
	case f == nil:
		return Refuse(RefusedUnknownFlow, "The flow was taken out of the configuration. Your approval was not counted.")
	case d.f.target(&d.req.Content) == nil:
		return Refuse(RefusedUnknownTarget, "The target was taken out of the configuration. Your approval was not counted.")
	}
	if no := d.knownClicker(); no != nil {
		return no
	}
	if no := d.standing(); no != nil {
		return no
	}
	if no := d.ceilings(f); no != nil {
		return no
	}
	return d.incidentForDeciding(f)
}

// ceilings holds what is asked to the configuration in force: it may have been lowered
// since.
func (d *decision) ceilings(f *Flow) *Refusal {
	c := d.req.Content
	switch most := f.Ceiling(d.f.target(&c)); {
	case !f.Offers(c.Target):
		return Refuse(RefusedUnknownTarget, "%s does not offer this target any more. Your approval was not counted.", f.Label)
	case c.Duration > most:
		return Refuse(RefusedRulesChanged, "By now at most %s may be asked for here. Your approval was not counted.", Span(most)).
			Then("The requester can ask again, for less.")
	}
	if no := d.total(f, c.Duration); no != nil {
		return no.Then("Your approval was not counted; the requester can ask again, for less.")
	}
	return nil
}

// knownClicker refuses guests, strangers, bots and accounts Slack cannot vouch for.
func (d *decision) knownClicker() *Refusal {
	switch s := d.cmd.Actor.Standing; {
	case s == StandingMember:
		return nil
	case s == StandingUnknown, s == "":
		return Refuse(RefusedCouldNotCheck, "Slack did not answer who you are, so your click was not counted.").Then("Try again in a minute.")
	default:
		return Refuse(RefusedStanding, "Your Slack account is a %s account, and only members of the company decide. Your click was not counted.", s)
	}
}

func (d *decision) incidentForDeciding(f *Flow) *Refusal {
	if d.req.Content.Incident.ID == "" || f.Incident != IncidentRequired {
		return nil
	}
	switch {
	case d.f.IncidentIs == No:
		return Refuse(RefusedIncident, "PagerDuty no longer has this incident. Your approval was not counted.")
	case d.f.IncidentIs == Yes && d.f.Incident.Status == IncidentResolved && d.f.Incident.MergedInto == "" && d.req.IncidentGone.IsZero():
		return Refuse(RefusedIncident, "Incident %d is resolved by now. Your approval was not counted.", d.f.Incident.Number).
			Then("Ask again for an open one, if access is still needed.")
	}
	return nil
}

// unsure reports whether the facts for a fresh route could not be had. Who is on call
// matters by itself only where the route is the requester's own approval.
func (d *decision) unsure() bool {
	if ev := d.f.Evaluation; ev == nil || ev.Tainted || ev.Fault != "" {
		return true
	}
	f := d.f.flow(&d.req.Content)
	return f != nil && f.SelfApproval == SelfOnCall && namesOnly(d.f.Evaluation.Proposal, d.req.Content.Requester) && !d.onCallKnown()
}

// eligible says whether who may decide now, by the reducer run again just now, and
// whether it would be a self-approval.
func (d *decision) eligible(who PersonID) (self bool, no *Refusal) {
	stored, ok := d.req.Current()
	if !ok || d.f.flow(&d.req.Content) == nil {
		return false, Refuse(RefusedState, "Nobody is asked right now.")
	}
	if d.req.Route.Flow != d.f.flow(&d.req.Content).Hash {
		return false, Refuse(RefusedRulesChanged, "The flow's rules were changed since you were asked, so your click was not counted.").
			Then("The request was routed again; look at the new card.")
	}
	if d.req.Own(who) && !stored.Self {
		return false, Refuse(RefusedOwnRequest, "This is your own request, and it was routed to others. Your click was not counted.")
	}
	fallbackAsked := d.req.FallbackOpen || d.fallbackAsked()
	if fallbackAsked && !d.req.Own(who) && d.f.FallbackOK && contains(d.f.Fallback, who) {
		return false, nil
	}
	if no := d.setAside(who); no != nil && d.unsure() {
		return false, no
	}
	if d.unsure() {
		return false, Refuse(RefusedOnCallUnknown, "It could not be checked just now who may decide this (PagerDuty or the handler did not answer), so your click was not counted.").
			Then("The flow's fallback was asked as well.")
	}
	fresh := d.plan()
	if fresh == nil {
		return false, Refuse(RefusedNobody, "Nobody may decide this right now.")
	}
	for i, s := range fresh.Stages {
		if i <= d.req.Stage && s.Has(who) && (!s.Fallback || fallbackAsked) {
			if s.Self && d.incidentUnread() {
				return false, Refuse(RefusedCouldNotCheck, "PagerDuty did not say how the incident stands, so nobody approves their own request for it. Your click was not counted.").
					Then("The flow's fallback was asked as well.")
			}
			if s.Self == d.req.Own(who) {
				return s.Self, nil
			}
		}
	}
	return false, Refuse(RefusedNotEligible, "You may not decide this now; who may: %s. Your click was not counted.", names(fresh.Stages, d.req.Stage))
}

// setAside refuses whoever would approve for themselves, and whose link to PagerDuty was
// set aside: it is not PagerDuty that does not answer.
func (d *decision) setAside(who PersonID) *Refusal {
	why := d.linkHeld(who)
	if why == "" || who != d.req.Content.Requester {
		return nil
	}
	return Refuse(RefusedOnCallUnknown, "Your link to PagerDuty was set aside (%s), so it is not certain that you are who is on call, and your click was not counted.", why).
		Then("An admin can confirm the link, with the button in their channel or breakglass people link --confirm. The flow's fallback was asked as well.")
}

// refuseClick refuses one who may not decide now, and mends what the look showed:
// changed rules or people route again, unknown facts open the fallback.
func (d *decision) refuseClick(no *Refusal) {
	switch no.Code {
	case RefusedRulesChanged:
		d.refuse(no)
		d.reroute("the flow or its handler changed")
	case RefusedOnCallUnknown, RefusedCouldNotCheck:
		d.refuse(no)
		d.openFallback()
	case RefusedNotEligible:
		d.refuse(no)
		if fresh := d.plan(); d.inStage(d.cmd.Actor.Person) && !sameRoute(fresh, d.req.Route) {
			d.reroute("other people are on call now")
		}
	default:
		d.refuse(no)
	}
}

// incidentUnread reports whether the incident that the flow requires could not be read.
func (d *decision) incidentUnread() bool {
	f := d.f.flow(&d.req.Content)
	return f.Incident == IncidentRequired && d.req.Content.Incident.ID != "" && d.f.IncidentIs == Unknown
}

// quorum is how many approvals it takes when who gives one: as many as the stage needs
// in which who was asked, or would be asked now if that needs more. Who stands in for
// a stage needs what that one needs.
func (d *decision) quorum(who PersonID, self bool) int {
	if self {
		return 1
	}
	need, asked := max(d.f.flow(&d.req.Content).Quorum, 1), false
	routes := []*Route{d.req.Route}
	if fresh := d.plan(); fresh != nil && !d.unsure() {
		routes = append(routes, fresh)
	}
	for _, r := range routes {
		least := 0
		for i, s := range r.Stages {
			if i <= d.req.Stage && s.Has(who) && (least == 0 || s.Quorum < least) {
				least = s.Quorum
			}
		}
		need, asked = max(need, least), asked || least > 0
	}
	if s, _ := d.req.Current(); !asked {
		need = max(need, s.Quorum)
	}
	return need
}

func names(stages []Stage, upTo int) string {
	var all []string
	for i, s := range stages {
		if i <= upTo {
			for _, p := range s.Approvers {
				all = append(all, Mention(p))
			}
		}
	}
	return strings.Join(all, ", ")
}

func contains(people []PersonID, p PersonID) bool {
	return slices.Contains(people, p)
}
