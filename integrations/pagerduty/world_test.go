package pagerduty_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/pagerdutyfake"
)

const (
	token = "u+FakeTokenThatIsNotReal"
	from  = "breakglass@acme.example"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// fixed is a secret with the same value for ever.
type fixed string

func (f fixed) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	if which == flows.SecretPrevious {
		return "", flows.ErrNoSuchVersion
	}
	return string(f), nil
}

// rotating is a secret whose source has moved on.
type rotating struct {
	cached, fresh, previous string
	reads                   [3]atomic.Int64
}

func (r *rotating) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	r.reads[which].Add(1)
	v := [...]string{r.cached, r.fresh, r.previous}[which]
	if v == "" {
		return "", flows.ErrNoSuchVersion
	}
	return v, nil
}

// quick makes retries come at once.
func quick() pagerduty.Limits {
	return pagerduty.Limits{
		AttemptTimeout: 5 * time.Second, CallTimeout: 20 * time.Second, Backoff: time.Millisecond, MaxWait: 50 * time.Millisecond,
	}
}

// hasty makes time-outs short as well, for tests that wait for them.
func hasty(o *pagerduty.Options, _ *pagerdutyfake.Options) {
	o.Limits.AttemptTimeout, o.Limits.CallTimeout = 200*time.Millisecond, 700*time.Millisecond
}

// world is a PagerDuty account, a client of it, and the clock of both.
type world struct {
	*testing.T
	clock *flows.HandClock
	fake  *pagerdutyfake.Account
	pd    *pagerduty.Client
	logs  *logs
}

// newWorld has dana on call at level 1 of "mgr_on_call" (PMGR001) by a schedule, mara
// as a permanent target at level 2, and nobody else.
func newWorld(t *testing.T, change ...func(*pagerduty.Options, *pagerdutyfake.Options)) *world {
	t.Helper()
	t.Parallel()
	w := &world{T: t, clock: flows.NewHandClock(monday), logs: &logs{}}
	fo := pagerdutyfake.Options{Now: w.clock.Now, Keys: []pagerdutyfake.Key{{Token: token}}}
	po := pagerduty.Options{
		APIToken: flows.NewSecret("pagerduty_api_key", fixed(token)), From: from, Clock: w.clock,
		Limits: quick(), Log: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&po, &fo)
	}
	w.fake = pagerdutyfake.New(fo)
	if err := w.fake.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if po.BaseURL == "" {
		po.BaseURL = w.fake.URL()
	}
	w.load()
	var err error
	if w.pd, err = pagerduty.New(po); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.pd.Stop()
		_ = w.fake.Close()
		if s := w.logs.String(); strings.Contains(s, token) {
			t.Errorf("the log holds the API token:\n%s", s)
		}
	})
	return w
}

func (w *world) load() {
	w.Helper()
	week := 7 * 86400
	err := w.fake.Load(pagerdutyfake.Setup{
		Users: []pagerdutyfake.User{
			{ID: "PDANA01", Name: "Dana", Email: "dana@acme.example"},
			{ID: "PSAM001", Name: "Sam", Email: "sam@acme.example"},
			{ID: "PMARA01", Name: "Mara", Email: "mara@acme.example"},
			{ID: "PBREAK1", Name: "Breakglass", Email: from},
			{ID: "PEVE001", Name: from, Email: "eve@acme.example"},
		},
		Schedules: []pagerdutyfake.Schedule{
			{ID: "PSCHED1", Name: "Managers", Layers: []pagerdutyfake.Layer{{
				Start: monday.Add(-time.Hour), TurnSeconds: week, Users: []string{"PDANA01", "PSAM001"},
			}}},
			{ID: "PLONELY", Name: "Nobody's policy", Layers: []pagerdutyfake.Layer{{
				Start: monday.Add(-2 * time.Hour), TurnSeconds: week, Users: []string{"PSAM001", "PDANA01"},
			}}},
		},
		Policies: []pagerdutyfake.Policy{{ID: "PMGR001", Name: "mgr_on_call", Rules: []pagerdutyfake.Rule{
			{Targets: []string{"PSCHED1"}}, {Targets: []string{"PMARA01"}},
		}}},
		Services: []pagerdutyfake.Service{{ID: "PSRV001", Name: "Checkout", Policy: "PMGR001"}},
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) ask(q flows.OnCallQuery) flows.OnCallAnswer {
	w.Helper()
	a := w.pd.OnCall(w.Context(), q)
	if strings.Contains(a.Why, token) {
		w.Errorf("the why holds the API token: %s", a.Why)
	}
	return a
}

func (w *world) known(q flows.OnCallQuery) flows.OnCallAnswer {
	w.Helper()
	a := w.ask(q)
	if !a.Known {
		w.Fatalf("%+v: unknown: %s", q, a.Why)
	}
	return a
}

// unknown checks that there is no answer, and that the why says why.
func (w *world) unknown(q flows.OnCallQuery, why string) {
	w.Helper()
	a := w.ask(q)
	if a.Known || len(a.Entries) > 0 {
		w.Fatalf("%+v: known %v with %d entries; want unknown", q, a.Known, len(a.Entries))
	}
	if !strings.Contains(a.Why, why) {
		w.Errorf("why = %q; want it to say %q", a.Why, why)
	}
}

func people(a flows.OnCallAnswer) []string {
	var out []string
	for _, e := range a.Entries {
		out = append(out, string(e.User))
	}
	return out
}

// clean checks that the account saw nothing that the API reference forbids.
func (w *world) clean() {
	w.Helper()
	for _, e := range w.fake.Violations() {
		w.Errorf("%s %s?%s: %s", e.Method, e.Path, e.Query.Encode(), strings.Join(e.Violations, "; "))
	}
	for _, e := range w.fake.Ledger(0) {
		if strings.HasSuffix(e.Path, "/users") && e.Path != "/users" {
			w.Errorf("%s was asked: it names everybody on the schedule", e.Path)
		}
		if e.Path == "/oncalls" && (e.Query.Has("since") || e.Query.Has("until") || e.Query.Has("earliest")) {
			w.Errorf("/oncalls?%s: a window names people who are not on call now", e.Query.Encode())
		}
	}
}

// sent counts the requests that the account received.
func (w *world) sent() int { return len(w.fake.Ledger(0)) }

// eventually waits until the account's state makes cond true.
func (w *world) eventually(cond func() bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	if err := w.fake.Wait(ctx, cond); err != nil {
		w.Fatal(err)
	}
}

// until polls for what no event tells: that the client has taken an answer in.
func (w *world) until(what string, cond func() bool) {
	w.Helper()
	tick, stop := time.NewTicker(time.Millisecond), time.NewTimer(time.Minute)
	defer tick.Stop()
	defer stop.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-stop.C:
			w.Fatalf("%s did not come", what)
		}
	}
}

// logs collects what was logged.
type logs struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// hostile is a client of a server that answers as h says, on a standing clock that
// both share. The directory of policies and schedules is answered well unless h does.
func hostile(t *testing.T, h http.HandlerFunc, change ...func(*pagerduty.Options)) (*pagerduty.Client, *flows.HandClock) {
	t.Helper()
	clock := flows.NewHandClock(monday)
	mux := http.NewServeMux()
	mux.HandleFunc("/escalation_policies", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"escalation_policies":[{"id":"PMGR001","name":"mgr_on_call"}],"limit":100,"offset":0,"more":false}`))
	})
	mux.HandleFunc("/schedules", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"schedules":[{"id":"PSCHED1","name":"Managers"},{"id":"PSCHED1","name":"Managers"}],"limit":100,"offset":0,"more":false}`))
	})
	mux.HandleFunc("/v3/schedules", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"schedules":[{"id":"PSHIFT1","summary":"Flexible"}],"limit":100,"offset":0,"more":false}`))
	})
	mux.HandleFunc("/", h)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", clock.Now().Format(http.TimeFormat))
		w.Header().Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	o := pagerduty.Options{BaseURL: s.URL, APIToken: flows.NewSecret("key", fixed(token)), From: from, Clock: clock, Limits: quick()}
	for _, f := range change {
		f(&o)
	}
	pd, err := pagerduty.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pd.Stop)
	return pd, clock
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// deletedPolicy is an account whose directory still lists PGONE01, while a question
// for it is refused, alone or among others.
func deletedPolicy(t *testing.T) (*pagerduty.Client, *flows.HandClock) {
	t.Helper()
	clock := flows.NewHandClock(monday)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", clock.Now().Format(http.TimeFormat))
		switch {
		case r.URL.Path == "/escalation_policies":
			_, _ = w.Write([]byte(`{"escalation_policies":[{"id":"PMGR001","name":"mgr_on_call"},{"id":"PGONE01","name":"gone"},` +
				`{"id":"POTHER1","name":"other"}],"limit":100,"offset":0,"more":false}`))
		case slices.Contains(r.URL.Query()["escalation_policy_ids[]"], "PGONE01"):
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write([]byte(pageOf()))
		}
	}))
	t.Cleanup(s.Close)
	pd, err := pagerduty.New(pagerduty.Options{BaseURL: s.URL, APIToken: flows.NewSecret("key", fixed(token)), Clock: clock, Limits: quick()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pd.Stop)
	return pd, clock
}
