package history

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"unicode/utf8"
)

// scan walks a request's JSON, as the store keeps it: without spaces. ok turns false at
// what it does not expect; it is then read by encoding/json.
type scan struct {
	b    []byte
	i    int
	ok   bool
	room []byte // for strings that do not stand there as they are
}

func (s *scan) at(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// object reads an object; member reads the value of each key.
func (s *scan) object(member func(key []byte)) {
	s.ok = s.ok && s.at('{')
	for first := true; s.ok && !s.at('}'); first = false {
		if !first && !s.at(',') {
			s.ok = false
		}
		key := s.text()
		if s.ok = s.ok && s.at(':'); s.ok {
			member(key)
		}
	}
}

// array reads an array; member reads each value.
func (s *scan) array(member func()) {
	s.ok = s.ok && s.at('[')
	for first := true; s.ok && !s.at(']'); first = false {
		if !first && !s.at(',') {
			s.ok = false
			return
		}
		member()
	}
}

// text reads a string.
func (s *scan) text() []byte {
	if !s.at('"') {
		s.ok = false
		return nil
	}
	for i := s.i; ; i++ {
		if i += ordinary(s.b[i:]); i >= len(s.b) {
			s.ok = false
			return nil
		}
		switch s.b[i] {
		case '"':
			t := s.b[s.i:i]
			s.i = i + 1
			return t
		case 0x7f:
		default:
			return s.odd(i)
		}
	}
}

// ordinary is how many bytes at the beginning of b are ASCII that nothing escapes: they
// are looked at eight at a time.
func ordinary(b []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash, del := w^ones*'"', w^ones*'\\', w^ones*0x7f
		odd := (w | (w-ones*' ')&^w | (quote-ones)&^quote | (slash-ones)&^slash | (del-ones)&^del) & tops
		if odd != 0 {
			return i + bits.TrailingZeros64(odd)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// escapes are what stands behind a backslash for one sign.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// odd reads a string with other signs, from i where the first of them is.
func (s *scan) odd(i int) []byte {
	from := len(s.room)
	s.room = append(s.room, s.b[s.i:i]...)
	for i < len(s.b) {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return s.room[from:]
		case c < ' ':
			s.ok = false
			return nil
		case c == '\\':
			if i = s.escape(i); !s.ok {
				return nil
			}
		case c < utf8.RuneSelf:
			s.room = append(s.room, c)
			i++
		default:
			r, n := utf8.DecodeRune(s.b[i:])
			if r == utf8.RuneError && n == 1 {
				s.ok = false
				return nil
			}
			s.room = append(s.room, s.b[i:i+n]...)
			i += n
		}
	}
	s.ok = false
	return nil
}

// escape reads what stands at i behind a backslash, and returns where it ends.
func (s *scan) escape(i int) int {
	if i+1 >= len(s.b) {
		s.ok = false
		return i
	}
	if c := s.b[i+1]; c != 'u' {
		s.ok = escapes[c] != 0
		s.room = append(s.room, escapes[c])
		return i + 2
	}
	if i+6 > len(s.b) {
		s.ok = false
		return i
	}
	var r rune
	for _, c := range s.b[i+2 : i+6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		default: // as nobody writes it
			s.ok = false
		}
	}
	s.ok = s.ok && utf8.ValidRune(r) // half of a pair is none
	s.room = utf8.AppendRune(s.room, r)
	return i + 6
}

// number reads a whole number.
func (s *scan) number() (n int64) {
	minus := s.at('-')
	from := s.i
	for ; s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9'; s.i++ {
		n = n*10 + int64(s.b[s.i]-'0')
	}
	digits := s.i - from
	s.ok = s.ok && digits > 0 && digits < 19 && (digits == 1 || s.b[from] != '0') && s.ends()
	if minus {
		return -n
	}
	return n
}

// ends reports whether a value ends here.
func (s *scan) ends() bool {
	return s.i < len(s.b) && (s.b[s.i] == ',' || s.b[s.i] == '}' || s.b[s.i] == ']')
}

func (s *scan) word(w string) bool {
	if len(s.b)-s.i >= len(w) && string(s.b[s.i:s.i+len(w)]) == w {
		s.i += len(w)
		return true
	}
	return false
}

func (s *scan) bool() bool {
	yes := s.word("true")
	s.ok = s.ok && (yes || s.word("false"))
	return yes
}

// moment reads a time in UTC, in the one form that there is for it; nil is the zero one.
func (s *scan) moment() []byte {
	t := s.text()
	s.ok = s.ok && isMoment(t)
	if !s.ok || string(t) == zeroMoment {
		return nil
	}
	return t
}

// zeroMoment is the zero time.
const zeroMoment = "0001-01-01T00:00:00Z"

// isMoment reports whether time.RFC3339Nano writes a time like that.
func isMoment(t []byte) bool {
	n := len(t)
	if n < 20 || n > 30 || t[n-1] != 'Z' || n == 21 || n > 21 && t[n-2] == '0' {
		return false
	}
	for i, c := range t[:n-1] {
		if sign := "0000-00-00T00:00:00.000000000"[i]; sign == '0' && (c < '0' || c > '9') || sign != '0' && c != sign {
			return false
		}
	}
	two := func(i int) int { return int(t[i]-'0')*10 + int(t[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	if month < 1 || month > 12 || day < 1 || two(11) > 23 || two(14) > 59 || two(17) > 59 {
		return false
	}
	days := int("\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"[month-1])
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		days = 29
	}
	return day <= days
}

// deepest is how deep a value may lie.
const deepest = 100

// skip reads any value.
func (s *scan) skip(depth int) {
	switch {
	case depth > deepest || s.i >= len(s.b):
		s.ok = false
	case s.b[s.i] == '{':
		s.object(func([]byte) { s.skip(depth + 1) })
	case s.b[s.i] == '[':
		s.array(func() { s.skip(depth + 1) })
	case s.b[s.i] == '"':
		s.text()
	default:
		s.ok = s.ok && (s.word("true") || s.word("false") || s.word("null") || s.figure())
	}
}

// figure reads a number that is not needed.
func (s *scan) figure() bool {
	s.number()
	return s.ok
}

// rest reads any value by encoding/json.
func (s *scan) rest(into any) {
	from := s.i
	if s.skip(0); s.ok {
		s.ok = json.Unmarshal(s.b[from:s.i], into) == nil
	}
}
