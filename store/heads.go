package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// headsAtOnce is how many heads of chains are read at a time.
const headsAtOnce = 5000

// EachHead tells of each chain how many entries its head says that it has, and the hash of
// the last. The slices are good until each returns.
func (s *Store) EachHead(ctx context.Context, each func(chain []byte, entries int64, hash []byte)) error {
	const question = "SELECT chain, len, hash FROM chains WHERE chain > $1 ORDER BY chain LIMIT $2"
	var page flows.LeafPage // of which only the texts are used
	for after, more := "", true; more; {
		err := s.raw.raw(ctx, func(ctx context.Context, ask asker) error {
			page.Clear()
			return ask(ctx, question, []any{after, int64(headsAtOnce)}, func(r rawRow) error {
				page.Rows = append(page.Rows, flows.LeafRow{Chain: page.Keep(r.bytes(0)), Seq: r.int(1), Hash: page.Keep(r.bytes(2))})
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("read the heads of the chains: %w", err)
		}
		for i := range page.Rows {
			each(page.Rows[i].Chain, page.Rows[i].Seq, page.Rows[i].Hash)
		}
		if more = len(page.Rows) == headsAtOnce; more {
			after = string(page.Rows[len(page.Rows)-1].Chain)
		}
	}
	return nil
}

// VerifyEnds is VerifyHeads after a walk along the tree that held the ends of chains to
// their heads: it looks at the chains of which the walk has not seen the end, at all heads
// only if there is more wrong than that, and for entries that have no place in the tree and
// do not wait for one. That walk finds each place and each link right, or says so: counting
// is enough then. It wraps ErrDamaged.
func (s *Store) VerifyEnds(ctx context.Context, chains []string, all bool) error {
	if all {
		return s.VerifyHeads(ctx)
	}
	errs := []error{s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		n, err := q.CountUnplaced(ctx)
		if err == nil && n != 0 {
			err = unplaced(ctx, q)
		}
		return err
	})}
	for _, chain := range chains {
		errs = append(errs, s.tx.snapshot(ctx, func(ctx context.Context, q queries) error { return endOf(ctx, q, chain) }))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("verify the ends of the chains: %w", err)
	}
	return nil
}

// endOf holds the head of one chain to its entries as they are by now.
func endOf(ctx context.Context, q queries, chain string) error {
	head, err := chainHead(ctx, q, chain)
	if err != nil {
		return err
	}
	last, err := q.EntryHash(ctx, postgresdb.EntryHashParams{Chain: chain, Seq: head.Len})
	if err == nil && last == head.Hash {
		_, err = q.EntryHash(ctx, postgresdb.EntryHashParams{Chain: chain, Seq: head.Len + 1})
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
	}
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		err = unended("chain", chain)
	}
	return err
}
