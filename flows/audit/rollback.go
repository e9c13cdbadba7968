package audit

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"breakglass/flows"
)

// ErrRolledBack says that a log is older than what was published of it, or another one.
var ErrRolledBack = errors.New("the database is not the one that was published")

// RolledBack holds a log to the checkpoints that a place outside has of it, the newest
// last: a database that was put back to an earlier state, by a restore or by somebody,
// has fewer entries than were published, or others. Only checkpoints signed by one of
// the keys count, since the place may be anybody's to write to.
func RolledBack(ctx context.Context, r Reader, outside []string, keys note.Verifiers) error {
	size, err := r.TreeSize(ctx)
	if err != nil {
		return err
	}
	var newest Head
	for _, n := range outside {
		if h, err := Open(n, keys); err == nil && h.Size >= newest.Size {
			newest = h
		}
	}
	switch {
	case newest.Size == 0:
		return nil
	case newest.Size > size:
		return fmt.Errorf("%w: %d entries were, and it has %d", ErrRolledBack, newest.Size, size)
	}
	root, err := Root(ctx, r, newest.Size)
	if errors.Is(err, flows.ErrNotFound) {
		err = fmt.Errorf("%w: it lacks hashes of its first %d entries", ErrRolledBack, newest.Size)
	}
	if err == nil && root != newest.Root {
		err = fmt.Errorf("%w: its first %d entries are others", ErrRolledBack, newest.Size)
	}
	return err
}
