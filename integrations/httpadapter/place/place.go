package place

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	"breakglass/flows"
)

// Root is where adapters are called: Root + NAME + "/" + what is asked of the upstream.
const Root = "/v1/apis/http/"

// maxQuery is the longest query that is read.
const maxQuery = 16 << 10

// Place is where a call wants to go, taken apart once: what rules are held against is
// what is sent. An address that two servers could read in two ways is no place.
type Place struct {
	Adapter  flows.AdapterID
	Segments []string // decoded; none for the root
	Query    []Pair
}

// Pair is one parameter of a query, decoded.
type Pair struct {
	Key, Value string
	Bare       bool // without "="
}

// Read takes the target of a request apart, as it came in. The error is the end of a
// sentence that says why it is no place; the adapter is still named, where it could be
// read.
func Read(uri string) (Place, error) {
	rest, ok := strings.CutPrefix(uri, Root)
	if !ok {
		return Place{}, errors.New("the address is not written as " + Root + "NAME/…")
	}
	rest, query, asked := strings.Cut(rest, "?")
	name, path, deeper := strings.Cut(rest, "/")
	p := Place{Adapter: flows.AdapterID(name)}
	if !goodName(name) {
		return p, errors.New("the name of the adapter is none")
	}
	if deeper && path != "" {
		for raw := range strings.SplitSeq(path, "/") {
			s, ok := decode(raw, false)
			if !ok || !flows.GoodSegment(s) {
				return p, errors.New("the path has a segment that servers read in different ways")
			}
			p.Segments = append(p.Segments, s)
		}
	}
	if asked {
		var no error
		if p.Query, no = readQuery(query); no != nil {
			return p, no
		}
	}
	return p, nil
}

// goodName is what an adapter may be called; nothing in it needs to be decoded.
func goodName(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c != '_' && c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

func readQuery(raw string) ([]Pair, error) {
	if len(raw) > maxQuery {
		return nil, errors.New("the query is longer than 16 KiB")
	}
	var all []Pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		key, value, full := strings.Cut(part, "=")
		k, fine := decode(key, true)
		v, good := decode(value, true)
		if !fine || !good || !plainText(k) || !plainText(v) {
			return nil, errors.New("the query has a parameter that servers read in different ways")
		}
		if Overrides(k) {
			return nil, errors.New("the query asks for another method")
		}
		all = append(all, Pair{Key: k, Value: v, Bare: !full})
	}
	return all, nil
}

// Overrides reports whether some framework takes a parameter for the method.
func Overrides(key string) bool {
	switch strings.ToLower(strings.Trim(key, " []")) {
	case "_method", "x-http-method-override", "x-http-method", "x-method-override", "http_method", "method_override", "_httpmethod":
		return true
	}
	return false
}

// plainText reports whether a decoded parameter has nothing in it that ends a line or a
// text somewhere.
func plainText(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// decode decodes percent signs once; in a query, "+" is a space. What may not stand in an
// address as it is, is refused.
func decode(raw string, query bool) (string, bool) {
	if strings.IndexByte(raw, '%') < 0 && (!query || strings.IndexByte(raw, '+') < 0) {
		return raw, plainRaw(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '%':
			if i+2 >= len(raw) {
				return "", false
			}
			hi, lo := unhex(raw[i+1]), unhex(raw[i+2])
			if hi < 0 || lo < 0 {
				return "", false
			}
			out = append(out, byte(hi<<4|lo))
			i += 2
		case c == '+' && query:
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
	}
	return string(out), plainRaw(raw)
}

// plainRaw reports whether every byte may stand in an address.
func plainRaw(raw string) bool {
	for _, c := range []byte(raw) {
		if c <= 0x20 || c >= 0x7f || strings.IndexByte(`"<>\^{|}#;`+"`", c) >= 0 {
			return false
		}
	}
	return true
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// At is the address of the place at an upstream: its own base, then the same segments,
// Encoded anew. There is one way to write each.
func (p *Place) At(base *url.URL) *url.URL {
	u := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: base.Path}
	raw := base.EscapedPath()
	for _, s := range p.Segments {
		u.Path += "/" + s
		raw += "/" + Encode(s, "!$&'()*+,=:@")
	}
	if u.Path == "" {
		u.Path, raw = "/", "/"
	}
	u.RawPath, u.RawQuery = raw, p.rawQuery()
	return u
}

func (p *Place) rawQuery() string {
	var b strings.Builder
	for i, q := range p.Query {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(Encode(q.Key, "[]"))
		if !q.Bare {
			b.WriteByte('=')
			b.WriteString(Encode(q.Value, ",:@/"))
		}
	}
	return b.String()
}

// Encode writes letters, digits, -._~ and what also stays as it is, and the rest as %XX.
func Encode(s, stays string) string {
	const hex = "0123456789ABCDEF"
	plain := true
	for _, c := range []byte(s) {
		plain = plain && (Unreserved(c) || strings.IndexByte(stays, c) >= 0)
	}
	if plain {
		return s
	}
	out := make([]byte, 0, len(s)+8)
	for _, c := range []byte(s) {
		if Unreserved(c) || strings.IndexByte(stays, c) >= 0 {
			out = append(out, c)
		} else {
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}

// Unreserved reports whether a byte means itself wherever it stands in an address.
func Unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// Path is the decoded path, for sentences.
func (p *Place) Path() string {
	if len(p.Segments) == 0 {
		return "/"
	}
	return "/" + strings.Join(p.Segments, "/")
}

// Shown is the place as it is recorded: the path, and the names of the parameters
// without their values.
func (p *Place) Shown() string {
	var b strings.Builder
	b.WriteString(p.Path())
	for i, q := range p.Query {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(Encode(q.Key, "[]"))
		if !q.Bare {
			b.WriteByte('=')
		}
	}
	return b.String()
}
