package pagerduty_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/pagerdutyfake"
)

const hookSecret = "a-webhook-secret-of-some-length"

const hookBody = `{"event":{"id":"01BWDWL3NYY7LUFPZCC28QUCMK","event_type":"incident.resolved","resource_type":"incident",` +
	`"occurred_at":"2026-03-02T08:59:00.000Z","agent":null,"client":null,"data":{"id":"PINC001","type":"incident","number":7,"status":"resolved"}}}`

func sign(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return "v1=" + hex.EncodeToString(m.Sum(nil))
}

func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	good, other := sign(hookSecret, hookBody), sign("another-secret-of-some-length", hookBody)
	for name, c := range map[string]struct {
		secrets []string
		header  string
		body    string
		want    error
	}{
		"good":                    {[]string{hookSecret}, good, hookBody, nil},
		"second of two":           {[]string{hookSecret}, other + "," + good, hookBody, nil},
		"with spaces":             {[]string{hookSecret}, other + ", " + good + " ", hookBody, nil},
		"second secret":           {[]string{"another-secret-of-some-length", hookSecret}, good, hookBody, nil},
		"beside a short one":      {[]string{"short", hookSecret}, good, hookBody, nil},
		"upper case hex":          {[]string{hookSecret}, "v1=" + strings.ToUpper(good[3:]), hookBody, nil},
		"another secret":          {[]string{hookSecret}, other, hookBody, pagerduty.ErrBadSignature},
		"changed body":            {[]string{hookSecret}, good, strings.Replace(hookBody, "PINC001", "PINC002", 1), pagerduty.ErrBadSignature},
		"no header":               {[]string{hookSecret}, "", hookBody, pagerduty.ErrBadSignature},
		"v0":                      {[]string{hookSecret}, "v0=" + good[3:], hookBody, pagerduty.ErrBadSignature},
		"cut":                     {[]string{hookSecret}, good[:40], hookBody, pagerduty.ErrBadSignature},
		"not hex":                 {[]string{hookSecret}, "v1=" + strings.Repeat("z", 64), hookBody, pagerduty.ErrBadSignature},
		"after ten others":        {[]string{hookSecret}, strings.Repeat(other+",", 10) + good, hookBody, pagerduty.ErrBadSignature},
		"empty body":              {[]string{hookSecret}, sign(hookSecret, ""), "", pagerduty.ErrBadSignature},
		"empty secret, forged":    {[]string{""}, sign("", hookBody), hookBody, pagerduty.ErrNoSecret},
		"blank secret, forged":    {[]string{strings.Repeat(" ", 40)}, sign(strings.Repeat(" ", 40), hookBody), hookBody, pagerduty.ErrNoSecret},
		"short secret":            {[]string{"short"}, sign("short", hookBody), hookBody, pagerduty.ErrNoSecret},
		"no secret":               {nil, sign("", hookBody), hookBody, pagerduty.ErrNoSecret},
		"empty beside a good one": {[]string{"", hookSecret}, sign("", hookBody), hookBody, pagerduty.ErrBadSignature},
		"too big":                 {[]string{hookSecret}, good, strings.Repeat("x", pagerduty.MaxWebhook+1), pagerduty.ErrWebhookTooBig},
	} {
		if err := pagerduty.VerifyWebhook(c.secrets, c.header, []byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestForgedWebhooks(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	good, _ := hex.DecodeString(sign(hookSecret, hookBody)[3:])
	for range 100_000 {
		forged := append([]byte(nil), good...)
		for range 1 + random.IntN(3) {
			forged[random.IntN(len(forged))] ^= byte(1 + random.IntN(255))
		}
		if string(forged) == string(good) {
			continue
		}
		if pagerduty.VerifyWebhook([]string{hookSecret}, "v1="+hex.EncodeToString(forged), []byte(hookBody)) == nil {
			t.Fatalf("believed %x", forged)
		}
	}
}

func TestWebhookSecretsRotate(t *testing.T) {
	t.Parallel()
	clock := flows.NewHandClock(monday)
	s := &rotating{cached: "an-old-secret-of-some-length", fresh: hookSecret, previous: "an-old-secret-of-some-length"}
	v, err := pagerduty.NewWebhookVerifier(clock, flows.NewSecret("pagerduty_webhook", s))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(t.Context(), sign(hookSecret, hookBody), []byte(hookBody)); err != nil {
		t.Errorf("the fresh secret: %v", err)
	}
	if err := v.Verify(t.Context(), sign("an-old-secret-of-some-length", hookBody), []byte(hookBody)); err != nil {
		t.Errorf("the cached secret: %v", err)
	}
	// A flood of forgeries does not become a flood of reads of the secret.
	for range 1000 {
		if v.Verify(t.Context(), sign("a-guess-of-some-length", hookBody), []byte(hookBody)) == nil {
			t.Fatal("a forgery was believed")
		}
	}
	if n := s.reads[flows.SecretFresh].Load(); n != 1 {
		t.Errorf("1,000 forgeries read the secret %d times, want once in 30 s", n)
	}
	clock.Push(31 * time.Second)
	if err := v.Verify(t.Context(), sign("a-guess-of-some-length", hookBody), []byte(hookBody)); !errors.Is(err, pagerduty.ErrBadSignature) {
		t.Error(err)
	}
	if n := s.reads[flows.SecretFresh].Load(); n != 2 {
		t.Errorf("after 31 s the secret was read %d times, want twice", n)
	}
	if _, err := pagerduty.NewWebhookVerifier(clock); !errors.Is(err, pagerduty.ErrNoSecret) {
		t.Errorf("a verifier without a secret: %v", err)
	}
	if _, err := pagerduty.NewWebhookVerifier(clock, flows.Secret{}); !errors.Is(err, pagerduty.ErrNoSecret) {
		t.Errorf("a verifier with an empty handle: %v", err)
	}
}

func TestParseWebhook(t *testing.T) {
	t.Parallel()
	e, err := pagerduty.ParseWebhook([]byte(hookBody))
	want := pagerduty.Event{ID: "01BWDWL3NYY7LUFPZCC28QUCMK", Type: "incident.resolved", OccurredAt: monday.Add(-time.Minute), IncidentID: "PINC001"}
	if err != nil || e != want {
		t.Errorf("%+v, %v", e, err)
	}
	ping := `{"event":{"id":"01","event_type":"pagey.ping","occurred_at":"2026-03-02T08:59:00.000Z","data":{"message":"Hello","type":"ping"}}}`
	if e, err := pagerduty.ParseWebhook([]byte(ping)); err != nil || e.IncidentID != "" {
		t.Errorf("ping: %+v, %v", e, err)
	}
	change := func(old, new string) string { return strings.Replace(hookBody, old, new, 1) }
	for name, body := range map[string]string{
		"empty":                ``,
		"not JSON":             `event`,
		"no event":             `{}`,
		"null event":           `{"event":null}`,
		"no id":                change(`"id":"01BWDWL3NYY7LUFPZCC28QUCMK",`, ``),
		"id with a line break": change(`01BWDWL3NYY7LUFPZCC28QUCMK`, `01\nBWD`),
		"endless id":           change(`01BWDWL3NYY7LUFPZCC28QUCMK`, strings.Repeat("A", 101)),
		"no type":              change(`"event_type":"incident.resolved",`, ``),
		"no time":              change(`2026-03-02T08:59:00.000Z`, ``),
		"no data":              change(`"data":`, `"dta":`),
		"incident id a path":   change(`PINC001`, `PINC001/../x`),
		"incident id a number": change(`"PINC001"`, `7`),
		"two ids":              change(`"id":"PINC001"`, `"id":"PINC001","id":"PINC002"`),
		"too big":              `{"event":"` + strings.Repeat("x", pagerduty.MaxWebhook) + `"}`,
	} {
		if e, err := pagerduty.ParseWebhook([]byte(body)); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// The account's own webhooks verify and name their incident, also while its secret
// rotates.
func TestWebhooksOfTheAccount(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var secrets []string
	got := map[string]pagerduty.Event{}
	hook := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if err := pagerduty.VerifyWebhook(secrets, r.Header.Get(pagerduty.SignatureHeader), body); err != nil {
			t.Error(err)
		}
		e, err := pagerduty.ParseWebhook(body)
		if err != nil {
			t.Errorf("%v in %s", err, body)
		}
		got[e.Type] = e
		rw.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(hook.Close)
	mu.Lock()
	sub, err := w.fake.Subscribe(pagerdutyfake.Subscription{URL: hook.URL})
	if err != nil {
		t.Fatal(err)
	}
	secrets = sub.Secrets
	mu.Unlock()
	id := string(w.trigger("Checkout is down"))
	if _, err := w.fake.RotateWebhookSecret(sub.ID); err != nil { // both sign now; we know the old one
		t.Fatal(err)
	}
	for _, err := range []error{w.fake.Acknowledge(id, "PDANA01"), w.fake.Resolve(id, "PDANA01"), w.fake.Reopen(id, "PDANA01")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.fake.AddNote(id, "PDANA01", "looking"); err != nil {
		t.Fatal(err)
	}
	w.until("the webhooks", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got) == 5
	})
	for kind, e := range got {
		if string(e.IncidentID) != id || e.ID == "" {
			t.Errorf("%s: %+v", kind, e)
		}
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add(hookBody, sign(hookSecret, hookBody))
	f.Add(`{"event":{"id":"1","event_type":"incident.annotated","occurred_at":"2026-03-02T08:59:00Z","data":{"type":"incident_note","incident":{"id":"PINC001"}}}}`, "v1=,v1=")
	f.Add(`{"event":{"data":[]}}`, ",,,")
	f.Fuzz(func(t *testing.T, body, header string) {
		if pagerduty.VerifyWebhook([]string{hookSecret}, header, []byte(body)) == nil && !strings.Contains(strings.ToLower(header), sign(hookSecret, body)[3:]) {
			t.Fatal("believed without the signature")
		}
		e, err := pagerduty.ParseWebhook([]byte(body))
		if err != nil {
			return
		}
		if e.ID == "" || e.Type == "" || e.OccurredAt.IsZero() || strings.ContainsAny(string(e.IncidentID), "/.? \n") {
			t.Fatalf("half an event: %+v", e)
		}
	})
}
