package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
)

// today is who would qualify under a flow's rules right now.
type today struct {
	Flow     flows.FlowID `json:"flow"`
	At       time.Time    `json:"at"`
	MayAsk   crowd        `json:"may_ask"`
	Own      []onDuty     `json:"could_approve_their_own"`
	Asked    []asking     `json:"would_be_asked"`
	Fallback crowd        `json:"fallback"`
}

// crowd is a list of people that the configuration names by groups.
type crowd struct {
	People  []somebody `json:"people"`
	Unknown bool       `json:"unknown,omitempty"` // Slack could not say all of it
}

// somebody is a person, and what Slack says about the account.
type somebody struct {
	ID       flows.PersonID `json:"id"`
	Name     string         `json:"name"`
	Standing flows.Standing `json:"standing,omitempty"` // empty: not looked up
	Linked   bool           `json:"linked"`

	barred bool // by the standing
}

// onDuty is somebody who could approve their own request, and by which shift.
type onDuty struct {
	Name     string           `json:"name"`
	ID       flows.PersonID   `json:"id"`
	Targets  []flows.TargetID `json:"targets"`
	Policy   string           `json:"policy,omitempty"`
	Level    int              `json:"level,omitempty"`
	Schedule string           `json:"schedule,omitempty"`
	Until    time.Time        `json:"until,omitzero"`
	Override bool             `json:"override,omitempty"`
}

// asking is a route that requests take right now, and whose.
type asking struct {
	By      []flows.PersonID `json:"by"`
	Targets []flows.TargetID `json:"targets"`
	routeRow
	Nobody string `json:"nobody,omitempty"` // why nobody at all could decide

	names []string
}

// Bounds on what is looked up for one flow: Slack answers about a person a second.
const (
	mostLookups    = 40
	mostRehearsals = 500
)

// flow looks at everything that a flow names, and rehearses requests.
func (l *live) flow(ctx context.Context, t *today) {
	f := l.cfg.Catalog.Flows[t.Flow]
	at := "flow." + string(f.ID)
	l.policies(ctx, at+".on_call", f.OnCall.Policies)
	l.channel(ctx, at+".channel", f.Channel)
	l.channel(ctx, at+".fallback", f.Fallback.Destination)
	l.channel(ctx, "environment."+f.Environment+".errors_to", f.ErrorsTo)
	t.MayAsk = l.crowd(ctx, at+".requesters", f.Requesters, f.AllowGuests)
	t.Fallback = l.crowd(ctx, at+".fallback", f.Fallback.Approvers, f.AllowGuests)
	l.standIns(at+".fallback", t.Fallback, f)
	if t.MayAsk.Unknown && len(t.MayAsk.People) == 0 {
		return
	}
	l.progress("rehearsing requests in flow " + string(f.ID))
	for _, target := range f.Targets {
		l.rehearse(ctx, t, f, target)
	}
	t.merge()
	if !slices.ContainsFunc(t.MayAsk.People, func(p somebody) bool { return !p.barred }) {
		l.wrong(at+".requesters", "", "Nobody may ask: there is nobody in it, or only guests, bots and deactivated accounts.")
	}
}

// crowd resolves people and looks up the first of them.
func (l *live) crowd(ctx context.Context, at string, refs []flows.Principal, guests bool) crowd {
	people, whole := l.members(ctx, at, refs)
	c := crowd{People: []somebody{}, Unknown: !whole}
	for i, p := range people {
		_, linked := l.cfg.Catalog.Links.Of(p)
		s := somebody{ID: p, Linked: linked}
		if i < mostLookups {
			if profile, err := l.profile(ctx, p); err == nil {
				s.Standing = profile.Standing
			}
		}
		s.Name = l.names.of(p)
		s.barred = s.Standing != "" && barred(s.Standing, guests)
		c.People = append(c.People, s)
	}
	return c
}

// barred reports whether an account may neither ask nor decide.
func barred(s flows.Standing, guests bool) bool {
	return s != flows.StandingMember && (s != flows.StandingGuest || !guests)
}

// standIns says whether the fallback can decide.
func (l *live) standIns(at string, c crowd, f *flows.Flow) {
	able := 0
	for _, p := range c.People {
		if p.barred {
			l.odd(at, "Take the account out of the group, or name other people.", "%s is %s in Slack, so cannot decide.", p.Name, standingWord(p.Standing))
		} else {
			able++
		}
	}
	switch need := max(f.Quorum, 1); {
	case c.Unknown:
	case able < need:
		l.wrong(at, "When PagerDuty is down, nobody gets in.", "The fallback has %s who can decide, and %d must.", count(able, "person", "people"), need)
	case able == need:
		l.odd(at, "Name one more.", "The fallback has only %s who can decide: for their own request there is nobody.", count(able, "person", "people"))
	}
}

// rehearse routes a request of everybody who may ask, and one of those without a link:
// without one it does not matter who asks.
func (l *live) rehearse(ctx context.Context, t *today, f *flows.Flow, target flows.TargetID) {
	var linked, others []somebody
	for _, p := range t.MayAsk.People {
		switch {
		case p.barred:
		case p.Linked:
			linked = append(linked, p)
		default:
			others = append(others, p)
		}
	}
	for _, p := range linked[:min(len(linked), mostRehearsals)] {
		l.rehearseOne(ctx, t, f, target, []somebody{p})
	}
	if len(others) > 0 {
		l.rehearseOne(ctx, t, f, target, others)
	}
}

// rehearseOne routes the request of one person, who stands for all of them.
func (l *live) rehearseOne(ctx context.Context, t *today, f *flows.Flow, target flows.TargetID, people []somebody) {
	got, err := l.rehearsal.Route(ctx, l.content(ctx, f, target, people[0].ID))
	if err != nil {
		l.wrong("flow."+string(f.ID), "", "%s", sentence(err))
		return
	}
	if l.pager { // else it is clear why
		l.judge(f, got)
	}
	r := got.Request
	if stage, ok := r.Current(); ok && stage.Self {
		t.own(people[0], target, r.Route)
		return
	}
	a := asking{Targets: []flows.TargetID{target}}
	for _, p := range people {
		a.By, a.names = append(a.By, p.ID), append(a.names, p.Name)
	}
	if r.Route == nil {
		a.Nobody = l.names.plainWords(r.Fault)
		l.once("flow."+string(f.ID)+".fallback", a.Nobody)
	} else {
		a.routeRow = *routeRowOf(r.Route)
		a.Why = l.names.plainWords(a.Why)
		for _, stage := range a.Stages {
			if !stage.Fallback {
				l.channel(ctx, "flow."+string(f.ID)+".implementation", stage.Channel)
			}
		}
		if !l.somebody(r.Route, f) {
			l.wrong("flow."+string(f.ID)+".fallback", "", "If %s asks for %s, nobody can decide: everybody who would be asked is a guest, a bot or gone.", people[0].Name, target)
		}
	}
	t.asked(a)
}

// somebody reports whether anybody of a route can decide, as far as was looked up.
func (l *live) somebody(r *flows.Route, f *flows.Flow) bool {
	for _, s := range r.Stages {
		for _, p := range s.Approvers {
			if profile, known := l.profiles[p]; !known || !barred(profile.Standing, f.AllowGuests) {
				return true
			}
		}
	}
	return false
}

// judge makes findings of what the handler's run showed.
func (l *live) judge(f *flows.Flow, got app.Rehearsed) {
	at := "flow." + string(f.ID) + ".implementation"
	ev := got.Evaluation
	if ev.Fault != "" {
		l.once(at, "The handler failed: "+ev.Fault+".")
	}
	for _, call := range ev.Calls {
		if call.Error != "" && !strings.Contains(ev.Fault, call.Error) {
			l.once(at, "The handler asked "+call.Name+" and got no answer: "+call.Error+".")
		}
	}
	if ev.Proposal == nil {
		return
	}
	for _, stage := range ev.Proposal.Stages {
		for _, user := range stage.Unlinked {
			l.oddOnce(at, "The handler names PagerDuty user "+user+", and no person block says who that is in Slack: nobody asks them.")
		}
	}
}

// once is wrong, unless it has been said.
func (l *live) once(at, message string) {
	if !l.said(at, message) {
		l.wrong(at, "", "%s", message)
	}
}

func (l *live) oddOnce(at, message string) {
	if !l.said(at, message) {
		l.odd(at, `Add person "…" { slack = "U…", pagerduty = "P…" }.`, "%s", message)
	}
}

func (l *live) said(at, message string) bool {
	for _, f := range l.found {
		if f.At == at && f.Message == message {
			return true
		}
	}
	return false
}

// content is a made-up request: the shortest that may be asked for, for an open
// incident if the flow wants one.
func (l *live) content(ctx context.Context, f *flows.Flow, target flows.TargetID, p flows.PersonID) flows.Content {
	c := flows.Content{
		Flow: f.ID, Target: target, Requester: p, Beneficiary: p, Duration: f.Durations[0], Reason: flows.NewText("breakglass check --live"),
	}
	if f.Incident != flows.IncidentOptional {
		c.Incident = flows.IncidentRef{ID: "QREHEARSAL0001", Number: 1, Title: flows.NewText("breakglass check --live")}
		if open, err := l.vendors.PagerDuty.OpenIncidents(ctx, flows.IncidentQuery{Limit: 1}); err == nil && len(open) > 0 {
			c.Incident = open[0].Ref()
		}
	}
	for _, q := range f.Fields {
		c.Fields = append(c.Fields, flows.FieldValue{Name: q.Name, Value: flows.NewText(plausible(q, p))})
	}
	return c
}

// plausible is an answer to a question of the flow.
func plausible(q flows.PromptField, p flows.PersonID) string {
	switch {
	case q.Default != "":
		return q.Default
	case len(q.Choices) > 0:
		return q.Choices[0]
	case !q.Required:
		return ""
	}
	return map[flows.FieldType]string{
		flows.FieldString: "check", flows.FieldInt: "1", flows.FieldBool: "true", flows.FieldDuration: "1h",
		flows.FieldUser: p.User(), flows.FieldUsers: p.User(),
	}[q.Type]
}

// own adds somebody who could approve their own request for a target.
func (t *today) own(p somebody, target flows.TargetID, r *flows.Route) {
	for i := range t.Own {
		if t.Own[i].ID == p.ID {
			t.Own[i].Targets = append(t.Own[i].Targets, target)
			return
		}
	}
	o := onDuty{ID: p.ID, Name: p.Name, Targets: []flows.TargetID{target}}
	if proof := r.Evidence.OnCall; proof != nil {
		e := proof.Entry
		o.Policy, o.Level, o.Schedule, o.Until, o.Override = e.PolicyName, e.Level, e.Schedule, e.End, e.Override == flows.Yes
	}
	t.Own = append(t.Own, o)
	slices.SortStableFunc(t.Own, func(a, b onDuty) int { return cmp.Compare(a.Name, b.Name) })
}

// asked adds a route, to those for the same target that are the same.
func (t *today) asked(a asking) {
	for i := range t.Asked {
		if b := &t.Asked[i]; sameStages(a, *b) && slices.Equal(a.Targets, b.Targets) {
			b.By, b.names = append(b.By, a.By...), append(b.names, a.names...)
			return
		}
	}
	t.Asked = append(t.Asked, a)
}

// merge makes one of routes that are the same for several targets.
func (t *today) merge() {
	out := []asking{}
	for _, a := range t.Asked {
		i := slices.IndexFunc(out, func(b asking) bool { return sameStages(a, b) && slices.Equal(a.By, b.By) })
		if i < 0 {
			out = append(out, a)
			continue
		}
		out[i].Targets = append(out[i].Targets, a.Targets...)
	}
	t.Asked = out
}

func sameStages(a, b asking) bool {
	return a.Nobody == b.Nobody && a.Why == b.Why && slices.EqualFunc(a.Stages, b.Stages, func(x, y stageRow) bool {
		return x.Channel == y.Channel && x.Quorum == y.Quorum && slices.Equal(x.Approvers, y.Approvers)
	})
}
