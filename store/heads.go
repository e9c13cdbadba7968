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
// the last. The slices are good until each returns. It reads a page ahead.
func (s *Store) EachHead(ctx context.Context, each func(chain []byte, entries int64, hash []byte)) error {
	pages, spare := make(chan *headPage, 1), make(chan *headPage, 2)
	spare <- &headPage{}
	spare <- &headPage{}
	go func() {
		defer close(pages)
		after := ""
		for more := true; more; {
			p := <-spare
			p.err = s.raw.raw(ctx, func(ctx context.Context, ask asker) error { return p.read(ctx, ask, after) })
			if more = p.err == nil && len(p.Rows) == headsAtOnce; more {
				after = string(p.Rows[len(p.Rows)-1].Chain)
			}
			pages <- p
		}
	}()
	for p := range pages {
		if p.err != nil {
			return fmt.Errorf("read the heads of the chains: %w", p.err)
		}
		for i := range p.Rows {
			each(p.Rows[i].Chain, p.Rows[i].Seq, p.Rows[i].Hash)
		}
		spare <- p
	}
	return nil
}

// headPage is heads that are read together.
type headPage struct {
	flows.LeafPage // of which only the texts are used
	err            error
}

func (p *headPage) read(ctx context.Context, ask asker, after string) error {
	const question = "SELECT chain, len, hash FROM chains WHERE chain > $1 ORDER BY chain LIMIT $2"
	p.Clear()
	return ask(ctx, question, []any{after, int64(headsAtOnce)}, func(r rawRow) error {
		p.Rows = append(p.Rows, flows.LeafRow{Chain: p.Keep(r.bytes(0)), Seq: r.int(1), Hash: p.Keep(r.bytes(2))})
		return nil
	})
}

// VerifyPlaces looks for entries that have no place in the tree and do not wait for one,
// before a walk along the tree that finds each place right, or says so: counting is enough
// then. It wraps ErrDamaged.
func (s *Store) VerifyPlaces(ctx context.Context) error {
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		n, err := q.CountUnplaced(ctx)
		if err == nil && n != 0 {
			err = unplaced(ctx, q)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("look for entries without a place: %w", err)
	}
	return nil
}

// VerifyEnds is VerifyHeads after VerifyPlaces and a walk along the tree that held the ends
// of chains to their heads: it looks at the chains of which the walk has not seen the end,
// and at all heads only if there is more wrong than that. It wraps ErrDamaged.
func (s *Store) VerifyEnds(ctx context.Context, chains []string, all bool) error {
	if all {
		return s.VerifyHeads(ctx)
	}
	var errs []error
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
