package httpadapter_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"breakglass/flows"
	"breakglass/integrations/httpadapter"
)

// Who may not call takes nothing from those who may: neither of the calls a minute nor of
// the places at a time.
func TestRefusedCallsTakeNothingFromOthers(t *testing.T) {
	t.Parallel()
	w := open(t, func(_ *world, a *flows.Adapter, _ *httpadapter.Options) {
		a.Limits.Rate, a.Limits.TotalRate, a.Limits.TotalConcurrent = 20, 2, 1
	})
	for range 20 {
		if got := w.call("GET", "pd/incidents", "", "X-Test-Caller", "stranger"); got.problem().Code != httpadapter.CodeCallers {
			t.Fatalf("a stranger: %d %s", got.status, got.body)
		}
	}
	if got := w.call("GET", "pd/incidents", "", "X-Test-Caller", "stranger"); got.problem().Code != httpadapter.CodeTooFast {
		t.Errorf("a stranger who goes on is judged no faster than they may call: %d %s", got.status, got.body)
	}
	for _, path := range []string{"pd/users", "pd/incidents/../users"} { // nor does what no rule names, or is no address
		if got := w.call("GET", path, "", "X-Test-Caller", "sam"); got.status == 200 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for range 2 {
		if got := w.call("GET", "pd/incidents", ""); got.status != 200 {
			t.Errorf("after them: %d %s", got.status, got.body)
		}
	}
}

// Every refusal is in the audit: what comes as fast as somebody sends as its first, and
// then by the number.
func TestRefusalsAreRecorded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code  flows.Code
		edit  func(*world, *flows.Adapter)
		path  string
		chain string
		kept  string // of the path
	}{
		"too fast":        {httpadapter.CodeTooFast, func(_ *world, a *flows.Adapter) { a.Limits.Rate = 1 }, "pd/incidents?q=hunter2", httpadapter.Chain("pd"), "/incidents?q="},
		"all too fast":    {httpadapter.CodeTooFast, func(_ *world, a *flows.Adapter) { a.Limits.TotalRate = 1 }, "pd/incidents", httpadapter.Chain("pd"), "/incidents"},
		"too many":        {httpadapter.CodeTooMany, func(_ *world, a *flows.Adapter) { a.Limits.Concurrent = 0 }, "pd/incidents", httpadapter.Chain("pd"), "/incidents"},
		"end-only":        {httpadapter.CodeEndOnly, func(w *world, _ *flows.Adapter) { w.endOnly = "the clock went back" }, "pd/incidents", httpadapter.Chain("pd"), "/incidents"},
		"no such adapter": {httpadapter.CodeUnknown, func(*world, *flows.Adapter) {}, "nope/x?q=hunter2", httpadapter.Chain(""), httpadapter.Root + "nope/x"},
		"no adapter":      {httpadapter.CodeAmbiguous, func(*world, *flows.Adapter) {}, "No.pe/x", httpadapter.Chain(""), httpadapter.Root + "No.pe/x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, func(w *world, a *flows.Adapter, _ *httpadapter.Options) { c.edit(w, a) })
			const many = 40
			refused := 0
			for range many {
				switch got := w.call("GET", c.path, ""); got.problem().Code {
				case c.code:
					refused++
				case "":
				default:
					t.Fatalf("%d %s", got.status, got.body)
				}
			}
			sent := 2 * (many - refused) // each with what became of it
			all := w.written(c.chain, sent+1)
			w.clock.Push(2 * time.Minute)
			all = append(all[:0], w.written(c.chain, sent+2)...)
			var told []entry
			for _, e := range all {
				if e.verb == httpadapter.VerbRefused {
					told = append(told, e)
				}
				if strings.Contains(e.bytes+sprint(e.openings), "hunter2") {
					t.Errorf("a value of a parameter is kept: %s %v", e.bytes, e.openings)
				}
			}
			if len(told) != 2 || refused < many-1 {
				t.Fatalf("%d were refused, and %d entries tell of it", refused, len(told))
			}
			for i, times := range []string{"<nil>", sprint(refused - 1)} {
				e := told[i]
				if e.code != string(c.code) || sprint(e.facts["times"]) != times || e.openings["facts.path"] != c.kept || e.openings["actor.person"] != string(dana) {
					t.Errorf("entry %d: %+v", i, e)
				}
			}
		})
	}
}

// Somebody who never stops fills a line each ten minutes, and what was counted when the
// server stops is written.
func TestAFloodOfRefusals(t *testing.T) {
	t.Parallel()
	w := open(t)
	by := httpadapter.Caller{Actor: flows.Actor{Person: dana, Standing: flows.StandingMember}}
	const hours = 2
	for i := range hours * 60 * 4 {
		for j := range 5 {
			w.proxy.Serve(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%snope%d/x", httpadapter.Root, i*5+j), nil), by)
		}
		w.clock.Push(15 * time.Second)
	}
	if err := w.proxy.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := w.store.Entries(t.Context(), httpadapter.Chain(""))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for i, e := range read(t, all) {
		n := 1
		if i > 0 {
			if _, err := fmt.Sscan(sprint(e.facts["times"]), &n); err != nil {
				t.Fatal(err)
			}
		}
		told += n
	}
	if want := hours * 60 * 4 * 5; told != want || len(all) > 40 {
		t.Errorf("%d entries tell of %d refusals, of %d", len(all), told, want)
	}
}

// What many people cause is bounded as a whole: past so many, only the number is kept.
func TestAFloodOfManyPeople(t *testing.T) {
	t.Parallel()
	w := open(t)
	const people, bound = 2500, 2048
	for range 2 {
		for i := range people {
			by := httpadapter.Caller{Actor: flows.Actor{Person: flows.Person(team, fmt.Sprintf("U%d", i)), Standing: flows.StandingMember}}
			w.proxy.Serve(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, httpadapter.Root+"nope/x", nil), by)
		}
	}
	if err := w.proxy.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := w.store.Entries(t.Context(), httpadapter.Chain(""))
	if err != nil {
		t.Fatal(err)
	}
	if want := 2*bound + 2; len(all) != want { // each person's first and second, and the same of all others
		t.Errorf("%d entries, want %d", len(all), want)
	}
	for _, e := range read(t, all) {
		if sprint(e.facts["times"]) == sprint(2*(people-bound)-1) {
			if e.openings["actor.person"] != "" || e.openings["facts.path"] != "" {
				t.Errorf("several people's are told of one: %+v", e)
			}
			return
		}
	}
	t.Error("no entry tells of what was more than is counted")
}

// A pass that somebody wrote into an address is refused, and not kept.
func TestNoPassInTheRecord(t *testing.T) {
	t.Parallel()
	w := open(t)
	long := strings.Repeat("x", 5000)
	w.call("GET", "pd/incidents/a-"+token+"-"+token, "")
	w.call("GET", "pd/users/"+long, "")
	all := w.written(httpadapter.Chain("pd"), 2)
	if got := all[0].openings["facts.path"]; got != "/incidents/a-bgt_…-bgt_…" || all[0].code != string(httpadapter.CodeForm) {
		t.Errorf("kept %q", got)
	}
	if got := all[1].openings["facts.path"]; len(got) > 1010 || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes of a path are kept", len(got))
	}
}

// What is kept of a refused address is text, wherever it is cut: a database that takes only
// text would else refuse the entries of the adapter, this one and all that come after it.
func TestALongAddressIsCutAsText(t *testing.T) {
	t.Parallel()
	for n := 985; n < 1000; n++ { // the pass in it is covered with a character of three bytes
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			path := "pd/" + strings.Repeat("a", n) + "bgt_" + strings.Repeat("x", 43) + "/and-so-on"
			if got := w.call("GET", path, ""); got.problem().Code == "" {
				t.Fatalf("%d %s", got.status, got.body)
			}
			e := w.written(httpadapter.Chain("pd"), 1)[0]
			if kept := e.openings["facts.path"]; !utf8.ValidString(kept) || len(kept) < 990 || len(kept) > 1010 || strings.Contains(kept, "xxx") {
				t.Errorf("%d bytes are kept: %q", len(kept), kept)
			}
		})
	}
}
