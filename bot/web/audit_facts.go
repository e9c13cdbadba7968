package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
)

// facts read what an entry says; what is not there, or something else, is zero.
type facts map[string]any

func factsOf(v any) facts {
	m, _ := v.(map[string]any)
	return m
}

func (f facts) text(name string) string { s, _ := f[name].(string); return s }
func (f facts) yes(name string) bool    { b, _ := f[name].(bool); return b }
func (f facts) sub(name string) facts   { return factsOf(f[name]) }
func (f facts) list(name string) []any  { l, _ := f[name].([]any); return l }

func (f facts) number(name string) int64 {
	n, _ := f[name].(json.Number)
	i, _ := n.Int64() // zero for what is no number
	return i
}

// moment is a time that entries write in milliseconds; zero for none.
func (f facts) moment(name string) time.Time {
	if ms := f.number(name); ms != 0 {
		return history.Millis(ms)
	}
	return time.Time{}
}

// fact is one value of an entry, with where it stands.
type fact struct {
	Name   string
	Value  string
	Code   bool // a hash or an id: for machines
	Erased bool
}

// above is what a page says about all entries at once.
var above = []string{"request", "flow", "target", "world"}

// flat lists everything an entry says, a value a line, in one order.
func (w *Web) flat(v any) []fact {
	var out []fact
	w.flatten(&out, nil, v)
	return out
}

func (w *Web) flatten(out *[]fact, path []string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			if len(path) > 0 || !slices.Contains(above, k) {
				w.flatten(out, append(slices.Clone(path), k), x[k])
			}
		}
	case []any:
		for i, e := range x {
			w.flatten(out, append(slices.Clone(path), strconv.Itoa(i+1)), e)
		}
	case nil:
	default:
		if f, some := w.fact(path, v); some {
			*out = append(*out, f)
		}
	}
}

var (
	hashText   = regexp.MustCompile(`^[0-9a-f]{32,}$`)
	personText = regexp.MustCompile(`^[TE][A-Z0-9]+/[UW][A-Z0-9]+$`)
)

func (w *Web) fact(path []string, v any) (fact, bool) {
	f := fact{Name: strings.ReplaceAll(strings.Join(path, " · "), "_", " ")}
	last := ""
	if len(path) > 0 {
		last = path[len(path)-1]
	}
	switch x := v.(type) {
	case string:
		f.Value, f.Erased, f.Code = x, x == history.Erased, hashText.MatchString(x)
		if personText.MatchString(x) {
			f.Value = w.name(flows.PersonID(x))
		}
		return f, x != ""
	case json.Number:
		ms, err := x.Int64()
		switch {
		case err != nil:
			f.Value = x.String()
		case last == "seconds":
			f.Value = flows.Span(time.Duration(ms) * time.Second)
		case history.IsMoment(last):
			f.Value = exact(history.Millis(ms))
			return f, ms != 0
		default:
			f.Value = x.String()
		}
	case bool:
		f.Value = map[bool]string{true: "yes", false: "no"}[x]
	default:
		f.Value = fmt.Sprint(x)
	}
	return f, true
}

// exact is a time to the second, as evidence needs it.
func exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// plain is a value of an answer in one line.
func plain(v any) string {
	if s, is := v.(string); is {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
