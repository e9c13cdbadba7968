package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// guard stands between slack-go and the wire. It lets through only answers that
// can be believed, cut down to what we use (methods.go), and turns everything else
// into an *Error: statuses, redirects, pages that are no JSON, answers without the
// fields that must be there, and {"ok":false} without a reason.
type guard struct {
	base    http.RoundTripper
	methods map[string]method
}

// maxAnswer bounds what is read of an answer. The largest we ask for is a page of
// 999 channels.
const maxAnswer = 8 << 20

// toResponseURL marks the context of a call that goes to a response_url.
type toResponseURL struct{}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	name := path.Base(req.URL.Path)
	if req.Context().Value(toResponseURL{}) != nil {
		name = responseURL
	}
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := readAll(resp.Body, name)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, badStatus(name, resp, body)
	}
	if name == responseURL {
		body, err = checkResponseURL(body)
	} else {
		body, err = g.check(name, body)
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	resp.Header = resp.Header.Clone()
	resp.Header.Set("Content-Type", "application/json")
	resp.Header.Del("Content-Length")
	return resp, nil
}

func readAll(body io.ReadCloser, name string) ([]byte, error) {
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(b) > maxAnswer {
		return nil, &Error{Method: name, Status: http.StatusOK, Code: codeTooLarge}
	}
	return b, nil
}

// badStatus names an answer that is not 200. Slack gives its reason as JSON or, at a
// response_url, as one word ("used_url"); a page of HTML gives none.
func badStatus(name string, resp *http.Response, body []byte) *Error {
	e := &Error{Method: name, Status: resp.StatusCode, Code: codeStatus}
	e.After, _ = strconv.Atoi(strings.TrimSpace(resp.Header.Get("Retry-After")))
	if e.After < 0 {
		e.After = 0
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		e.Code = codeRedirect
		return e
	}
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &said) != nil {
		said.Error = strings.TrimSpace(string(body))
	}
	if isCode(said.Error) {
		e.Code = said.Error
	}
	return e
}

// isCode reports whether s looks like one of Slack's error codes.
func isCode(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}

// checkResponseURL accepts "ok" and {"ok":true}, the two forms of a success there.
func checkResponseURL(body []byte) ([]byte, error) {
	text := strings.TrimSpace(string(body))
	if text == "ok" {
		return []byte(`{"ok":true}`), nil
	}
	e := &Error{Method: responseURL, Status: http.StatusOK, Code: codeMalformed}
	var said struct {
		OK    *bool  `json:"ok"`
		Error string `json:"error"`
	}
	switch {
	case json.Unmarshal(body, &said) != nil:
		if isCode(text) {
			e.Code = text
		}
		return nil, e
	case said.OK != nil && *said.OK:
		return []byte(`{"ok":true}`), nil
	case isCode(said.Error):
		e.Code = said.Error
	}
	return nil, e
}

// check reads an answer of the Web API by its exact keys and cuts it down.
func (g *guard) check(name string, body []byte) ([]byte, error) {
	m, known := g.methods[name]
	if !known {
		return nil, &Error{Method: name, Status: http.StatusOK, Code: codeMalformed,
			Messages: []string{"a method that is not in the table"}}
	}
	malformed := func(why string) error {
		return &Error{Method: name, Status: http.StatusOK, Code: codeMalformed, Messages: []string{why}}
	}
	var answer map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil || dec.More() {
		return nil, malformed("not one JSON object")
	}
	ok, said := answer["ok"].(bool)
	if !said {
		return nil, malformed(`no "ok"`)
	}
	if !ok {
		return nil, refusal(name, answer)
	}
	for _, need := range m.need {
		if !has(answer, need) {
			return nil, malformed("no " + strconv.Quote(need))
		}
	}
	if m.whole != nil {
		if missing := m.whole(answer); missing != "" {
			return nil, malformed("no " + strconv.Quote(missing))
		}
	}
	if m.shape != nil {
		m.shape(answer)
	}
	out := map[string]any{"ok": true}
	if w, ok := answer["warning"].(string); ok {
		out["warning"] = w
	}
	for key, fields := range m.keep {
		if v, ok := answer[key]; ok {
			out[key] = cut(v, fields)
		}
	}
	return json.Marshal(out)
}

// refusal reads an answer with ok false.
func refusal(name string, answer map[string]any) *Error {
	e := &Error{Method: name, Status: http.StatusOK, Code: codeUnexplained}
	if code, _ := answer["error"].(string); code != "" {
		e.Code = clip(code, 100)
	}
	e.Needed, _ = answer["needed"].(string)
	meta, _ := answer["response_metadata"].(map[string]any)
	list, _ := meta["messages"].([]any)
	for _, m := range list {
		if s, ok := m.(string); ok {
			e.Messages = append(e.Messages, clip(s, 200))
		}
	}
	return e
}

// has reports whether the answer has a value at "key" or "key.field": not null, and
// not an empty string.
func has(answer map[string]any, at string) bool {
	key, field, deeper := strings.Cut(at, ".")
	v := answer[key]
	if deeper {
		inner, _ := v.(map[string]any)
		v = inner[field]
	}
	return v != nil && v != ""
}

// cut keeps the named fields of an object, or of each object in a list; "a.b" keeps
// b alone of the object a. No names keep the value as it is.
func cut(v any, fields []string) any {
	if len(fields) == 0 {
		return v
	}
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(fields))
		for _, f := range fields {
			f, below, deeper := strings.Cut(f, ".")
			inner, ok := x[f]
			if !ok {
				continue
			}
			if deeper {
				part, _ := out[f].(map[string]any)
				inner = merge(part, cut(inner, []string{below}))
			}
			out[f] = inner
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = cut(e, fields)
		}
		return out
	}
	return v
}

// merge adds the fields of an object to those kept before; anything but an object
// stays what it is, for the decoder to refuse.
func merge(into map[string]any, v any) any {
	add, ok := v.(map[string]any)
	if !ok || into == nil {
		return v
	}
	maps.Copy(into, add)
	return into
}

// withResponseURL marks a call that goes to a response_url.
func withResponseURL(ctx context.Context) context.Context {
	return context.WithValue(ctx, toResponseURL{}, true)
}
