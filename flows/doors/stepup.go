package doors

import (
	"context"
	"errors"
	"slices"
	"time"

	"breakglass/flows"
)

// StepUp spends what a fresh sign-in gave: the session may confirm that one request,
// once, within minutes. It returns when the person signed in; zero where the session
// has nothing to spend.
func (d *Doors) StepUp(ctx context.Context, c Caller, id flows.RequestID) (time.Time, error) {
	p := c.Pass
	if p.Kind != flows.PassSession || !CanConfirm(&c, id, d.o.Clock.Now()) {
		return time.Time{}, nil
	}
	p.Version++
	p.Scopes = nil
	err := d.o.Recorder.Record(ctx, chain, entry("stepped_up", c.Actor(), &p, map[string]any{"about": string(id)}), flows.Finish{Passes: []flows.Pass{p}})
	if errors.Is(err, flows.ErrConflict) {
		return time.Time{}, nil // it was spent at the same time
	}
	return p.SignIn.At, err
}

// CanConfirm reports whether the caller has signed in anew to approve that request.
func CanConfirm(c *Caller, id flows.RequestID, now time.Time) bool {
	return slices.Contains(c.Pass.Scopes, flows.ToConfirm(id)) && flows.Fresh(c.Pass.SignIn.At, now)
}
