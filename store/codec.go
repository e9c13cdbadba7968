package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// encodeRequest is the request as kept in its doc column: JSON under Go's own names,
// so that a field that is added is kept without a word here. What is empty is left out,
// by the fields' tags: most of a request is, most of the time.
func encodeRequest(r flows.Request) (string, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encode request %s: %w", r.ID, err)
	}
	return string(b), nil
}

// decodeRequest reads it back.
func decodeRequest(doc string) (flows.Request, error) {
	var r flows.Request
	err := decodeOne(doc, &r)
	return r, err
}

func decodeOne(doc string, r *flows.Request) error { return decodeBut(doc, r, nil) }

// decodeBut is decodeOne; the route is read into the room for one, if there is one, and is
// not the request's.
func decodeBut(doc string, r *flows.Request, room *routeRoom) error {
	ok := quickly(doc, r, room)
	if room != nil {
		r.Route = nil
	}
	if ok {
		return nil
	}
	*r = flows.Request{}
	if err := json.Unmarshal([]byte(doc), r); err != nil {
		*r = flows.Request{}
		return fmt.Errorf("decode a stored request: %w", err)
	}
	return nil
}

// decodeApart is from how many requests on they are read side by side.
const decodeApart = 128

func decodeRequests(docs []string) ([]flows.Request, error) {
	out := make([]flows.Request, len(docs))
	if len(docs) < decodeApart {
		return out, decodeInto(out, docs)
	}
	var other error
	var both sync.WaitGroup
	half := len(docs) / 2
	both.Go(func() { other = decodeInto(out[half:], docs[half:]) })
	err := decodeInto(out[:half], docs[:half])
	both.Wait()
	return out, errors.Join(err, other)
}

func decodeInto(out []flows.Request, docs []string) (err error) {
	for i, doc := range docs {
		if err = decodeOne(doc, &out[i]); err != nil {
			return err
		}
	}
	return nil
}

// holdingDoc is what is kept of a holding beside its key and version.
type holdingDoc struct {
	Before  flows.Tri      `json:"before"`
	Holders []flows.Holder `json:"holders"`
	Since   time.Time      `json:"since,omitzero"`
}

func encodeHolding(h flows.Holding) (string, error) {
	b, err := json.Marshal(holdingDoc{Before: h.Before, Holders: h.Holders, Since: h.Since})
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
	return flows.Holding{Key: key, Version: version, Before: d.Before, Holders: d.Holders, Since: d.Since}, nil
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
