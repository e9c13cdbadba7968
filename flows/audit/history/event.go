package history

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
)

// Event is an audit entry to be read: its facts with the openings that are left.
type Event struct {
	Chain string    `json:"chain"`
	Seq   int64     `json:"seq"`
	At    time.Time `json:"at"`
	Verb  string    `json:"verb"`
	From  string    `json:"from,omitempty"`
	To    string    `json:"to,omitempty"`
	Code  string    `json:"code,omitempty"` // of a refusal
	Actor any       `json:"actor"`
	Facts any       `json:"facts"`
	Hash  string    `json:"hash"`
	Bytes string    `json:"bytes,omitempty"` // exactly what is hashed, so it stays text
}

// Erased stands where a commitment has no opening any more.
const Erased = "(erased)"

// EventOf reads an entry. Every opening is held to its commitment: one that does not
// open it is not shown.
func EventOf(s *flows.Sealed) (Event, error) {
	var body struct {
		From, To, Code string
		Actor, Facts   any
	}
	dec := json.NewDecoder(bytes.NewReader(s.Bytes))
	dec.UseNumber()
	if err := dec.Decode(&body); err != nil {
		return Event{}, fmt.Errorf("read entry %d of %s: %w", s.Seq, s.Chain, err)
	}
	o := opener{}
	for _, x := range s.Openings {
		o[x.Path] = x
	}
	return Event{
		Chain: s.Chain, Seq: s.Seq, At: s.At.UTC(), Verb: s.Verb, From: body.From, To: body.To, Code: body.Code,
		Actor: o.open("actor", body.Actor), Facts: o.open("facts", body.Facts), Hash: s.Hash, Bytes: string(s.Bytes),
	}, nil
}

// opener puts openings in the places of their commitments.
type opener map[string]flows.Opening

func (o opener) open(path string, v any) any {
	switch x := v.(type) {
	case map[string]any:
		if c, is := x["commit"].(string); is && len(x) == 1 {
			if opening, left := o[path]; left && opening.Opens(c) {
				return opening.Value
			}
			return Erased
		}
		for k := range x {
			x[k] = o.open(path+"."+k, x[k])
		}
	case []any:
		for i := range x {
			x[i] = o.open(path+"."+strconv.Itoa(i), x[i])
		}
	}
	return v
}

// Who is the person who acted: empty for the program itself, Erased where the person was.
func (e *Event) Who() string { return e.text("person") }

// text is a string among what an event says about the actor, or empty.
func (e *Event) text(name string) string {
	m, _ := e.Actor.(map[string]any)
	s, _ := m[name].(string)
	return s
}

// Story is a request with everything that is recorded about it.
type Story struct {
	Request Row     `json:"request"`
	Entries []Event `json:"entries"`
	// Calls are those through an adapter by this grant, by rule, and the newest of them.
	Calls  []CallTotal `json:"calls,omitempty"`
	Newest []Call      `json:"newest_calls,omitempty"`
}

// newestCalls is how many entries a story takes its newest calls from.
const newestCalls = 40

// Call adds what is recorded of the calls by the request's grant.
func (s *Story) Call(ctx context.Context, r CallReader) error {
	all, err := r.Calls(ctx, s.Request.ID)
	if err != nil || len(all) == 0 {
		return err
	}
	page, err := CallsOf(ctx, r, s.Request.ID, 0, newestCalls)
	s.Calls, s.Newest = CallTotals(all), page.Calls
	return err
}

// StoryOf reads a request's entries.
func StoryOf(r *flows.Request, entries []flows.Sealed) (Story, error) {
	events, err := Events(entries)
	return Story{Request: RowOf(r), Entries: events}, err
}

// Events reads entries.
func Events(entries []flows.Sealed) ([]Event, error) {
	out := make([]Event, 0, len(entries))
	for i := range entries {
		e, err := EventOf(&entries[i])
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// IsMoment reports whether a number of that name is a time, as Millis has it.
func IsMoment(name string) bool {
	return name == "at" || name == "until" || strings.HasSuffix(name, "_at") || strings.HasSuffix(name, "_end") || name == "shift_start"
}

// Millis is a time as entries write it.
func Millis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
