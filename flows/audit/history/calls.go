package history

import (
	"context"
	"time"

	"breakglass/flows"
)

// CallReader reads what is recorded of the calls by a grant.
type CallReader interface {
	// Calls are the calls by a grant, counted by rule.
	Calls(ctx context.Context, id flows.RequestID) ([]flows.CallTotal, error)
	// Tail is the end of a chain, in order: at most limit entries before the one with that
	// number, unless it is 0.
	Tail(ctx context.Context, chain string, before int64, limit int) ([]flows.Sealed, error)
}

// CallTotal is how many calls a rule let through by a grant, as JSON shows it.
type CallTotal struct {
	Request flows.RequestID `json:"request"`
	Rule    string          `json:"rule"`
	N       int64           `json:"calls"`
	First   time.Time       `json:"first_at"`
	Last    time.Time       `json:"last_at"`
}

// CallTotals are totals as JSON shows them.
func CallTotals(all []flows.CallTotal) []CallTotal {
	out := make([]CallTotal, 0, len(all))
	for _, t := range all {
		out = append(out, CallTotal{t.Request, t.Rule, t.N, t.First.UTC(), t.Last.UTC()})
	}
	return out
}

// CallsOnPage are the totals that belong on a page of a time-line: each grant's where its
// first call lies between the page's beginning and the next one's.
func CallsOnPage(all []flows.CallTotal, from, next flows.Mark) []flows.CallTotal {
	first := map[flows.RequestID]time.Time{}
	for _, t := range all {
		if at, seen := first[t.Request]; !seen || t.First.Before(at) {
			first[t.Request] = t.First
		}
	}
	out := all[:0:0]
	for _, t := range all {
		at := first[t.Request]
		if (from.Entry == 0 || !at.Before(from.At)) && (next.Entry == 0 || at.Before(next.At)) {
			out = append(out, t)
		}
	}
	return out
}

// Call is one call through an adapter, with how it ended.
type Call struct {
	Event
	// Done says how it ended: status, ms, received, why. None while it is under way.
	Done any `json:"done,omitempty"`
}

// CallPage is a part of the calls by a grant, oldest first.
type CallPage struct {
	Calls []Call `json:"calls"`
	Older int64  `json:"older,omitempty"` // before which the part before this one ends
}

// ahead is how many entries after a page are looked through for how its calls ended.
const ahead = 200

// CallsOf reads the last calls by a grant before the entry with that number, unless it
// is 0, out of so many entries.
func CallsOf(ctx context.Context, r CallReader, id flows.RequestID, before int64, entries int) (CallPage, error) {
	chain := flows.CallsChain(id)
	page, err := r.Tail(ctx, chain, before, entries)
	if err != nil {
		return CallPage{}, err
	}
	var after []flows.Sealed
	if before > 0 {
		if after, err = r.Tail(ctx, chain, before+ahead, ahead); err != nil {
			return CallPage{}, err
		}
	}
	out, done := CallPage{Calls: []Call{}}, map[string]any{}
	if len(page) > 0 && page[0].Seq > 1 {
		out.Older = page[0].Seq
	}
	for i, e := range append(page, after...) {
		event, err := EventOf(&e)
		if err != nil {
			return CallPage{}, err
		}
		switch {
		case e.Verb == flows.VerbCallsDone:
			noteDone(done, event.Facts)
		case i < len(page):
			out.Calls = append(out.Calls, Call{Event: event})
		}
	}
	for i := range out.Calls {
		facts, _ := out.Calls[i].Facts.(map[string]any)
		id, _ := facts["call"].(string)
		out.Calls[i].Done = done[id]
	}
	return out, nil
}

// noteDone notes how the calls ended that an entry tells of.
func noteDone(done map[string]any, facts any) {
	m, _ := facts.(map[string]any)
	all, _ := m["calls"].([]any)
	for _, x := range all {
		one, _ := x.(map[string]any)
		if id, ok := one["call"].(string); ok {
			done[id] = one
		}
	}
}
