package slackfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// rule judges one value of a payload at a JSON pointer.
type rule func(c *checker, at string, v any)

// field is one property of an object.
type field struct {
	rule     rule
	required bool
}

// schema is the properties an object may have; any other is refused, as Slack
// does ("invalid additional property: disabled").
type schema map[string]field

func must(r rule) field { return field{rule: r, required: true} }
func may(r rule) field  { return field{rule: r} }

// with returns the schema with further properties.
func (s schema) with(more schema) schema {
	out := schema{}
	maps.Copy(out, s)
	maps.Copy(out, more)
	return out
}

// check judges an object against the schema.
func (s schema) check(c *checker, at string, obj map[string]any) {
	for _, name := range sortedKeys(s) {
		f := s[name]
		v, present := obj[name]
		if !present || v == nil {
			if f.required {
				c.report(at, "missing required field: "+name)
			}
			continue
		}
		f.rule(c, at+"/"+name, v)
	}
	for _, name := range sortedKeys(obj) {
		if _, known := s[name]; !known {
			c.report(at, "invalid additional property: "+name)
		}
	}
}

// object judges a nested object of one shape.
func object(s schema) rule {
	return func(c *checker, at string, v any) {
		if obj, ok := c.object(at, v); ok {
			s.check(c, at, obj)
		}
	}
}

// anything accepts every value: for properties that no limit is known of.
func anything(*checker, string, any) {}

// str accepts a string of lo to hi characters.
func str(lo, hi int) rule {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		if !ok {
			c.report(at, "must be a string")
			return
		}
		c.length(at, s, lo, hi)
	}
}

// enum accepts one of the given strings.
func enum(allowed ...string) rule {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		if !ok || !slices.Contains(allowed, s) {
			c.report(at, fmt.Sprintf("must be a valid enum value: %q", allowed))
		}
	}
}

// boolean accepts true and false.
func boolean(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.report(at, "must be a boolean")
	}
}

// integer accepts whole numbers from lo to hi.
func integer(lo, hi int64) rule {
	return func(c *checker, at string, v any) {
		n, ok := v.(json.Number)
		i, err := strconv.ParseInt(string(n), 10, 64)
		switch {
		case !ok || err != nil:
			c.report(at, "must be an integer")
		case i < lo:
			c.report(at, fmt.Sprintf("must be greater than or equal to %d", lo))
		case i > hi:
			c.report(at, fmt.Sprintf("must be less than or equal to %d", hi))
		}
	}
}

// list accepts an array of lo to hi items, each judged by item.
func list(lo, hi int, item rule) rule {
	return func(c *checker, at string, v any) {
		items, ok := v.([]any)
		if !ok {
			c.report(at, "must provide an array")
			return
		}
		if len(items) < lo {
			c.report(at, fmt.Sprintf("no fewer than %d items allowed", lo))
		}
		if len(items) > hi {
			c.report(at, fmt.Sprintf("no more than %d items allowed", hi))
		}
		for i, it := range items {
			item(c, fmt.Sprintf("%s/%d", at, i), it)
		}
	}
}

// plainText and anyText accept text objects of up to hi characters; mrkdwnText
// refuses plain text.
func plainText(hi int) rule  { return textObject(hi, "plain_text") }
func anyText(hi int) rule    { return textObject(hi, "plain_text", "mrkdwn") }
func mrkdwnText(hi int) rule { return textObject(hi, "mrkdwn") }

func textObject(hi int, kinds ...string) rule {
	return func(c *checker, at string, v any) {
		obj, ok := c.object(at, v)
		if !ok {
			return
		}
		kind, _ := obj["type"].(string)
		s := schema{"type": must(enum(kinds...)), "text": must(str(1, hi))}
		if kind == "mrkdwn" {
			s["verbatim"] = may(boolean)
		} else {
			s["emoji"] = may(boolean)
		}
		s.check(c, at, obj)
	}
}

// object reports whether v is an object, and complains when it is not.
func (c *checker) object(at string, v any) (map[string]any, bool) {
	obj, ok := v.(map[string]any)
	if !ok {
		c.report(at, "must provide an object")
	}
	return obj, ok
}

// length complains about strings that are too short or too long, in characters.
func (c *checker) length(at, s string, lo, hi int) {
	switch n := utf8.RuneCountInString(s); {
	case n < lo:
		c.report(at, fmt.Sprintf("must be more than %d characters", lo-1))
	case n > hi:
		c.report(at, fmt.Sprintf("must be less than %d characters", hi+1))
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
