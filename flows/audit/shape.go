package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

// shape is how entries are built that differ in their values only: what stands between the
// values, byte for byte. It is learned from an entry in the canonical form, so that whatever
// fits it is in that form, and is read in less time.
type shape struct {
	parts []part
	end   []byte // what stands behind the last value
}

// part is a value, and what stands before it since the last one.
type part struct {
	before []byte
	is     value
	path   []byte // of a commitment
}

// value is what a value of an entry is, and what is kept of it.
type value int

const (
	aText value = iota
	aNumber
	aCommitment
	theChain
	thePrev
	theVerb
	theSeq
	theTime
	theVersion
)

// fits reads an entry that is of a shape. One that is not may be of another.
func (s *scanner) fits(as *shape) bool {
	for i := range as.parts {
		p := &as.parts[i]
		to := s.i + len(p.before)
		if to > len(s.b) || !bytes.Equal(s.b[s.i:to], p.before) {
			return false
		}
		s.i = to
		if s.read(p.is, p.path) != nil {
			return false
		}
	}
	if !bytes.Equal(s.b[s.i:], as.end) {
		return false
	}
	s.i = len(s.b)
	return true
}

// read reads a value, and keeps what verification needs of it.
func (s *scanner) read(is value, path []byte) (err error) {
	switch is {
	case aText:
		_, err = s.text()
	case aNumber:
		_, err = s.number()
	case aCommitment:
		var hash []byte
		hash, err = s.commitment()
		s.commits = append(s.commits, commit{path, hash})
	case theChain:
		s.said.chain, err = s.plain()
	case thePrev:
		s.said.prev, err = s.plain()
	case theVerb:
		s.said.verb, err = s.plain()
	case theSeq:
		s.said.seq, err = s.number()
	case theTime:
		s.said.at, err = s.number()
	case theVersion:
		s.said.version, err = s.number()
	}
	return err
}

// commitment reads a text that is one. Nearly half of an entry is commitments, of one length.
func (s *scanner) commitment() ([]byte, error) {
	const size = 2 + len("sha256:") + 2*sha256.Size
	if all := s.b[s.i:]; len(all) >= size && all[0] == '"' && all[size-1] == '"' {
		hash, strange := all[1:size-1], uint64(0)
		for at := 0; at < len(hash); at += 8 {
			at = min(at, len(hash)-8)
			strange |= odd(binary.LittleEndian.Uint64(hash[at:]))
		}
		if strange == 0 && committed(hash) {
			s.i += size
			return hash, nil
		}
	}
	text, err := s.text()
	if err == nil && !committed(text) {
		err = errForm
	}
	return text, err
}

// learned adds a value that was read, beginning at from, to the shape that is learned.
func (s *scanner) learned(is value, from int, path []byte) {
	if s.learn != nil {
		s.learn.parts = append(s.learn.parts, part{bytes.Clone(s.b[s.known:from]), is, bytes.Clone(path)})
		s.known = s.i
	}
}

// shapes are those that entries had lately, by how these end, which is with their verb. One
// goroutine uses them.
type shapes map[string]*lately

// lately are shapes, the last that fitted first.
type lately struct {
	shapes        []*shape
	tried, missed int
}

// How many ways to end are known, and how many shapes of each. Real entries have some thirty
// verbs, and up to eight shapes of one.
const (
	mostEnds   = 64
	mostShapes = 16
	longestEnd = 64
)

// scan reads an entry: by its shape, if that is known.
func (in shapes) scan(s *scanner) error {
	end := s.b[max(bytes.LastIndexByte(s.b, ':'), 0):]
	known := in[string(end)]
	if known == nil {
		if len(in) == mostEnds || len(end) > longestEnd {
			return s.scan()
		}
		known = &lately{}
		in[string(end)] = known
	}
	if known.missed > 4*mostShapes+known.tried/4 { // whoever wrote this has no shapes
		return s.scan()
	}
	known.tried++
	fresh := *s
	for i, as := range known.shapes {
		if s.fits(as) {
			copy(known.shapes[1:i+1], known.shapes[:i])
			known.shapes[0] = as
			return s.whole()
		}
		*s = fresh
	}
	known.missed++
	s.learn = &shape{}
	if err := s.scan(); err != nil {
		return err
	}
	s.learn.end = bytes.Clone(s.b[s.known:])
	known.shapes = append([]*shape{s.learn}, known.shapes[:min(len(known.shapes), mostShapes-1)]...)
	return nil
}
