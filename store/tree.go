package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// treeLock keeps two replicas from giving places at once.
const treeLock = "tree"

// Sequence gives at most limit of the entries that wait their places in the tree, in
// the order in which they were written, and says how many it gave. Writers are not
// waited for and do not wait: an entry that is not committed yet is not seen, and takes
// a later place.
func (s *Store) Sequence(ctx context.Context, limit int) (taken int, err error) {
	err = s.tx.write(ctx, []string{treeLock}, func(ctx context.Context, q queries) error {
		since, err := q.TreeSize(ctx)
		if err != nil {
			return err
		}
		n, err := q.SequenceEntries(ctx, int64(limit))
		if taken = int(n); err != nil || n == 0 {
			return err
		}
		dropped, err := q.DropSequenced(ctx, since)
		if err == nil && dropped != n {
			err = fmt.Errorf("%d entries got places and %d stopped waiting: %w", n, dropped, flows.ErrConflict)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("give entries their places: %w", err)
	}
	return taken, nil
}

// TreeSize is how many entries have their places.
func (s *Store) TreeSize(ctx context.Context) (int64, error) {
	n, err := s.tx.direct().TreeSize(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the size of the tree: %w", err)
	}
	return n, nil
}

// TreeBlocks is how many blocks of leaves have their hash stored.
func (s *Store) TreeBlocks(ctx context.Context) (int64, error) {
	n, err := s.tx.direct().CountNodes(ctx)
	if err != nil {
		return 0, fmt.Errorf("count the hashes of the tree: %w", err)
	}
	return n, nil
}

// Waiting is how many entries have no place yet, and since when the first one waits.
func (s *Store) Waiting(ctx context.Context) (n int, since time.Time, err error) {
	err = s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		count, err := q.CountWaiting(ctx)
		if n = int(count); err != nil || n == 0 {
			return err
		}
		at, err := q.FirstWaiting(ctx)
		since = fromMillis(at)
		return err
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count the entries that wait for the tree: %w", err)
	}
	return n, since, nil
}

// LeafHashes are the hashes of the leaves from the place from up to, not including, to.
func (s *Store) LeafHashes(ctx context.Context, from, to int64) ([][32]byte, error) {
	rows, err := s.tx.direct().LeafHashes(ctx, postgresdb.LeafHashesParams{Since: from, Before: to})
	if err != nil {
		return nil, fmt.Errorf("read the hashes of leaves %d to %d: %w", from, to, err)
	}
	out := make([][32]byte, 0, len(rows))
	for i, r := range rows {
		h, err := hex.DecodeString(r.Hash)
		if err != nil || len(h) != 32 || r.Idx != from+int64(i) {
			return nil, fmt.Errorf("%w: leaf %d is missing or its hash is none", ErrDamaged, from+int64(i))
		}
		out = append(out, [32]byte(h))
	}
	return out, nil
}

// TreeNode reads a stored hash. flows.ErrNotFound.
func (s *Store) TreeNode(ctx context.Context, level int, n int64) ([32]byte, error) {
	h, err := s.tx.direct().TreeNode(ctx, postgresdb.TreeNodeParams{Level: int64(level), N: n})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return [32]byte{}, fmt.Errorf("hash %d of level %d of the tree: %w", n, level, flows.ErrNotFound)
	case err != nil:
		return [32]byte{}, fmt.Errorf("read hash %d of level %d of the tree: %w", n, level, err)
	case len(h) != 32:
		return [32]byte{}, fmt.Errorf("%w: hash %d of level %d of the tree has %d bytes", ErrDamaged, n, level, len(h))
	}
	return [32]byte(h), nil
}

// EachTreeNode tells of the stored hashes of a level, from one up to, not including, another,
// in their order. The slice is good until each returns.
func (s *Store) EachTreeNode(ctx context.Context, level int, from, to int64, each func(n int64, hash []byte)) error {
	const question = "SELECT n, hash FROM tree WHERE level = $1 AND n >= $2 AND n < $3 ORDER BY n"
	err := s.raw.raw(ctx, func(ctx context.Context, ask asker) error {
		return ask(ctx, question, []any{int64(level), from, to}, func(r rawRow) error {
			each(r.int(0), r.bytes(1))
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("read hashes %d to %d of level %d of the tree: %w", from, to, level, err)
	}
	return nil
}

// LeafOf is the place of an entry. flows.ErrNotFound while it waits for one.
func (s *Store) LeafOf(ctx context.Context, chain string, seq int64) (int64, error) {
	idx, err := s.tx.direct().LeafOfEntry(ctx, postgresdb.LeafOfEntryParams{Chain: chain, Seq: seq})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("the place of entry %d of %s in the tree: %w", seq, chain, flows.ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("look for the place of entry %d of %s: %w", seq, chain, err)
	}
	return idx, nil
}
