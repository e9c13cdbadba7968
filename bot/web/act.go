package web

import (
	"context"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// act is one step that a person takes with a request, wherever they came in. The engine
// looks again at everything, as at a click in Slack.
type act struct {
	ID     string
	Verb   flows.Verb
	Hash   string // approve, deny: of what the person was shown
	Reason string

	Verdict flows.Verdict // review
}

// steps are the steps that may be taken by these doors.
var steps = map[flows.Verb]bool{
	flows.VerbApprove: true, flows.VerbDeny: true, flows.VerbCancel: true, flows.VerbDone: true, flows.VerbRevoke: true, flows.VerbForward: true, flows.VerbReview: true,
}

// do takes the step. Who may not see the request learns nothing about it.
func (w *Web) do(ctx context.Context, c *doors.Caller, a act) (flows.Request, error) {
	if !steps[a.Verb] {
		return flows.Request{}, flows.Refuse(flows.RefusedInput, "There is no step %q. Nothing was done.", a.Verb)
	}
	if _, err := w.request(ctx, c, a.ID); err != nil {
		return flows.Request{}, err
	}
	by := c.Actor()
	if a.Verb == flows.VerbApprove {
		var err error
		if by.SteppedUp, err = w.o.Doors.StepUp(ctx, *c, flows.RequestID(a.ID)); err != nil {
			return flows.Request{}, err
		}
	}
	res, err := w.o.Engine.Do(ctx, flows.Command{
		Verb: a.Verb, ID: flows.RequestID(a.ID), Actor: by, Hash: a.Hash, Reason: flows.NewText(a.Reason), Verdict: a.Verdict,
	}, flows.Finish{})
	switch {
	case err != nil:
		return flows.Request{}, err
	case res.Refusal != nil:
		return res.Request, res.Refusal
	}
	return res.Request, nil
}
