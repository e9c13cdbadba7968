package records_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/bot/records"
	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/store"
)

// called writes n calls by a request's grant, each with how it ended, hundreds in a
// transaction.
func called(ctx context.Context, s *store.Store, id flows.RequestID, n int) error {
	chain, head := flows.CallsChain(id), flows.ChainHead{}
	for from := 0; from < n; from += 200 {
		var all []flows.Entry
		var done []any
		for i := from; i < min(from+200, n); i++ {
			rule := "GET /incidents/{id}"
			if i%10 == 0 {
				rule = "PUT /incidents/{incident}"
			}
			call := fmt.Sprintf("call_%d", i)
			all = append(all, flows.Entry{Verb: flows.VerbCallSent, At: noon.Add(time.Duration(i) * time.Second), Actor: flows.Actor{Person: "T/UDANA", Door: flows.DoorAPI}, Facts: map[string]any{
				"call": call, "rule": rule, "method": rule[:3], "adapter": "pd", "path": flows.Personal{About: "T/UDANA", Value: fmt.Sprintf("/incidents/P%d", i)},
			}})
			done = append(done, map[string]any{"call": call, "status": int64(200), "ms": int64(i)})
		}
		all = append(all, flows.Entry{Verb: flows.VerbCallsDone, At: noon, Actor: flows.ByEngine(), Facts: map[string]any{"calls": done}})
		sealed, next, err := flows.Seal(chain, head, all, ids{}.Random)
		if err != nil {
			return err
		}
		if _, err := s.Apply(ctx, flows.Change{Chain: chain, Entries: sealed}); err != nil {
			return err
		}
		head = next
	}
	return nil
}

// A request's story says what was called by its grant, and its calls are read page by
// page; an incident's time-line has them once, where the first one was.
func TestCalls(t *testing.T) {
	t.Parallel()
	a := open(t, 3)
	must(t, called(t.Context(), a.s, "req_00001", 1234))
	story := reads[history.Story](a, "dana", "/v1/audit/requests/req_00001")
	if len(story.Calls) != 2 || story.Calls[0].N != 1110 || story.Calls[1].N != 124 || story.Calls[1].Rule != "PUT /incidents/{incident}" || !story.Calls[1].First.Equal(noon) {
		t.Errorf("by rule: %+v", story.Calls)
	}
	if n := len(story.Newest); n == 0 || n > 40 || path(story.Newest[n-1]) != "/incidents/P1233" || story.Newest[n-1].Done == nil {
		t.Errorf("the newest %d: %+v", n, story.Newest)
	}
	at := 1234
	for older := int64(0); ; {
		page := reads[history.CallPage](a, "audi", fmt.Sprintf("/v1/audit/requests/req_00001/calls?before=%d", older))
		for i := range page.Calls {
			at-- // of the page's end
			if want := fmt.Sprintf("/incidents/P%d", at); path(page.Calls[len(page.Calls)-1-i]) != want {
				t.Fatalf("call %d is %s", at, path(page.Calls[len(page.Calls)-1-i]))
			}
			if done, _ := page.Calls[len(page.Calls)-1-i].Done.(map[string]any); done["ms"] != float64(at) {
				t.Fatalf("call %d ended %v", at, done)
			}
		}
		if older = page.Older; older == 0 {
			break
		}
	}
	if at != 0 {
		t.Errorf("%d calls are not on any page", at)
	}
	line := reads[records.IncidentPage](a, "dana", "/v1/audit/incidents/4711")
	if len(line.Calls) != 2 || line.Calls[0].Request != "req_00001" || len(line.Events) != 3 {
		t.Errorf("the time-line: %+v", line.Calls)
	}
	for _, p := range []string{"/v1/audit/requests/req_00001/calls", "/v1/audit/requests/req_none/calls"} {
		if status, body, _ := a.get("sam", p); status != 404 {
			t.Errorf("Sam reads %s: %d %s", p, status, body)
		}
	}
	if status, body, _ := a.get("sam", "/v1/audit/incidents/4711"); status != 404 {
		t.Errorf("Sam reads the time-line: %d %s", status, body)
	}
	_, err := a.s.EraseOpenings(t.Context(), "T/UDANA")
	must(t, err)
	story = reads[history.Story](a, "audi", "/v1/audit/requests/req_00001")
	if n := len(story.Newest); path(story.Newest[n-1]) != history.Erased || len(story.Calls) != 2 {
		t.Errorf("after the erasure: %+v", story)
	}
}

func path(c history.Call) string {
	facts, _ := c.Facts.(map[string]any)
	s, _ := facts["path"].(string)
	return s
}

// A time-line of several pages has the calls on one of them.
func TestCallsOnALongTimeline(t *testing.T) {
	t.Parallel()
	a := open(t, 620)
	must(t, called(t.Context(), a.s, "req_00600", 5))
	after, pages, on := "", 0, 0
	for {
		line := reads[records.IncidentPage](a, "audi", "/v1/audit/incidents/4711?after="+after)
		if len(line.Calls) > 0 {
			on++
		}
		pages++
		if after = line.Next; after == "" {
			break
		}
	}
	if pages != 2 || on != 1 {
		t.Errorf("the calls are on %d of %d pages", on, pages)
	}
}

// What a grant of 100,000 calls costs whoever looks at it.
func BenchmarkStoryOf100kCalls(b *testing.B) {
	s, err := store.Open(b.Context(), store.Options{DSN: filepath.Join(b.TempDir(), "past.db"), Now: func() time.Time { return noon }})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := called(b.Context(), s, "req_1", 100_000); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		story := history.Story{Request: history.Row{ID: "req_1"}}
		page, err := history.CallsOf(b.Context(), s, "req_1", 50_000, 300)
		if err := errors.Join(err, story.Call(b.Context(), s)); err != nil || len(page.Calls) < 290 || !strings.HasPrefix(path(story.Newest[0]), "/incidents/P99") {
			b.Fatalf("%d calls, %v", len(page.Calls), err)
		}
	}
}
