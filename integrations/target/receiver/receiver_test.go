package receiver

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secret = "whsec_YSBzZWNyZXQgdGhhdCBub2JvZHkgZWxzZSBoYXM="
	thief  = "whsec_YSBzZWNyZXQgb2Ygc29tZWJvZHkgZWxzZSEhISE="
	id     = "grant:req_1"
	body   = `{"type":"access.grant","id":"grant:req_1","fence":1,"request":"req_1","person":{"slack":"U1","slack_team":"T1"},"target":"x","scope":""}`
)

var now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// signed is a genuine message, with the standard's own library.
func signed(t *testing.T, with string, at time.Time, id, body string) *http.Request {
	t.Helper()
	hook, err := standardwebhooks.NewWebhook(with)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := hook.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", sig)
	return r
}

func newReceiver(t *testing.T) *Receiver {
	t.Helper()
	r, err := New(Options{Secrets: []string{secret}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func send(r *Receiver, req *http.Request) (int, string) {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func TestWhatIsTaken(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]time.Time{"now": now, "as old as may be": now.Add(-5 * time.Minute), "as new as may be": now.Add(5 * time.Minute)} {
		r := newReceiver(t)
		if code, said := send(r, signed(t, secret, at, id, body)); code != http.StatusOK {
			t.Errorf("%s: %d %s", name, code, said)
		}
	}
}

// Whatever is forged, stale or changed gets the same 401 and does nothing.
func TestForgedAndStaleMessagesAreRefused(t *testing.T) {
	t.Parallel()
	header := func(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
	for name, tc := range map[string]struct {
		with string
		at   time.Time
		edit func(*http.Request)
	}{
		"another secret":     {thief, now, nil},
		"too old":            {secret, now.Add(-5*time.Minute - time.Second), nil},
		"too new":            {secret, now.Add(5*time.Minute + time.Second), nil},
		"old, stamped anew":  {secret, now.Add(-time.Hour), header("webhook-timestamp", fmt.Sprint(now.Unix()))},
		"no signature":       {secret, now, func(r *http.Request) { r.Header.Del("webhook-signature") }},
		"empty signature":    {secret, now, header("webhook-signature", "")},
		"version only":       {secret, now, header("webhook-signature", "v1,")},
		"another version":    {secret, now, func(r *http.Request) { r.Header.Set("webhook-signature", "v2"+r.Header.Get("webhook-signature")[2:]) }},
		"no timestamp":       {secret, now, func(r *http.Request) { r.Header.Del("webhook-timestamp") }},
		"timestamp no time":  {secret, now, header("webhook-timestamp", "now")},
		"another id":         {secret, now, header("webhook-id", "grant:req_2")},
		"another body":       {secret, now, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Replace(body, "U1", "U2", 1))) }},
		"one byte more":      {secret, now, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body + " ")) }},
		"without the prefix": {secret, now, func(r *http.Request) { r.Header.Set("webhook-signature", r.Header.Get("webhook-signature")[3:]) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			req := signed(t, tc.with, tc.at, id, body)
			if tc.edit != nil {
				tc.edit(req)
			}
			code, said := send(r, req)
			if code != http.StatusUnauthorized || said != "not signed as agreed\n" {
				t.Errorf("answer %d %q", code, said)
			}
			if len(r.Ledger()) != 0 || len(r.Holders()) != 0 {
				t.Error("something was done")
			}
		})
	}
}

// The same bytes again, within the time they are good for, give nothing more.
func TestAReplayedMessageDoesNothingTwice(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	_, first := send(r, signed(t, secret, now, id, body))
	_, second := send(r, signed(t, secret, now, id, body))
	if first != second || len(r.Ledger()) != 2 || r.Ledger()[1].Outcome != Repeated {
		t.Errorf("first %s, second %s, ledger %v", first, second, r.Ledger())
	}
	end := strings.NewReplacer("grant", "revoke", `"fence":1`, `"fence":2`).Replace(body)
	if code, said := send(r, signed(t, secret, now, "revoke:req_1", end)); code != http.StatusOK {
		t.Fatalf("revoke: %d %s", code, said)
	}
	if code, _ := send(r, signed(t, secret, now, id, body)); code != http.StatusConflict || len(r.Holders()) != 0 {
		t.Errorf("a grant replayed after its revocation: %d, holders %v", code, r.Holders())
	}
}

func TestMessagesOutsideTheProtocol(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	for name, tc := range map[string]struct {
		id, body string
		code     int
	}{
		"no JSON":                {id, "grant it", 400},
		"the id of another":      {"grant:req_2", body, 400},
		"an unknown type":        {id, strings.Replace(body, "access.grant", "access.give", 1), 400},
		"larger than a message":  {id, `{"x":"` + strings.Repeat("x", maxBody) + `"}`, 400},
		"a body that is no text": {id, "\xff\xfe", 400},
	} {
		if code, said := send(r, signed(t, secret, now, tc.id, tc.body)); code != tc.code {
			t.Errorf("%s: %d %s, want %d", name, code, said, tc.code)
		}
	}
	if code, _ := send(r, httptest.NewRequest(http.MethodGet, "/", nil)); code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", code)
	}
	if len(r.Ledger()) != 0 {
		t.Error("something was done")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return now }
	for name, opt := range map[string]Options{
		"no clock": {Secrets: []string{secret}}, "no secret": {Now: clock}, "an empty one": {Now: clock, Secrets: []string{""}},
		"only the prefix": {Now: clock, Secrets: []string{"whsec_"}}, "a short one": {Now: clock, Secrets: []string{"whsec_YWJj"}},
		"no base64": {Now: clock, Secrets: []string{"whsec_" + strings.Repeat("!", 40)}},
	} {
		if _, err := New(opt); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What somebody had before is seen by a read.
func TestGiven(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	h := Holder{SlackTeam: "T1", Slack: "U1", Target: "x"}
	r.Give(h)
	_, said := send(r, signed(t, secret, now, "read:1", strings.NewReplacer("access.grant", "access.read", id, "read:1").Replace(body)))
	if !bytes.Contains([]byte(said), []byte(`"has":true`)) || !r.Access(h).Has {
		t.Errorf("read says %s", said)
	}
}
