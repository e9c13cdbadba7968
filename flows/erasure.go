package flows

import (
	"context"
	"time"
)

// Footprint is what is kept about a person, and what keeps it from being erased.
type Footprint struct {
	Openings []OpeningRef // of commitments about them, or that name them
	Requests []RequestID  // that are over and name them
	Newest   time.Time    // when the newest entry with such an opening was written
	Live     []RequestID  // that are not over and name them
	Reviews  []RequestID  // that are over, name them, and are still to be reviewed
	Pending  int          // jobs and payloads that name them and wait to be done
}

// OpeningRef names an opening.
type OpeningRef struct {
	Chain string
	Seq   int64
	Path  string
}

// Erasure is one erasure as the store carries it out: all of it together with the
// entries that say so, or nothing.
type Erasure struct {
	Person    PersonID
	Pseudonym PersonID     // "erased/…", which stands where the person's id stood
	Openings  []OpeningRef // as in the footprint; ErrConflict if there are others by now
	Change    Change       // the entries and the job whose work this is
}

// Eraser is the store as erasures see it.
type Eraser interface {
	// Footprint reads what is kept about a person. own is the key of the job that is
	// the erasure itself, and is left out.
	Footprint(ctx context.Context, p PersonID, own string) (Footprint, error)
	// Erase destroys it and returns the jobs of the change, as Ledger.Apply does.
	// ErrConflict, ErrLeaseLost, ErrReadOnly.
	Erase(ctx context.Context, x Erasure) ([]Job, error)
	// JobByKey reads a stored job. ErrNotFound.
	JobByKey(ctx context.Context, key string) (Job, error)
}
