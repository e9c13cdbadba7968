package flows

import (
	"context"
	"errors"
	"fmt"
)

// Relinking is what is changed about who is who, with the entries that say so.
type Relinking struct {
	Entries []Entry
	Links   []StoredLink
	Unlinks []StoredLink
	Unpins  []Pin
	Passes  []Pass
	Jobs    []Job
}

// Relink changes who is who, all or nothing, with the entries that say so on the system's
// chain. plan reads how things are and says what to change; it is asked again when
// somebody else was faster. Without entries only fin is applied.
func (e *Engine) Relink(ctx context.Context, fin Finish, plan func(context.Context) (Relinking, error)) error {
	for range conflictTries {
		head, err := e.o.Chains.ChainHead(ctx, "system") // first: what changes meanwhile moves it
		if err != nil {
			return fmt.Errorf("read the chain system: %w", err)
		}
		r, err := plan(ctx)
		if err != nil {
			return err
		}
		jobs := withAlso(Outcome{Jobs: r.Jobs}, fin)
		if len(r.Entries) == 0 {
			return e.finishOnly(ctx, Finish{Job: fin.Job, Inbox: fin.Inbox}, Outcome{Jobs: jobs})
		}
		for i := range r.Entries {
			r.Entries[i].At = e.o.Clock.Now()
		}
		e.attest(r.Entries, fin.Job)
		sealed, _, err := Seal("system", head, r.Entries, e.o.IDs.Random)
		if err != nil {
			return err
		}
		err = e.commit(ctx, Change{
			Chain: "system", Entries: sealed, Jobs: e.lease(jobs), Done: fin.Job, Inbox: fin.Inbox,
			Links: r.Links, Unlinks: r.Unlinks, Unpins: r.Unpins, Passes: r.Passes,
		})
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("change who is who: %w", ErrConflict)
}
