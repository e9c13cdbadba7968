package slackfake_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"breakglass/integrations/slackfake"
)

// clock is a clock that moves when a test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bundle is a workspace with a few people, a clock and a real client.
type bundle struct {
	*slackfake.Workspace
	clock *clock
	api   *slack.Client
}

// setup starts a workspace; edit changes its options first.
func setup(t *testing.T, edit ...func(*slackfake.Options)) *bundle {
	t.Helper()
	c := newClock()
	opt := slackfake.Options{Now: c.Now, RateLimits: slackfake.RateLimits{Off: true}}
	for _, f := range edit {
		f(&opt)
	}
	if opt.After == nil {
		opt.AckTimeout = time.Minute // a busy machine is no late app; TestLateAnswer has its own timers
	}
	ws, err := slackfake.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := ws.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ws.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	ws.AddUser(slackfake.User{ID: "U0DANA", Name: "dana", Email: "dana@acme.example", TZ: "Europe/Berlin"})
	ws.AddUser(slackfake.User{ID: "U0SAM", Name: "sam", Email: "sam@acme.example"})
	ws.AddUser(slackfake.User{ID: "U0GONE", Name: "gone", Email: "gone@acme.example", Deleted: true})
	ws.AddChannel(slackfake.Channel{ID: "C0PROD", Name: "prod-access", Members: []string{"U0DANA", "U0SAM", ws.Bot()}})
	return &bundle{Workspace: ws, clock: c, api: client(ws, ws.Config().BotToken)}
}

// client is slack-go, pointed at the workspace.
func client(ws *slackfake.Workspace, token string) *slack.Client {
	return slack.New(token, slack.OptionAPIURL(ws.URL()+"/api/"), slack.OptionHTTPClient(&http.Client{Timeout: 10 * time.Second}))
}

// app is an app's HTTP server whose answers a test writes; every request is
// checked with slack-go's verifier.
type app struct {
	t      *testing.T
	secret string
	clock  *clock
	server *httptest.Server

	mu       sync.Mutex
	handlers map[string]http.HandlerFunc // by kind: /access, block_actions, …
	got      []received
}

type received struct {
	kind    string
	form    map[string][]string
	payload slack.InteractionCallback
	raw     map[string]any
	header  http.Header
}

// newApp starts an app and tells the workspace where it is.
func newApp(t *testing.T, b *bundle) *app {
	t.Helper()
	a := &app{t: t, secret: b.Config().SigningSecret, clock: b.clock, handlers: map[string]http.HandlerFunc{}}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	b.SetEndpoints(slackfake.Endpoints{
		Commands: a.server.URL + "/commands", Interactions: a.server.URL + "/interactions", Events: a.server.URL + "/events",
	})
	return a
}

// on says what the app does with one kind of delivery.
func (a *app) on(kind string, h http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handlers[kind] = h
}

// answer is a handler that answers with JSON.
func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

// last is the newest delivery of a kind.
func (a *app) last(kind string) received {
	a.t.Helper()
	all := a.all(kind)
	if len(all) == 0 {
		a.t.Fatalf("the app never received %s", kind)
	}
	return all[len(all)-1]
}

func (a *app) all(kind string) []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []received
	for _, r := range a.got {
		if r.kind == kind {
			out = append(out, r)
		}
	}
	return out
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Errorf("read delivery: %v", err)
	}
	if want := slackfake.Sign(a.secret, r.Header.Get("X-Slack-Request-Timestamp"), body); r.Header.Get("X-Slack-Signature") != want {
		http.Error(w, "bad signature", http.StatusUnauthorized)
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	got := received{header: r.Header.Clone()}
	switch {
	case r.URL.Path == "/commands":
		if err := r.ParseForm(); err != nil {
			a.t.Errorf("parse command: %v", err)
		}
		got.kind, got.form = r.PostForm.Get("command"), r.PostForm
	case r.URL.Path == "/interactions":
		if got.payload, err = slack.InteractionCallbackParse(r); err != nil {
			a.t.Errorf("slack-go cannot read the payload: %v", err)
		}
		got.kind = string(got.payload.Type)
		if err := json.Unmarshal([]byte(r.PostForm.Get("payload")), &got.raw); err != nil {
			a.t.Errorf("parse payload: %v", err)
		}
	default:
		if err := json.Unmarshal(body, &got.raw); err != nil {
			a.t.Errorf("parse event: %v", err)
		}
		got.kind, _ = got.raw["type"].(string)
	}
	a.mu.Lock()
	a.got = append(a.got, got)
	h := a.handlers[got.kind]
	a.mu.Unlock()
	if h != nil {
		h(w, r)
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// noViolations fails the test if the app did anything wrong.
func (b *bundle) noViolations(t *testing.T) {
	t.Helper()
	for _, v := range b.Violations() {
		t.Errorf("violation: %s", v)
	}
}
