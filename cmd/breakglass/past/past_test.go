package past_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"breakglass/cmd/breakglass/past"
	"breakglass/flows"
	"breakglass/store"
)

// until is when the pasts of tests end.
var until = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func newPast(n int) *past.Past { return past.New(until.AddDate(-3, 0, 0), until, n) }

// told is the life of one request.
type told []store.Step

// request is what is left of it.
func (l told) request() *flows.Request { return l[len(l)-1].Change.Request }

func (l told) entries() (all []flows.Sealed) {
	for _, step := range l {
		all = append(all, step.Change.Entries...)
	}
	return all
}

func lives(t *testing.T, n int) (all []told) {
	t.Helper()
	teller := newPast(n).Teller()
	for i := range n {
		l, err := teller.Life(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// The same number makes the same request, whoever tells it and after which others.
func TestTheSameEachTime(t *testing.T) {
	t.Parallel()
	all, teller := lives(t, 40), newPast(40).Teller()
	for _, i := range []int{39, 3, 17} {
		again, err := teller.Life(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all[i].entries(), told(again).entries(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("request %d, told again:\n%s", i, diff)
		}
	}
}

// Requests have every end that there is much of, are over, and differ: what is made up
// once and written often would be smaller on disk than what people do.
func TestOfAllSorts(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("one goroutine tells them, and the plain run looks at a thousand")
	}
	const n = 1000
	all := lives(t, n)
	entries, ids, incidents := 0, map[string]bool{}, 0
	states, causes, differ := map[flows.State]int{}, map[flows.EndCause]int{}, map[string]map[any]bool{}
	for _, l := range all {
		r := l.request()
		entries += len(l.entries())
		states[r.State]++
		causes[r.EndCause]++
		ids[string(r.ID)] = true
		if r.Content.Incident.ID != "" {
			incidents++
		}
		saw := func(what string, v any) {
			if differ[what] == nil {
				differ[what] = map[any]bool{}
			}
			differ[what][v] = true
		}
		saw("reason", r.Content.Reason)
		saw("requester", r.Content.Requester)
		saw("decider", r.DecidedBy)
		saw("incident", r.Content.Incident.Title)
		for _, e := range l.entries() {
			var said struct{ Facts map[string]any }
			if err := json.Unmarshal(e.Bytes, &said); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"flow", "flow_hash", "target", "target_hash", "config", "replica", "version", "incident"} {
				saw(name, said.Facts[name])
			}
			for _, o := range e.Openings {
				saw("salt", string(o.Salt))
			}
			if ev, ok := said.Facts["evidence"].(map[string]any); ok {
				saw("handler", ev["handler"])
			}
			if e.Verb == "approve" || e.Verb == "deny" {
				saw("trace", string(e.Bytes))
			}
		}
	}
	if per := float64(entries) / n; math.Abs(per-past.PerRequest) > 0.25 {
		t.Errorf("a request has %.2f entries, not %.2f", per, past.PerRequest)
	}
	if len(ids) != n || incidents < n*65/100 || incidents > n*75/100 {
		t.Errorf("%d ids and %d with an incident, of %d requests", len(ids), incidents, n)
	}
	for state, least := range map[flows.State]int{flows.StateEnded: n * 6 / 10, flows.StateDenied: n / 10, flows.StateLapsed: n / 20} {
		if states[state] < least {
			t.Errorf("%d are %s, less than %d", states[state], state, least)
		}
	}
	for _, cause := range []flows.EndCause{flows.EndTime, flows.EndDone, flows.EndRevoked, flows.EndIncident} {
		if causes[cause] < n/50 {
			t.Errorf("%d ended by %s", causes[cause], cause)
		}
	}
	for what, least := range map[string]int{
		"reason": n * 9 / 10, "requester": 300, "decider": 90, "flow": 6, "flow_hash": 120, "target": 120, "target_hash": 400, "config": 100, "handler": 120,
		"replica": 200, "version": 60, "incident": 100, "salt": entries * 3, "trace": n * 3 / 4,
	} {
		if got := len(differ[what]); got < least {
			t.Errorf("%d different of %s, less than %d", got, what, least)
		}
	}
}

// BenchmarkLife makes up requests.
func BenchmarkLife(b *testing.B) {
	teller := newPast(max(b.N, 10_000)).Teller()
	b.ReportAllocs()
	for i := range b.N {
		if _, err := teller.Life(b.Context(), i); err != nil {
			b.Fatal(err)
		}
	}
}
