package web

import (
	"context"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// Sym's events API, in its shape, for the pipelines that were written for it: who asks is
// the token's holder, the run is the request, and an event is the request's submission.

type (
	// SymRequest is the body of POST /events/request.
	SymRequest struct {
		Body struct {
			Flow    string            `json:"flow_srn" doc:"acme:flow:prod:latest, or just prod" maxLength:"200"`
			Inputs  map[string]any    `json:"flow_inputs" doc:"target (or target_id), duration in seconds or as 30m, reason, incident (left out, it is recorded as none: Sym had no word for it), and answers to the flow's questions"`
			Context map[string]string `json:"context,omitempty" doc:"not used"`
			Email   string            `json:"user_email,omitempty" doc:"only the token's own holder asks; anybody else is refused"`
			User    string            `json:"user_id,omitempty" doc:"likewise"`
		}
	}
	// SymBegun names what was begun.
	SymBegun struct {
		Body struct {
			Run   string `json:"run_id"`
			Event string `json:"event_id"`
		}
	}
	// SymEnd is the body of POST /events/deescalate.
	SymEnd struct {
		Body struct {
			Run string `json:"run_id" maxLength:"40"`
		}
	}
	// SymRun says how a run stands.
	SymRun struct {
		Body struct {
			Run    string `json:"run_id"`
			Status string `json:"status" doc:"requested, approved, escalated, deescalated, denied, expired, errored"`
		}
	}
	// SymEvent says how an event went.
	SymEvent struct {
		Body struct {
			Event  string `json:"event_id"`
			Status string `json:"status" enum:"success,error,processing"`
		}
	}
)

// SymAsk is POST /events/request.
func (w *Web) SymAsk(ctx context.Context, c *doors.Caller, in *SymRequest) (*SymBegun, error) {
	b := in.Body
	if b.Email != "" || b.User != "" && b.User != string(c.Person) && b.User != c.Person.User() {
		return nil, flows.Refuse(flows.RefusedNotAllowed, "A token asks in its holder's name only, not as user_email or user_id says. Nothing was asked for.").
			Then("Leave both out, or use that person's token.")
	}
	r, err := w.submit(ctx, c, symAsk(b.Flow, b.Inputs))
	if err != nil {
		return nil, err
	}
	out := &SymBegun{}
	out.Body.Run, out.Body.Event = string(r.ID), string(r.ID)
	return out, nil
}

// symAsk reads Sym's inputs: what is no field of its own answers a question of the flow.
func symAsk(srn string, inputs map[string]any) Ask {
	a := Ask{Flow: symName(srn, "flow"), Fields: map[string]string{}, Incident: flows.NoIncident}
	for name, v := range inputs {
		switch name {
		case "target", "target_id", "target_srn":
			a.Target = symName(symText(v), "access_target")
		case "duration":
			a.Duration = symText(v)
			if seconds, ok := v.(float64); ok {
				a.Duration = (time.Duration(seconds) * time.Second).String()
			}
		case "reason":
			a.Reason = symText(v)
		case "incident", "incident_id":
			a.Incident = symText(v)
		default:
			a.Fields[name] = symText(v)
		}
	}
	return a
}

// symName is the name in an SRN: org:model:name:version, or of a target
// org:access_target:type:name:version. A name alone is itself.
func symName(srn, model string) string {
	parts := strings.Split(srn, ":")
	switch {
	case len(parts) >= 3 && parts[1] == model && model == "flow":
		return parts[2]
	case len(parts) >= 4 && parts[1] == model:
		return parts[3]
	}
	return srn
}

func symText(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		if x {
			return "true"
		}
		return "false"
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return ""
}

// SymDeescalate is POST /events/deescalate.
func (w *Web) SymDeescalate(ctx context.Context, c *doors.Caller, in *SymEnd) (*SymBegun, error) {
	if _, err := w.End(ctx, c, &BecauseInput{RequestID: RequestID{ID: in.Body.Run}}); err != nil {
		return nil, err
	}
	out := &SymBegun{}
	out.Body.Run, out.Body.Event = in.Body.Run, in.Body.Run
	return out, nil
}

// symStatus is how Sym calls a state.
var symStatus = map[flows.State]string{
	flows.StateSubmitted: "requested", flows.StatePending: "requested", flows.StateApproved: "approved", flows.StateGranting: "approved",
	flows.StateActive: "escalated", flows.StateEnding: "escalated", flows.StateEnded: "deescalated", flows.StateDenied: "denied",
	flows.StateCancelled: "denied", flows.StateLapsed: "expired", flows.StateFailed: "errored",
}

// SymRunOf is GET /runs/{id}.
func (w *Web) SymRunOf(ctx context.Context, c *doors.Caller, in *RequestID) (*SymRun, error) {
	r, err := w.request(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	out := &SymRun{}
	out.Body.Run, out.Body.Status = string(r.ID), symStatus[r.State]
	return out, nil
}

// SymEventOf is GET /events/{id}: the submission of a run.
func (w *Web) SymEventOf(ctx context.Context, c *doors.Caller, in *RequestID) (*SymEvent, error) {
	r, err := w.request(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	out := &SymEvent{}
	out.Body.Event, out.Body.Status = string(r.ID), "success"
	switch r.State {
	case flows.StateSubmitted:
		out.Body.Status = "processing"
	case flows.StateFailed:
		out.Body.Status = "error"
	}
	return out, nil
}
