package flows

import (
	"fmt"
	"slices"
	"sort"
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
		return appendObject(b, x)
	case object:
		return appendMembers(b, x)
	}
	return nil, fmt.Errorf("canonical form: a value of type %T has none", v)
}

func appendObject(b []byte, m map[string]any) ([]byte, error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendString(b, k); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendCanonical(b, m[k]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// object is an object as a list of its members: cheaper than a map where it is made
// once and read once. Its canonical form is the map's.
type object []member

type member struct {
	name  string
	value any
}

// sorted is the object with its members in their one order.
func (o object) sorted() object {
	byName := func(a, b member) int { return strings.Compare(a.name, b.name) }
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
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"'), nil
}
