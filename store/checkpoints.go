package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// grow adds to the tree. Two replicas that hashed the same leaves wrote the same.
func (p *change) grow(ctx context.Context, q queries) error {
	if p.Tree == nil {
		return nil
	}
	for _, n := range p.Tree.Nodes {
		err := q.InsertNode(ctx, postgresdb.InsertNodeParams{Level: int64(n.Level), N: n.N, Hash: n.Hash[:]})
		if err != nil {
			return fmt.Errorf("add hash %d of level %d to the tree: %w", n.N, n.Level, err)
		}
	}
	if c := p.Tree.Checkpoint; c != nil {
		if err := p.checkpoint(ctx, q, *c); err != nil {
			return err
		}
	}
	if w := p.Tree.Witness; w != nil {
		err := q.InsertWitness(ctx, postgresdb.InsertWitnessParams{Kind: w.Kind, Size: w.Size, Place: w.Place, At: millis(w.At)})
		if err != nil {
			return fmt.Errorf("note that a %s has checkpoint %d: %w", w.Kind, w.Size, err)
		}
	}
	return nil
}

func (p *change) checkpoint(ctx context.Context, q queries, c flows.Checkpoint) error {
	last, err := q.LastCheckpoint(ctx)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("read the last checkpoint: %w", err)
	case err == nil && last.Size >= c.Size:
		return fmt.Errorf("a checkpoint of %d entries is there already: %w", last.Size, flows.ErrConflict)
	}
	err = q.InsertCheckpoint(ctx, postgresdb.InsertCheckpointParams{Size: c.Size, Root: c.Root[:], At: millis(c.At), Note: c.Note})
	if err != nil {
		return fmt.Errorf("keep the checkpoint of %d entries: %w", c.Size, err)
	}
	return nil
}

// LastCheckpoint is the newest signed head. flows.ErrNotFound while there is none.
func (s *Store) LastCheckpoint(ctx context.Context) (flows.Checkpoint, error) {
	row, err := s.tx.direct().LastCheckpoint(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return flows.Checkpoint{}, fmt.Errorf("the last checkpoint: %w", flows.ErrNotFound)
	}
	if err != nil {
		return flows.Checkpoint{}, fmt.Errorf("read the last checkpoint: %w", err)
	}
	return checkpointFrom(row)
}

// Checkpoints lists signed heads of more than after entries, the smallest first.
func (s *Store) Checkpoints(ctx context.Context, after int64, limit int) ([]flows.Checkpoint, error) {
	rows, err := s.tx.direct().CheckpointsAfter(ctx, postgresdb.CheckpointsAfterParams{After: after, Lim: int64(limit)})
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	out := make([]flows.Checkpoint, 0, len(rows))
	for _, r := range rows {
		c, err := checkpointFrom(r)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func checkpointFrom(r postgresdb.Checkpoint) (flows.Checkpoint, error) {
	if len(r.Root) != 32 {
		return flows.Checkpoint{}, fmt.Errorf("%w: the checkpoint of %d entries has a root of %d bytes", ErrDamaged, r.Size, len(r.Root))
	}
	return flows.Checkpoint{Size: r.Size, Root: [32]byte(r.Root), At: fromMillis(r.At), Note: r.Note}, nil
}

// LastWitness is the newest checkpoint that a kind of place has. flows.ErrNotFound.
func (s *Store) LastWitness(ctx context.Context, kind string) (flows.Witness, error) {
	r, err := s.tx.direct().LastWitness(ctx, kind)
	if errors.Is(err, sql.ErrNoRows) {
		return flows.Witness{}, fmt.Errorf("a checkpoint at a %s: %w", kind, flows.ErrNotFound)
	}
	if err != nil {
		return flows.Witness{}, fmt.Errorf("look for the last checkpoint at a %s: %w", kind, err)
	}
	return flows.Witness{Kind: r.Kind, Size: r.Size, Place: r.Place, At: fromMillis(r.At)}, nil
}
