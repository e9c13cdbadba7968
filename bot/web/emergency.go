package web

import (
	"context"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// Emergency is the kill switch.
type Emergency interface {
	// EndMany ends everything in the scope and waits for the targets, and says how far it
	// is about every second. A refusal comes before anything is said.
	EndMany(ctx context.Context, s flows.EndScope, by flows.Actor, why flows.Text, say func(EndLine)) (*flows.Refusal, error)
	// Freeze stops everything that gives access; nothing was stored where it is an error.
	Freeze(ctx context.Context, by flows.Actor, why flows.Text) (*flows.Refusal, error)
	// Unfreeze lets access be given again.
	Unfreeze(ctx context.Context, by flows.Actor, why flows.Text) (*flows.Refusal, error)
}

// EndLine is one line of the answer of POST /v1/end: how far it is, and at last what
// has not ended.
type EndLine struct {
	Found      int             `json:"found" doc:"requests that were undecided or live"`
	Ordered    int             `json:"ordered" doc:"of these, withdrawn or told to end"`
	Over       int             `json:"over" doc:"of these, confirmed by their targets"`
	FromMemory int             `json:"from_memory,omitempty" doc:"ended while the database did not write; recorded when it does"`
	Left       []flows.Unended `json:"left,omitempty" doc:"what has not ended yet, and why not; it is tried again until it has"`
	Done       bool            `json:"done,omitempty" doc:"this is the last line"`
	Error      string          `json:"error,omitempty" doc:"what broke, and what to do next"`
}

type (
	// EndManyInput says what the kill switch ends.
	EndManyInput struct {
		Body struct {
			Kind   string `json:"kind" enum:"person,target,flow,incident,all"`
			Name   string `json:"name,omitempty" doc:"of the person, target, flow or incident; none for all" maxLength:"200"`
			Reason string `json:"reason,omitempty" doc:"recorded, and everybody reads it" maxLength:"3000"`
		}
	}
	// FreezeInput says why.
	FreezeInput struct {
		Body *struct {
			Reason string `json:"reason,omitempty" doc:"recorded, and everybody reads it" maxLength:"3000"`
		} `required:"false"`
	}
	// Frozen says whether access can be given.
	Frozen struct {
		Body struct {
			State string `json:"state" enum:"frozen,not frozen"`
		}
	}
)

// EndMany is POST /v1/end.
func (w *Web) EndMany(ctx context.Context, c *doors.Caller, in *EndManyInput, say func(EndLine)) error {
	scope, no := w.o.Catalog().EndScope(in.Body.Kind, in.Body.Name)
	if no != nil {
		return no
	}
	no, err := w.o.Emergency.EndMany(ctx, scope, c.Actor(), flows.NewText(in.Body.Reason), say)
	if no != nil {
		return no
	}
	return err
}

// Freeze is POST /v1/freeze.
func (w *Web) Freeze(ctx context.Context, c *doors.Caller, in *FreezeInput) (*Frozen, error) {
	no, err := w.o.Emergency.Freeze(ctx, c.Actor(), in.why())
	return frozen("frozen", no, err)
}

// Unfreeze is POST /v1/unfreeze.
func (w *Web) Unfreeze(ctx context.Context, c *doors.Caller, in *FreezeInput) (*Frozen, error) {
	no, err := w.o.Emergency.Unfreeze(ctx, c.Actor(), in.why())
	return frozen("not frozen", no, err)
}

func (in *FreezeInput) why() flows.Text {
	if in.Body == nil {
		return flows.NewText("")
	}
	return flows.NewText(in.Body.Reason)
}

func frozen(state string, no *flows.Refusal, err error) (*Frozen, error) {
	switch {
	case no != nil:
		return nil, no
	case err != nil:
		return nil, err
	}
	out := &Frozen{}
	out.Body.State = state
	return out, nil
}
