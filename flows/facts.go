package flows

import "time"

// common adds to the facts of an entry, which may be nil, those that every entry of a
// request carries.
func (d *decision) common(facts map[string]any) map[string]any {
	if facts == nil {
		facts = make(map[string]any, commonFacts)
	}
	c := &d.req.Content
	facts["request"], facts["flow"], facts["target"] = d.req.Hash, string(c.Flow), string(c.Target)
	if _, said := facts["incident"]; said {
		// the step is about one
	} else if id := d.req.Incident(); id.plausible() {
		facts["incident"] = string(id)
	} else if id != "" {
		facts["incident"] = Personal{About: c.Requester, Value: string(id)} // typed, and no incident's name
	}
	if d.f.Catalog != nil {
		facts["world"], facts["config"] = string(d.f.Catalog.World), d.f.Catalog.Hash
	}
	return facts
}

// commonFacts is how many common adds at most, to make room for them at once.
const commonFacts = 6

// asked are the facts of a new request: everything that was asked.
func (d *decision) asked() map[string]any {
	c := &d.req.Content
	fields := make([]any, 0, len(c.Fields))
	for _, f := range c.Fields {
		fields = append(fields, object{{"name", f.Name}, {"value", Personal{About: c.Requester, Value: f.Value.Raw()}}})
	}
	facts := make(map[string]any, 10+commonFacts)
	facts["requester"] = Personal{About: c.Requester, Value: string(c.Requester)}
	facts["beneficiary"] = Personal{About: c.Beneficiary, Value: string(c.Beneficiary)}
	facts["link"], facts["seconds"], facts["scope"] = d.linkFacts(), int64(c.Duration/time.Second), string(c.Scope)
	facts["reason"], facts["fields"] = Personal{About: c.Requester, Value: c.Reason.Raw()}, fields
	if c.Extends != "" {
		facts["extends"] = string(c.Extends)
	}
	facts["incident_number"] = int64(c.Incident.Number)
	if c.Incident.ID == "" {
		facts["no_incident"] = true // nobody forgot it: that was said, and the reason stands for itself
	}
	if f := d.f.flow(c); f != nil {
		facts["flow_hash"] = f.Hash
	}
	if t := d.f.target(c); t != nil {
		facts["target_hash"] = t.Hash
	}
	return facts
}

func (d *decision) linkFacts() any {
	if d.f.Link == nil {
		return nil
	}
	return Personal{About: d.f.Link.Person, Value: d.f.Link.String()}
}

// evidence is what the evaluation at hand rests on.
func (d *decision) evidence() *Evidence {
	ev := &Evidence{At: d.now}
	if f := d.f.flow(&d.req.Content); f != nil {
		ev.Handler, ev.Flow = f.SourceHash, f.Hash
	}
	if e := d.f.Evaluation; e != nil {
		ev.Calls, ev.Fault, ev.Tainted = e.Calls, e.Fault, e.Tainted
	}
	return ev
}

// spelt is a fact that is written out when its entry is sealed: deciding only points
// at what it rests on, which nobody changes after.
type spelt interface{ facts() any }

// evidenceFacts is evidence as a fact.
type evidenceFacts struct {
	*Evidence
	about PersonID
}

// facts is the evidence in canonical values. What broke may quote what was typed or
// who was asked about, so it stands as a commitment about the requester.
func (e *evidenceFacts) facts() any {
	calls := make([]any, 0, len(e.Calls))
	for _, c := range e.Calls {
		args := make([]any, 0, len(c.Args))
		for _, a := range c.Args {
			args = append(args, object{{"name", a.Name}, {"value", a.Value}})
		}
		call := object{
			{"answer", c.Answer}, {"args", args}, {"call", c.Name}, {"digest", c.Digest}, {"error", quoted(e.about, c.Error)},
			{"known", c.Result.String()}, {"read_at", millis(c.ReadAt)},
		}
		if c.Entry != nil {
			call = append(call, member{"entry", c.Entry})
		}
		calls = append(calls, call)
	}
	return object{
		{"at", millis(e.At)}, {"calls", calls}, {"fault", quoted(e.about, e.Fault)}, {"flow_hash", e.Flow}, {"handler", e.Handler}, {"tainted", e.Tainted},
	}
}

// quoted keeps an error's text out of the open; nothing stays nothing.
func quoted(about PersonID, text string) any {
	if text == "" {
		return nil
	}
	return Personal{About: about, Value: text}
}

// proofFacts is an on-call entry as a fact.
type proofFacts struct {
	*OnCallProof
	about PersonID
}

// proven is the on-call entry that a self-approval rested on.
func proven(p *OnCallProof, link *Link) any {
	switch {
	case p == nil:
		return nil
	case link == nil:
		return &proofFacts{OnCallProof: p}
	}
	return &proofFacts{p, link.Person}
}

// facts is the entry in canonical values.
func (p *proofFacts) facts() any {
	e := &p.Entry
	return object{
		{"digest", p.Digest}, {"level", int64(e.Level)}, {"override", e.Override.String()}, {"policy", e.PolicyID}, {"policy_name", e.PolicyName},
		{"read_at", millis(p.ReadAt)}, {"schedule", e.ScheduleID}, {"shift_end", millis(e.End)}, {"shift_start", millis(e.Start)},
		{"user", Personal{About: p.about, Value: string(e.User)}},
	}
}

// routeFacts describe a route: who is asked, in which order, and why.
func (d *decision) routeFacts(r *Route) map[string]any {
	stages := make([]any, 0, len(r.Stages))
	for _, s := range r.Stages {
		people := make([]any, 0, len(s.Approvers))
		for _, p := range s.Approvers {
			people = append(people, Personal{About: p, Value: string(p)})
		}
		stages = append(stages, object{
			{"approvers", people}, {"channel", s.Destination.Channel}, {"fallback", s.Fallback}, {"quorum", int64(s.Quorum)},
			{"seconds", int64(s.Timeout / time.Second)}, {"self", s.Self},
		})
	}
	return map[string]any{
		"stages": stages, "origin": string(r.Origin), "tainted": r.Tainted, "evidence": &evidenceFacts{r.Evidence, d.req.Content.Requester}, "on_call": proven(r.Evidence.OnCall, d.f.Link),
	}
}

// decisionFacts are what an approval or denial rests on.
func (d *decision) decisionFacts(self bool, need int) map[string]any {
	r := &d.req
	facts := make(map[string]any, 16+commonFacts)
	facts["shown"] = d.cmd.Hash
	facts["requester"], facts["link"] = Personal{About: r.Content.Requester, Value: string(r.Content.Requester)}, d.linkFacts()
	facts["self"], facts["stage"], facts["votes"], facts["quorum"] = self, int64(r.Stage), int64(len(r.Votes)), int64(need)
	facts["seconds"], facts["evidence"] = int64(r.Content.Duration/time.Second), &evidenceFacts{d.evidence(), r.Content.Requester}
	facts["incident_read"], facts["fallback_open"] = d.f.IncidentIs.String(), r.FallbackOpen
	if d.f.Incident != nil {
		facts["incident_status"], facts["incident_service"] = string(d.f.Incident.Status), d.f.Incident.ServiceID
	}
	if t := d.f.target(&r.Content); t != nil {
		facts["target_hash"] = t.Hash
	}
	if self {
		facts["on_call"] = proven(r.Proof, d.f.Link)
	}
	if r.Review != nil {
		facts["review_seconds"] = int64(r.Review.Within / time.Second)
	}
	if at := d.cmd.Actor.SteppedUp; !at.IsZero() {
		facts["stepped_up_at"] = millis(at)
	}
	if !d.cmd.Reason.Empty() {
		facts["reason"] = Personal{About: d.cmd.Actor.Person, Value: d.cmd.Reason.Raw()}
	}
	return facts
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
