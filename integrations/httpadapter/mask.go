package httpadapter

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"slices"
	"strings"

	"breakglass/integrations/httpadapter/place"
)

// shortest is the length below which a value is not looked for: it would be found
// everywhere, and protects nothing.
const shortest = 4

// mask finds credentials in what comes back, as they are and in the encodings that an
// echoing server would put them in, and covers them. It is safe for use by many calls.
type mask struct {
	needles [][]byte // longest first
	longest int
	first   [256]bool // of the needles
}

// newMask looks for values, and besides for texts as they are alone.
func newMask(values, plain []string) *mask {
	seen := map[string]bool{}
	m := &mask{}
	add := func(s string) {
		if len(s) >= shortest && !seen[s] {
			seen[s] = true
			m.needles = append(m.needles, []byte(s))
			m.longest = max(m.longest, len(s))
			m.first[s[0]] = true
		}
	}
	for _, v := range values {
		if len(v) >= shortest {
			spellings(v, add)
		}
	}
	for _, v := range plain {
		add(v)
	}
	slices.SortFunc(m.needles, func(a, b []byte) int { return len(b) - len(a) })
	return m
}

// spellings are the forms in which a value may come back.
func spellings(v string, add func(string)) {
	for _, s := range []string{v, strings.ToLower(v), strings.ToUpper(v), reversed(v)} {
		add(s)
	}
	add(strings.Trim(escaped(v), `"`))
	add(strings.ReplaceAll(strings.Trim(escaped(v), `"`), "/", `\/`))
	add(html.EscapeString(v))
	for _, q := range []string{url.QueryEscape(v), url.PathEscape(v), place.Encode(v, "")} {
		add(q)
		add(lowerEscapes(q))
		add(url.QueryEscape(q))
	}
	var percent, low, up strings.Builder
	for _, c := range []byte(v) {
		two := hex.EncodeToString([]byte{c})
		percent.WriteString("%" + two)
		low.WriteString(`\u00` + two)
		up.WriteString(`\u00` + strings.ToUpper(two))
	}
	for _, s := range []string{percent.String(), strings.ToUpper(percent.String()), low.String(), up.String()} {
		add(s)
	}
	h := hex.EncodeToString([]byte(v))
	add(h)
	add(strings.ToUpper(h))
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			add(inBase64(enc, v, shift))
		}
	}
}

// inBase64 is the part of the encoding that is the same whatever stands around the value,
// where that many bytes stand before it.
func inBase64(enc *base64.Encoding, v string, shift int) string {
	s := enc.EncodeToString([]byte(strings.Repeat("\x00", shift) + v))
	skip := [3]int{0, 2, 3}[shift]
	if (shift+len(v))%3 != 0 { // the last character depends on what follows
		s = s[:len(s)-1]
	}
	if len(s) < skip+2*shortest {
		return ""
	}
	return s[skip:]
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func escaped(v string) string {
	var b strings.Builder
	for _, c := range []byte(v) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20 || c == '<' || c == '>' || c == '&':
			b.WriteString(`\u00` + hex.EncodeToString([]byte{c}))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// lowerEscapes writes %2F as %2f.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// text covers what it finds in a text, and says in how many places.
func (m *mask) text(s string) (string, int) {
	b := []byte(s)
	n := m.cover(b, m.find(b))
	return string(b), n
}

// span is where something was found.
type span struct{ from, to int }

func (m *mask) find(b []byte) []span {
	var found []span
	for _, needle := range m.needles {
		for at := 0; ; {
			i := bytes.Index(b[at:], needle)
			if i < 0 {
				break
			}
			found = append(found, span{at + i, at + i + len(needle)})
			at += i + 1
		}
	}
	return found
}

func (m *mask) cover(b []byte, found []span) int {
	n := 0
	for _, s := range found {
		fresh := false
		for i := s.from; i < s.to; i++ {
			fresh = fresh || b[i] != '*'
			b[i] = '*'
		}
		if fresh {
			n++
		}
	}
	return n
}

// stream covers a text that comes in pieces. What could be the beginning of something is
// held back until it is known, and nothing else is.
type stream struct {
	m     *mask
	work  []byte
	held  []byte // as it came
	cover int    // so many of its first bytes are covered
	n     int    // places that were covered
}

// pass takes the next piece and returns what may be passed on; the result is good until
// the next call. At the end everything is.
func (s *stream) pass(b []byte, end bool) []byte {
	if len(s.m.needles) == 0 {
		return b
	}
	s.work = append(append(s.work[:0], s.held...), b...)
	b = s.work
	found := s.m.find(b)
	keep := 0
	if !end {
		keep = s.m.begins(b)
	}
	goes := len(b) - keep
	s.held = append(s.held[:0], b[goes:]...)
	covered := max(0, s.cover-goes)
	for i := range min(s.cover, len(b)) {
		b[i] = '*'
	}
	for _, f := range found {
		covered = max(covered, f.to-goes)
	}
	s.n += s.m.cover(b, found)
	s.cover = covered
	return b[:goes]
}

// begins is how many bytes at the end of b could be the beginning of something.
func (m *mask) begins(b []byte) int {
	for n := min(len(b), m.longest-1); n > 0; n-- {
		tail := b[len(b)-n:]
		if !m.first[tail[0]] {
			continue
		}
		for _, needle := range m.needles {
			if len(needle) <= n {
				break // they get shorter
			}
			if bytes.HasPrefix(needle, tail) {
				return n
			}
		}
	}
	return 0
}
