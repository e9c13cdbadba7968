package pagerdutyfake_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"

	pd "breakglass/integrations/pagerdutyfake"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.trigger("x", "")
	auth := func(method, path, value string) response {
		return b.do(method, path, put("acknowledged"), "Authorization", value)
	}
	b.wantError(auth("GET", "/users", ""), 401, 2006)
	b.wantError(auth("GET", "/users", "Token token=unknown"), 401, 2006)
	b.wantError(auth("GET", "/users", "Token token="), 401, 2006)
	b.wantError(auth("GET", "/users", "Bearer "+fullKey), 401, 2006)
	b.wantError(auth("GET", "/users", "Token token="+oauthToken), 401, 2006)
	b.wantError(auth("GET", "/nowhere", "Token token=unknown"), 401, 2006)
	b.wantError(auth("PUT", "/incidents/"+i.ID, "Token token="+readOnlyKey), 403, 2010)
	b.wantError(auth("GET", "/users", "Bearer "+oauthToken), 403, 2010)
	b.wantError(auth("GET", "/users/me", "Token token="+fullKey), 400, 2001)
	if r := auth("GET", "/users/me", "Token token="+danaKey); at(r.body, "user", "id") != "PDANA01" {
		t.Errorf("me: %d %s", r.status, r.raw)
	}
	for _, ok := range []string{"Token token=" + readOnlyKey, "Bearer " + oauthToken} {
		if r := auth("GET", "/oncalls", ok); r.status != 200 {
			t.Errorf("%s: %d", ok, r.status)
		}
	}
	if got := b.status(i.ID); got != "triggered" {
		t.Errorf("a read-only key changed the incident: %s", got)
	}

	if !b.acc.RotateKey(fullKey, "next-key") || b.acc.RotateKey(fullKey, "again") {
		t.Error("rotation: want true for the valid key and false for the old one")
	}
	b.wantError(auth("GET", "/users", "Token token="+fullKey), 401, 2006)
	if r := auth("GET", "/users", "Token token=next-key"); r.status != 200 {
		t.Errorf("the new key: %d", r.status)
	}
	b.acc.RevokeKey("next-key")
	b.wantError(auth("GET", "/users", "Token token=next-key"), 401, 2006)
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *pd.Options) { o.RequestsPerMinute, o.OnCallsPerMinute, o.IncidentWritesPerMinute = 5, 2, 1 })
	left := func(r response) string {
		return r.header.Get("ratelimit-limit") + "/" + r.header.Get("ratelimit-remaining") + "/" + r.header.Get("ratelimit-reset")
	}
	if got := left(b.do("GET", "/users", "")); got != "5/4/60" {
		t.Errorf("headers %s; want 5/4/60", got)
	}
	b.clock.Push(20 * time.Second)
	if got := left(b.do("GET", "/oncalls", "")); got != "2/1/60" {
		t.Errorf("headers %s; want those of the limit nearest to exhaustion", got)
	}
	b.do("GET", "/oncalls", "")
	limited := b.do("GET", "/oncalls", "")
	b.wantError(limited, 429, 2020)
	if got := left(limited); got != "2/0/60" {
		t.Errorf("headers of the 429: %s", got)
	}
	if r := b.do("GET", "/users", ""); r.status != 200 || left(r) != "5/1/40" {
		t.Errorf("another operation: %d, %s; want the general limit, of which a refused request took nothing", r.status, left(r))
	}
	create := `{"incident":{"type":"incident","title":"x","service":{"id":"PSVC001"}}}`
	if r := b.do("POST", "/incidents", create); r.status != 201 {
		t.Fatalf("create: %d %s", r.status, r.raw)
	}
	b.wantError(b.do("GET", "/users", ""), 429, 2020)
	if r := b.do("GET", "/users", "", "Authorization", "Token token="+readOnlyKey); r.status != 200 {
		t.Errorf("another key: %d; want limits for each key", r.status)
	}
	b.clock.Push(40 * time.Second)
	if r := b.do("GET", "/users", ""); r.status != 200 {
		t.Errorf("a minute later: %d", r.status)
	}
}

func TestALimitMayComeWithoutHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *pd.Options) { o.RequestsPerMinute, o.QuietLimits = 1, true })
	if r := b.do("GET", "/users", ""); r.header.Get("ratelimit-remaining") != "0" {
		t.Errorf("remaining %q", r.header.Get("ratelimit-remaining"))
	}
	if r := b.do("GET", "/users", ""); r.status != 429 || r.header.Get("ratelimit-reset") != "" {
		t.Errorf("limited: %d with reset %q", r.status, r.header.Get("ratelimit-reset"))
	}
}

func TestUsualLimitIs960(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 960 {
		if r := b.do("GET", "/abilities", ""); r.status != 200 {
			t.Fatalf("limited too early: %d", r.status)
		}
	}
	b.wantError(b.do("GET", "/abilities", ""), 429, 2020)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lost := -2 // no answer at all
	for _, tt := range []struct {
		fault  pd.Fault
		status int
		body   string
	}{
		{pd.Fault{Kind: pd.FaultStatus, Status: 500, Code: 2000}, 500, `{"error":{"code":2000,"message":"An internal error has occurred. PagerDuty team has been notified."}}`},
		{pd.Fault{Kind: pd.FaultStatus, Status: 408, Code: 2016}, 408, `{"error":{"code":2016,"message":"The request took too long to process"}}`},
		{pd.Fault{Kind: pd.FaultStatus, Status: 400, Body: `{"error":["odd"]}`}, 400, `{"error":["odd"]}`},
		{pd.Fault{Kind: pd.FaultStatus}, 500, ``},
		{pd.Fault{Kind: pd.FaultUnauthorized}, 401, `"code":2006`},
		{pd.Fault{Kind: pd.FaultRateLimit}, 429, `"code":2020`},
		{pd.Fault{Kind: pd.FaultRedirect, Location: "https://elsewhere.example/oncalls"}, 302, ``},
		{pd.Fault{Kind: pd.FaultHTML}, 200, `<!DOCTYPE html>`},
		{pd.Fault{Kind: pd.FaultDrop}, lost, ``},
		{pd.Fault{Kind: pd.FaultLostAnswer}, lost, ``},
		{pd.Fault{Kind: pd.FaultMissingKey}, 200, `{"limit":25,"more":false,"offset":0,"total":null}`},
		{pd.Fault{Kind: pd.FaultNullList}, 200, `"oncalls":null`},
		{pd.Fault{Kind: pd.FaultWrongType}, 200, `"oncalls":"none"`},
		{pd.Fault{Kind: pd.FaultEmptyPage}, 200, `"more":true,"offset":0,"oncalls":[]`},
		{pd.Fault{Kind: pd.FaultEndless}, 200, `"more":true`},
		{pd.Fault{Kind: pd.FaultDelay, Delay: time.Millisecond}, 200, `"more":false`},
	} {
		t.Run(string(tt.fault.Kind)+http.StatusText(tt.fault.Status), func(t *testing.T) {
			tt.fault.Route, tt.fault.Times = "GET /oncalls", 1
			b.acc.AddFault(tt.fault)
			r, err := b.try("GET", "/oncalls", "")
			if tt.status == lost {
				if err == nil {
					t.Fatalf("answer %d; want the connection closed", r.status)
				}
			} else if err != nil || r.status != tt.status || !strings.Contains(r.raw, tt.body) {
				t.Fatalf("got %d %s, %v; want %d with %s", r.status, r.raw, err, tt.status, tt.body)
			}
			if tt.fault.Location != r.header.Get("Location") {
				t.Errorf("Location %q", r.header.Get("Location"))
			}
			ledger := b.acc.Ledger(0)
			if last := ledger[len(ledger)-1]; last.Fault != tt.fault.Kind || (last.Status == -1) != (tt.status == lost) {
				t.Errorf("ledger: fault %q, status %d", last.Fault, last.Status)
			}
			if r := b.do("GET", "/oncalls", ""); r.status != 200 || len(list(r.body, "oncalls")) != 3 {
				t.Errorf("after the fault: %d %s", r.status, r.raw)
			}
		})
	}
	b.acc.AddFault(pd.Fault{Kind: pd.FaultMalformed, Times: 1})
	if r := b.do("GET", "/oncalls", ""); r.status != 200 || json.Valid([]byte(r.raw)) {
		t.Errorf("malformed: %d %s", r.status, r.raw)
	}
	b.acc.AddFault(pd.Fault{Kind: pd.FaultCutShort, Times: 1})
	if r, err := b.try("GET", "/oncalls", ""); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %d %s, %v; want the reader to notice", r.status, r.raw, err)
	}
	b.acc.AddFault(pd.Fault{Kind: pd.FaultShortPage, Times: 1})
	if body := b.get("/oncalls"); len(list(body, "oncalls")) != 1 || body["more"] != false {
		t.Errorf("short page: %v", body)
	}
}

func TestWhichRequestsAFaultHits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.trigger("x", "")
	id := b.acc.AddFault(pd.Fault{Kind: pd.FaultStatus, Status: 503, Route: "* /incidents/{id}", After: 1, Times: 2})
	var got []int
	for range 4 {
		got = append(got, b.do("GET", "/incidents/"+i.ID, "").status, b.do("GET", "/incidents", "").status)
	}
	want := []int{200, 200, 503, 200, 503, 200, 200, 200}
	for n := range want {
		if got[n] != want[n] {
			t.Fatalf("statuses %v; want %v", got, want)
		}
	}
	if b.acc.ClearFault(id); len(b.acc.Faults()) != 0 {
		t.Errorf("faults left: %v", b.acc.Faults())
	}
	b.acc.AddFault(pd.Fault{Kind: pd.FaultStatus, Status: 500, Route: "GET /incidents/*"})
	for range 3 {
		if r := b.do("GET", "/incidents/"+i.ID+"/notes", ""); r.status != 500 {
			t.Errorf("until cleared: %d", r.status)
		}
	}
	b.acc.ClearFaults()
	if r := b.do("GET", "/incidents/"+i.ID, ""); r.status != 200 {
		t.Errorf("after it was cleared: %d", r.status)
	}
}

func TestALostAnswerWasApplied(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.trigger("x", "")
	note := `{"note":{"content":"x"}}`
	b.acc.AddFault(pd.Fault{Kind: pd.FaultDrop, Times: 1})
	b.acc.AddFault(pd.Fault{Kind: pd.FaultLostAnswer, Times: 1})
	for n, want := range []int{0, 1} {
		if _, err := b.try("POST", "/incidents/"+i.ID+"/notes", note); err == nil {
			t.Fatal("there was an answer")
		}
		if got := len(b.acc.Notes(i.ID)); got != want {
			t.Errorf("try %d: %d notes; want %d", n+1, got, want)
		}
	}
}

func TestADelayWaitsOnThePause(t *testing.T) {
	t.Parallel()
	asked, release := make(chan time.Duration, 1), make(chan struct{})
	b := setup(t, func(o *pd.Options) {
		o.Pause = func(ctx context.Context, d time.Duration) error {
			asked <- d
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	b.acc.AddFault(pd.Fault{Kind: pd.FaultDelay, Delay: time.Hour})
	var wg sync.WaitGroup
	wg.Go(func() { b.get("/users") })
	if d := <-asked; d != time.Hour {
		t.Errorf("asked to wait %s", d)
	}
	wg.Go(func() { b.get("/services") })
	<-asked
	if l := b.acc.Ledger(0); len(l) != 2 || l[0].Status != 0 || l[0].InFlight != 1 || l[1].InFlight != 2 {
		t.Errorf("ledger while two are answered: %+v", l)
	}
	close(release)
	wg.Wait()

	impatient, cancel := context.WithCancel(t.Context())
	release = make(chan struct{})
	client := pagerduty.NewClient(fullKey, pagerduty.WithAPIEndpoint(b.acc.URL()))
	wg.Go(func() {
		if _, err := client.ListAbilitiesWithContext(impatient); err == nil {
			t.Error("an answer to a caller that went away")
		}
	})
	<-asked
	cancel()
	wg.Wait()
	b.wait(func() bool { l := b.acc.Ledger(2); return len(l) == 1 && l[0].Status == -1 })
}

func TestTheLedger(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *pd.Options) { o.LedgerSize = 3 })
	i := b.trigger("x", "")
	b.do("POST", "/incidents/"+i.ID+"/notes?a=1", `{"note":{"content":"x"}}`, "X-Mark", "yes")
	e := b.acc.Ledger(0)[0]
	if e.Seq != 1 || e.Method != "POST" || e.Path != "/incidents/"+i.ID+"/notes" || e.Query.Get("a") != "1" || e.Status != 200 ||
		e.Body != `{"note":{"content":"x"}}` || e.Header.Get("X-Mark") != "yes" || !e.At.Equal(monday) || e.InFlight != 1 || e.Route != "POST /incidents/{id}/notes" {
		t.Errorf("entry %+v", e)
	}
	if e.Key != pd.Fingerprint(fullKey) || e.Header.Get("Authorization") != "" {
		t.Errorf("key %q, header %q; want a fingerprint only", e.Key, e.Header.Get("Authorization"))
	}
	all, err := json.Marshal(b.acc.Ledger(0))
	if err != nil || strings.Contains(string(all), fullKey) {
		t.Errorf("the ledger holds the token: %s, %v", all, err)
	}
	for range 4 {
		b.get("/users")
	}
	l := b.acc.Ledger(0)
	if len(l) != 3 || l[2].Seq != 5 || l[2].InFlight != 1 || len(b.acc.Ledger(4)) != 1 {
		t.Errorf("%d entries, the last %d; want the newest 3 of 5", len(l), l[2].Seq)
	}
	if n := b.acc.Count("GET /users"); n != 3 {
		t.Errorf("count %d", n)
	}
	if n := b.acc.Count("POST /incidents/{id}/notes"); n != 0 {
		t.Errorf("count of what fell out: %d", n)
	}
}

func TestViolationsOfTheReference(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, tt := range []struct{ header, value, want string }{
		{"Accept", "", "Accept is missing"},
		{"Accept", "application/json", "version 2"},
		{"Content-Type", "", "Content-Type"},
		{"Content-Type", "text/plain", "Content-Type"},
	} {
		before := len(b.acc.Violations())
		if r := b.do("GET", "/users", "", tt.header, tt.value); r.status != 200 {
			t.Errorf("%s %q: %d", tt.header, tt.value, r.status)
		}
		if v := b.acc.Violations(); len(v) != before+1 || !strings.Contains(v[before].Violations[0], tt.want) {
			t.Errorf("%s %q: violations %+v", tt.header, tt.value, v)
		}
	}
	before := len(b.acc.Violations())
	b.do("GET", "/users?limit=1000", "")
	b.do("GET", "/v3/schedules", "", "Accept", "", "Content-Type", "")
	if v := b.acc.Violations(); len(v) != before+1 {
		t.Errorf("violations %+v; want the limit, and nothing for v3", v[before:])
	}
}

func TestWaitGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.acc.Wait(t.Context(), func() bool { return b.acc.Count("GET /users") == 2 }); err != nil {
			t.Error(err)
		}
	})
	b.get("/users")
	b.get("/users")
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.acc.Wait(ctx, func() bool { return false }); err == nil {
		t.Error("no error from a wait that cannot end")
	}
}

func TestNewNeedsAClock(t *testing.T) {
	t.Parallel()
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), "Options.Now") {
			t.Errorf("panic %v; want one that names Options.Now", r)
		}
	}()
	pd.New(pd.Options{})
}
