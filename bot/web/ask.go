package web

import (
	"context"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// Ask is what somebody asks for.
type Ask struct {
	Flow     string            `json:"flow" example:"prod" doc:"a flow of the configuration"`
	Target   string            `json:"target" example:"prod_database"`
	Duration string            `json:"duration" example:"30m"`
	Reason   string            `json:"reason" maxLength:"3000"`
	Incident string            `json:"incident,omitempty" doc:"the PagerDuty incident's id or number; or none, and the reason must then stand for itself (a flow that requires an incident refuses it, one that creates them opens one)" maxLength:"64"`
	Scope    string            `json:"scope,omitempty" doc:"narrows the target, where its kind knows scopes" maxLength:"200"`
	Fields   map[string]string `json:"fields,omitempty" doc:"answers to the flow's own questions"`
}

// submit submits what was asked, in the caller's own name.
func (w *Web) submit(ctx context.Context, c *doors.Caller, in Ask) (flows.Request, error) {
	if f := w.o.Catalog().Flows[flows.FlowID(in.Flow)]; f != nil && strings.TrimSpace(in.Incident) == "" {
		return flows.Request{}, f.Unsaid("Write its number or id as incident (--incident on the command line), or none: the reason must then stand for itself.")
	}
	content, err := w.content(c, in)
	if err != nil {
		return flows.Request{}, err
	}
	return w.submitted(ctx, c, content)
}

// incidentSaid is the incident that was said; empty where it was said that there is none.
func incidentSaid(said string) flows.IncidentID {
	if flows.SaysNone(said) {
		return ""
	}
	return flows.IncidentID(strings.TrimPrefix(strings.TrimSpace(said), "#"))
}

// extend asks for what a request of the caller's gives to go on.
func (w *Web) extend(ctx context.Context, c *doors.Caller, id, duration, reason string) (flows.Request, error) {
	was, err := w.request(ctx, c, id)
	if err != nil {
		return flows.Request{}, err
	}
	length, err := lengthOf(duration)
	if err != nil {
		return flows.Request{}, err
	}
	content := was.Content
	content.Extends, content.Duration, content.Reason, content.Incident = was.ID, length, flows.NewText(reason), flows.IncidentRef{ID: was.Incident()}
	return w.submitted(ctx, c, content)
}

func (w *Web) submitted(ctx context.Context, c *doors.Caller, content flows.Content) (flows.Request, error) {
	res, err := w.o.Engine.Do(ctx, flows.Command{
		Verb: flows.VerbSubmit, ID: w.o.Engine.NewRequestID(), Content: content, Actor: c.Actor(),
	}, flows.Finish{})
	switch {
	case err != nil:
		return flows.Request{}, err
	case res.Refusal != nil:
		return flows.Request{}, res.Refusal
	}
	return res.Request, nil
}

// content is the ask as a request keeps it. What the configuration does not know is
// refused here, with what there is.
func (w *Web) content(c *doors.Caller, in Ask) (flows.Content, error) {
	cat := w.o.Catalog()
	f := cat.Flows[flows.FlowID(in.Flow)]
	if f == nil {
		return flows.Content{}, flows.Refuse(flows.RefusedUnknownFlow, "There is no flow %q; there is %s. Nothing was asked for.", in.Flow, listed(cat.FlowOrder))
	}
	length, err := lengthOf(in.Duration)
	if err != nil {
		return flows.Content{}, err
	}
	out := flows.Content{
		Flow: f.ID, Target: flows.TargetID(in.Target), Scope: flows.Scope(in.Scope), Requester: c.Person, Beneficiary: c.Person,
		Duration: length, Reason: flows.NewText(in.Reason), Incident: flows.IncidentRef{ID: incidentSaid(in.Incident)},
	}
	var known []string
	for _, q := range f.Fields {
		known = append(known, q.Name)
		answer, given := in.Fields[q.Name]
		if !given {
			answer = q.Default
		}
		out.Fields = append(out.Fields, flows.FieldValue{Name: q.Name, Value: flows.NewText(answer)})
	}
	for name := range in.Fields {
		if !slices.Contains(known, name) {
			no := flows.Refuse(flows.RefusedInput, "%s asks no question %q; it asks %s. Nothing was asked for.", f.Label, name, listed(known))
			no.Field = "field:" + name
			return flows.Content{}, no
		}
	}
	return out, nil
}

// lengthOf reads a length of time as people write it.
func lengthOf(s string) (time.Duration, error) {
	length, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		no := flows.Refuse(flows.RefusedInput, "%q is no length of time. Nothing was asked for.", s).Then("Write it like 30m or 1h30m.")
		no.Field = "duration"
		return 0, no
	}
	return length, nil
}

func listed[S ~string](all []S) string {
	if len(all) == 0 {
		return "none"
	}
	words := make([]string, 0, len(all))
	for _, s := range all {
		words = append(words, string(s))
	}
	return strings.Join(words, ", ")
}
