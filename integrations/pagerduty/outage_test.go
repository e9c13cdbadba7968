package pagerduty_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/pagerdutyfake"
)

// Every way for PagerDuty to be ill, on the on-call read and on the names: unknown,
// never an empty answer, and well again when it is over.
func TestOutages(t *testing.T) {
	for _, f := range []pagerdutyfake.Fault{
		{Kind: pagerdutyfake.FaultStatus, Status: 500, Code: 2000},
		{Kind: pagerdutyfake.FaultStatus, Status: 502, Body: "<html>bad gateway</html>"},
		{Kind: pagerdutyfake.FaultStatus, Status: 503, Code: 2000},
		{Kind: pagerdutyfake.FaultStatus, Status: 403, Code: 2010},
		{Kind: pagerdutyfake.FaultStatus, Status: 402, Code: 2014},
		{Kind: pagerdutyfake.FaultStatus, Status: 400, Body: `{"error":["odd"]}`},
		{Kind: pagerdutyfake.FaultStatus, Status: 400, Body: `{"error":{"errors":"a string","message":"m","code":1}}`},
		{Kind: pagerdutyfake.FaultStatus, Status: 404, Code: 2100},
		{Kind: pagerdutyfake.FaultStatus, Status: 204},
		{Kind: pagerdutyfake.FaultUnauthorized},
		{Kind: pagerdutyfake.FaultRateLimit},
		{Kind: pagerdutyfake.FaultRateLimit, Quiet: true},
		{Kind: pagerdutyfake.FaultDrop},
		{Kind: pagerdutyfake.FaultLostAnswer},
		{Kind: pagerdutyfake.FaultDelay, Delay: 10 * time.Second},
		{Kind: pagerdutyfake.FaultMalformed},
		{Kind: pagerdutyfake.FaultHTML},
		{Kind: pagerdutyfake.FaultMissingKey},
		{Kind: pagerdutyfake.FaultNullList},
		{Kind: pagerdutyfake.FaultWrongType},
		{Kind: pagerdutyfake.FaultEmptyPage},
		{Kind: pagerdutyfake.FaultEndless},
		{Kind: pagerdutyfake.FaultRedirect, Location: "http://127.0.0.1:1/"},
	} {
		for _, route := range []string{"GET /oncalls", "GET /escalation_policies"} {
			t.Run(fmt.Sprintf("%s %d %s", f.Kind, f.Status, route), func(t *testing.T) {
				w := newWorld(t, hastyFor(f))
				fault := f
				fault.Route = route
				w.fake.AddFault(fault)
				w.unknown(flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Minute}, "")
				w.fake.ClearFaults()
				w.clock.Push(time.Minute + 2*time.Second)
				same(t, people(w.known(flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Minute})), []string{"PDANA01", "PMARA01"})
			})
		}
	}
}

// hastyFor shortens the time-outs where the fault is to be slow.
func hastyFor(f pagerdutyfake.Fault) func(*pagerduty.Options, *pagerdutyfake.Options) {
	if f.Kind == pagerdutyfake.FaultDelay {
		return hasty
	}
	return func(*pagerduty.Options, *pagerdutyfake.Options) {}
}

func TestGETsAreTriedAgainAndOnlyThose(t *testing.T) {
	w := newWorld(t, func(o *pagerduty.Options, _ *pagerdutyfake.Options) { o.Limits.AttemptTimeout = 500 * time.Millisecond })
	w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
	for _, f := range []pagerdutyfake.Fault{
		{Kind: pagerdutyfake.FaultStatus, Status: 503, Times: 2}, {Kind: pagerdutyfake.FaultDrop, Times: 2},
		{Kind: pagerdutyfake.FaultRateLimit, Quiet: true, Times: 1}, {Kind: pagerdutyfake.FaultDelay, Delay: 10 * time.Second, Times: 1},
	} {
		f.Route = "GET /oncalls"
		w.fake.AddFault(f)
		before := w.pd.Stats().Retries
		w.known(flows.OnCallQuery{Policy: "mgr_on_call", Click: true})
		n := int(w.pd.Stats().Retries - before)
		if f.Kind == pagerdutyfake.FaultDrop && n == f.Times-1 {
			n++ // net/http repeats a GET by itself when a kept connection turns out dead
		}
		if n != f.Times {
			t.Errorf("%s: %d retries, want %d", f.Kind, n, f.Times)
		}
		w.clock.Push(time.Minute)
	}
	inc := w.trigger("Checkout is down")
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 500, Route: "POST /incidents/{id}/notes"})
	err := w.pd.Note(t.Context(), inc, "key", "text")
	if _, ok := errors.AsType[*flows.Temporary](err); !ok {
		t.Fatalf("a note that was answered 500: %v, want a temporary error", err)
	}
	if n := w.fake.Count("POST /incidents/{id}/notes"); n != 1 {
		t.Errorf("the note was sent %d times by itself; the job decides when to try again", n)
	}
}

// A 429 that asks for 20 seconds is not waited for, and keeps everything but clicks
// away until then.
func TestRateLimitPauses(t *testing.T) {
	w := newWorld(t)
	w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultRateLimit, Times: 1})
	before := w.sent()
	w.unknown(flows.OnCallQuery{Policy: "mgr_on_call"}, "429")
	w.unknown(flows.OnCallQuery{Policy: "mgr_on_call"}, "asked for a pause")
	if n := w.sent() - before; n != 1 {
		t.Errorf("%d requests went out, want 1", n)
	}
	w.known(flows.OnCallQuery{Policy: "mgr_on_call", Click: true})
	w.clock.Push(21 * time.Second)
	w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
}

// Somebody else uses the same key and it is nearly used up: only clicks go on.
func TestAKeyThatOthersUseUp(t *testing.T) {
	w := newWorld(t, func(_ *pagerduty.Options, f *pagerdutyfake.Options) { f.RequestsPerMinute = 100 })
	q := flows.OnCallQuery{Policy: "mgr_on_call"}
	for w.ask(q).Known {
	}
	w.unknown(q, "asked for a pause")
	same(t, people(w.known(flows.OnCallQuery{Policy: "mgr_on_call", Click: true})), []string{"PDANA01", "PMARA01"})
	for _, e := range w.fake.Ledger(0) {
		if e.Status == http.StatusTooManyRequests {
			t.Fatal("the limit was run into")
		}
	}
}

func TestTheBudgetKeepsAReserveForClicks(t *testing.T) {
	w := newWorld(t, func(o *pagerduty.Options, _ *pagerdutyfake.Options) {
		o.Limits.PerMinute, o.Limits.OnCallsPerMinute, o.Limits.ClickReserve = 20, 20, 5
	})
	q := flows.OnCallQuery{Policy: "mgr_on_call"}
	asked := 0
	for ; w.ask(q).Known; asked++ {
	}
	w.unknown(q, "budget of this minute is used up")
	q.Click = true
	clicks := 0
	for ; w.ask(q).Known && clicks < 50; clicks++ {
	}
	if w.sent() > 20 || clicks < 4 {
		t.Errorf("%d requests, %d clicks; want at most 20, at least 4", w.sent(), clicks)
	}
	w.clock.Push(62 * time.Second)
	w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
}

func TestDeadlineIsNotGivingUp(t *testing.T) {
	w := newWorld(t, hasty)
	w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultDelay, Delay: time.Minute})
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if a := w.pd.OnCall(short, flows.OnCallQuery{Policy: "mgr_on_call"}); a.Known || !strings.Contains(a.Why, "deadline") {
		t.Errorf("deadline: %+v", a)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if a := w.pd.OnCall(gone, flows.OnCallQuery{Policy: "mgr_on_call"}); a.Known || !strings.Contains(a.Why, "given up") {
		t.Errorf("given up: %+v", a)
	}
	short, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := w.pd.Incident(short, "4711"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "before the deadline") {
		t.Errorf("the deadline is lost in %v", err)
	}
	// Our own time-out is one as well.
	if _, err := w.pd.Incident(t.Context(), "4711"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "in time") {
		t.Errorf("our own time-out: %v", err)
	}
}

func TestRotatedKeys(t *testing.T) {
	for name, c := range map[string]struct {
		secret *rotating
		known  bool
		reads  [3]int64
	}{
		"cached":   {&rotating{cached: token}, true, [3]int64{2, 0, 0}},
		"fresh":    {&rotating{cached: "old", fresh: token, previous: "old"}, true, [3]int64{2, 2, 0}},
		"previous": {&rotating{cached: "new", fresh: "new", previous: token}, true, [3]int64{2, 2, 2}},
		"none":     {&rotating{cached: "new", fresh: "newer", previous: "old"}, false, [3]int64{1, 1, 1}},
		"empty":    {&rotating{cached: " "}, false, [3]int64{1, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *pagerduty.Options, _ *pagerdutyfake.Options) { o.APIToken = flows.NewSecret("key", c.secret) })
			a := w.ask(flows.OnCallQuery{Policy: "mgr_on_call"}) // two calls: the names, the entries
			if a.Known != c.known {
				t.Fatalf("known = %v: %s", a.Known, a.Why)
			}
			for i := range c.reads {
				if n := c.secret.reads[i].Load(); n != c.reads[i] {
					t.Errorf("value %d was read %d times, want %d", i, n, c.reads[i])
				}
			}
		})
	}
}

// A server that echoes the token must not get it into errors or logs.
func TestEchoedTokensAreNotRepeated(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	pd, _ := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":{"message":"bad header %s","code":1}}`, r.Header.Get("Authorization"))
	})
	a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call"})
	if seen.Load() == 0 || a.Known || strings.Contains(a.Why, token) || !strings.Contains(a.Why, "[token]") {
		t.Errorf("why = %q", a.Why)
	}
}

func TestOAuthTokensAreSentAsBearer(t *testing.T) {
	w := newWorld(t, func(o *pagerduty.Options, f *pagerdutyfake.Options) {
		o.OAuth = true
		f.Keys = []pagerdutyfake.Key{{Token: token, Kind: pagerdutyfake.KeyOAuth, Scopes: []string{"oncalls.read", "escalation_policies.read"}}}
	})
	same(t, people(w.known(flows.OnCallQuery{Policy: "mgr_on_call"})), []string{"PDANA01", "PMARA01"})
	w.unknown(flows.OnCallQuery{Schedule: "Managers"}, "403")
	w.clean()
}

func TestTrailingSlashes(t *testing.T) {
	w := newWorld(t)
	pd, err := pagerduty.New(pagerduty.Options{
		BaseURL: w.fake.URL() + "//", APIToken: flows.NewSecret("key", fixed(token)), Clock: w.clock, Limits: quick(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pd.Stop()
	if a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call"}); !a.Known {
		t.Error(a.Why)
	}
}

func TestAStoppedClientIsUnknown(t *testing.T) {
	w := newWorld(t)
	if err := w.pd.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.known(flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Minute})
	w.pd.Stop()
	w.unknown(flows.OnCallQuery{Policy: "mgr_on_call"}, "stopped")
	if err := w.pd.Start(t.Context()); err == nil {
		t.Error("started again")
	}
}
