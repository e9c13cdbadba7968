package web

import (
	"context"
	"errors"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// maySee reports whether a request is the caller's to see: who asked or gets it, who
// was asked or decided, who may review it, admins and auditors.
func maySee(c *doors.Caller, r *flows.Request) bool {
	return r.Own(c.Person) || c.Is(flows.RoleAdmin) || c.Is(flows.RoleAuditor) || askedToDecide(r, c.Person) || r.DecidedBy == c.Person || voted(r, c.Person) ||
		r.ReviewIs() != flows.ReviewNone && fallbackOf(r, c.Person)
}

// askedToDecide reports whether p was asked, in this stage or an earlier one.
func askedToDecide(r *flows.Request, p flows.PersonID) bool {
	if r.Route == nil {
		return false
	}
	for i, s := range r.Route.Stages {
		if i <= r.Stage && s.Has(p) {
			return true
		}
	}
	return r.FallbackOpen && r.Route.Fallback != nil && r.Route.Fallback.Has(p)
}

func voted(r *flows.Request, p flows.PersonID) bool {
	for _, v := range r.Votes {
		if v.By == p {
			return true
		}
	}
	return false
}

// waitsFor reports whether the request waits for p's decision.
func waitsFor(r *flows.Request, p flows.PersonID) bool {
	return r.State == flows.StatePending && askedToDecide(r, p) && !voted(r, p)
}

var noSuchRequest = flows.Refuse(flows.RefusedUnknownRequest, "There is no such request, or it is not yours to see.")

// request reads a request that the caller may see.
func (w *Web) request(ctx context.Context, c *doors.Caller, id string) (flows.Request, error) {
	rec, err := w.o.Engine.Load(ctx, flows.RequestID(id))
	switch {
	case errors.Is(err, flows.ErrNotFound), err == nil && !maySee(c, &rec.Request):
		return flows.Request{}, noSuchRequest
	case err != nil:
		return flows.Request{}, err
	}
	return rec.Request, nil
}

// mostListed is how many requests are looked through for what waits for somebody.
const mostListed = 200

// waiting lists what waits for a person's decision, and mine what they asked for.
func (w *Web) waiting(ctx context.Context, p flows.PersonID) ([]flows.Request, error) {
	all, err := w.o.Requests.Requests(ctx, flows.RequestFilter{States: []flows.State{flows.StatePending}, Limit: mostListed})
	if err != nil {
		return nil, err
	}
	var out []flows.Request
	for i := range all {
		if waitsFor(&all[i], p) {
			out = append(out, all[i])
		}
	}
	return out, nil
}

func (w *Web) mine(ctx context.Context, p flows.PersonID) ([]flows.Request, error) {
	return w.o.Requests.Requests(ctx, flows.RequestFilter{Person: p, Limit: 25})
}
