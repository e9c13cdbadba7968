package web

import (
	"context"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// mostReviews is how many open reviews are looked through.
const mostReviews = 200

// ReviewInput says what a review came to.
type ReviewInput struct {
	RequestID
	Body struct {
		Verdict flows.Verdict `json:"verdict" enum:"ok,not_ok" doc:"whether what was done was in order"`
		Note    string        `json:"note,omitempty" doc:"recorded, and read by the requester; needed if it was not in order" maxLength:"3000"`
	}
}

// Review is POST /v1/requests/{id}/review.
func (w *Web) Review(ctx context.Context, c *doors.Caller, in *ReviewInput) (*One, error) {
	return w.acted(ctx, c, act{ID: in.ID, Verb: flows.VerbReview, Verdict: in.Body.Verdict, Reason: in.Body.Note})
}

// mayReview reports whether c could review the request; the engine has the last word.
func mayReview(c *doors.Caller, r *flows.Request) bool {
	return r.ReviewIs() == flows.ReviewOpen && r.ReviewableBy(c.Person) && (c.Is(flows.RoleAdmin) || c.Is(flows.RoleAuditor) || fallbackOf(r, c.Person))
}

// fallbackOf reports whether p was among the fallback when the request was routed.
func fallbackOf(r *flows.Request, p flows.PersonID) bool {
	return r.Route != nil && r.Route.Fallback != nil && r.Route.Fallback.Has(p)
}

// reviews lists what c could review, what is due first before the others.
func (w *Web) reviews(ctx context.Context, c *doors.Caller) ([]flows.Request, error) {
	all, err := w.o.Requests.OpenReviews(ctx, mostReviews)
	if err != nil {
		return nil, err
	}
	var out []flows.Request
	for i := range all {
		if mayReview(c, &all[i]) {
			out = append(out, all[i])
		}
	}
	return out, nil
}
