package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"breakglass/flows"
)

// encodeRequest is the request as kept in its doc column. The answers of host calls
// are canonical values and must come back as what they were, so flows.Personal is
// written as an object of its own and the keys of other objects are kept apart.
func encodeRequest(r flows.Request) (string, error) {
	r.Route = copyRoute(r.Route, func(v any) any { return tag(v) })
	b, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encode request %s: %w", r.ID, err)
	}
	return string(b), nil
}

// decodeRequest reads it back.
func decodeRequest(doc string) (flows.Request, error) {
	var r flows.Request
	if err := decode(doc, &r); err != nil {
		return flows.Request{}, fmt.Errorf("decode a stored request: %w", err)
	}
	r.Route = copyRoute(r.Route, untag)
	return r, nil
}

func decodeRequests(docs []string) ([]flows.Request, error) {
	out := make([]flows.Request, 0, len(docs))
	for _, doc := range docs {
		r, err := decodeRequest(doc)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// decode keeps numbers of unknown type exact.
func decode(doc string, into any) error {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return nil
}

// copyRoute is the route with each canonical value in its evidence passed through f;
// the caller's route stays as it is.
func copyRoute(r *flows.Route, f func(any) any) *flows.Route {
	if r == nil || r.Evidence == nil || len(r.Evidence.Calls) == 0 {
		return r
	}
	route, evidence := *r, *r.Evidence
	evidence.Calls = make([]flows.HostCall, len(r.Evidence.Calls))
	for i, call := range r.Evidence.Calls {
		call.Answer = f(call.Answer)
		args := call.Args
		call.Args = nil
		for _, a := range args {
			call.Args = append(call.Args, flows.Arg{Name: a.Name, Value: f(a.Value)})
		}
		evidence.Calls[i] = call
	}
	route.Evidence = &evidence
	return &route
}

// personalKey marks a flows.Personal; other keys that begin with "$" get one more.
const personalKey = "$personal"

func tag(v any) any {
	switch x := v.(type) {
	case flows.Personal:
		return map[string]any{personalKey: []any{string(x.About), x.Value}}
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			if strings.HasPrefix(k, "$") {
				k = "$" + k
			}
			out[k] = tag(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = tag(e)
		}
		return out
	}
	return v
}

func untag(v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		return x.String()
	case map[string]any:
		if pair, ok := x[personalKey].([]any); ok && len(x) == 1 && len(pair) == 2 {
			about, _ := pair[0].(string)
			value, _ := pair[1].(string)
			return flows.Personal{About: flows.PersonID(about), Value: value}
		}
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[strings.TrimPrefix(k, "$")] = untag(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = untag(e)
		}
		return out
	}
	return v
}

// holdingDoc is what is kept of a holding beside its key and version.
type holdingDoc struct {
	Before  flows.Tri      `json:"before"`
	Holders []flows.Holder `json:"holders"`
}

func encodeHolding(h flows.Holding) (string, error) {
	b, err := json.Marshal(holdingDoc{Before: h.Before, Holders: h.Holders})
	if err != nil {
		return "", fmt.Errorf("encode the holding of %s: %w", h.Key.Lane(), err)
	}
	return string(b), nil
}

func decodeHolding(key flows.HoldingKey, version int64, doc string) (flows.Holding, error) {
	var d holdingDoc
	if err := json.Unmarshal([]byte(doc), &d); err != nil {
		return flows.Holding{}, fmt.Errorf("decode the holding of %s: %w", key.Lane(), err)
	}
	return flows.Holding{Key: key, Version: version, Before: d.Before, Holders: d.Holders}, nil
}

// plain is text for the operator's eyes that every database takes.
func plain(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

func compactArgs(args json.RawMessage) (string, error) {
	if len(args) == 0 {
		return "", nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, args); err != nil {
		return "", err
	}
	return b.String(), nil
}
