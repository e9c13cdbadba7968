package records

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
)

// The operations below are /v1/audit…: who may enter, what they read and what they answer
// is described by their types.
type (
	// ListInput is a question, and which page of the answer.
	ListInput struct {
		Query string `query:"q" doc:"filters, all of which must hold (incident, person, by, for, approved-by, denied-by, decided-by, ended-by, target, flow, outcome, review, last, since, until, reason); nothing asks for everything" example:"incident:4711 outcome:denied" maxLength:"2000"`
		After string `query:"after" doc:"where the page before ended: its next" maxLength:"200"`
		Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	}
	// ListOutput is a page of requests.
	ListOutput struct{ Body history.Page }
	// StoryInput names a request.
	StoryInput struct {
		ID string `path:"id" doc:"the request's id" maxLength:"64"`
	}
	// StoryOutput is a request with all its entries.
	StoryOutput struct{ Body history.Story }
	// CallsInput names a request, and which of its calls.
	CallsInput struct {
		ID     string `path:"id" doc:"the request's id" maxLength:"64"`
		Before int64  `query:"before" minimum:"0" doc:"where the page before ended: its older"`
	}
	// CallsOutput is a page of calls.
	CallsOutput struct{ Body history.CallPage }
	// TimelineInput names an incident, and which page.
	TimelineInput struct {
		ID    string `path:"id" doc:"PagerDuty's id of the incident, or its number" maxLength:"64"`
		After string `query:"after" doc:"where the page before ended: its next" maxLength:"64"`
	}
	// TimelineOutput is a page of an incident's time-line.
	TimelineOutput struct{ Body IncidentPage }
	// TotalsInput says which days.
	TotalsInput struct {
		Since string `query:"since" doc:"the first day; 30 days ago unless said" example:"2026-03-01" maxLength:"40"`
		Until string `query:"until" doc:"the last day; today unless said" example:"2026-03-31" maxLength:"40"`
	}
	// TotalsOutput is what charts are drawn from.
	TotalsOutput struct {
		Body struct {
			Totals   []Total `json:"totals"`
			Recorded bool    `json:"recorded" doc:"whether this look is an audit entry"`
		}
	}
)

// Total is how often something happened on a day.
type Total struct {
	Day  string          `json:"day" format:"date"`
	Flow flows.FlowID    `json:"flow"`
	Name flows.TotalName `json:"name" doc:"asked, approved, self_approved, began, over, waited_…, or a final state; began@TARGET, over@TARGET and self_approved@TEAM are parts of them, a team being the escalation policy of the shift"`
	N    int64           `json:"n"`
}

// List is GET /v1/audit.
func (x *Records) List(ctx context.Context, a history.Asker, in *ListInput) (*ListOutput, error) {
	page, err := x.Page(ctx, a, in.Query, in.After, in.Limit)
	return &ListOutput{page}, refusal(err)
}

// Request is GET /v1/audit/requests/{id}.
func (x *Records) Request(ctx context.Context, a history.Asker, in *StoryInput) (*StoryOutput, error) {
	story, err := x.Story(ctx, a, flows.RequestID(in.ID))
	return &StoryOutput{story}, refusal(err)
}

// Calls is GET /v1/audit/requests/{id}/calls.
func (x *Records) Calls(ctx context.Context, a history.Asker, in *CallsInput) (*CallsOutput, error) {
	page, err := x.CallPage(ctx, a, flows.RequestID(in.ID), in.Before)
	return &CallsOutput{page}, refusal(err)
}

// Timeline is GET /v1/audit/incidents/{id}.
func (x *Records) Timeline(ctx context.Context, a history.Asker, in *TimelineInput) (*TimelineOutput, error) {
	page, err := x.Incident(ctx, a, in.ID, in.After)
	return &TimelineOutput{page}, refusal(err)
}

// Totals is GET /v1/audit/totals. The numbers of everybody are for auditors and admins.
func (x *Records) Totals(ctx context.Context, a history.Asker, in *TotalsInput) (*TotalsOutput, error) {
	if !a.All {
		return nil, flows.Refuse(flows.RefusedNotAllowed, "Numbers about everybody are for auditors and admins.")
	}
	from, to, err := x.days(in)
	if err != nil {
		return nil, refusal(err)
	}
	all, err := x.o.Timelines.Totals(ctx, from, to)
	if err != nil {
		return nil, err
	}
	out := &TotalsOutput{}
	out.Body.Totals = make([]Total, 0, len(all))
	for _, t := range all {
		out.Body.Totals = append(out.Body.Totals, Total{t.Day.Format(time.DateOnly), t.Flow, t.Name, t.N})
	}
	out.Body.Recorded = x.look(ctx, a, history.Look{What: history.LookCharts, Search: flows.Search{Since: from, Until: to}})
	return out, nil
}

// days are the days of a chart: 30 unless said.
func (x *Records) days(in *TotalsInput) (from, to time.Time, err error) {
	var parts []string
	for name, v := range map[string]string{"since": in.Since, "until": in.Until} {
		if v != "" {
			parts = append(parts, name+":"+strconv.Quote(v))
		}
	}
	q, err := query.Parse(strings.Join(parts, " "), query.Options{Now: x.o.Clock.Now()})
	from, to = q.Since, x.o.Clock.Now()
	if !q.Until.IsZero() {
		to = q.Until.Add(-time.Millisecond)
	}
	if from.IsZero() {
		from = to.Add(-30 * 24 * time.Hour)
	}
	return from, to, err
}

// refusal says no as the API does; what broke stays what it is.
func refusal(err error) error {
	mistake, isMistake := errors.AsType[*query.Error](err)
	switch {
	case isMistake:
		return flows.Refuse(flows.RefusedInput, "%s", mistake.What).Then(mistake.Hint)
	case errors.Is(err, ErrNotYours):
		return flows.Refuse(flows.RefusedUnknownRequest, "There is no such request or incident, or it is not yours to see.")
	case errors.Is(err, history.ErrNobody):
		return flows.Refuse(flows.RefusedNotAllowed, "It is not known who asks, so nothing is shown.")
	}
	return err
}

// writeMark is the place of a next page of a time-line; empty on the last one.
func writeMark(m flows.Mark) string {
	if m.Entry == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", m.At.UnixMilli(), m.Entry)
}

func readMark(s string) (flows.Mark, error) {
	if s == "" {
		return flows.Mark{}, nil
	}
	at, entry, ok := strings.Cut(s, ".")
	ms, bad1 := strconv.ParseInt(at, 10, 64)
	n, bad2 := strconv.ParseInt(entry, 10, 64)
	if !ok || bad1 != nil || bad2 != nil || n < 1 {
		return flows.Mark{}, &query.Error{What: "after is not the place of a page.", Hint: "Take it as the page before gave it."}
	}
	return flows.Mark{At: time.UnixMilli(ms).UTC(), Entry: n}, nil
}
