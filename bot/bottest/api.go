package bottest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"breakglass/cmd/breakglass/app"
)

// API is somebody's program at the API. Every answer is held to the document that the
// server publishes about itself.
type API struct {
	s     *Story
	token string
	http  *http.Client
}

// API returns a program with a token; an empty one is nobody's.
func (s *Story) API(token string) *API {
	return &API{s: s, token: token, http: &http.Client{Timeout: patience}}
}

// API is a program that comes in by the browser's session.
func (b *Browser) API() *API { return &API{s: b.s, http: b.Client} }

// Answer is what the API answered.
type Answer struct {
	Status int
	Body   map[string]any
}

// Text is a member of the answer as text.
func (a Answer) Text(name string) string {
	s, _ := a.Body[name].(string)
	return s
}

// Call calls an operation and holds the answer to its description.
func (a *API) Call(method, path string, in any) Answer {
	a.s.T.Helper()
	all := a.send(method, path, in, nil)
	if len(all) != 1 {
		a.s.T.Fatalf("%s %s answers %d objects, not one", method, path, len(all))
	}
	return all[0]
}

// Lines calls an operation that answers in lines, and holds each to its description.
// each, unless nil, is called with how many there are so far.
func (a *API) Lines(path string, in any, each func(n int)) []Answer {
	a.s.T.Helper()
	return a.send(http.MethodPost, path, in, each)
}

// send returns the objects of the answer; of an empty one, one without a body.
func (a *API) send(method, path string, in any, each func(int)) []Answer {
	a.s.T.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			a.s.T.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(a.s.T.Context()), method, a.s.URL(path), body)
	if err != nil {
		a.s.T.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		a.s.T.Fatal(err)
	}
	defer resp.Body.Close()
	var all []Answer
	for dec := json.NewDecoder(resp.Body); ; {
		one := Answer{Status: resp.StatusCode}
		if err := dec.Decode(&one.Body); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			a.s.T.Fatalf("%s %s answers %d, which is no JSON object: %v", method, path, resp.StatusCode, err)
		}
		if all = append(all, one); each != nil {
			each(len(all))
		}
	}
	if len(all) == 0 {
		all = []Answer{{Status: resp.StatusCode}}
	}
	for _, one := range all {
		if wrong := a.s.documented(method, path, resp, one.Body); wrong != "" {
			a.s.T.Errorf("%s %s answers otherwise than documented: %s\n%v", method, path, wrong, one.Body)
		}
	}
	return all
}

// described is the API's description of itself, as one start of Breakglass gives it.
type described struct {
	by    *app.App
	doc   map[string]any
	paths map[string]*regexp.Regexp // by their templates
}

// document reads the API's description of itself, once of each start.
func (s *Story) document() *described {
	s.T.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.described != nil && s.described.by == s.App {
		return s.described
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(s.T.Context()), http.MethodGet, s.URL("/v1/openapi.json"), nil)
	if err != nil {
		s.T.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	d := &described{by: s.App, paths: map[string]*regexp.Regexp{}}
	if err := json.NewDecoder(resp.Body).Decode(&d.doc); err != nil {
		s.T.Fatal(err)
	}
	paths, _ := d.doc["paths"].(map[string]any)
	for template := range paths {
		d.paths[template] = regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$")
	}
	s.described = d
	return d
}

// parameter is one in a path's template, quoted.
var parameter = regexp.MustCompile(`\\\{[a-z]+\\\}`)

// dig walks into a JSON value.
func dig(v any, names ...string) any {
	for _, n := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[n]
	}
	return v
}

// documented says how an answer differs from the document.
func (s *Story) documented(method, path string, resp *http.Response, body map[string]any) string {
	s.T.Helper()
	d := s.document()
	path, _, _ = strings.Cut(path, "?")
	for template, pattern := range d.paths {
		op := dig(d.doc, "paths", template, strings.ToLower(method))
		if op == nil || !pattern.MatchString(path) {
			continue
		}
		answers := dig(op, "responses")
		want := dig(answers, fmt.Sprint(resp.StatusCode))
		if want == nil && resp.StatusCode >= 400 {
			want = dig(answers, "default")
		}
		if want == nil {
			return fmt.Sprintf("%d is not among its answers", resp.StatusCode)
		}
		content, _ := dig(want, "content").(map[string]any)
		if len(content) == 0 {
			return ""
		}
		kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
		schema := dig(content, kind, "schema")
		if schema == nil {
			return "its content type is " + kind
		}
		return fits(d.doc, schema, body, "body")
	}
	return "it is not in the document"
}

// fits says where a value differs from a schema, of the kinds that are used here.
func fits(doc map[string]any, schema, v any, at string) string {
	if ref, ok := dig(schema, "$ref").(string); ok {
		return fits(doc, dig(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...), v, at)
	}
	if open, ok := schema.(map[string]any); ok && open["type"] == nil && open["enum"] == nil && open["properties"] == nil {
		return "" // the document says that it may be anything
	}
	if allowed, ok := dig(schema, "enum").([]any); ok && !slices.Contains(allowed, v) {
		return fmt.Sprintf("%s is %v, not one of %v", at, v, allowed)
	}
	if !typed(dig(schema, "type"), v) {
		return fmt.Sprintf("%s is %T, not %v", at, v, dig(schema, "type"))
	}
	switch x := v.(type) {
	case map[string]any:
		return fitsObject(doc, schema, x, at)
	case []any:
		for i, e := range x {
			if wrong := fits(doc, dig(schema, "items"), e, fmt.Sprintf("%s[%d]", at, i)); wrong != "" {
				return wrong
			}
		}
	}
	return ""
}

func fitsObject(doc map[string]any, schema any, x map[string]any, at string) string {
	required, _ := dig(schema, "required").([]any)
	for _, name := range required {
		if _, there := x[fmt.Sprint(name)]; !there {
			return fmt.Sprintf("%s lacks %v", at, name)
		}
	}
	for name, e := range x {
		member := dig(schema, "properties", name)
		if more, ok := dig(schema, "additionalProperties").(map[string]any); ok && member == nil {
			member = more
		}
		if member == nil {
			return at + " has an undocumented " + name
		}
		if wrong := fits(doc, member, e, at+"."+name); wrong != "" {
			return wrong
		}
	}
	return ""
}

// typed reports whether v is of a schema's type, or of one of its types.
func typed(want, v any) bool {
	if all, ok := want.([]any); ok {
		return slices.ContainsFunc(all, func(one any) bool { return typed(one, v) })
	}
	switch want {
	case "object":
		_, ok := v.(map[string]any)
		return ok
	case "array":
		_, ok := v.([]any)
		return ok
	case "string":
		_, ok := v.(string)
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "integer", "number":
		_, ok := v.(float64)
		return ok
	case "null":
		return v == nil
	}
	return want == nil
}
