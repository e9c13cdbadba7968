package pagerduty_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/pagerdutyfake"
)

// While there is demand, neither an old reading, nor old names, nor a hand-off makes
// anybody wait.
func TestTheSnapshotIsKeptFresh(t *testing.T) {
	w := newWorld(t, func(o *pagerduty.Options, _ *pagerdutyfake.Options) { o.Limits.NamesAge = 2 * time.Minute })
	w.must(w.pd.Start(t.Context()))
	q := flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Minute}
	w.known(q)
	if _, err := w.fake.Override("PSCHED1", "PSAM001", monday.Add(5*time.Minute+10*time.Second), monday.Add(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	before := w.pd.Stats()
	names, namesAt := w.fake.Count("GET /escalation_policies"), monday
	for range 60 { // 15 minutes
		a := w.known(q)
		due := a.ReadAt.Add(48 * time.Second)
		if end := a.Entries[0].End; end.Before(due) {
			due = end
		}
		last := w.pd.Stats()
		w.clock.Push(15 * time.Second)
		if now := w.clock.Now(); !now.Before(due) {
			w.until("the refresh", func() bool { return w.pd.Stats().Refreshes > last.Refreshes })
		}
		if now := w.clock.Now(); now.Sub(namesAt) >= 96*time.Second {
			w.until("the names", func() bool { return w.pd.Stats().NameReads > last.NameReads })
			namesAt = now
		}
	}
	same(t, people(w.known(q)), []string{"PDANA01", "PMARA01"})
	if s := w.pd.Stats(); s.Waits != before.Waits || s.Unknown != 0 {
		t.Errorf("%d waits, %d unknown", s.Waits-before.Waits, s.Unknown)
	}
	if n := w.fake.Count("GET /escalation_policies") - names; n != 8 {
		t.Errorf("names were read %d times in 15 minutes, want 8", n)
	}
}

// PagerDuty is down for a while: the loop tries now and then, says so, and the
// snapshot answers as long as it is young enough, and not a moment longer.
func TestTheSnapshotDuringAnOutage(t *testing.T) {
	w := newWorld(t)
	w.must(w.pd.Start(t.Context()))
	q := flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Minute}
	w.known(q)
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 503})
	w.clock.Push(50 * time.Second)
	w.until("the failed refresh", func() bool { return strings.Contains(w.logs.String(), "could not be read") })
	same(t, people(w.known(q)), []string{"PDANA01", "PMARA01"})
	w.clock.Push(10*time.Second + time.Nanosecond)
	w.unknown(q, "503")
	before := w.sent()
	w.clock.Push(time.Millisecond)
	if n := w.sent() - before; n > 3 {
		t.Errorf("%d requests without time passing", n)
	}
	w.fake.ClearFaults()
	w.clock.Push(6 * time.Second)
	w.until("the recovery", func() bool { return w.ask(q).Known })
}

// A PagerDuty whose clock is behind, or a machine whose clock is ahead, makes every
// reading old when it comes; that must not become a storm of reads.
func TestOldReadingsAreNoStorm(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	reads := 0
	pd, clock := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		reads++
		w.Header().Set("Date", monday.Add(-50*time.Second).Format(http.TimeFormat))
		_, _ = w.Write([]byte(spoiled("2026-03-09T08:00:00Z", "2026-03-02T08:59:55Z")))
	})
	if err := pd.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: 40 * time.Second})
	}
	clock.Push(time.Millisecond)
	pd.Stop()
	if reads > 15 {
		t.Errorf("%d reads for five questions", reads)
	}
}

func TestAClickIsNeverAnsweredFromMoreThanAMinuteAgo(t *testing.T) {
	w := newWorld(t)
	w.known(flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Hour})
	w.clock.Push(61 * time.Second)
	if a := w.known(flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Hour, Click: true}); !a.ReadAt.Equal(w.clock.Now()) {
		t.Errorf("read at %s, asked at %s", a.ReadAt, w.clock.Now())
	}
}

// However hard it is asked, PagerDuty's own limits are never met.
func TestPagerDutysLimitsAreNeverMet(t *testing.T) {
	w := newWorld(t, func(o *pagerduty.Options, f *pagerdutyfake.Options) {
		f.RequestsPerMinute, f.OnCallsPerMinute = 120, 60
		o.Limits.PerMinute, o.Limits.OnCallsPerMinute, o.Limits.ClickReserve = 110, 55, 10
	})
	id := w.trigger("x")
	for range 4 {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for range 20 {
					w.pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call", Click: i%2 == 0})
					_, _ = w.pd.Incident(t.Context(), string(id))
				}
			})
		}
		all.Wait()
		w.clock.Push(20 * time.Second)
	}
	for _, e := range w.fake.Ledger(0) {
		if e.Status == http.StatusTooManyRequests {
			t.Fatalf("request %d was answered 429", e.Seq)
		}
	}
	if s := w.pd.Stats(); s.NotSent == 0 || s.Requests < 100 || s.BudgetLeft > 110 {
		t.Errorf("%+v", s)
	}
}

func TestShiftBasedSchedulesMayBeMissing(t *testing.T) {
	w := newWorld(t)
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 500, Route: "GET /v3/schedules"})
	w.unknown(flows.OnCallQuery{Schedule: "Managers"}, "500") // a second one of that name may be there
	w.fake.ClearFaults()
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 404, Code: 2100, Route: "GET /v3/schedules"})
	same(t, people(w.known(flows.OnCallQuery{Schedule: "Managers"})), []string{"PDANA01"})
}

// Error bodies as they were seen in the wild, whatever their content type.
func TestErrorsSayWhatPagerDutySaid(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":{"message":"Not so","code":2001,"errors":["a","b"]}}`: "Not so: a: b (code 2001)",
		`{"error":{"message":"Not so","code":2001,"errors":"a"}}`:       "Not so: a (code 2001)",
		`{"error":["a"]}`: "none: a",
		`{"error":{"message":"` + strings.Repeat("x", 500) + `"}}`:            strings.Repeat("x", 200) + "…",
		"{\"error\":{\"message\":\"two\\nlines \\u202e and a bell\\u0007\"}}": "two lines and a bell",
		`<html>`: "PagerDuty answered 400",
		``:       "PagerDuty answered 400",
	} {
		pd, _ := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(body))
		})
		if a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call"}); !strings.Contains(a.Why, want) {
			t.Errorf("%s: %q, want it to say %q", body, a.Why, want)
		}
	}
}

func TestPrintingAClientShowsNoToken(t *testing.T) {
	w := newWorld(t)
	w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
	if s := fmt.Sprintf("%v %+v %#v %s", w.pd, w.pd, w.pd, w.pd); strings.Contains(s, token) {
		t.Error("the token is in it")
	}
}
