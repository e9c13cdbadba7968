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
	Sight    Sight
}

// OpeningRef names an opening.
type OpeningRef struct {
	Chain string
	Seq   int64
	Path  string
	Named bool // it is about somebody else, and names the person
}

// Sight is how far the store looked for a footprint and what it saw besides, so that an
// erasure need not look through everything again. It is the store's own affair.
type Sight struct {
	Entries  int64 // all before were looked at
	Openings int   // so many were found
	Jobs     int64
	Handled  int64 // so were the payloads that were handled before
	Versions map[RequestID]int64
	Words    []WordsRef
	Payloads []string
}

// WordsRef names the reason of a step as searches find it.
type WordsRef struct {
	Request RequestID
	Kind    string
}

// Erasure is one erasure as the store carries it out: all of it together with the
// entries that say so, or nothing.
type Erasure struct {
	Person    PersonID
	Pseudonym PersonID // "erased/…", which stands where the person's id stood
	Footprint          // as it was read; ErrConflict if there is anything else by now
	Change    Change   // the entries and the job whose work this is
}

// Eraser is the store as erasures see it.
type Eraser interface {
	// Footprint reads what is kept about a person, a part after the other, however long
	// that takes; nobody waits for it. own is the key of the job that is the erasure
	// itself, and is left out.
	Footprint(ctx context.Context, p PersonID, own string) (Footprint, error)
	// Erase destroys it and returns the jobs of the change, as Ledger.Apply does.
	// ErrConflict, ErrLeaseLost, ErrReadOnly.
	Erase(ctx context.Context, x Erasure) ([]Job, error)
	// JobByKey reads a stored job. ErrNotFound.
	JobByKey(ctx context.Context, key string) (Job, error)
}
