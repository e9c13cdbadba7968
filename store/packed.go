package store

import (
	"context"
	"fmt"

	"breakglass/flows"
	"breakglass/store/internal/pack"
	"breakglass/store/internal/postgresdb"
)

// packedMark stands in the column bytes of an entry whose bytes are packed.
const packedMark = "-"

// entryParams is an entry as it is kept: packed, and its openings with it, unless one of
// these cannot be. Who finds an entry packed need not look for openings one by one.
func entryParams(e *flows.Sealed) (p postgresdb.InsertEntryParams, openings []byte) {
	p = postgresdb.InsertEntryParams{
		Chain: e.Chain, Seq: e.Seq, At: millis(e.At), Verb: e.Verb, Prev: e.Prev, Hash: e.Hash, Bytes: string(e.Bytes),
	}
	if openings = pack.Openings(e.Openings); openings == nil && len(e.Openings) > 0 {
		return p, nil
	}
	if p.Packed = pack.Entry(p.Chain, p.At, e.Bytes); p.Packed == nil {
		return p, nil
	}
	p.Bytes = packedMark
	return p, openings
}

// unpacked appends the bytes of an entry to dst. Of what was not packed by this program it
// makes bytes that have another hash than the entry: who holds them to it finds that.
func unpacked(u *pack.Unpacker, dst, chain []byte, at int64, plain, packed []byte) []byte {
	if len(packed) == 0 || string(plain) != packedMark {
		return append(dst, plain...)
	}
	out, err := u.Entry(dst, chain, at, packed)
	if err != nil {
		return append(dst, packed...)
	}
	return out
}

// unpack puts the bytes of an entry where they stand if they are not packed.
func unpack(u *pack.Unpacker, r *postgresdb.Entry) {
	if len(r.Packed) > 0 {
		r.Bytes, r.Packed = string(unpacked(u, nil, []byte(r.Chain), r.At, []byte(r.Bytes), r.Packed)), nil
	}
}

// noOpening is what is read of openings that were not packed by this program. It opens
// nothing, and who holds openings to their entry finds that.
var noOpening = flows.Opening{Path: "-"}

// openingsFrom are the openings that were packed together.
func openingsFrom(u *pack.Unpacker, doc []byte) []flows.Opening {
	all, err := u.Openings(doc)
	if err != nil {
		return []flows.Opening{noOpening}
	}
	return all
}

// keepOpenings keeps the openings of an entry beside it: packed, if there is a doc.
func keepOpenings(ctx context.Context, q queries, entry int64, doc []byte, all []flows.Opening) error {
	if doc != nil {
		return q.PackOpenings(ctx, postgresdb.PackOpeningsParams{Entry: entry, Doc: doc})
	}
	for _, o := range all {
		err := q.InsertOpening(ctx, postgresdb.InsertOpeningParams{
			Entry: entry, Path: o.Path, Person: string(o.About), Salt: o.Salt, Value: o.Value,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropOpenings leaves rest of the openings of an entry, if they still are those in doc.
func dropOpenings(ctx context.Context, q queries, entry int64, doc, rest []byte) error {
	var n int64
	var err error
	switch {
	case len(rest) == 0:
		n, err = q.DropOpenings(ctx, postgresdb.DropOpeningsParams{Entry: entry, Doc: doc})
	case len(rest) < len(doc):
		n, err = q.KeepOpenings(ctx, postgresdb.KeepOpeningsParams{Entry: entry, Doc: doc, Rest: rest})
	default: // it became longer without what it referred to
		if n, err = q.DropOpenings(ctx, postgresdb.DropOpeningsParams{Entry: entry, Doc: doc}); err == nil && n == 1 {
			err = q.PackOpenings(ctx, postgresdb.PackOpeningsParams{Entry: entry, Doc: rest})
		}
	}
	if err == nil && n != 1 {
		err = fmt.Errorf("the openings are not as they were: %w", flows.ErrConflict)
	}
	return err
}
