package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"breakglass/flows"
	"breakglass/store/internal/pack"
	"breakglass/store/internal/postgresdb"
)

// append writes the entries onto the end of their chain, with their openings beside
// them. A trigger links each to the one before.
func (p *change) append(ctx context.Context, q queries) error {
	if len(p.Entries) == 0 {
		return p.sameHead(ctx, q)
	}
	head, err := chainHead(ctx, q, p.chain)
	if err != nil {
		return err
	}
	if first := p.Entries[0]; first.Seq != head.Len+1 || first.Prev != head.Hash {
		return fmt.Errorf("entry %d of chain %s does not follow its end (%d): %w", first.Seq, p.chain, head.Len, flows.ErrConflict)
	}
	for _, e := range p.Entries {
		row, openings := entryParams(&e)
		id, err := q.InsertEntry(ctx, row)
		if err != nil {
			return fmt.Errorf("append entry %d of chain %s: %w", e.Seq, e.Chain, err)
		}
		if err := keepOpenings(ctx, q, id, openings, e.Openings); err != nil {
			return fmt.Errorf("keep the openings of entry %d of chain %s: %w", e.Seq, e.Chain, err)
		}
	}
	return nil
}

// sameHead holds a request that changes without an entry to the chain as it is.
func (p *change) sameHead(ctx context.Context, q queries) error {
	if p.Request == nil {
		return nil
	}
	head, err := chainHead(ctx, q, p.chain)
	if err != nil {
		return err
	}
	if head != p.Request.Chain {
		return fmt.Errorf("request %s does not carry the head of its chain: %w", p.Request.ID, flows.ErrConflict)
	}
	return nil
}

func chainHead(ctx context.Context, q queries, chain string) (flows.ChainHead, error) {
	row, err := q.ChainHead(ctx, chain)
	if errors.Is(err, sql.ErrNoRows) {
		return flows.ChainHead{}, nil
	}
	if err != nil {
		return flows.ChainHead{}, fmt.Errorf("read the head of chain %s: %w", chain, err)
	}
	return flows.ChainHead{Len: row.Len, Hash: row.Hash}, nil
}

// ChainHead is the end of a chain; the zero head for one without entries.
func (s *Store) ChainHead(ctx context.Context, chain string) (flows.ChainHead, error) {
	return chainHead(ctx, s.tx.direct(), chain)
}

// Entries reads a chain in order, with the openings that are left.
func (s *Store) Entries(ctx context.Context, chain string) ([]flows.Sealed, error) {
	var out []flows.Sealed
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		rows, err := q.ChainEntries(ctx, chain)
		if err != nil {
			return fmt.Errorf("read chain %s: %w", chain, err)
		}
		openings, err := q.ChainOpenings(ctx, chain)
		if err != nil {
			return fmt.Errorf("read the openings of chain %s: %w", chain, err)
		}
		packed, err := q.ChainPackedOpenings(ctx, chain)
		if err != nil {
			return fmt.Errorf("read the packed openings of chain %s: %w", chain, err)
		}
		out = join(rows, openings, packed)
		return nil
	})
	return out, err
}

// join puts entries and what opens their commitments together, however each is kept.
func join(rows []postgresdb.Entry, openings []postgresdb.Opening, packed []postgresdb.PackedOpening) []flows.Sealed {
	out := make([]flows.Sealed, 0, len(rows))
	at := make(map[int64]int, len(rows))
	var u pack.Unpacker
	for _, r := range rows {
		at[r.ID] = len(out)
		unpack(&u, &r)
		out = append(out, entryFrom(r))
	}
	for _, p := range packed {
		out[at[p.Entry]].Openings = openingsFrom(&u, p.Doc)
	}
	for _, o := range openings {
		e := &out[at[o.Entry]]
		e.Openings = append(e.Openings, flows.Opening{
			Path: o.Path, About: flows.PersonID(o.Person), Salt: o.Salt, Value: o.Value,
		})
	}
	return out
}

// EraseOpenings destroys what opens the commitments about a person, and the words of
// their reasons that searches find; it returns how many openings there were. The
// entries stay, and every proof with them.
func (s *Store) EraseOpenings(ctx context.Context, person flows.PersonID) (int64, error) {
	var n int64
	err := s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		var err error
		if n, err = q.EraseOpenings(ctx, string(person)); err != nil {
			return err
		}
		packed, err := erasePacked(ctx, q, person)
		if err != nil {
			return err
		}
		n += packed
		_, err = q.EraseWords(ctx, string(person))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("erase the openings about %s: %w", person, err)
	}
	return n, nil
}

// erasePacked is EraseOpenings for those that are packed together.
func erasePacked(ctx context.Context, q queries, person flows.PersonID) (n int64, err error) {
	rows, err := q.PackedOpeningsBetween(ctx, postgresdb.PackedOpeningsBetweenParams{Upto: math.MaxInt64})
	if err != nil {
		return 0, err
	}
	var u pack.Unpacker
	for _, r := range rows {
		all := openingsFrom(&u, r.Doc)
		rest := slices.DeleteFunc(slices.Clone(all), func(o flows.Opening) bool { return o.About == person })
		if len(rest) == len(all) {
			continue
		}
		if err := dropOpenings(ctx, q, r.Entry, r.Doc, pack.Openings(rest)); err != nil {
			return n, err
		}
		n += int64(len(all) - len(rest))
	}
	return n, nil
}
