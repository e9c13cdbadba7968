package pagerduty

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// maxDepth bounds how deep an answer may nest.
const maxDepth = 32

// value is a place in a JSON document. What is missing, null or of another type than
// asked for is noted once in the document, so that a reader can read on and look at
// the error at the end. Keys are compared exactly.
type value struct {
	doc   *document
	path  string
	v     any
	there bool
}

type document struct{ err error }

// parse reads one JSON value strictly: no duplicate keys in any case, nothing after
// the value. encoding/json alone would let the last of two keys win.
func parse(body []byte) (value, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := parseValue(d, 0)
	if err != nil {
		return value{}, &malformed{reason(err)}
	}
	if _, err := d.Token(); err != io.EOF {
		return value{}, &malformed{"something follows the JSON value"}
	}
	return value{doc: &document{}, path: "answer", v: v, there: true}, nil
}

// reason is err without the bytes that the other side sent.
func reason(err error) string {
	var bad *malformed
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &bad):
		return bad.what
	case errors.As(err, &syntax):
		return "it is not JSON, at byte " + strconv.FormatInt(syntax.Offset, 10)
	}
	return "it is cut short or not JSON"
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, &malformed{"it nests too deep"}
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return parseObject(d, depth)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return t, nil
}

func parseObject(d *json.Decoder, depth int) (any, error) {
	m, seen := map[string]any{}, map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		k, _ := t.(string)
		fold := strings.ToLower(k)
		if seen[fold] {
			return nil, &malformed{fmt.Sprintf("the key %q is there twice", tame(k))}
		}
		seen[fold] = true
		v, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		m[k] = v
	}
	_, err := d.Token()
	return m, err
}

func (v value) fail(format string, args ...any) {
	if v.doc.err == nil {
		v.doc.err = &malformed{v.path + " " + fmt.Sprintf(format, args...)}
	}
}

// err is the first thing that was wrong in the document so far.
func (v value) err() error { return v.doc.err }

// at is a field that must be there, though it may be null.
func (v value) at(name string) value {
	f := v.maybe(name)
	if !f.there {
		f.fail("is missing")
	}
	return f
}

// maybe is a field that may be missing.
func (v value) maybe(name string) value {
	f := value{doc: v.doc, path: v.path + "." + name}
	if !v.there || v.v == nil {
		return f
	}
	m, ok := v.v.(map[string]any)
	if !ok {
		v.fail("is not an object")
		return f
	}
	f.v, f.there = m[name]
	return f
}

func (v value) null() bool { return v.v == nil }

// text is a string that is not null.
func (v value) text() string {
	s, ok := v.v.(string)
	if !ok {
		v.fail("is not a string")
	}
	return s
}

// maybeText is a string, or empty for null and missing.
func (v value) maybeText() string {
	if v.null() {
		return ""
	}
	return v.text()
}

// id is a PagerDuty id.
func (v value) id() string {
	s := v.text()
	if !isID(s) {
		v.fail("is not an id")
	}
	return s
}

func (v value) whole() int {
	n, _ := v.v.(json.Number)
	i, err := strconv.Atoi(n.String())
	if err != nil {
		v.fail("is not a whole number")
	}
	return i
}

func (v value) flag() bool {
	b, ok := v.v.(bool)
	if !ok {
		v.fail("is not true or false")
	}
	return b
}

// when is a moment; zero for null.
func (v value) when() time.Time {
	if v.null() {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, v.text())
	if err != nil {
		v.fail("is not a time")
	}
	return t.UTC()
}

// list is an array that is not null.
func (v value) list() []value {
	l, ok := v.v.([]any)
	if !ok {
		v.fail("is not a list")
		return nil
	}
	out := make([]value, len(l))
	for i, e := range l {
		out[i] = value{doc: v.doc, path: v.path + "[" + strconv.Itoa(i) + "]", v: e, there: true}
	}
	return out
}
