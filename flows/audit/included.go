package audit

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"breakglass/flows"
)

// Placed says where entries have their places, and what was signed over them.
type Placed interface {
	// LeafOf is the place of an entry. flows.ErrNotFound while it waits for one.
	LeafOf(ctx context.Context, chain string, seq int64) (int64, error)
	// Checkpoints are those of more than after entries, the smallest first.
	Checkpoints(ctx context.Context, after int64, limit int) ([]flows.Checkpoint, error)
}

// Shelf is the store as whoever looks an entry's proof up sees it.
type Shelf interface {
	Reader
	Placed
}

// Inclusion is how an entry stands in the tree: it waits for a place (Index is -1), has
// one that no checkpoint covers yet (Checkpoint.Size is 0), or is proved to be in the
// first checkpoint after it. Broken says why the proof does not hold.
type Inclusion struct {
	Index      int64
	Checkpoint flows.Checkpoint
	Proof      tlog.RecordProof
	Broken     error
}

// Proven reports whether a checkpoint has the entry, by a proof that was checked.
func (i *Inclusion) Proven() bool { return i.Broken == nil && i.Checkpoint.Size > 0 }

// Include looks up and checks how each of the entries stands in the tree, by the bytes
// they have now: one that was altered is Broken.
func Include(ctx context.Context, s Shelf, entries []flows.Sealed) ([]Inclusion, error) {
	h := newHashes(ctx, s)
	out := make([]Inclusion, 0, len(entries))
	for i := range entries {
		in, err := include(ctx, s, h, &entries[i])
		if err != nil {
			return nil, fmt.Errorf("look up the proof of entry %d of %s: %w", entries[i].Seq, entries[i].Chain, err)
		}
		out = append(out, in)
	}
	return out, nil
}

func include(ctx context.Context, s Shelf, h *hashes, e *flows.Sealed) (Inclusion, error) {
	index, err := s.LeafOf(ctx, e.Chain, e.Seq)
	if errors.Is(err, flows.ErrNotFound) {
		return Inclusion{Index: -1}, nil
	}
	if err != nil {
		return Inclusion{}, err
	}
	heads, err := s.Checkpoints(ctx, index, 1)
	if err != nil || len(heads) == 0 {
		return Inclusion{Index: index}, err
	}
	in := Inclusion{Index: index, Checkpoint: heads[0]}
	if !says(heads[0]) {
		in.Broken = fmt.Errorf("%w: the checkpoint of %d entries is not what its note says", ErrBroken, heads[0].Size)
		return in, nil
	}
	if in.Proof, err = tlog.ProveRecord(heads[0].Size, index, h); err != nil {
		return Inclusion{}, err
	}
	if err := tlog.CheckRecord(in.Proof, heads[0].Size, heads[0].Root, index, flows.LeafHash(e.Bytes)); err != nil {
		in.Broken = fmt.Errorf("%w: the entry is not the one that checkpoint %d has at place %d", ErrBroken, heads[0].Size, index)
	}
	return in, nil
}

// says reports whether a checkpoint's note says what stands beside it.
func says(c flows.Checkpoint) bool {
	head, err := Peek(c.Note)
	return err == nil && head.Size == c.Size && head.Root == c.Root
}
