package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// SinkAt is the place of the entry that a sink goes on with, and whether it is
// somebody else's turn than owner's. flows.ErrNotFound for a sink that never sent.
func (s *Store) SinkAt(ctx context.Context, name, owner string, now time.Time) (next int64, taken bool, err error) {
	row, err := s.tx.direct().SinkAt(ctx, name)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, fmt.Errorf("the cursor of sink %s: %w", name, flows.ErrNotFound)
	}
	if err != nil {
		return 0, false, fmt.Errorf("read the cursor of sink %s: %w", name, err)
	}
	return row.Next, row.Holder != "" && row.Holder != owner && row.HeldUntil > millis(now), nil
}

// ClaimSink makes it owner's turn to send to a sink until then, unless it is somebody
// else's at now. A sink that is new begins at the place start.
func (s *Store) ClaimSink(ctx context.Context, name, owner string, start int64, now, until time.Time) (next int64, mine bool, err error) {
	err = s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		if err := q.NewSink(ctx, postgresdb.NewSinkParams{Name: name, Next: start}); err != nil {
			return err
		}
		n, err := q.ClaimSink(ctx, postgresdb.ClaimSinkParams{Name: name, Owner: owner, Until: millis(until), Now: millis(now)})
		if err != nil {
			return err
		}
		row, err := q.SinkAt(ctx, name)
		next, mine = row.Next, n == 1
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("claim the turn of sink %s: %w", name, err)
	}
	return next, mine, nil
}

// AdvanceSink says that a sink took everything before next, and makes owner's turn last
// until then; zero ends it. flows.ErrLeaseLost when it is not owner's turn any more.
func (s *Store) AdvanceSink(ctx context.Context, name, owner string, next int64, until time.Time) error {
	err := s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		n, err := q.AdvanceSink(ctx, postgresdb.AdvanceSinkParams{Name: name, Owner: owner, Next: next, Until: millis(until)})
		if err == nil && n == 0 {
			err = flows.ErrLeaseLost
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("move the cursor of sink %s: %w", name, err)
	}
	return nil
}

// Depth is how many entries have their places in the tree, and how many wait for one.
func (s *Store) Depth(ctx context.Context) (placed, waiting int64, err error) {
	err = s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		if placed, err = q.TreeSize(ctx); err != nil {
			return err
		}
		waiting, err = q.CountWaiting(ctx)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count the entries: %w", err)
	}
	return placed, waiting, nil
}

// SinkLag is how far a sink is behind.
type SinkLag struct {
	Name    string
	Entries int64     // that it has not taken
	Since   time.Time // when the first of them was written; zero when there is none
}

// SinkLags is how far each sink is behind that ever began to take entries.
func (s *Store) SinkLags(ctx context.Context) ([]SinkLag, error) {
	var out []SinkLag
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		rows, err := q.SinkCursors(ctx)
		if err != nil || len(rows) == 0 {
			return err
		}
		size, err := q.TreeSize(ctx)
		if err != nil {
			return err
		}
		waiting, err := q.CountWaiting(ctx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			l := SinkLag{Name: r.Name, Entries: size + waiting - r.Next}
			if l.Since, err = sinceLeaf(ctx, q, r.Next, l.Entries); err != nil {
				return err
			}
			out = append(out, l)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read how far the sinks are: %w", err)
	}
	return out, nil
}

// sinceLeaf is when the entry at a place was written, or the first without a place.
func sinceLeaf(ctx context.Context, q queries, idx, behind int64) (time.Time, error) {
	if behind == 0 {
		return time.Time{}, nil
	}
	at, err := q.LeafAt(ctx, idx)
	if errors.Is(err, sql.ErrNoRows) {
		at, err = q.FirstWaiting(ctx)
	}
	if errors.Is(err, sql.ErrNoRows) { // entries are gone from a damaged database
		return time.Time{}, nil
	}
	return fromMillis(at), err
}
