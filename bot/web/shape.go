package web

import (
	"time"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// Request is a request as the API shows it.
type Request struct {
	ID          flows.RequestID   `json:"id"`
	State       flows.State       `json:"state"`
	Overdue     bool              `json:"overdue,omitempty" doc:"access should have ended and the target has not confirmed it"`
	Flow        flows.FlowID      `json:"flow"`
	Target      flows.TargetID    `json:"target"`
	Label       string            `json:"label" doc:"what people call the target"`
	Requester   string            `json:"requester"`
	Beneficiary string            `json:"beneficiary"`
	Duration    string            `json:"duration" example:"30m"`
	Reason      string            `json:"reason"`
	Fields      map[string]string `json:"fields,omitempty"`
	Incident    *Incident         `json:"incident,omitempty"`
	NoIncident  bool              `json:"no_incident,omitempty" doc:"it belongs to none, as was said when it was asked for"`
	Extends     flows.RequestID   `json:"extends,omitempty" doc:"the request that it carries on"`
	Hash        string            `json:"hash" doc:"of everything that was asked; a decision names it"`
	Submitted   time.Time         `json:"submitted_at"`
	Route       *Route            `json:"route,omitempty"`
	Votes       []Vote            `json:"votes,omitempty"`
	DecidedBy   string            `json:"decided_by,omitempty"`
	DecidedAt   *time.Time        `json:"decided_at,omitempty"`
	DenyWhy     string            `json:"denied_because,omitempty"`
	GrantedAt   *time.Time        `json:"granted_at,omitempty"`
	EndsAt      *time.Time        `json:"ends_at,omitempty"`
	EndedAt     *time.Time        `json:"ended_at,omitempty"`
	EndCause    flows.EndCause    `json:"end_cause,omitempty"`
	Review      *Review           `json:"review,omitempty" doc:"of what the requester approved, where the flow asks for one"`
	WaitsForYou bool              `json:"waits_for_you,omitempty"`
	Yours       bool              `json:"yours,omitempty"`
}

// Incident is the PagerDuty incident that a request belongs to.
type Incident struct {
	ID     flows.IncidentID `json:"id"`
	Number int              `json:"number,omitempty"`
	Title  string           `json:"title,omitempty"`
	URL    string           `json:"url,omitempty"`
}

// Route is who is asked.
type Route struct {
	Why    string  `json:"why"`
	Stage  int     `json:"stage" doc:"which of the stages is asked, from 0"`
	Stages []Stage `json:"stages"`
}

// Stage is one group of people who are asked together.
type Stage struct {
	Approvers []string `json:"approvers"`
	Quorum    int      `json:"quorum"`
	Why       string   `json:"why,omitempty"`
	Self      bool     `json:"self,omitempty"`
	Fallback  bool     `json:"fallback,omitempty"`
}

// Review is how a review stands.
type Review struct {
	State   flows.ReviewState `json:"state"`
	DueAt   time.Time         `json:"due_at"`
	Overdue bool              `json:"overdue,omitempty"`
	ForYou  bool              `json:"for_you,omitempty" doc:"you may do it"`
	Verdict flows.Verdict     `json:"verdict,omitempty"`
	By      string            `json:"by,omitempty"`
	At      *time.Time        `json:"at,omitempty"`
	Note    string            `json:"note,omitempty"`
}

// Vote is one person's approval.
type Vote struct {
	By   string     `json:"by"`
	At   time.Time  `json:"at"`
	Door flows.Door `json:"door"`
}

// shape is a request as c sees it.
func (w *Web) shape(c *doors.Caller, r *flows.Request) Request {
	k := w.card(c, *r)
	out := Request{
		ID: r.ID, State: r.State, Overdue: r.Overdue, Flow: r.Content.Flow, Target: r.Content.Target, Label: k.Label,
		Requester: w.name(r.Content.Requester), Beneficiary: w.name(r.Content.Beneficiary), Duration: flows.Span(r.Content.Duration),
		Reason: jsonText(r.Content.Reason), Extends: r.Content.Extends, Hash: r.Hash, Submitted: r.SubmittedAt, DecidedAt: maybe(r.DecidedAt),
		DenyWhy: jsonText(r.DenyWhy), GrantedAt: maybe(r.GrantedAt), EndsAt: maybe(r.EndsAt), EndedAt: maybe(r.EndedAt),
		EndCause: r.EndCause, WaitsForYou: k.MayVote, Yours: r.Own(c.Person),
	}
	if r.DecidedBy != "" {
		out.DecidedBy = w.name(r.DecidedBy)
	}
	for _, f := range r.Content.Fields {
		if out.Fields == nil {
			out.Fields = map[string]string{}
		}
		out.Fields[f.Name] = jsonText(f.Value)
	}
	out.NoIncident = r.Incident() == ""
	if i := r.Content.Incident; i.ID != "" {
		out.Incident = &Incident{ID: i.ID, Number: i.Number, Title: jsonText(i.Title), URL: i.URL}
	}
	for _, v := range r.Votes {
		out.Votes = append(out.Votes, Vote{By: w.name(v.By), At: v.At, Door: v.Door})
	}
	if r.Route != nil {
		out.Route = w.route(r)
	}
	out.Review = w.review(c, r)
	return out
}

func (w *Web) review(c *doors.Caller, r *flows.Request) *Review {
	if r.ReviewIs() == flows.ReviewNone {
		return nil
	}
	v := r.Review
	out := &Review{
		State: v.State, DueAt: v.DueAt, Overdue: v.Overdue, ForYou: mayReview(c, r), Verdict: v.Verdict, At: maybe(v.At), Note: jsonText(v.Note),
	}
	if v.By != "" {
		out.By = w.name(v.By)
	}
	return out
}

func (w *Web) route(r *flows.Request) *Route {
	out := &Route{Why: w.plain(r.Route.Why), Stage: r.Stage}
	for _, s := range r.Route.Stages {
		stage := Stage{Approvers: []string{}, Quorum: s.Quorum, Why: w.plain(s.Why), Self: s.Self, Fallback: s.Fallback}
		for _, p := range s.Approvers {
			stage.Approvers = append(stage.Approvers, w.name(p))
		}
		out.Stages = append(out.Stages, stage)
	}
	return out
}

func (w *Web) shapes(c *doors.Caller, all []flows.Request) []Request {
	out := make([]Request, 0, len(all))
	for i := range all {
		out = append(out, w.shape(c, &all[i]))
	}
	return out
}

// jsonText is the one seam through which typed text gets into the API: the encoder
// escapes it.
func jsonText(t flows.Text) string { return t.Raw() }

func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
