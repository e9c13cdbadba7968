// Package openapi reads which calls an API has from its OpenAPI document (or Swagger's
// before it), JSON or YAML, and writes them as rules. It looks at methods and paths
// only: nothing in the document is followed, fetched or run.
//
// It imports package flows, whose rules it writes, and flows/config/yaml.
package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"breakglass/flows"
	"breakglass/flows/config/yaml"
)

// MaxSize is the largest document that is read. PagerDuty's has 3 MB.
const MaxSize = 32 << 20

// Call is one call that the document describes.
type Call struct {
	Method string
	Path   string // as in the document
	Rule   string // empty where no rule can say it
	Why    string // then
}

// Reads reports whether the call only reads.
func (c Call) Reads() bool { return c.Method == "GET" || c.Method == "HEAD" }

// Calls lists the calls of a document, by path and method.
func Calls(src []byte) ([]Call, error) {
	if len(src) > MaxSize {
		return nil, fmt.Errorf("the document is larger than %d MiB", MaxSize>>20)
	}
	paths, err := pathsOf(src)
	if err != nil {
		return nil, err
	}
	var out []Call
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		for _, m := range flows.RuleMethods() {
			if !slices.Contains(paths[p], strings.ToLower(m)) {
				continue
			}
			c := Call{Method: m, Path: p}
			rule := m + " " + Template(p)
			if _, err := flows.ParseRule(rule); err != nil {
				c.Why = err.Error()
			} else {
				c.Rule = rule
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// pathsOf gives the methods of each path.
func pathsOf(src []byte) (map[string][]string, error) {
	if text := bytes.TrimLeft(src, "\ufeff \t\r\n"); len(text) > 0 && text[0] == '{' {
		return fromJSON(text)
	}
	docs, err := yaml.Parse(src)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, errNone
	}
	if docs[0].Get("openapi") == nil && docs[0].Get("swagger") == nil {
		return nil, errNone
	}
	out := map[string][]string{}
	if paths := docs[0].Get("paths"); paths != nil {
		for _, p := range paths.Pairs {
			for _, m := range p.Value.Pairs {
				out[p.Key] = append(out[p.Key], m.Key)
			}
		}
	}
	return out, nil
}

var errNone = errors.New("this is no OpenAPI document: it says neither openapi nor swagger")

func fromJSON(src []byte) (map[string][]string, error) {
	var doc struct {
		OpenAPI string                                `json:"openapi"`
		Swagger string                                `json:"swagger"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(src, &doc); err != nil {
		if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(src[:min(len(src), int(bad.Offset))], []byte("\n")), err)
		}
		return nil, err
	}
	if doc.OpenAPI == "" && doc.Swagger == "" {
		return nil, errNone
	}
	out := map[string][]string{}
	for p, methods := range doc.Paths {
		out[p] = slices.Collect(maps.Keys(methods))
	}
	return out, nil
}

// Template is a path of the document as rules write it: the names of parameters become
// letters, digits and _, and {incident}, which means the grant's own, becomes {id}.
func Template(path string) string {
	var b strings.Builder
	in := false
	name := ""
	for _, r := range path {
		switch {
		case r == '{' && !in:
			in, name = true, ""
		case r == '}' && in:
			in = false
			b.WriteString("{" + parameter(name) + "}")
		case in:
			name += string(r)
		default:
			b.WriteRune(r)
		}
	}
	if in {
		b.WriteString("{" + name)
	}
	if path := b.String(); len(path) > 1 {
		return strings.TrimSuffix(path, "/")
	}
	return b.String()
}

func parameter(name string) string {
	out := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	switch {
	case out == "incident" || out == "":
		return "id"
	case out[0] >= '0' && out[0] <= '9':
		return "_" + out
	}
	return out
}
