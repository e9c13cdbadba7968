package audit

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"breakglass/flows"
)

// Provable is the store as whoever answers for one entry sees it.
type Provable interface {
	Reader
	Heads
	Placed
}

// HeadAnswer is a checkpoint as the API gives it. It names nobody.
type HeadAnswer struct {
	Size       int64     `json:"size"`
	Root       string    `json:"root"` // base64
	At         time.Time `json:"at"`
	Checkpoint string    `json:"checkpoint"` // the signed note
}

// Newest answers for the last checkpoint. flows.ErrNotFound while there is none.
func Newest(ctx context.Context, h Heads) (HeadAnswer, error) {
	c, err := h.LastCheckpoint(ctx)
	if err != nil {
		return HeadAnswer{}, err
	}
	return HeadAnswer{Size: c.Size, Root: base64.StdEncoding.EncodeToString(c.Root[:]), At: c.At.UTC(), Checkpoint: c.Note}, nil
}

// Claim is what a proof is asked for: that an entry is in a tree, that this tree goes on
// from an older one, or both.
type Claim struct {
	Chain string // empty: no entry
	Seq   int64
	From  int64 // the size of the older tree; 0: none
	Size  int64 // of the tree; 0: the one of the newest checkpoint
}

// ProofAnswer is the proof of a claim. Who may see the entry may see it.
type ProofAnswer struct {
	Size       int64     `json:"size"`
	Root       string    `json:"root" doc:"base64"`
	At         time.Time `json:"at,omitzero" doc:"of the checkpoint, where one has exactly this size"`
	Checkpoint string    `json:"checkpoint,omitempty" doc:"its signed note"`

	Leaf      int64    `json:"leaf" doc:"the entry's place"`
	Hash      string   `json:"hash,omitempty" doc:"of the entry, hex"`
	Inclusion []string `json:"inclusion,omitempty" doc:"base64, from the leaf to the root (RFC 6962, 2.1.1)"`
	From      int64    `json:"from,omitempty"`
	FromRoot  string   `json:"from_root,omitempty" doc:"of the older tree, base64"`
	Growth    []string `json:"growth,omitempty" doc:"base64, from the older tree to this one (RFC 6962, 2.1.2)"`
}

// Prove answers a claim. flows.ErrNotFound for an entry or a size that no checkpoint
// covers yet.
func Prove(ctx context.Context, p Provable, c Claim) (ProofAnswer, error) {
	out, err := provenIn(ctx, p, c.Size)
	if err != nil {
		return out, err
	}
	if c.Chain != "" {
		if err := out.include(ctx, p, c); err != nil {
			return out, err
		}
	}
	if c.From == 0 {
		return out, nil
	}
	if c.From < 0 || c.From > out.Size {
		return out, fmt.Errorf("a tree of %d entries before one of %d: %w", c.From, out.Size, flows.ErrNotFound)
	}
	root, err := Root(ctx, p, c.From)
	if err != nil {
		return out, err
	}
	growth, err := ProveGrowth(ctx, p, out.Size, c.From)
	out.From, out.FromRoot, out.Growth = c.From, base64.StdEncoding.EncodeToString(root[:]), inBase64(growth)
	return out, err
}

// provenIn is the tree that a proof is in.
func provenIn(ctx context.Context, p Provable, size int64) (ProofAnswer, error) {
	head, err := p.LastCheckpoint(ctx)
	if err != nil {
		return ProofAnswer{}, err
	}
	if size < 0 || size > head.Size {
		return ProofAnswer{}, fmt.Errorf("a checkpoint over %d entries: %w", size, flows.ErrNotFound)
	}
	if size > 0 && size < head.Size {
		found, err := p.Checkpoints(ctx, size-1, 1)
		if err != nil {
			return ProofAnswer{}, err
		}
		if len(found) == 0 || found[0].Size != size { // between two checkpoints
			root, err := Root(ctx, p, size)
			return ProofAnswer{Size: size, Root: base64.StdEncoding.EncodeToString(root[:])}, err
		}
		head = found[0]
	}
	return ProofAnswer{Size: head.Size, Root: base64.StdEncoding.EncodeToString(head.Root[:]), At: head.At.UTC(), Checkpoint: head.Note}, nil
}

// include adds the proof that the entry is in the tree.
func (a *ProofAnswer) include(ctx context.Context, p Provable, c Claim) (err error) {
	if a.Leaf, err = p.LeafOf(ctx, c.Chain, c.Seq); err != nil {
		return err
	}
	if a.Leaf >= a.Size {
		return fmt.Errorf("a checkpoint over entry %d of %s: %w", c.Seq, c.Chain, flows.ErrNotFound)
	}
	leaf, err := p.LeafHashes(ctx, a.Leaf, a.Leaf+1)
	if err != nil {
		return err
	}
	a.Hash = hex.EncodeToString(leaf[0][:])
	inclusion, err := ProveEntry(ctx, p, a.Size, a.Leaf)
	a.Inclusion = inBase64(inclusion)
	return err
}

func inBase64(hashes []tlog.Hash) []string {
	out := make([]string, 0, len(hashes))
	for _, h := range hashes {
		out = append(out, base64.StdEncoding.EncodeToString(h[:]))
	}
	return out
}
