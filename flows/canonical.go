package flows

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Canonical encodes v as the one byte form that is hashed: JSON with sorted keys, no
// spaces, integers only, strings escaped only where JSON must (RFC 8785 for the types
// it takes). It takes map[string]any, []any, string, bool, int64 and nil, and refuses
// anything else, so that no value can have two forms.
func Canonical(v any) ([]byte, error) { return appendCanonical(make([]byte, 0, 512), v) }

func appendCanonical(b []byte, v any) ([]byte, error) {
	switch x := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, x), nil
	case int64:
		return strconv.AppendInt(b, x, 10), nil
	case string:
		return appendString(b, x)
	case []any:
		b = append(b, '[')
		for i, e := range x {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendCanonical(b, e); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		return appendMembers(b, ordered(x))
	case object:
		return appendMembers(b, x)
	}
	return nil, fmt.Errorf("canonical form: a value of type %T has none", v)
}

// object is an object as a list of its members: cheaper than a map where it is made
// once and read once. Its canonical form is the map's.
type object []member

type member struct {
	name  string
	value any
}

// ordered is a map as an object, in order.
func ordered(m map[string]any) object {
	o := make(object, 0, len(m))
	for name, v := range m {
		o = append(o, member{name, v})
	}
	slices.SortFunc(o, byName)
	return o
}

func byName(a, b member) int { return strings.Compare(a.name, b.name) }

// sorted is the object with its members in their one order.
func (o object) sorted() object {
	if slices.IsSortedFunc(o, byName) {
		return o
	}
	o = slices.Clone(o)
	slices.SortFunc(o, byName)
	return o
}

func appendMembers(b []byte, o object) ([]byte, error) {
	b = append(b, '{')
	last := ""
	for i, m := range o.sorted() {
		if i > 0 {
			if b = append(b, ','); m.name == last {
				return nil, fmt.Errorf("canonical form: an object has %q twice", m.name)
			}
		}
		var err error
		if b, err = appendString(b, m.name); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendCanonical(b, m.value); err != nil {
			return nil, err
		}
		last = m.name
	}
	return append(b, '}'), nil
}

const hexDigits = "0123456789abcdef"

func appendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("canonical form: a string is not UTF-8")
	}
	b = append(b, '"')
	from := 0 // what is written as it stands begins here
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[from:]...), '"'), nil
}
