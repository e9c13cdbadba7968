package config

import (
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// text reads text; def where it is absent.
func (f *fields) text(name, def string) string {
	a, ok := f.get(name)
	if !ok {
		return def
	}
	v, ok := f.ld.evaluate(a.expr)
	if !ok {
		f.bad[name] = true
		return def
	}
	s, ok := asText(v)
	if !ok {
		f.wrong(name, `Write it in quotes.`, "%s of %s must be text, not %s.", name, f.what, aValue(v))
		return def
	}
	return s
}

// needText reads text that must be there and not be empty.
func (f *fields) needText(name, form string) string {
	if !f.given(name) {
		f.need(name, form)
		return ""
	}
	s := f.text(name, "")
	if f.sound(name) && strings.TrimSpace(s) == "" {
		f.wrong(name, "Write "+name+" = "+form+".", "%s of %s is empty.", name, f.what)
	}
	return s
}

// label reads a short text for people; Slack shows at most 75 characters of one.
func (f *fields) label(name, def string) string {
	s := f.text(name, def)
	switch {
	case !f.sound(name):
	case f.given(name) && strings.TrimSpace(s) == "":
		f.wrong(name, "Write what people call it, or leave it out.", "%s of %s is empty.", name, f.what)
	case utf8.RuneCountInString(s) > 75:
		f.wrong(name, "Shorten it.", "%s of %s has %d characters; Slack shows at most 75.", name, f.what, utf8.RuneCountInString(s))
	}
	return s
}

// flag reads true or false.
func (f *fields) flag(name string) bool {
	a, ok := f.get(name)
	if !ok {
		return false
	}
	v, ok := f.ld.evaluate(a.expr)
	if !ok {
		f.bad[name] = true
		return false
	}
	if v.Type() != cty.Bool {
		f.wrong(name, "Write true or false, without quotes.", "%s of %s must be true or false, not %s.", name, f.what, aValue(v))
		return false
	}
	return v.True()
}

// number reads a whole number between least and most.
func (f *fields) number(name string, def, least, most int) int {
	a, ok := f.get(name)
	if !ok {
		return def
	}
	v, ok := f.ld.evaluate(a.expr)
	if !ok {
		f.bad[name] = true
		return def
	}
	n, ok := asInt(v)
	if !ok || n < int64(least) || n > int64(most) {
		f.wrong(name, "", "%s of %s must be a whole number from %d to %d.", name, f.what, least, most)
		return def
	}
	return int(n)
}

// choice reads one of a few words; def, which need not be one, where it is absent.
func (f *fields) choice(name, def string, words ...string) string {
	s := f.text(name, def)
	if !f.given(name) || !f.sound(name) {
		return def
	}
	if slices.Contains(words, s) {
		return s
	}
	f.wrong(name, meanOrOneOf(s, words), "%s of %s cannot be %q.", name, f.what, s)
	return def
}

// duration reads a length of time that is longer than zero.
func (f *fields) duration(name string, def time.Duration) time.Duration {
	s := f.text(name, "")
	if !f.given(name) || !f.sound(name) {
		return def
	}
	d, problem, suggestion := parseDuration(s)
	if problem != "" {
		f.wrong(name, suggestion, "%s of %s: %s", name, f.what, problem)
		return def
	}
	return d
}

// item is one element of a list, with its place.
type item struct {
	text string
	at   hcl.Range
}

// texts reads a list of texts.
func (f *fields) texts(name string) []item {
	a, ok := f.get(name)
	if !ok {
		return nil
	}
	if exprs, diags := hcl.ExprList(a.expr); !diags.HasErrors() {
		var out []item
		for _, e := range exprs {
			if v, ok := f.ld.evaluate(e); !ok {
				f.bad[name] = true
			} else if s, ok := f.element(name, v, e.Range()); ok {
				out = append(out, item{s, e.Range()})
			}
		}
		return out
	}
	v, ok := f.ld.evaluate(a.expr)
	if !ok {
		f.bad[name] = true
		return nil
	}
	if !isList(v) {
		f.wrong(name, "Write "+name+" = [ … ].", "%s of %s must be a list, not %s.", name, f.what, aValue(v))
		return nil
	}
	var out []item
	for _, e := range v.AsValueSlice() {
		if s, ok := f.element(name, e, a.expr.Range()); ok {
			out = append(out, item{s, a.expr.Range()})
		}
	}
	return out
}

func (f *fields) element(name string, v cty.Value, at hcl.Range) (string, bool) {
	s, ok := asText(v)
	if !ok {
		f.bad[name] = true
		f.ld.errorf(at, "Write it in quotes.", "%s of %s is a list of texts; this is %s.", name, f.what, aValue(v))
	}
	return s, ok
}

// expressions are the elements of a list as they stand.
func (f *fields) expressions(name string, a field) []hcl.Expression {
	exprs, diags := hcl.ExprList(a.expr)
	if diags.HasErrors() {
		f.wrong(name, "Write "+name+" = [ … ].", "%s of %s must be a list.", name, f.what)
	}
	return exprs
}

func asText(v cty.Value) (string, bool) {
	if v == cty.NilVal || v.IsMarked() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

func asInt(v cty.Value) (int64, bool) {
	if v == cty.NilVal || !v.IsKnown() || v.IsNull() || v.Type() != cty.Number {
		return 0, false
	}
	n, acc := v.AsBigFloat().Int64()
	return n, acc == big.Exact
}

func isList(v cty.Value) bool {
	t := v.Type()
	return t.IsTupleType() || t.IsListType() || t.IsSetType()
}

// aValue names the type of a value in a sentence.
func aValue(v cty.Value) string {
	switch t := v.Type(); {
	case t == cty.String:
		return "text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case isList(v):
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	}
	return "another kind of value"
}
