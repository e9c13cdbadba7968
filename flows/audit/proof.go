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
	// LeafOf is the place of an entry. flows.ErrNotFound while it waits for one.
	LeafOf(ctx context.Context, chain string, seq int64) (int64, error)
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

// ProofAnswer proves that an entry is under the last checkpoint, and, if that was asked,
// that this checkpoint goes on from an older one. Who may see the entry may see it.
type ProofAnswer struct {
	HeadAnswer

	Leaf      int64    `json:"leaf"`      // the entry's place
	Hash      string   `json:"hash"`      // of the entry, hex
	Inclusion []string `json:"inclusion"` // base64, from the leaf to the root (RFC 6962, 2.1.1)
	From      int64    `json:"from,omitempty"`
	Growth    []string `json:"growth,omitempty"` // likewise, from a tree of From entries (RFC 6962, 2.1.2)
}

// Prove answers for one entry; from is the size of an older checkpoint, or 0.
// flows.ErrNotFound for an entry that no checkpoint covers yet.
func Prove(ctx context.Context, p Provable, chain string, seq, from int64) (ProofAnswer, error) {
	var out ProofAnswer
	var err error
	if out.HeadAnswer, err = Newest(ctx, p); err != nil {
		return out, err
	}
	if out.Leaf, err = p.LeafOf(ctx, chain, seq); err != nil {
		return out, err
	}
	if out.Leaf >= out.Size {
		return out, fmt.Errorf("a checkpoint over entry %d of %s: %w", seq, chain, flows.ErrNotFound)
	}
	if from < 0 || from > out.Size {
		return out, fmt.Errorf("a checkpoint of %d entries: %w", from, flows.ErrNotFound)
	}
	leaf, err := p.LeafHashes(ctx, out.Leaf, out.Leaf+1)
	if err != nil {
		return out, err
	}
	out.Hash = hex.EncodeToString(leaf[0][:])
	inclusion, err := ProveEntry(ctx, p, out.Size, out.Leaf)
	if err != nil {
		return out, err
	}
	out.Inclusion = inBase64(inclusion)
	if from > 0 {
		growth, err := ProveGrowth(ctx, p, out.Size, from)
		if err != nil {
			return out, err
		}
		out.From, out.Growth = from, inBase64(growth)
	}
	return out, nil
}

func inBase64(hashes []tlog.Hash) []string {
	out := make([]string, 0, len(hashes))
	for _, h := range hashes {
		out = append(out, base64.StdEncoding.EncodeToString(h[:]))
	}
	return out
}
