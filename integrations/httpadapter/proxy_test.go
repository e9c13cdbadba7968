package httpadapter_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/httpadapter"

	"github.com/google/go-cmp/cmp"
)

// The reference document's call, and what goes where.
func TestACall(t *testing.T) {
	t.Parallel()
	w := open(t)
	got := w.call("GET", "pd/incidents?limit=2&include[]=users&q=a%20b+c", "", "Cookie", "breakglass_session=x", "X-Forwarded-For", "1.2.3.4",
		"From", "boss@acme.example", "Accept", "application/json", "X-Secret", "mine", "Proxy-Authorization", "x", "X_Underscore", "y")
	if got.status != 200 || got.body != `{"incidents":[]}` || got.header.Get(httpadapter.AnswerHeader) != "upstream" {
		t.Fatalf("answered %d %s %v", got.status, got.body, got.header)
	}
	all := w.took()
	if len(all) != 1 || all[0].uri != "/base/incidents?limit=2&include[]=users&q=a%20b%20c" || all[0].method != "GET" || all[0].body != "" {
		t.Fatalf("the upstream got %+v", all)
	}
	want := http.Header{
		"Accept": {"application/json"}, "Accept-Encoding": {"identity"}, "Authorization": {"Token token=" + secret}, "Content-Type": {"application/json"},
		"User-Agent": {"Go-http-client/1.1"}, "Via": {"1.1 breakglass"},
	}
	if diff := cmp.Diff(want, all[0].header); diff != "" {
		t.Errorf("headers to the upstream (-want +got):\n%s", diff)
	}
	for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options"} {
		if got.header.Get(h) == "" {
			t.Errorf("the answer has no %s", h)
		}
	}
}

// A grant opens the rules of its target for its own incident, and no longer than it lasts.
func TestAGrant(t *testing.T) {
	t.Parallel()
	w := open(t)
	put := func(incident string, headers ...string) reply {
		return w.call("PUT", "pd/incidents/"+incident, `{"incident":{"status":"acknowledged"}}`, headers...)
	}
	no := put("P1")
	if p := no.problem(); no.status != 403 || p.Code != httpadapter.CodeNoGrant || p.Ask != "/access write" || p.Target != "write" || p.Rule != "PUT /incidents/{incident}" {
		t.Errorf("without a grant: %d %+v", no.status, p)
	}
	w.grants.set(grant(dana, "write", "P1", start.Add(time.Hour)))
	if got := put("P1"); got.status != 200 {
		t.Errorf("with a grant: %d %s", got.status, got.body)
	}
	if p := put("P2").problem(); p.Code != httpadapter.CodeIncident {
		t.Errorf("another incident: %+v", p)
	}
	if p := put("P1", "X-Test-Caller", "sam").problem(); p.Code != httpadapter.CodeNoGrant {
		t.Errorf("somebody else: %+v", p)
	}
	if p := w.call("DELETE", "pd/incidents/P1", "").problem(); p.Code != httpadapter.CodeRule {
		t.Errorf("another method: %+v", p)
	}
	moved := grant(dana, "write", "P1", start.Add(time.Hour))
	moved.MovedTo = "P9"
	w.grants.set(moved)
	if got := put("P9"); got.status != 200 {
		t.Errorf("the incident that it was merged into: %d %s", got.status, got.body)
	}
	w.grants.set(grant(dana, "write", "P1", start.Add(time.Hour)))
	w.clock.Push(time.Hour)
	if p := put("P1").problem(); p.Code != httpadapter.CodeExpired || p.Ask != "/access write" {
		t.Errorf("after the end: %+v", p)
	}
	if n := len(w.took()); n != 2 {
		t.Errorf("the upstream got %d calls, want 2", n)
	}
}

// Who the adapter's own rules are not open to needs a grant for everything.
func TestCallers(t *testing.T) {
	t.Parallel()
	w := open(t)
	for who, code := range map[string]flows.Code{"stranger": httpadapter.CodeCallers, "guest": httpadapter.CodeCallers, "sam": ""} {
		if got := w.call("GET", "pd/incidents", "", "X-Test-Caller", who); got.problem().Code != code {
			t.Errorf("%s: %d %s", who, got.status, got.body)
		}
	}
	w.grants.broken = errors.New("the disk is gone")
	if p := w.call("PUT", "pd/incidents/P1", "{}").problem(); p.Code != httpadapter.CodeFault || strings.Contains(p.Detail, "disk") {
		t.Errorf("a store that cannot be read: %+v", p)
	}
}

// Each call is written before it is sent, with what belongs to somebody as commitments,
// and how it ended after it.
func TestTheRecord(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.grants.set(grant(dana, "write", "P1", start.Add(time.Hour)))
	r := grant(dana, "write", "P1", start)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		all, err := w.store.Entries(context.Background(), httpadapter.ChainOf(r.ID))
		if err != nil || len(all) != 1 || all[0].Verb != httpadapter.VerbSent {
			t.Errorf("when the call arrived, %d entries were written: %v", len(all), err)
		}
		rw.WriteHeader(http.StatusCreated)
	})
	w.call("POST", "pd/incidents/P1/notes?trace=hunter2", `{"note":{"content":"x"}}`)
	all := w.written(httpadapter.ChainOf(r.ID), 2)
	begun, done := all[0], all[1]
	for name, want := range map[string]string{
		"adapter": "pd", "rule": "POST /incidents/{incident}/notes", "method": "POST", "target": "write", "incident": "P1", "request": string(r.ID), "body_bytes": "24",
	} {
		if sprint(begun.facts[name]) != want {
			t.Errorf("%s is %v, want %s", name, begun.facts[name], want)
		}
	}
	if begun.openings["facts.path"] != "/incidents/P1/notes?trace=" || len(begun.openings["facts.body_sha256"]) != 64 || begun.openings["actor.person"] != string(dana) {
		t.Errorf("openings: %v", begun.openings)
	}
	for _, s := range []string{"/incidents/P1/notes", "hunter2", "U0DANA", "content", secret} {
		if strings.Contains(begun.bytes, s) && s != "/incidents/P1/notes" || strings.Contains(done.bytes, s) {
			t.Errorf("%q stands in an entry:\n%s\n%s", s, begun.bytes, done.bytes)
		}
	}
	calls, _ := done.facts["calls"].([]any)
	if len(calls) != 1 || done.verb != httpadapter.VerbDone {
		t.Fatalf("done: %+v", done)
	}
	one, _ := calls[0].(map[string]any)
	if one["call"] != begun.facts["call"] || sprint(one["status"]) != "201" {
		t.Errorf("done: %v", one)
	}
	w.call("PUT", "pd/incidents/P2", "{}")
	if all := w.written(httpadapter.Chain("pd"), 1); all[0].verb != httpadapter.VerbRefused || all[0].code != string(httpadapter.CodeIncident) {
		t.Errorf("refused: %+v", all)
	}
}

// What cannot be recorded is not sent, and in end-only mode nothing is.
func TestNothingIsSentUnrecorded(t *testing.T) {
	t.Parallel()
	failing := &failing{}
	w := open(t, func(_ *world, _ *flows.Adapter, o *httpadapter.Options) {
		failing.Recorder, o.Recorder = o.Recorder, failing
	})
	failing.err = flows.ErrReadOnly
	if got := w.call("GET", "pd/incidents", ""); got.status != 503 || got.problem().Code != httpadapter.CodeUnrecorded {
		t.Errorf("unrecorded: %d %s", got.status, got.body)
	}
	failing.err = nil
	w.endOnly = "the database does not write"
	if got := w.call("GET", "pd/incidents", ""); got.status != 503 || got.problem().Code != httpadapter.CodeEndOnly {
		t.Errorf("end-only: %d %s", got.status, got.body)
	}
	if n := len(w.took()); n != 0 {
		t.Errorf("%d calls were sent", n)
	}
}

// failing is a recorder that may fail.
type failing struct {
	httpadapter.Recorder
	err error
}

func (f *failing) Append(ctx context.Context, chain string, all []flows.Entry) error {
	if f.err != nil {
		return f.err
	}
	return f.Recorder.Append(ctx, chain, all)
}

// PagerDuty gets the caller's own address, never one that the caller says.
func TestFrom(t *testing.T) {
	t.Parallel()
	w := open(t, func(_ *world, a *flows.Adapter, _ *httpadapter.Options) { a.CallerAsFrom = true })
	w.grants.set(grant(dana, "write", "P1", start.Add(time.Hour)))
	w.grants.set(grant(sam, "write", "P1", start.Add(time.Hour)))
	if got := w.call("PUT", "pd/incidents/P1", "{}", "From", "boss@acme.example"); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.call("PUT", "pd/incidents/P1", "{}", "X-Test-Caller", "sam"); got.problem().Code != httpadapter.CodeNoEmail {
		t.Errorf("without an address: %d %s", got.status, got.body)
	}
	if got := w.call("GET", "pd/incidents", "", "X-Test-Caller", "sam"); got.status != 200 {
		t.Errorf("to read: %d %s", got.status, got.body)
	}
	all := w.took()
	if len(all) != 2 || all[0].header.Get("From") != "dana@acme.example" || all[1].header["From"] != nil {
		t.Errorf("the upstream got %+v", all)
	}
}

// A credential that changes is used from then on; one that is refused is read again, and
// the one before is tried, and then it is said whose credential was refused.
func TestRotation(t *testing.T) {
	t.Parallel()
	good := "second"
	w := open(t)
	w.answers(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Token token="+good {
			rw.Header().Set("WWW-Authenticate", "Basic")
			rw.WriteHeader(http.StatusUnauthorized)
		}
	})
	w.value.now, w.value.fresh = "first", "second"
	if got := w.call("GET", "pd/incidents", ""); got.status != 200 || len(w.took()) != 2 {
		t.Errorf("a fresh value: %d %s", got.status, got.body)
	}
	w.value.now, w.value.fresh, w.value.previous = "third", "", "second"
	if got := w.call("GET", "pd/incidents", ""); got.status != 200 || len(w.took()) != 2 {
		t.Errorf("the previous value: %d %s", got.status, got.body)
	}
	w.value.previous = "zeroth"
	got := w.call("GET", "pd/incidents", "")
	if got.status != 502 || got.problem().Code != httpadapter.CodeCredential || got.header.Get("WWW-Authenticate") != "" || len(w.took()) != 2 {
		t.Errorf("no good value: %d %s", got.status, got.body)
	}
}

// Two adapters with two keys, a slash at the end or not, keep apart.
func TestTwoAdapters(t *testing.T) {
	t.Parallel()
	w := open(t, func(w *world, a *flows.Adapter, _ *httpadapter.Options) {
		eu := *a
		eu.ID, eu.BaseURL, eu.Hash = "pd-eu", w.upstream.URL, "h2"
		eu.Headers = []flows.AdapterHeader{{Name: "Authorization", Value: filled{"Token token=", flows.NewSecret("eu", &value{now: "european"})}}}
		w.catalog.Adapters["pd-eu"] = &eu
	})
	w.call("GET", "pd/incidents", "")
	w.call("GET", "pd-eu/incidents", "")
	all := w.took()
	if len(all) != 2 || all[0].uri != "/base/incidents" || all[1].uri != "/incidents" ||
		all[0].header.Get("Authorization") != "Token token="+secret || all[1].header.Get("Authorization") != "Token token=european" {
		t.Errorf("the upstreams got %+v", all)
	}
	if got := w.call("GET", "nobody/incidents", ""); got.status != 404 || got.problem().Code != httpadapter.CodeUnknown {
		t.Errorf("an unknown adapter: %d %s", got.status, got.body)
	}
}

// So many calls a minute, of one caller and of all together, and a pause where the
// upstream asks for one.
func TestLimits(t *testing.T) {
	t.Parallel()
	w := open(t, func(_ *world, a *flows.Adapter, _ *httpadapter.Options) { a.Limits.Rate, a.Limits.TotalRate = 3, 5 })
	for i, want := range []flows.Code{"", "", "", httpadapter.CodeTooFast} {
		got := w.call("GET", "pd/incidents", "")
		if got.problem().Code != want || want != "" && got.header.Get("Retry-After") != "20" {
			t.Errorf("call %d: %d %s %v", i+1, got.status, got.body, got.header["Retry-After"])
		}
	}
	for i, want := range []flows.Code{"", "", httpadapter.CodeTooFast} { // all together
		if got := w.call("GET", "pd/incidents", "", "X-Test-Caller", "sam"); got.problem().Code != want {
			t.Errorf("sam's call %d: %d %s", i, got.status, got.body)
		}
	}
	w.clock.Push(time.Minute)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "7")
		rw.WriteHeader(http.StatusTooManyRequests)
	})
	if got := w.call("GET", "pd/incidents", ""); got.status != 429 || got.header.Get(httpadapter.AnswerHeader) != "upstream" {
		t.Errorf("the upstream's own limit: %d %s", got.status, got.body)
	}
	if got := w.call("GET", "pd/incidents", ""); got.problem().Code != httpadapter.CodeBusy || got.header.Get("Retry-After") != "7" {
		t.Errorf("while the upstream wants a pause: %d %s", got.status, got.body)
	}
}

// So many calls at a time.
func TestAtATime(t *testing.T) {
	t.Parallel()
	w := open(t, func(_ *world, a *flows.Adapter, _ *httpadapter.Options) {
		a.Limits.Concurrent, a.Limits.TotalConcurrent = 1, 2
	})
	hold, entered := make(chan struct{}), make(chan struct{}, 2)
	w.answers(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-hold })
	done := make(chan reply, 2)
	for _, who := range []string{"dana", "sam"} {
		go func() { done <- w.call("GET", "pd/incidents", "", "X-Test-Caller", who) }()
	}
	<-entered
	<-entered
	for _, who := range []string{"dana", "kim"} {
		if got := w.call("GET", "pd/incidents", "", "X-Test-Caller", who); got.problem().Code != httpadapter.CodeTooMany {
			t.Errorf("one more of %s: %d %s", who, got.status, got.body)
		}
	}
	close(hold)
	for range 2 {
		if got := <-done; got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}
