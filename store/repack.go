package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"breakglass/flows"
	"breakglass/store/internal/pack"
	"breakglass/store/internal/postgresdb"
)

// repacked is what is left of the openings of an entry; rest is nil if nothing is.
type repacked struct {
	entry     int64
	doc, rest []byte
}

// repack makes what will stand of openings that are packed together, some entries at a
// time. Those that are kept one by one are left as single.
func (e *erasing) repack(ctx context.Context, tx transactor) error {
	if n := len(e.Openings); n != e.Sight.Openings {
		return fmt.Errorf("%d openings are named and %d were found: %w", n, e.Sight.Openings, flows.ErrConflict)
	}
	type ofEntry = postgresdb.PackedOpeningsAtParams
	var order []ofEntry
	groups := map[ofEntry][]flows.OpeningRef{}
	for _, o := range e.Openings {
		at := ofEntry{Chain: o.Chain, Seq: o.Seq}
		if groups[at] == nil {
			order = append(order, at)
		}
		groups[at] = append(groups[at], o)
	}
	for some := range slices.Chunk(order, 500) {
		var packed []repacked
		var single []flows.OpeningRef
		err := tx.snapshot(ctx, func(ctx context.Context, q queries) error {
			packed, single = packed[:0], single[:0]
			for _, at := range some {
				row, err := q.PackedOpeningsAt(ctx, at)
				if errors.Is(err, sql.ErrNoRows) {
					single = append(single, groups[at]...)
					continue
				}
				if err != nil {
					return err
				}
				rest, left, err := e.without(row.Doc, groups[at])
				if err != nil {
					return fmt.Errorf("entry %d of chain %s: %w", at.Seq, at.Chain, err)
				}
				packed, single = append(packed, repacked{row.Entry, row.Doc, rest}), append(single, left...)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("destroy openings: %w", err)
		}
		e.packed, e.single = append(e.packed, packed...), append(e.single, single...)
	}
	return nil
}

// without packs what is left of openings when some are destroyed, and returns those of
// these that were not among them.
func (e *erasing) without(doc []byte, gone []flows.OpeningRef) (rest []byte, left []flows.OpeningRef, err error) {
	all, err := new(pack.Unpacker).Openings(doc)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: its openings cannot be read: %w", ErrDamaged, err)
	}
	for _, o := range gone {
		i := slices.IndexFunc(all, func(one flows.Opening) bool { return one.Path == o.Path })
		switch {
		case i < 0:
			left = append(left, o)
			continue
		case (all[i].About != e.Person) != o.Named:
			return nil, nil, fmt.Errorf("its opening %s is not as it was: %w", o.Path, flows.ErrConflict)
		}
		all = slices.Delete(all, i, i+1)
	}
	if slices.ContainsFunc(all, func(o flows.Opening) bool { return o.About == e.Person || e.naming.in(o.Value) }) {
		return nil, nil, fmt.Errorf("not all of its openings that name the person are to be destroyed: %w", flows.ErrConflict)
	}
	if len(all) == 0 {
		return nil, left, nil
	}
	if rest = pack.Openings(all); rest == nil {
		return nil, nil, errors.New("what is left of its openings cannot be packed")
	}
	return rest, left, nil
}
