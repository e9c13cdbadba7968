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
	Incident string            `json:"incident,omitempty" doc:"the PagerDuty incident's id or number" maxLength:"64"`
	Scope    string            `json:"scope,omitempty" doc:"narrows the target, where its kind knows scopes" maxLength:"200"`
	Fields   map[string]string `json:"fields,omitempty" doc:"answers to the flow's own questions"`
}

// submit submits what was asked, in the caller's own name.
func (w *Web) submit(ctx context.Context, c *doors.Caller, in Ask) (flows.Request, error) {
	content, err := w.content(c, in)
	if err != nil {
		return flows.Request{}, err
	}
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
	length, err := time.ParseDuration(strings.ReplaceAll(in.Duration, " ", ""))
	if err != nil {
		no := flows.Refuse(flows.RefusedInput, "%q is no length of time. Nothing was asked for.", in.Duration).Then("Write it like 30m or 1h30m.")
		no.Field = "duration"
		return flows.Content{}, no
	}
	out := flows.Content{
		Flow: f.ID, Target: flows.TargetID(in.Target), Scope: flows.Scope(in.Scope), Requester: c.Person, Beneficiary: c.Person,
		Duration: length, Reason: flows.NewText(in.Reason), Incident: flows.IncidentRef{ID: flows.IncidentID(strings.TrimPrefix(in.Incident, "#"))},
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
