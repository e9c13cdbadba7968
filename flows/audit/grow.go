package audit

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"breakglass/flows"
)

// Places is where entries get their places.
type Places interface {
	// Waiting is how many entries have no place yet, and since when.
	Waiting(ctx context.Context) (n int, since time.Time, err error)
	// Sequence gives at most limit waiting entries their places.
	Sequence(ctx context.Context, limit int) (taken int, err error)
	// TreeBlocks is how many blocks of leaves have their hash stored.
	TreeBlocks(ctx context.Context) (int64, error)
}

// Heads are the signed heads.
type Heads interface {
	// LastCheckpoint is the newest one. flows.ErrNotFound.
	LastCheckpoint(ctx context.Context) (flows.Checkpoint, error)
	// Checkpoints are those of more than after entries, the smallest first.
	Checkpoints(ctx context.Context, after int64, limit int) ([]flows.Checkpoint, error)
}

// Ground is the store as the tree grows on it.
type Ground interface {
	Reader
	Places
	Heads
}

// sequenceAtOnce bounds one transaction, which writers of a SQLite file wait for.
const sequenceAtOnce = 1000

// hashAtOnce bounds what one growth holds in memory, in blocks.
const hashAtOnce = 4096

// Growth takes in what waits and says what is to be stored for it: the hashes that
// became complete, and a checkpoint if there is a signer and something new. Storing it
// is the caller's, together with the job whose work this is. It refuses to sign a tree
// that does not begin with what was signed before: ErrBroken.
func Growth(ctx context.Context, g Ground, signer note.Signer, now time.Time) (*flows.TreeGrowth, error) {
	for {
		taken, err := g.Sequence(ctx, sequenceAtOnce)
		if err != nil {
			return nil, err
		}
		if taken < sequenceAtOnce {
			break
		}
	}
	size, err := g.TreeSize(ctx)
	if err != nil {
		return nil, err
	}
	done, err := g.TreeBlocks(ctx)
	if err != nil {
		return nil, err
	}
	h := newHashes(ctx, g)
	out := &flows.TreeGrowth{}
	for b := done; b < size/flows.TreeBlock && b-done < hashAtOnce; b++ {
		if out.Nodes, err = h.complete(out.Nodes, b); err != nil {
			return nil, err
		}
	}
	if signer == nil || size/flows.TreeBlock-done > hashAtOnce { // the next growth goes on
		return out, nil
	}
	out.Checkpoint, err = h.checkpoint(g, size, signer, now)
	return out, err
}

// complete adds the hash of block b and of every subtree that it completes.
func (h *hashes) complete(nodes []flows.TreeNode, b int64) ([]flows.TreeNode, error) {
	leaves, err := h.block(b)
	if err != nil {
		return nil, err
	}
	if len(leaves) != flows.TreeBlock {
		return nil, fmt.Errorf("%w: block %d has %d leaves", ErrBroken, b, len(leaves))
	}
	hash := fold(leaves)
	delete(h.blocks, b)
	for level, n := flows.TreeBlockLevel, b; ; level, n = level+1, n/2 {
		h.made[node{level, n}] = hash
		nodes = append(nodes, flows.TreeNode{Level: level, N: n, Hash: hash})
		if n%2 == 0 {
			return nodes, nil
		}
		left, err := h.read(level, n-1)
		if err != nil {
			return nil, err
		}
		hash = tlog.NodeHash(left, hash)
	}
}

// ErrBroken says that the tree is not what was signed.
var ErrBroken = errors.New("the audit tree is not the one that was signed before")

func (h *hashes) checkpoint(g Ground, size int64, signer note.Signer, now time.Time) (*flows.Checkpoint, error) {
	last, err := g.LastCheckpoint(h.ctx)
	if err != nil && !errors.Is(err, flows.ErrNotFound) {
		return nil, err
	}
	if last.Size > size {
		return nil, fmt.Errorf("%w: it had %d entries and has %d", ErrBroken, last.Size, size)
	}
	if last.Size == size {
		return nil, nil
	}
	if last.Size > 0 {
		was, err := tlog.TreeHash(last.Size, h)
		if err != nil {
			return nil, err
		}
		if was != last.Root {
			return nil, fmt.Errorf("%w: its first %d entries are others", ErrBroken, last.Size)
		}
	}
	root, err := tlog.TreeHash(size, h)
	if err != nil {
		return nil, err
	}
	signed, err := Sign(size, root, signer)
	if err != nil {
		return nil, err
	}
	return &flows.Checkpoint{Size: size, Root: root, At: now, Note: signed}, nil
}

// Standing is the cheap look at the start: the tree still has the root of the last
// checkpoint in the store, and the checkpoint says what its row says and is signed by
// one of the keys (nil: not asked).
func Standing(ctx context.Context, g Ground, keys note.Verifiers) error {
	last, err := g.LastCheckpoint(ctx)
	if errors.Is(err, flows.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	size, err := g.TreeSize(ctx)
	if err != nil {
		return err
	}
	if last.Size > size {
		return fmt.Errorf("%w: it had %d entries and has %d", ErrBroken, last.Size, size)
	}
	head, err := Peek(last.Note)
	if err == nil && keys != nil {
		head, err = Open(last.Note, keys)
	}
	if err != nil {
		return fmt.Errorf("%w: the checkpoint of %d entries: %w", ErrBroken, last.Size, err)
	}
	root, err := Root(ctx, g, last.Size)
	if err != nil {
		return err
	}
	if root != last.Root || head.Root != last.Root || head.Size != last.Size {
		return fmt.Errorf("%w: its first %d entries are others; find the place by: breakglass audit verify", ErrBroken, last.Size)
	}
	return nil
}

// crown keeps the hashes of the complete subtrees at the right edge of a tree that
// grows by one leaf at a time: all that is needed for its root.
type crown struct {
	size int64
	at   [64]tlog.Hash // by level, where size has the bit
	grew func(level int, n int64, h tlog.Hash)
}

func (c *crown) add(h tlog.Hash) {
	level := 0
	for ; c.size>>level&1 == 1; level++ {
		h = tlog.NodeHash(c.at[level], h)
		if c.grew != nil && level+1 >= flows.TreeBlockLevel {
			c.grew(level+1, c.size>>(level+1), h)
		}
	}
	c.at[level] = h
	c.size++
}

func (c *crown) root() tlog.Hash {
	if c.size == 0 {
		h, _ := tlog.TreeHash(0, nil) // the hash of nothing
		return h
	}
	level := bits.TrailingZeros64(uint64(c.size))
	h := c.at[level]
	for level++; c.size>>level > 0; level++ {
		if c.size>>level&1 == 1 {
			h = tlog.NodeHash(c.at[level], h)
		}
	}
	return h
}
