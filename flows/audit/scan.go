package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// said is what an entry's bytes say of its place. The slices are parts of them.
type said struct {
	chain, prev, verb []byte
	seq, at, version  int64
}

// commit is one commitment and where it stands.
type commit struct{ path, hash []byte }

// scanner walks the bytes of an entry once: it holds them to the one canonical form
// (sorted keys, no spaces, whole numbers, the shortest escapes) and picks out what
// verification needs.
type scanner struct {
	b       []byte
	i       int
	escaped bool // the last string had an escape
	path    []byte
	said    *said
	commits []commit
	paths   []byte // of the commitments
	learn   *shape // of the entry; nil: that is not asked for
	known   int    // up to where learn has it
}

var errForm = errors.New("its bytes are not in the canonical form")

// maxDepth is how deep an entry may be nested.
const maxDepth = 64

func (s *scanner) scan() error {
	var room [64]byte
	s.path = room[:0]
	s.said.at = math.MinInt64
	if len(s.b) == 0 || s.b[0] != '{' {
		return errForm
	}
	if err := s.object(0); err != nil {
		return err
	}
	return s.whole()
}

// whole finds what every entry has.
func (s *scanner) whole() error {
	out := s.said
	if s.i != len(s.b) || out.chain == nil || out.prev == nil || out.verb == nil || out.at == math.MinInt64 || out.seq < 1 || out.version < 1 {
		return errForm
	}
	return nil
}

func (s *scanner) value(depth int) error {
	if s.i >= len(s.b) || depth > maxDepth {
		return errForm
	}
	switch c := s.b[s.i]; {
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.array(depth)
	case c == '"':
		return s.one(aText)
	case c == '-' || c >= '0' && c <= '9':
		return s.one(aNumber)
	}
	for _, word := range [...]string{"null", "true", "false"} {
		if bytes.HasPrefix(s.b[s.i:], []byte(word)) {
			s.i += len(word)
			return nil
		}
	}
	return errForm
}

// one reads a value that is a text or a number.
func (s *scanner) one(is value) error {
	from := s.i
	err := s.read(is, nil)
	s.learned(is, from, nil)
	return err
}

func (s *scanner) object(depth int) error {
	s.i++
	if s.at('}') {
		return nil
	}
	var last []byte
	for first := true; ; first = false {
		key, err := s.plain()
		if err != nil {
			return err
		}
		if !first && bytes.Compare(last, key) >= 0 || !s.at(':') {
			return errForm
		}
		last = key
		if err := s.member(key, first, depth); err != nil {
			return err
		}
		if s.at('}') {
			return nil
		}
		if !s.at(',') {
			return errForm
		}
	}
}

// member reads the value of a key, as it stands for, and keeps it if verification needs it.
func (s *scanner) member(key []byte, first bool, depth int) error {
	start := s.i
	if depth == 0 {
		if known, err := s.top(key); known || err != nil {
			return err
		}
	}
	if first && string(key) == "commit" && start < len(s.b) && s.b[start] == '"' {
		hash, err := s.text()
		if err == nil && s.i < len(s.b) && s.b[s.i] == '}' && committed(hash) {
			from := len(s.paths)
			s.paths = append(s.paths, s.path...)
			s.commits = append(s.commits, commit{s.paths[from:len(s.paths):len(s.paths)], hash})
			s.learned(aCommitment, start, s.path)
			return nil
		}
		return err // it is learned as it stands: another text here may be a commitment
	}
	was := len(s.path)
	if was > 0 {
		s.path = append(s.path, '.')
	}
	s.path = append(s.path, key...)
	err := s.value(depth + 1)
	s.path = s.path[:was]
	return err
}

// top reads the members of the entry itself that verification needs.
func (s *scanner) top(key []byte) (known bool, err error) {
	var is value
	switch string(key) {
	case "chain":
		is = theChain
	case "prev":
		is = thePrev
	case "verb":
		is = theVerb
	case "seq":
		is = theSeq
	case "at":
		is = theTime
	case "v":
		is = theVersion
	default:
		return false, nil
	}
	return true, s.one(is)
}

// committed reports whether a text is a commitment.
func committed(text []byte) bool { return bytes.HasPrefix(text, []byte("sha256:")) }

func (s *scanner) array(depth int) error {
	s.i++
	if s.at(']') {
		return nil
	}
	for n := 0; ; n++ {
		was := len(s.path)
		s.path = append(s.path, '.')
		s.path = strconv.AppendInt(s.path, int64(n), 10)
		err := s.value(depth + 1)
		s.path = s.path[:was]
		if err != nil {
			return err
		}
		if s.at(']') {
			return nil
		}
		if !s.at(',') {
			return errForm
		}
	}
}

// at steps over c if it comes next.
func (s *scanner) at(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) number() (int64, error) {
	from, n := s.i, int64(0)
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	if s.i+8 <= len(s.b) { // of times, the first eight
		if eight, are := digits(binary.LittleEndian.Uint64(s.b[s.i:])); are {
			n = eight
			s.i += 8
		}
	}
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		n = 10*n + int64(s.b[s.i]-'0') // of more than 18 digits it is not used
		s.i++
	}
	raw := s.b[from:s.i]
	if len(raw) == 0 || len(raw) > 1 && raw[0] == '0' || raw[0] == '-' && len(raw) > 1 && raw[1] == '0' {
		return 0, errForm
	}
	if len(raw) < 19 && raw[0] != '-' {
		return n, nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, errForm
	}
	return n, nil
}

// digits is the number that eight digits are, of which the first is the lowest byte.
func digits(eight uint64) (n int64, are bool) {
	const each, high, pairs = 0x0101010101010101, 0xf0f0f0f0f0f0f0f0, 0x000000ff000000ff
	if eight&high != '0'*each || (eight+6*each)&high != '0'*each {
		return 0, false
	}
	two := (eight - '0'*each) * 10
	two += (eight - '0'*each) >> 8 // every other byte is two of them
	return int64((two&pairs*(100+1_000_000<<32) + two>>16&pairs*(1+10_000<<32)) >> 32), true
}

// plain reads a string and returns what it stands for.
func (s *scanner) plain() ([]byte, error) {
	raw, err := s.text()
	if s.escaped && err == nil {
		raw = unescaped(raw)
	}
	return raw, err
}

// text reads a string and returns what stands between the quotes, escapes and all.
func (s *scanner) text() ([]byte, error) {
	if !s.at('"') {
		return nil, errForm
	}
	b, i := s.b, s.i
	for i+8 <= len(b) {
		strange := odd(binary.LittleEndian.Uint64(b[i:]))
		if strange != 0 {
			i += bits.TrailingZeros64(strange) / 8
			break
		}
		i += 8 // and not by what was found: the processor goes on with the next eight meanwhile
	}
	if i < len(b) && b[i] == '"' { // most end so
		raw := b[s.i:i]
		s.i, s.escaped = i+1, false
		return raw, nil
	}
	return s.rareText()
}

// rareText is text behind the quote, of any characters.
func (s *scanner) rareText() ([]byte, error) {
	start, wide := s.i, false
	s.escaped = false
	for s.i < len(s.b) {
		if s.i+8 <= len(s.b) {
			n := ordinary(binary.LittleEndian.Uint64(s.b[s.i:]))
			if s.i += n; n == 8 {
				continue
			}
		}
		switch c := s.b[s.i]; {
		case c == '"':
			raw := s.b[start:s.i]
			s.i++
			if wide && !utf8.Valid(raw) {
				return nil, errForm
			}
			return raw, nil
		case c < 0x20:
			return nil, errForm
		case c == '\\':
			s.escaped = true
			if !s.escape() {
				return nil, errForm
			}
		default:
			wide = wide || c >= 0x80
			s.i++
		}
	}
	return nil, errForm
}

// ordinary is how many of eight bytes come before the first that is a control character, a
// quotation mark, a backslash or of a character that is not ASCII.
func ordinary(eight uint64) int { return bits.TrailingZeros64(odd(eight)) / 8 } // of none it is 8

// odd is not 0 if one of eight bytes is not ordinary; the lowest bit of it is in the first that is not.
func odd(eight uint64) uint64 {
	const each, high = 0x0101010101010101, 0x8080808080808080
	quote, back := eight^('"'*each), eight^('\\'*each)
	return (eight | (eight-0x20*each)&^eight | (quote-each)&^quote | (back-each)&^back) & high
}

// escape steps over an escape, if it is the only way to write what it stands for.
func (s *scanner) escape() bool {
	if s.i+1 >= len(s.b) {
		return false
	}
	switch s.b[s.i+1] {
	case '"', '\\', 'n', 'r', 't', 'b', 'f':
		s.i += 2
		return true
	case 'u':
	default:
		return false
	}
	if s.i+6 > len(s.b) {
		return false
	}
	hex := s.b[s.i+2 : s.i+6]
	s.i += 6
	low := strings.IndexByte("0123456789abcdef", hex[3])
	if hex[0] != '0' || hex[1] != '0' || hex[2] != '0' && hex[2] != '1' || low < 0 {
		return false
	}
	c := (hex[2]-'0')<<4 | byte(low)
	return c != '\n' && c != '\r' && c != '\t' && c != '\b' && c != '\f'
}

// unescaped is what a string of the canonical form stands for.
func unescaped(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'u':
			n, _ := strconv.ParseUint(string(raw[i+1:i+5]), 16, 8) // the scanner has seen to it
			out = append(out, byte(n))
			i += 4
		default:
			out = append(out, raw[i])
		}
	}
	return out
}
