package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
)

// tokens is a secret with the versions a test wants.
type tokens struct {
	mu    sync.Mutex
	which map[flows.SecretVersion]string
	err   error
	reads []flows.SecretVersion
}

func (s *tokens) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = append(s.reads, which)
	if s.err != nil {
		return "", s.err
	}
	v, ok := s.which[which]
	if !ok {
		return "", flows.ErrNoSuchVersion
	}
	return v, nil
}

// oneToken has the same value for every version.
func oneToken(v string) *tokens {
	return &tokens{which: map[flows.SecretVersion]string{flows.SecretCached: v, flows.SecretFresh: v}}
}

// seen is one request as the server got it.
type seen struct {
	Path   string
	Form   url.Values
	Body   string
	Bearer string
}

// wire is a server that answers as a test says and keeps what it was asked.
type wire struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

func newWire(t *testing.T, answer http.HandlerFunc) *wire {
	t.Helper()
	w := &wire{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read the request: %v", err)
		}
		form, _ := url.ParseQuery(string(body))
		maps.Copy(form, r.URL.Query())
		w.mu.Lock()
		w.seen = append(w.seen, seen{Path: r.URL.Path, Form: form, Body: string(body), Bearer: r.Header.Get("Authorization")})
		w.mu.Unlock()
		r.Form = form
		answer(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *wire) requests() []seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]seen(nil), w.seen...)
}

// says answers every request with the same JSON.
func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprint(w, body)
	}
}

var start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// newClient is a client of the server without pacing, on a clock that stands still.
func newClient(t *testing.T, w *wire, edit ...func(*Options)) (*Client, *flows.HandClock) {
	t.Helper()
	clock := flows.NewHandClock(start)
	opt := Options{
		APIURL: w.URL + "/api/", BotToken: flows.NewSecret("bot", oneToken("xoxb-canary")), Team: "T0ACME",
		Clock: clock, NoPacing: true, Timeout: 5 * time.Second,
	}
	for _, e := range edit {
		e(&opt)
	}
	c, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, clock
}

// wantTemporary fails unless err is *flows.Temporary, and returns it.
func wantTemporary(t *testing.T, err error) *flows.Temporary {
	t.Helper()
	var temp *flows.Temporary
	if !errors.As(err, &temp) {
		t.Fatalf("error = %v (%T), want *flows.Temporary", err, err)
	}
	wantNoSecret(t, err)
	return temp
}

func wantPermanent(t *testing.T, err error) {
	t.Helper()
	var perm *flows.Permanent
	var temp *flows.Temporary
	if !errors.As(err, &perm) || errors.As(err, &temp) {
		t.Fatalf("error = %v (%T), want *flows.Permanent", err, err)
	}
	wantNoSecret(t, err)
}

func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	for _, form := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, secret := range []string{"xoxb-", "canary", "/respond/"} {
			if strings.Contains(form, secret) {
				t.Fatalf("the error holds %q: %s", secret, form)
			}
		}
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var coded interface{ SlackCode() string }
	if !errors.As(err, &coded) {
		t.Fatalf("error = %v, want one with a Slack code", err)
	}
	if coded.SlackCode() != code {
		t.Fatalf("code = %q, want %q", coded.SlackCode(), code)
	}
}
