package flows

import (
	"bytes"
	"time"
)

// LeafRow is a leaf in passing: whoever reads all of a log reads millions. Its slices are
// parts of the page that it was read into.
type LeafRow struct {
	Index, Seq, At                 int64  // At in milliseconds since 1970
	Chain, Verb, Prev, Hash, Bytes []byte // as of Sealed; Prev is empty where only the bytes have it
	Openings                       []OpeningRow
}

// OpeningRow is an opening of a LeafRow.
type OpeningRow struct{ Path, About, Salt, Value []byte }

// Leaf is the row to keep.
func (r *LeafRow) Leaf() Leaf {
	l := Leaf{Index: r.Index, Entry: Sealed{
		Chain: string(r.Chain), Seq: r.Seq, At: time.UnixMilli(r.At).UTC(), Verb: string(r.Verb),
		Prev: string(r.Prev), Bytes: bytes.Clone(r.Bytes), Hash: string(r.Hash),
	}}
	if len(r.Openings) > 0 {
		l.Entry.Openings = make([]Opening, len(r.Openings))
	}
	for i := range r.Openings {
		o := &r.Openings[i]
		l.Entry.Openings[i] = Opening{Path: string(o.Path), About: PersonID(o.About), Salt: bytes.Clone(o.Salt), Value: string(o.Value)}
	}
	return l
}

// LeafPage is leaves that are read together, into memory that is used again for the next.
// The zero value is ready. One goroutine uses it at a time.
type LeafPage struct {
	Rows     []LeafRow
	text     []byte
	openings []OpeningRow
}

// Clear forgets the leaves: what they were read into is written over from now on.
func (p *LeafPage) Clear() {
	clear(p.Rows) // a page without one of them may not show that of another
	p.Rows, p.text, p.openings = p.Rows[:0], p.text[:0], p.openings[:0]
}

// Keep copies into the page what a row has.
func (p *LeafPage) Keep(b []byte) []byte {
	from := len(p.text)
	p.text = append(p.text, b...)
	return p.text[from:len(p.text):len(p.text)]
}

// Write keeps what put appends.
func (p *LeafPage) Write(put func([]byte) []byte) []byte {
	from := len(p.text)
	p.text = put(p.text)
	return p.text[from:len(p.text):len(p.text)]
}

// Openings is an empty list with room for n.
func (p *LeafPage) Openings(n int) []OpeningRow {
	from := len(p.openings)
	if cap(p.openings)-from < n { // what was given out stays where it is
		p.openings, from = make([]OpeningRow, 0, max(2*cap(p.openings), n, openingsRoom)), 0
	}
	p.openings = p.openings[:from+n]
	return p.openings[from : from : from+n]
}

// openingsRoom is how many openings a page has room for at first.
const openingsRoom = 512
