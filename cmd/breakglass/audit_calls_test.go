package main_test

import (
	"bytes"
	"testing"
	"time"

	main "breakglass/cmd/breakglass"
	"breakglass/flows/audit/history"

	"github.com/google/go-cmp/cmp"
)

// What breakglass audit show says of the calls by a grant: numbers by rule, the newest in
// order, and nothing that acts on a terminal.
func TestCallsAreShown(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	call := func(seq int64, path string, done any) history.Call {
		return history.Call{Event: history.Event{Seq: seq, At: at, Facts: map[string]any{"method": "PUT", "path": path}}, Done: done}
	}
	story := history.Story{
		Calls: []history.CallTotal{{Rule: "PUT /incidents/{incident}", N: 1234, First: at, Last: at.Add(time.Minute)}, {Rule: "GET /incidents", N: 1, First: at, Last: at}},
		Newest: []history.Call{
			call(7, "/incidents/P1", map[string]any{"status": 200}), call(8, "/incidents/\x1b[31mP1", nil), call(9, history.Erased, map[string]any{"status": 0, "why": "upstream_down"}),
		},
	}
	var out bytes.Buffer
	if err := main.PrintCalls(&out, story); err != nil {
		t.Fatal(err)
	}
	want := `calls through an adapter, by rule:
   1234  PUT /incidents/{incident}, 2026-03-02 12:00:00Z to 2026-03-02 12:01:00Z
      1  GET /incidents, 2026-03-02 12:00:00Z to 2026-03-02 12:00:00Z
the newest:
      7  2026-03-02 12:00:00Z  PUT /incidents/P1  200
      8  2026-03-02 12:00:00Z  PUT /incidents/[31mP1  under way
      9  2026-03-02 12:00:00Z  PUT (erased)  upstream_down
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("wanted -, got +:\n%s", diff)
	}
}
