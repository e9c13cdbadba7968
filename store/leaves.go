package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"breakglass/flows"
	"breakglass/store/internal/pack"
)

// Leaves reads the entries at the places from up to, not including, to, with the
// openings that are left. A place whose entry is gone is missing from the result.
func (s *Store) Leaves(ctx context.Context, from, to int64) ([]flows.Leaf, error) {
	var page flows.LeafPage
	if err := s.ReadLeaves(ctx, from, to, &page); err != nil {
		return nil, err
	}
	var out []flows.Leaf
	for i := range page.Rows {
		l := page.Rows[i].Leaf()
		l.Entry.Prev = prevOf(l.Entry.Prev, l.Entry.Bytes)
		out = append(out, l)
	}
	return out, nil
}

// ReadLeaves is Leaves for whoever reads all of them: into a page, which is cleared first.
func (s *Store) ReadLeaves(ctx context.Context, from, to int64, into *flows.LeafPage) error {
	err := s.raw.raw(ctx, func(ctx context.Context, ask asker) error {
		into.Clear()
		p := &leafPage{ask: ask, LeafPage: into}
		if err := p.places(ctx, from, to); err != nil {
			return err
		}
		for first, next := 0, 0; next < len(p.order); first = next {
			for next = first + 1; next < len(p.order) && uint64(p.id(next)-p.id(next-1)) <= apart; next++ {
			}
			if err := p.entries(ctx, first, next); err != nil {
				return err
			}
			if err := p.opened(ctx, first, next); err != nil {
				return err
			}
			if err := p.packed(ctx, first, next); err != nil {
				return err
			}
		}
		p.found()
		return nil
	})
	if err != nil {
		return fmt.Errorf("read leaves %d to %d: %w", from, to, err)
	}
	return nil
}

// apart is how far the ids of entries may be apart for them to be read at once, with what
// lies between. The order of ids is nearly that of their places: one after the other they
// are read in half the time of one by one.
const apart = 64

// leafPage is the entries at some places, as they are read.
type leafPage struct {
	*flows.LeafPage // by their places
	ask             asker
	ids             []int64 // of their entries
	there           []bool  // the entry was found
	order           []int   // the leaves by the ids of their entries
	unpack          pack.Unpacker
}

// id is the id of the nth entry in the order of their ids.
func (p *leafPage) id(n int) int64 { return p.ids[p.order[n]] }

// places reads which entries are at them.
func (p *leafPage) places(ctx context.Context, from, to int64) error {
	const question = "SELECT idx, entry FROM leaves WHERE idx >= $1 AND idx < $2 ORDER BY idx"
	err := p.ask(ctx, question, []any{from, to}, func(r rawRow) error {
		p.order = append(p.order, len(p.ids))
		p.Rows, p.ids = append(p.Rows, flows.LeafRow{Index: r.int(0)}), append(p.ids, r.int(1))
		return nil
	})
	p.there = make([]bool, len(p.ids))
	slices.SortFunc(p.order, func(a, b int) int { return cmp.Compare(p.ids[a], p.ids[b]) })
	return err
}

// walk calls each for the rows of an answer that are of the entries from first up to, not
// including, next, with the leaves that these are at. Column 0 is the entry's id, by which
// the answer is ordered.
func (p *leafPage) walk(ctx context.Context, question string, first, next int, each func(rawRow, int)) error {
	n := first
	return p.ask(ctx, question, []any{p.id(first), p.id(next - 1)}, func(r rawRow) error {
		id := r.int(0)
		for n < next && p.id(n) < id {
			n++
		}
		for at := n; at < next && p.id(at) == id; at++ { // one, unless somebody wrote past the program
			each(r, p.order[at])
		}
		return nil
	})
}

func (p *leafPage) entries(ctx context.Context, first, next int) error {
	const question = "SELECT id, chain, seq, at, verb, prev, hash, bytes, packed FROM entries WHERE id >= $1 AND id <= $2 ORDER BY id"
	return p.walk(ctx, question, first, next, func(r rawRow, leaf int) {
		p.there[leaf] = true
		e := &p.Rows[leaf]
		e.Chain, e.Seq, e.At, e.Verb = p.Keep(r.bytes(1)), r.int(2), r.int(3), p.Keep(r.bytes(4))
		e.Prev, e.Hash = p.Keep(r.bytes(5)), p.Keep(r.bytes(6))
		e.Bytes = p.Write(func(to []byte) []byte { return unpacked(&p.unpack, to, e.Chain, e.At, r.bytes(7), r.bytes(8)) })
	})
}

// opened reads the openings that are kept one by one.
func (p *leafPage) opened(ctx context.Context, first, next int) error {
	const question = "SELECT entry, path, person, salt, value FROM openings WHERE entry >= $1 AND entry <= $2 ORDER BY entry, path"
	return p.walk(ctx, question, first, next, func(r rawRow, leaf int) {
		e := &p.Rows[leaf]
		e.Openings = append(e.Openings, flows.OpeningRow{
			Path: p.Keep(r.bytes(1)), About: p.Keep(r.bytes(2)), Salt: p.Keep(r.bytes(3)), Value: p.Keep(r.bytes(4)),
		})
	})
}

// packed reads the openings that are packed together.
func (p *leafPage) packed(ctx context.Context, first, next int) error {
	const question = "SELECT entry, doc FROM packed_openings WHERE entry >= $1 AND entry <= $2 ORDER BY entry"
	return p.walk(ctx, question, first, next, func(r rawRow, leaf int) {
		e := &p.Rows[leaf]
		all, err := p.unpack.Each(r.bytes(1))
		if err != nil {
			e.Openings = append(e.Openings, flows.OpeningRow{Path: []byte(noOpening.Path)})
		}
		if len(e.Openings) == 0 {
			e.Openings = p.Openings(len(all))
		}
		for i := range all {
			o := &all[i]
			e.Openings = append(e.Openings, flows.OpeningRow{Path: p.Keep(o.Path()), About: p.Keep(o.About()), Salt: p.Keep(o.Salt), Value: p.Keep(o.Value())})
		}
	})
}

// found leaves out the places whose entries are not there.
func (p *leafPage) found() {
	n := 0
	for i := range p.Rows {
		if p.there[i] {
			p.Rows[n] = p.Rows[i]
			n++
		}
	}
	p.Rows = p.Rows[:n]
}
