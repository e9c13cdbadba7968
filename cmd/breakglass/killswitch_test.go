package main_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	main "breakglass/cmd/breakglass"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/doors"
	"breakglass/store"
	"breakglass/store/storetest"
)

// The kill switch, as an admin throws it, cuts what is open through an adapter, on each
// of two replicas of one database: breakglass end on one of them, breakglass curl on both.
func TestKillSwitchCutsStreams(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	if err := store.Migrate(t.Context(), store.Options{DSN: dsn, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "data: 1\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(upstream.Close)
	s := bottest.Open(t, func(o *company.Options) { o.DSN, o.Clock = dsn, app.SystemClock{} }, bottest.Edit("breakglass.hcl", func(hcl string) string {
		hcl = strings.Replace(hcl, "[target.production_console", "[target.streams, target.production_console", 1)
		return hcl + `
http_adapter "streams" {
  base_url      = "` + upstream.URL + `"
  allow_private = true
  headers       = { X-Api-Key = secret.pagerduty_api_key }
}
target "streams" {
  kind    = "http_adapter"
  label   = "Streams"
  adapter = http_adapter.streams
  allow   = ["GET /stream"]
}
`
	}), bottest.Set("requesters", `["U0SAM", "U0DANA"]`))
	second, err := s.Replica(context.WithoutCancel(t.Context()), "second")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := second.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	tokens := map[string]string{company.Sam: "bgt_0123456789012345678901234567890123456789012", company.Mara: "bgt_1123456789012345678901234567890123456789012"}
	for who, token := range tokens {
		issue(t, s, who, token)
	}
	at := func(who, addr string) *terminal {
		m := newTerminal(t, s)
		m.more["BREAKGLASS_TOKEN"], m.server = tokens[who], "http://"+addr
		return m
	}
	here, there := s.App.InternalAddr(), second.InternalAddr()
	for _, args := range [][]string{{"--target", "streams"}, {"--all", "--yes"}} {
		id := strings.TrimSpace(at(company.Sam, here).runs(0, "request", "create", "streams", "--for", "20m", "--incident", "none", "--reason", "the ledger is stuck"))
		s.Until("the request to be routed", func() bool { return s.Requests()[0].State == flows.StatePending })
		at(company.Mara, here).runs(0, "request", "approve", id)
		at(company.Sam, here).runs(0, "request", "wait", id)
		one, two := at(company.Sam, here).streams(), at(company.Sam, there).streams()
		s.Until("both streams", func() bool {
			return strings.Contains(one.out.String(), "data: 1") && strings.Contains(two.out.String(), "data: 1")
		})
		began := time.Now()
		if said := at(company.Mara, here).runs(0, append([]string{"end", "--reason", "drill"}, args...)...); !strings.Contains(said, "1 of 1 are over.") {
			t.Errorf("end %s: %s", args, said)
		}
		for replica, c := range map[string]*streaming{"here": one, "there": two} {
			select {
			case code := <-c.exit:
				t.Logf("end %s: the stream %s ends %v after the command began", args, replica, c.over.Sub(began))
				if code == 0 || strings.Contains(c.out.String(), "data: 2") {
					t.Errorf("end %s: the stream %s ends well (%d): %s", args, replica, code, c.out.String())
				}
			case <-time.After(time.Minute):
				t.Fatalf("end %s: the stream %s goes on", args, replica)
			}
		}
		for _, addr := range []string{here, there} {
			if said := at(company.Sam, addr).runs(3, "curl", "/v1/apis/http/streams/stream"); !strings.Contains(said, "has ended") {
				t.Errorf("a call after it: %s", said)
			}
		}
	}
	s.Overlook()
}

// issue writes a token as the API would.
func issue(t *testing.T, s *bottest.Story, who, token string) {
	t.Helper()
	now := time.Now()
	err := s.App.Engine().Record(t.Context(), "system", flows.Entry{Verb: "token_created"}, flows.Finish{Passes: []flows.Pass{{
		ID: "tok_" + strings.ToLower(who), Version: 1, Kind: flows.PassPersonal, Hash: doors.Hash(token), Holder: company.Person(who), By: company.Person(who),
		Scopes: []flows.PassScope{flows.ScopeRead, flows.ScopeAsk, flows.ScopeDecide, flows.ScopeCall}, CreatedAt: now, UsedAt: now, ExpiresAt: now.Add(time.Hour),
	}}})
	if err != nil {
		t.Fatal(err)
	}
}

// streaming is a breakglass curl that goes on.
type streaming struct {
	out  buffer
	exit chan int
	over time.Time
}

// streams begins to read the stream.
func (m *terminal) streams() *streaming {
	c := &streaming{exit: make(chan int, 1)}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.t.Context()), 2*time.Minute)
	m.t.Cleanup(cancel)
	go func() {
		code := main.Run(ctx, []string{"curl", "/v1/apis/http/streams/stream"}, m.getenv, strings.NewReader(""), &c.out, &c.out)
		c.over = time.Now()
		c.exit <- code
	}()
	return c
}
