// Package audit is the proof over the audit entries: a Merkle tree that takes them in
// after they are written (RFC 6962), heads of it that are signed and published outside
// (checkpoints, in the note format that other logs use), proofs, and the verification
// of all of it, on the live store or on an export without the database. It may import
// flows and golang.org/x/mod. README.md says what is proved and what cannot be.
//
// Read first: grow.go (how entries get into the tree), checkpoint.go (what is signed),
// verify.go (what is checked), verify.py (the same by other hands).
package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"breakglass/flows"
)

// Reader is the store as whoever makes proofs sees it.
type Reader interface {
	// TreeSize is how many entries have their places.
	TreeSize(ctx context.Context) (int64, error)
	// LeafHashes are the hashes of the leaves from ≤ i < to.
	LeafHashes(ctx context.Context, from, to int64) ([][32]byte, error)
	// TreeNode is a stored hash. flows.ErrNotFound.
	TreeNode(ctx context.Context, level int, n int64) ([32]byte, error)
}

// hashes reads the hashes that package tlog asks for: those of blocks and above as
// they are stored (or were just made), those below from the leaves.
type hashes struct {
	ctx    context.Context //nolint:containedctx // of one question
	r      Reader
	made   map[node]tlog.Hash
	blocks map[int64][]tlog.Hash
}

type node struct {
	level int
	n     int64
}

func newHashes(ctx context.Context, r Reader) *hashes {
	return &hashes{ctx: ctx, r: r, made: map[node]tlog.Hash{}, blocks: map[int64][]tlog.Hash{}}
}

// ReadHashes implements tlog.HashReader.
func (h *hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(indexes))
	for _, i := range indexes {
		level, n := tlog.SplitStoredHashIndex(i)
		hash, err := h.read(level, n)
		if err != nil {
			return nil, err
		}
		out = append(out, hash)
	}
	return out, nil
}

func (h *hashes) read(level int, n int64) (tlog.Hash, error) {
	if hash, ok := h.made[node{level, n}]; ok {
		return hash, nil
	}
	if level >= flows.TreeBlockLevel {
		hash, err := h.r.TreeNode(h.ctx, level, n)
		return tlog.Hash(hash), err
	}
	from := n << level
	leaves, err := h.block(from / flows.TreeBlock)
	if err != nil {
		return tlog.Hash{}, err
	}
	from %= flows.TreeBlock
	to := from + 1<<level
	if to > int64(len(leaves)) {
		return tlog.Hash{}, fmt.Errorf("the tree has no hash %d of level %d", n, level)
	}
	return fold(leaves[from:to]), nil
}

// block reads the leaves of a block, all that are there.
func (h *hashes) block(b int64) ([]tlog.Hash, error) {
	if have, ok := h.blocks[b]; ok {
		return have, nil
	}
	rows, err := h.r.LeafHashes(h.ctx, b*flows.TreeBlock, (b+1)*flows.TreeBlock)
	if err != nil {
		return nil, err
	}
	leaves := make([]tlog.Hash, len(rows))
	for i, r := range rows {
		leaves[i] = r
	}
	h.blocks[b] = leaves
	return leaves, nil
}

// fold is the hash over a complete subtree of leaves.
func fold(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	mid := len(leaves) / 2
	return tlog.NodeHash(fold(leaves[:mid]), fold(leaves[mid:]))
}

// Root is the hash over the first size entries.
func Root(ctx context.Context, r Reader, size int64) (tlog.Hash, error) {
	root, err := tlog.TreeHash(size, newHashes(ctx, r))
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("hash the first %d entries: %w", size, err)
	}
	return root, nil
}

// ProveEntry proves that the entry at a place is among the first size ones.
func ProveEntry(ctx context.Context, r Reader, size, index int64) (tlog.RecordProof, error) {
	p, err := tlog.ProveRecord(size, index, newHashes(ctx, r))
	if err != nil {
		return nil, fmt.Errorf("prove entry %d of %d: %w", index, size, err)
	}
	return p, nil
}

// ProveGrowth proves that the first size entries begin with the first old ones.
func ProveGrowth(ctx context.Context, r Reader, size, old int64) (tlog.TreeProof, error) {
	p, err := tlog.ProveTree(size, old, newHashes(ctx, r))
	if err != nil {
		return nil, fmt.Errorf("prove that %d entries begin with %d: %w", size, old, err)
	}
	return p, nil
}
