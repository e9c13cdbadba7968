package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/pack"
	"breakglass/store/internal/postgresdb"
)

// verifyPage is how many entries are read at a time.
const verifyPage = 1000

// VerifyTail recomputes the hashes of the last n entries (of all of them if n is 0 or
// less), holds each to what its own bytes say and to the entry before it, and holds
// the heads of their chains, and the requests that carry them, to the last entry. The
// heads of requests that are not final (of all of them if n is 0 or less) must be
// there. What does not fit is an error that wraps ErrDamaged and names the first bad
// place.
func (s *Store) VerifyTail(ctx context.Context, n int) error {
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		v := verifier{q: q, seen: map[string]bool{}}
		if n > 0 {
			return errors.Join(v.tail(ctx, n), headless(ctx, "request", q.HeadlessOpenRequests))
		}
		return errors.Join(v.tail(ctx, math.MaxInt),
			headless(ctx, "request", q.HeadlessRequests), headless(ctx, "chain", q.HeadlessChains))
	})
	if err != nil {
		return fmt.Errorf("verify the audit entries: %w", err)
	}
	return nil
}

// VerifyHeads holds the heads of all chains, and the requests that carry them, to the
// entries, and looks for entries that have no place in the tree and do not wait for
// one: what a walk along the tree does not see. It wraps ErrDamaged.
func (s *Store) VerifyHeads(ctx context.Context) error {
	looks := [...]func(context.Context, queries) error{
		func(ctx context.Context, q queries) error { return headless(ctx, "request", q.ChainlessRequests) },
		func(ctx context.Context, q queries) error { return headless(ctx, "chain", q.HeadlessChains) },
		func(ctx context.Context, q queries) error { return headless(ctx, "chain", q.EntriesBeyondHead) },
		unplaced,
	}
	var errs [len(looks)]error
	var all sync.WaitGroup
	for i, look := range looks { // each is a question of its own, so they can be asked at once
		all.Go(func() { errs[i] = s.tx.snapshot(ctx, look) })
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return fmt.Errorf("verify the heads of the chains: %w", err)
	}
	return nil
}

// unplaced reports the first entry that neither has a place in the tree nor waits.
func unplaced(ctx context.Context, q queries) error {
	rows, err := q.UnplacedEntries(ctx)
	if err == nil && len(rows) > 0 {
		err = fmt.Errorf("%w: entry %d of chain %s has no place in the tree and waits for none", ErrDamaged, rows[0].Seq, rows[0].Chain)
	}
	return err
}

// headless reports the first chain without its end, if the query finds one.
func headless(ctx context.Context, what string, find func(context.Context) ([]string, error)) error {
	found, err := find(ctx)
	if err == nil && len(found) > 0 {
		err = unended(what, found[0])
	}
	return err
}

func unended(what, chain string) error {
	return fmt.Errorf("%w: the entries of %s %s do not end where its head says, or are gone", ErrDamaged, what, chain)
}

// verifier walks entries from the newest to the oldest.
type verifier struct {
	q    queries
	seen map[string]bool // chains whose head was checked
	u    pack.Unpacker
}

// said is what the bytes of an entry say about its place.
type said struct {
	Chain string `json:"chain"`
	Seq   int64  `json:"seq"`
	Prev  string `json:"prev"`
	At    int64  `json:"at"`
	Verb  string `json:"verb"`
}

// tail checks the last n entries, page by page.
func (v *verifier) tail(ctx context.Context, n int) error {
	before := int64(math.MaxInt64)
	for n > 0 {
		rows, err := v.q.TailEntries(ctx, postgresdb.TailEntriesParams{Before: before, Lim: int64(min(n, verifyPage))})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			unpack(&v.u, &r)
			if err := v.entry(ctx, r); err != nil {
				return err
			}
		}
		n, before = n-len(rows), rows[len(rows)-1].ID
	}
	return nil
}

func (v *verifier) entry(ctx context.Context, r postgresdb.Entry) error {
	sum := flows.LeafHash([]byte(r.Bytes))
	if hex.EncodeToString(sum[:]) != r.Hash {
		return damaged(r, "its bytes do not have its hash")
	}
	r.Prev = prevOf(r.Prev, []byte(r.Bytes))
	var s said
	if err := json.Unmarshal([]byte(r.Bytes), &s); err != nil {
		return damaged(r, "its bytes are not an entry")
	}
	if s != (said{Chain: r.Chain, Seq: r.Seq, Prev: r.Prev, At: r.At, Verb: r.Verb}) {
		return damaged(r, "its columns are not what its bytes say")
	}
	if !v.seen[r.Chain] {
		v.seen[r.Chain] = true
		if err := v.head(ctx, r); err != nil {
			return err
		}
	}
	return v.link(ctx, r)
}

// head checks the end of a chain by the newest of its entries.
func (v *verifier) head(ctx context.Context, r postgresdb.Entry) error {
	head, err := chainHead(ctx, v.q, r.Chain)
	if err != nil {
		return err
	}
	if head != (flows.ChainHead{Len: r.Seq, Hash: r.Hash}) {
		return damaged(r, fmt.Sprintf("it is the last of its chain, but the chain's head says %d", head.Len))
	}
	doc, err := v.q.RequestDoc(ctx, r.Chain)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // a chain that no request carries
	}
	if err != nil {
		return err
	}
	req, err := decodeRequest(doc)
	if err != nil {
		return damaged(r, "the request that carries its chain cannot be read")
	}
	if req.Chain != head {
		return damaged(r, fmt.Sprintf("the request that carries its chain knows %d entries", req.Chain.Len))
	}
	return nil
}

// link checks that the entry before is the one it names.
func (v *verifier) link(ctx context.Context, r postgresdb.Entry) error {
	if r.Seq == 1 {
		if r.Prev != "" {
			return damaged(r, "it is the first of its chain and names one before")
		}
		return nil
	}
	prev, err := v.q.EntryHash(ctx, postgresdb.EntryHashParams{Chain: r.Chain, Seq: r.Seq - 1})
	if errors.Is(err, sql.ErrNoRows) || err == nil && prev != r.Prev {
		return damaged(r, "the entry before it is not the one it names")
	}
	return err
}

func damaged(r postgresdb.Entry, why string) error {
	return fmt.Errorf("%w: entry %d of chain %s (%s): %s", ErrDamaged, r.Seq, r.Chain, fromMillis(r.At).Format(time.RFC3339), why)
}
