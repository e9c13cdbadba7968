package web

import (
	"context"
	"slices"
	"time"

	"breakglass/flows"
	"breakglass/flows/doors"
)

type (
	// AskInput is the input of POST /v1/requests.
	AskInput struct{ Body Ask }
	// Made is a request that was made.
	Made struct {
		Location string `header:"Location"`
		Body     Request
	}
	// RequestID names a request in an address.
	RequestID struct {
		ID string `path:"id" doc:"the request's id" maxLength:"40"`
	}
	// One is one request.
	One struct{ Body Request }
	// Many is a list of requests, newest first.
	Many struct {
		Body struct {
			Requests []Request `json:"requests"`
		}
	}
	// ListInput says which requests.
	ListInput struct {
		GrantsInput
		State    []flows.State    `query:"state" doc:"only in these states, with commas between them"`
		Incident flows.IncidentID `query:"incident" doc:"only for the PagerDuty incident with this id; or none: only those that belong to no incident" maxLength:"64"`
		Since    time.Time        `query:"since" doc:"only submitted since then"`
	}
	// GrantsInput says whose.
	GrantsInput struct {
		Which string `query:"which" enum:"mine,waiting,reviews,all" default:"mine" doc:"yours, those that wait for you, those that you may review, or all that you may see (admins and auditors)"`
		Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}
	// DecisionInput is a decision.
	DecisionInput struct {
		RequestID
		Body struct {
			Decision string `json:"decision" enum:"approve,deny"`
			Hash     string `json:"hash" doc:"of what you were shown; the request has it" minLength:"64" maxLength:"64"`
			Reason   string `json:"reason,omitempty" doc:"of a denial; the requester reads it" maxLength:"3000"`
		}
	}
	// ExtendInput is how much longer, from when it is given.
	ExtendInput struct {
		RequestID
		Body struct {
			Duration string `json:"duration" example:"30m" doc:"how long the access goes on from when that is approved"`
			Reason   string `json:"reason" maxLength:"3000"`
		}
	}
	// BecauseInput is a step with a reason.
	BecauseInput struct {
		RequestID
		Body *struct {
			Reason string `json:"reason,omitempty" maxLength:"3000"`
		} `required:"false"`
	}
)

// AskFor is POST /v1/requests.
func (w *Web) AskFor(ctx context.Context, c *doors.Caller, in *AskInput) (*Made, error) {
	r, err := w.submit(ctx, c, in.Body)
	if err != nil {
		return nil, err
	}
	return &Made{Location: "/v1/requests/" + string(r.ID), Body: w.shape(c, &r)}, nil
}

// Extend is POST /v1/requests/{id}/extensions: it asks for the same again, so that the
// access goes on.
func (w *Web) Extend(ctx context.Context, c *doors.Caller, in *ExtendInput) (*Made, error) {
	r, err := w.extend(ctx, c, in.ID, in.Body.Duration, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &Made{Location: "/v1/requests/" + string(r.ID), Body: w.shape(c, &r)}, nil
}

// Requests is GET /v1/requests.
func (w *Web) Requests(ctx context.Context, c *doors.Caller, in *ListInput) (*Many, error) {
	f := flows.RequestFilter{Person: c.Person, States: in.State, Since: in.Since, Limit: in.Limit}
	if f.Bare = flows.SaysNone(string(in.Incident)); !f.Bare {
		f.Incident = in.Incident
	}
	var all []flows.Request
	var err error
	switch in.Which {
	case "waiting":
		all, err = w.waiting(ctx, c.Person)
		all = in.among(all)
	case "reviews":
		all, err = w.reviews(ctx, c)
		all = in.among(all)
	case "all":
		if !c.Is(flows.RoleAdmin) && !c.Is(flows.RoleAuditor) {
			return nil, flows.Refuse(flows.RefusedNotAllowed, "Only admins and auditors see everybody's requests.").Then("Ask for which=mine or which=waiting.")
		}
		f.Person = ""
		fallthrough
	default:
		all, err = w.o.Requests.Requests(ctx, f)
	}
	if err != nil {
		return nil, err
	}
	out := &Many{}
	out.Body.Requests = w.shapes(c, all)
	return out, nil
}

// among are those of all that were asked for.
func (in *ListInput) among(all []flows.Request) []flows.Request {
	var out []flows.Request
	for i := range all {
		r := &all[i]
		if (len(in.State) == 0 || slices.Contains(in.State, r.State)) && in.isFor(r.Incident()) &&
			!r.SubmittedAt.Before(in.Since) && len(out) < in.Limit {
			out = append(out, *r)
		}
	}
	return out
}

// isFor reports whether requests of the incident were asked for.
func (in *ListInput) isFor(id flows.IncidentID) bool {
	if flows.SaysNone(string(in.Incident)) {
		return id == ""
	}
	return in.Incident == "" || in.Incident == id
}

// Request is GET /v1/requests/{id}.
func (w *Web) Request(ctx context.Context, c *doors.Caller, in *RequestID) (*One, error) {
	r, err := w.request(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return &One{Body: w.shape(c, &r)}, nil
}

// Decide is POST /v1/requests/{id}/decisions.
func (w *Web) Decide(ctx context.Context, c *doors.Caller, in *DecisionInput) (*One, error) {
	return w.acted(ctx, c, act{ID: in.ID, Verb: flows.Verb(in.Body.Decision), Hash: in.Body.Hash, Reason: in.Body.Reason})
}

// Cancel is POST /v1/requests/{id}/cancel.
func (w *Web) Cancel(ctx context.Context, c *doors.Caller, in *RequestID) (*One, error) {
	return w.acted(ctx, c, act{ID: in.ID, Verb: flows.VerbCancel})
}

// Done is POST /v1/requests/{id}/done.
func (w *Web) Done(ctx context.Context, c *doors.Caller, in *RequestID) (*One, error) {
	return w.acted(ctx, c, act{ID: in.ID, Verb: flows.VerbDone})
}

// End is POST /v1/requests/{id}/end: what ends or withdraws the request, whoever asks.
// Who asked hands it back or cancels it; others revoke it, which a token must be for.
func (w *Web) End(ctx context.Context, c *doors.Caller, in *BecauseInput) (*One, error) {
	r, err := w.request(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	a := act{ID: in.ID, Verb: flows.VerbRevoke}
	if in.Body != nil {
		a.Reason = in.Body.Reason
	}
	switch own := r.Own(c.Person); {
	case !own && !c.May(flows.ScopeDecide):
		return nil, flows.Refuse(flows.RefusedNotAllowed, "This token ends only what it asked for itself. Nothing was changed.")
	case r.State.Undecided(), own && r.State == flows.StateApproved:
		a.Verb = flows.VerbCancel
	case own:
		a.Verb = flows.VerbDone
	}
	return w.acted(ctx, c, a)
}

func (w *Web) acted(ctx context.Context, c *doors.Caller, a act) (*One, error) {
	r, err := w.do(ctx, c, a)
	if err != nil {
		return nil, err
	}
	return &One{Body: w.shape(c, &r)}, nil
}

// Grants is GET /v1/grants: the access that there is now.
func (w *Web) Grants(ctx context.Context, c *doors.Caller, in *GrantsInput) (*Many, error) {
	f := flows.RequestFilter{Person: c.Person, Limit: in.Limit, States: []flows.State{flows.StateGranting, flows.StateActive, flows.StateEnding}}
	if in.Which == "all" {
		if !c.Is(flows.RoleAdmin) && !c.Is(flows.RoleAuditor) {
			return nil, flows.Refuse(flows.RefusedNotAllowed, "Only admins and auditors see everybody's grants.").Then("Ask for which=mine.")
		}
		f.Person = ""
	}
	all, err := w.o.Requests.Requests(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &Many{}
	out.Body.Requests = w.shapes(c, all)
	return out, nil
}

// Me is who the caller is.
type Me struct {
	Body struct {
		Person  string         `json:"person" doc:"the Slack team and user, or the service"`
		Name    string         `json:"name"`
		Roles   []flows.Role   `json:"roles"`
		Kind    flows.PassKind `json:"kind"`
		Pass    string         `json:"pass" doc:"the session's or token's id"`
		Expires time.Time      `json:"expires_at"`
	}
}

// WhoAmI is GET /v1/me.
func (w *Web) WhoAmI(_ context.Context, c *doors.Caller, _ *struct{}) (*Me, error) {
	m := &Me{}
	m.Body.Person, m.Body.Name, m.Body.Kind, m.Body.Pass, m.Body.Expires = string(c.Person), w.name(c.Person), c.Pass.Kind, c.Pass.ID, c.Pass.ExpiresAt
	m.Body.Roles = append([]flows.Role{}, c.Roles...)
	return m, nil
}
