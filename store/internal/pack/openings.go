package pack

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"breakglass/flows"
)

const saltSize = 16

// Openings packs the openings of one entry. It is nil if there are none, or if they cannot
// be had back from it: then they are kept one by one.
func Openings(all []flows.Opening) []byte {
	if len(all) == 0 {
		return nil
	}
	var salts, paths, people, values []byte
	last := flows.PersonID("")
	for i := range all {
		o := &all[i]
		if len(o.Salt) != saltSize || strings.IndexByte(o.Path, theEnd) >= 0 || strings.IndexByte(string(o.About), theEnd) >= 0 {
			return nil
		}
		salts = append(salts, o.Salt...)
		paths = append(append(paths, o.Path...), theEnd)
		if o.About == last {
			people = append(people, theSame)
		} else {
			people = append(people, o.About...)
		}
		people, last = append(people, theEnd), o.About
		if o.Value == string(o.About) && o.Value != "" {
			values = append(values, 0)
			continue
		}
		values = binary.AppendUvarint(values, uint64(len(o.Value))+1)
		values = append(values, o.Value...)
	}
	text := slices.Concat(paths, people, values)
	if len(text) > most {
		return nil
	}
	packed := binary.AppendUvarint([]byte{form}, uint64(len(all)))
	packed = append(packed, salts...)
	packed = append(packed, dictionary().Encode(nil, text)...)
	if again, err := new(Unpacker).Openings(packed); err != nil || !slices.EqualFunc(again, all, same) {
		return nil
	}
	return packed
}

func same(a, b flows.Opening) bool {
	return a.Path == b.Path && a.About == b.About && a.Value == b.Value && string(a.Salt) == string(b.Salt)
}

// Openings are what Openings packed. ErrForm of anything else.
func (u *Unpacker) Openings(packed []byte) ([]flows.Opening, error) {
	all, err := u.Each(packed)
	if err != nil {
		return nil, err
	}
	kept, salts := string(u.text), make([]byte, 0, len(all)*saltSize)
	out := make([]flows.Opening, 0, len(all))
	for i := range all {
		o := &all[i]
		salts = append(salts, o.Salt...)
		out = append(out, flows.Opening{
			Path: kept[o.path.from:o.path.to], About: flows.PersonID(kept[o.about.from:o.about.to]),
			Salt: salts[i*saltSize : (i+1)*saltSize : (i+1)*saltSize], Value: kept[o.value.from:o.value.to],
		})
	}
	return out, nil
}

// Opening is one of those that are packed together. What it returns is not to be changed,
// and good until the next is unpacked.
type Opening struct {
	Salt               []byte
	text               []byte
	path, about, value span
}

// Path is where the commitment stands that it opens.
func (o *Opening) Path() []byte { return o.text[o.path.from:o.path.to] }

// About is whom it is about.
func (o *Opening) About() []byte { return o.text[o.about.from:o.about.to] }

// Value is what was committed to.
func (o *Opening) Value() []byte { return o.text[o.value.from:o.value.to] }

// span is a part of a text.
type span struct{ from, to int }

// Each is the openings that are packed together, one after the other, until the next are
// unpacked. ErrForm of what is not packed so.
func (u *Unpacker) Each(packed []byte) ([]Opening, error) {
	block, salts, err := parts(packed, saltSize)
	if err != nil {
		return nil, err
	}
	text, err := u.unpack(block)
	if err != nil {
		return nil, err
	}
	r := reader{text: text}
	u.all = u.all[:0]
	for ; len(salts) > 0; salts = salts[saltSize:] {
		u.all = append(u.all, Opening{Salt: salts[:saltSize], text: text, path: r.upToEnd()})
	}
	var last span
	for i := range u.all {
		if s := r.upToEnd(); s.to != s.from+1 || text[s.from] != theSame {
			last = s
		}
		u.all[i].about = last
	}
	for i := range u.all {
		u.all[i].value = r.value(u.all[i].about)
	}
	if r.bad || r.i != len(text) || len(u.all) == 0 {
		return nil, ErrForm
	}
	return u.all, nil
}

// reader reads a text from its beginning.
type reader struct {
	text []byte
	i    int
	bad  bool
}

// upToEnd is what comes up to the next end.
func (r *reader) upToEnd() span {
	from := r.i
	n := bytes.IndexByte(r.text[from:], theEnd)
	if n < 0 {
		r.bad = true
		return span{}
	}
	r.i = from + n + 1
	return span{from, from + n}
}

// value is what comes next, after its length; without one it is about.
func (r *reader) value(about span) span {
	n, l := binary.Uvarint(r.text[r.i:])
	switch {
	case l <= 0 || n > uint64(len(r.text)-r.i-l)+1:
		r.bad = true
		return span{}
	case n == 0:
		r.i += l
		return about
	}
	from := r.i + l
	r.i = from + int(n) - 1
	return span{from, r.i}
}
