package flows

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Check says everything that is wrong with what is asked, one refusal a field, so
// that a form can show them all at once. It looks at the form only; whether the
// person may ask is submit's to say.
func (c Content) Check(f *Flow, t *TargetSpec) []*Refusal {
	var all []*Refusal
	wrong := func(field, format string, args ...any) {
		r := Refuse(RefusedInput, format, args...)
		r.Field = field
		all = append(all, r)
	}
	if t == nil || !f.Offers(c.Target) {
		wrong("target", "%s has no target of that name. Pick one from the list.", f.Label)
	}
	switch ceiling := f.Ceiling(t); {
	case c.Duration <= 0:
		wrong("duration", "Say for how long, for example 30m or 1h.")
	case c.Duration < time.Minute:
		wrong("duration", "A minute is the least.")
	case c.Duration > ceiling:
		wrong("duration", "At most %s here. Ask for less, and again if you need more.", Span(ceiling))
	}
	if c.Reason.Len() < 3 {
		wrong("reason", "Say why, in a few words. Approvers and auditors read it.")
	}
	if f.Incident == IncidentRequired && c.Incident.ID == "" {
		wrong("incident", "Pick the PagerDuty incident this is for: “No incident” is not possible in %s.", f.Label)
	}
	for i := range f.Fields {
		if say := f.Fields[i].check(c.field(f.Fields[i].Name)); say != "" {
			wrong("field:"+f.Fields[i].Name, "%s", say)
		}
	}
	return all
}

// Unsaid refuses to take it that there is no incident because none was named: whoever asks
// says so in words. door is the words for it there.
func (f *Flow) Unsaid(door string) *Refusal {
	r := Refuse(RefusedInput, "Say which PagerDuty incident this is for, or that there is none. Nothing was asked for.").Then(door)
	if f.Incident == IncidentRequired {
		r = Refuse(RefusedInput, "%s is asked for with a PagerDuty incident only. Nothing was asked for.", f.Label).Then("Say which incident this is for.")
	}
	r.Field = "incident"
	return r
}

// Offers reports whether the target may be asked for in the flow.
func (f *Flow) Offers(t TargetID) bool {
	return slices.Contains(f.Targets, t)
}

// Ceiling is the longest duration that may be asked for.
func (f *Flow) Ceiling(t *TargetSpec) time.Duration {
	if t != nil && t.MaxDuration > 0 && t.MaxDuration < f.MaxDuration {
		return t.MaxDuration
	}
	return f.MaxDuration
}

func (c Content) field(name string) string {
	for _, v := range c.Fields {
		if v.Name == name {
			return v.Value.Raw()
		}
	}
	return ""
}

// check says what is wrong with an answer; empty when nothing is.
func (p PromptField) check(v string) string {
	if v == "" {
		if p.Required {
			return "This is needed: " + p.Label + "."
		}
		return ""
	}
	if len(p.Choices) > 0 {
		if slices.Contains(p.Choices, v) {
			return ""
		}
		return "Pick one of: " + strings.Join(p.Choices, ", ") + "."
	}
	switch p.Type {
	case FieldInt:
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return "A whole number, for example 42."
		}
	case FieldBool:
		if v != "true" && v != "false" {
			return "Yes or no."
		}
	case FieldDuration:
		if d, err := time.ParseDuration(v); err != nil || d <= 0 {
			return "A length of time, for example 30m or 2h."
		}
	}
	return ""
}

func (d *decision) submit() {
	c := d.cmd.Content
	d.req = Request{
		ID: d.cmd.ID, Content: c, Hash: c.Hash(d.cmd.ID), Door: d.cmd.Actor.Door, View: d.cmd.View,
		SubmittedAt: d.now, LapsesAt: d.now.Add(d.f.Limits.RouteWithin), Denials: d.f.Denials,
	}
	if no := d.maySubmit(); no != nil {
		d.refuse(no)
		return
	}
	if d.f.Incident != nil {
		d.req.IncidentSeen = d.f.Incident.State()
	}
	if d.sameIncident() && d.f.IncidentIs == Yes && d.f.Incident.Status == IncidentResolved {
		d.req.IncidentGone = d.now // it is asked for in spite of that, so that does not end it
	}
	d.enter(VerbSubmit, StateSubmitted, d.asked())
	d.req.Version = 1
	d.card(CardRequester, c.Requester, "")
	d.own(JobRoute, d.now)
	if f := d.f.flow(&c); f.Incident == IncidentCreate && c.Incident.ID == "" {
		d.own(JobOpen, d.now)
	}
	d.own(JobLapse, d.req.LapsesAt)
	d.out.Holding = &Holding{Key: AskingKey(c.Requester), Version: d.f.Asking + 1}
	d.out.Request = d.req
	d.refreshCards()
}

func (d *decision) maySubmit() *Refusal {
	c, f := d.cmd.Content, d.f.flow(&d.cmd.Content)
	switch {
	case d.f.EndOnly != "":
		return Refuse(RefusedEndOnly, "Nothing can be granted right now: %s. Nothing was submitted.", d.f.EndOnly).
			Then("Access that exists still ends on time. Tell an admin.")
	case f == nil:
		return Refuse(RefusedUnknownFlow, "There is no flow %q.", c.Flow).Then("See /access list.")
	case d.f.target(&c) == nil:
		return Refuse(RefusedUnknownTarget, "There is no target %q.", c.Target).Then("See /access list.")
	case d.cmd.Actor.Person != c.Requester:
		return Refuse(RefusedNotAllowed, "A request can only be made in one's own name.")
	}
	if no := d.standing(); no != nil {
		return no
	}
	if wrong := c.Check(f, d.f.target(&c)); len(wrong) > 0 {
		return wrong[0]
	}
	if no := d.mayExtend(f); no != nil {
		return no
	}
	switch {
	case d.f.Undecided != "":
		return Refuse(RefusedDuplicate, "You already have an open request for this (%s). Nothing was submitted.", d.f.Undecided.Short()).
			Then("Wait for the answer, or cancel it first.")
	case f.MaxOpen > 0 && d.f.OpenCount >= f.MaxOpen:
		return Refuse(RefusedTooMany, "You have %d open requests in %s, the most it allows.", d.f.OpenCount, f.Label).
			Then("Cancel one, or wait.")
	case d.f.Limits.AskedPerHour > 0 && d.f.AskedLately >= d.f.Limits.AskedPerHour:
		return Refuse(RefusedTooMany, "You asked %d times within an hour, the most that is allowed.", d.f.AskedLately).
			Then("Wait a while.")
	}
	return d.incidentForAsking(f)
}

// standing refuses people who may not ask, and those of whom it is not known.
func (d *decision) standing() *Refusal {
	f := d.f.flow(&d.cmd.Content)
	if d.was.ID != "" {
		f = d.f.flow(&d.req.Content)
	}
	switch s := d.f.Requester; {
	case s == StandingMember, s == StandingGuest && f.AllowGuests:
	case s == StandingUnknown, s == "":
		return Refuse(RefusedCouldNotCheck, "Slack did not answer who the requester is, so nothing was done.").Then("Try again in a minute.")
	default:
		return Refuse(RefusedStanding, "The requester's Slack account is a %s account, and this flow is for members of the company only.", s)
	}
	switch d.f.Allowed {
	case Yes:
		return nil
	case No:
		return Refuse(RefusedNotAllowed, "%s is open to %s, and the requester is not among them.", f.Label, principals(f.Requesters)).
			Then("Ask an admin to be added, or pick another flow.")
	}
	return Refuse(RefusedCouldNotCheck, "It could not be checked who may ask in %s, so nothing was done.", f.Label).Then("Try again in a minute.")
}

func (d *decision) incidentForAsking(f *Flow) *Refusal {
	if d.cmd.Content.Incident.ID == "" {
		return nil
	}
	say := func(format string, args ...any) *Refusal {
		r := Refuse(RefusedIncident, format, args...)
		r.Field = "incident"
		return r
	}
	switch {
	case d.f.IncidentIs == No:
		return say("PagerDuty has no such incident.").Then("Pick one from the list.")
	case d.f.IncidentIs == Yes && d.f.Incident.Status == IncidentResolved && f.Incident == IncidentRequired && !d.sameIncident():
		return say("Incident %d is resolved already.", d.f.Incident.Number).Then("Pick an open one.")
	}
	return nil // unreadable: it may be asked; who approves sees that it could not be read
}

func principals(ps []Principal) string {
	names := make([]string, 0, len(ps))
	for _, p := range ps {
		if p.IsUser() {
			names = append(names, "<@"+string(p)+">")
		} else {
			names = append(names, string(p))
		}
	}
	return strings.Join(names, ", ")
}
