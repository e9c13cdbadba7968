package history

import (
	"context"
	"errors"

	"breakglass/flows"
)

// Gate says who sees which request, the same at every door.
type Gate struct {
	// PartIn is what a person did in a request; 0 for nothing.
	PartIn func(ctx context.Context, id flows.RequestID, p flows.PersonID) (flows.Part, error)
	// Load reads a request. flows.ErrNotFound.
	Load func(ctx context.Context, id flows.RequestID) (flows.Record, error)
	// Reviews reports whether the review of a request is a person's to do, or was done by
	// them. Without it nobody sees more by that.
	Reviews func(ctx context.Context, r *flows.Request, p flows.PersonID) bool
}

// Sees reports whether the asker may see a request: auditors and admins see everything,
// others what they had a part in, and what they are to review or have reviewed. It is
// false likewise for a request that there is not.
func (g Gate) Sees(ctx context.Context, a Asker, id flows.RequestID) (bool, error) {
	if a.All || a.Person == "" {
		return a.All, nil
	}
	part, err := g.PartIn(ctx, id, a.Person)
	if err != nil || part != 0 || g.Reviews == nil {
		return err == nil && part != 0, err
	}
	rec, err := g.Load(ctx, id)
	if errors.Is(err, flows.ErrNotFound) {
		return false, nil
	}
	return err == nil && g.Reviews(ctx, &rec.Request, a.Person), err
}
