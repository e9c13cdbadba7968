package target

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/target/receiver"

	"github.com/google/go-cmp/cmp"
)

const (
	oldSecret = "whsec_b2xkLWNhbmFyeS1vbGQtY2FuYXJ5LW9sZC1jYW5hcnk="
	newSecret = "whsec_bmV3LWNhbmFyeS1uZXctY2FuYXJ5LW5ldy1jYW5hcnk="
)

var start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// versions is a secret with the versions a test wants.
type versions struct {
	mu  sync.Mutex
	all map[flows.SecretVersion]string
	err error
}

func (v *versions) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil {
		return "", v.err
	}
	s, ok := v.all[which]
	if !ok {
		return "", flows.ErrNoSuchVersion
	}
	return s, nil
}

func always(s string) *versions {
	return &versions{all: map[flows.SecretVersion]string{flows.SecretCached: s, flows.SecretFresh: s}}
}

// bundle is a webhook target and its receiver, over real HTTP on one clock.
type bundle struct {
	*receiver.Receiver
	hook   flows.Target
	clock  *flows.HandClock
	secret *versions
	order  flows.Order
}

func newHook(t *testing.T, clock flows.Clock, edit ...func(*Options)) flows.Target {
	t.Helper()
	n := byte(0)
	var mu sync.Mutex
	opt := Options{Clock: clock, Random: func(b []byte) {
		mu.Lock()
		defer mu.Unlock()
		n++
		for i := range b {
			b[i] = n
		}
	}}
	for _, e := range edit {
		e(&opt)
	}
	reg, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	hook, ok := reg.Target(KindWebhook)
	if !ok {
		t.Fatal("no webhook kind")
	}
	return hook
}

func setup(t *testing.T, edit ...func(*Options)) *bundle {
	t.Helper()
	b := &bundle{clock: flows.NewHandClock(start), secret: always(oldSecret)}
	r, err := receiver.New(receiver.Options{Secrets: []string{oldSecret}, Now: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	b.Receiver, b.hook = r, newHook(t, b.clock, edit...)
	b.order = order(r.URL()+"/breakglass?token=canary", b.secret)
	return b
}

// order is the one of the README.
func order(url string, secret flows.SecretReader) flows.Order {
	const req = "req_01J5Z8K3N7QW4E6R8T0Y2V4B6X"
	return flows.Order{
		Key: "grant:" + req, Fence: 7, Request: req, Person: "T0123ABC/U0DANA",
		Link:  flows.Link{Person: "T0123ABC/U0DANA", PagerDuty: "PDANA01", Email: "dana@acme.example"},
		Until: start.Add(time.Hour),
		Target: &flows.TargetSpec{
			ID: "production_console", Kind: KindWebhook, Settings: map[string]any{"url": url, "allow_private": true},
			Secrets: map[string]flows.Secret{"secret": flows.NewSecret("console_webhook", secret)},
		},
		Incident: flows.IncidentRef{ID: "Q2AKJF9MPY7T1C", Number: 4711, URL: "https://acme.pagerduty.com/incidents/Q2AKJF9MPY7T1C"},
	}
}

var dana = receiver.Holder{SlackTeam: "T0123ABC", Slack: "U0DANA", Target: "production_console"}

// revocation is the order that ends what b.order gives.
func (b *bundle) revocation(fence int64) flows.Order {
	o := b.order
	o.Key, o.Fence, o.Until = "revoke:"+string(o.Request), fence, time.Time{}
	return o
}

func (b *bundle) grant(t *testing.T, o flows.Order) flows.Receipt {
	t.Helper()
	rcpt, err := b.hook.Grant(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return rcpt
}

func wantTemporary(t *testing.T, err error, says string) *flows.Temporary {
	t.Helper()
	var temp *flows.Temporary
	if !errors.As(err, &temp) || !strings.Contains(err.Error(), says) {
		t.Fatalf("error = %v (%T), want a temporary one that says %q", err, err, says)
	}
	wantClean(t, err)
	return temp
}

func wantPermanent(t *testing.T, err error, says string) {
	t.Helper()
	var perm *flows.Permanent
	if !errors.As(err, &perm) || !strings.Contains(err.Error(), says) {
		t.Fatalf("error = %v (%T), want a permanent one that says %q", err, err, says)
	}
	wantClean(t, err)
}

func wantClean(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"canary", "whsec_b", "token="} {
		if strings.Contains(err.Error(), secret) {
			t.Fatalf("the error holds %q: %v", secret, err)
		}
	}
}

func outcomes(events []receiver.Event) []receiver.Outcome {
	var out []receiver.Outcome
	for _, e := range events {
		out = append(out, e.Outcome)
	}
	return out
}

func TestGrantReadRevoke(t *testing.T) {
	t.Parallel()
	b := setup(t)
	read := func(want flows.Reading) {
		t.Helper()
		got, err := b.hook.Read(t.Context(), b.order)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	read(flows.Reading{Has: flows.No})
	if rcpt := b.grant(t, b.order); rcpt.ID != "rcpt_000001" {
		t.Errorf("receipt = %q", rcpt.ID)
	}
	read(flows.Reading{Has: flows.Yes, Until: start.Add(time.Hour)})
	if err := b.hook.Revoke(t.Context(), b.revocation(8)); err != nil {
		t.Fatal(err)
	}
	read(flows.Reading{Has: flows.No})
	// What is not there can be revoked.
	other := b.revocation(1)
	other.Key, other.Request, other.Scope = "revoke:req_eu", "req_eu", "eu"
	if err := b.hook.Revoke(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	want := []receiver.Outcome{receiver.Read, receiver.Granted, receiver.Read, receiver.Revoked, receiver.Read, receiver.Revoked}
	if diff := cmp.Diff(want, outcomes(b.Ledger())); diff != "" {
		t.Error(diff)
	}
	if got := b.Ledger()[1]; got.ID != b.order.Key || got.Fence != 7 || got.Request != string(b.order.Request) || got.Holder != dana {
		t.Errorf("the ledger says %+v", got)
	}
}

// The README's message is what is sent.
func TestTheMessageIsAsDocumented(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```json\n")
	documented, _, found := strings.Cut(rest, "\n```")
	if !found {
		t.Fatal("the README has no message")
	}
	var sent []byte
	var header http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ = io.ReadAll(r.Body)
		header = r.Header
		fmt.Fprint(w, `{"id":"grant:req_01J5Z8K3N7QW4E6R8T0Y2V4B6X","status":"granted"}`)
	}))
	defer srv.Close()
	if _, err := newHook(t, flows.NewHandClock(start)).Grant(t.Context(), order(srv.URL, always(oldSecret))); err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, sent, "", "  "); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(documented, pretty.String()); diff != "" {
		t.Errorf("(-README +sent):\n%s", diff)
	}
	if header.Get("webhook-id") != "grant:req_01J5Z8K3N7QW4E6R8T0Y2V4B6X" || header.Get("webhook-timestamp") != fmt.Sprint(start.Unix()) ||
		!strings.HasPrefix(header.Get("webhook-signature"), "v1,") || header.Get("Content-Type") != "application/json" {
		t.Errorf("headers = %v", header)
	}
}

// The e-mail of the pinned link goes before that of the Slack profile, and nobody
// else's profile is used.
func TestWhoseEmail(t *testing.T) {
	t.Parallel()
	o := order("", nil)
	o.Profile = flows.Profile{Person: o.Person, Email: "slack@acme.example"}
	if got := newMessage(typeGrant, "x", o).Person.Email; got != "dana@acme.example" {
		t.Errorf("with a link: %q", got)
	}
	o.Link = flows.Link{}
	if got := newMessage(typeGrant, "x", o).Person; got.Email != "slack@acme.example" || got.PagerDuty != "" {
		t.Errorf("without a link: %+v", got)
	}
	o.Profile.Person = "T0123ABC/U0EVE"
	if got := newMessage(typeGrant, "x", o).Person.Email; got != "" {
		t.Errorf("with somebody else's profile: %q", got)
	}
}

func TestTheSameKeyIsTheSameGrant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.grant(t, b.order)
	again := b.order
	again.Fence++
	again.Until = again.Until.Add(time.Minute)
	if second := b.grant(t, again); second != first {
		t.Errorf("receipts %q and %q, want one", first.ID, second.ID)
	}
	if diff := cmp.Diff([]receiver.Outcome{receiver.Granted, receiver.Repeated}, outcomes(b.Ledger())); diff != "" {
		t.Error(diff)
	}
	// Another request for the same access has a receipt of its own.
	other := b.order
	other.Key, other.Request, other.Fence = "grant:req_other", "req_other", 9
	if third := b.grant(t, other); third == first {
		t.Error("another request got the same receipt")
	}
	// A key for something else is a mistake.
	other.Scope = "eu"
	_, err := b.hook.Grant(t.Context(), other)
	wantPermanent(t, err, "the key was used for another order")
}

func TestALateGrantDoesNotLandAfterItsRevocation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Fail(receiver.Fault{Type: typeGrant, Times: 1, HoldOrder: true})
	changed := b.Changed()
	ctx, cancel := context.WithCancel(t.Context())
	lost := make(chan error, 1)
	go func() { _, err := b.hook.Grant(ctx, b.order); lost <- err }()
	<-changed // the order is held on its way
	cancel()
	wantTemporary(t, <-lost, "not known")
	if err := b.hook.Revoke(t.Context(), b.revocation(8)); err != nil {
		t.Fatal(err)
	}
	changed = b.Changed()
	b.Release()
	for len(b.Ledger()) < 2 {
		<-changed
		changed = b.Changed()
	}
	if diff := cmp.Diff([]receiver.Outcome{receiver.Revoked, receiver.Stale}, outcomes(b.Ledger())); diff != "" {
		t.Error(diff)
	}
	if b.Access(dana).Has {
		t.Error("the late grant landed")
	}
}

func TestStaleOrders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grant(t, b.order)
	low := b.revocation(6)
	err := b.hook.Revoke(t.Context(), low)
	wantTemporary(t, err, "its fence is 7, ours 6")
	if !errors.Is(err, ErrStale) || !b.Access(dana).Has {
		t.Errorf("a lower fence: %v, access %v", err, b.Access(dana))
	}
	if err := b.hook.Revoke(t.Context(), b.revocation(8)); err != nil {
		t.Fatal(err)
	}
	for name, fence := range map[string]int64{"the same order, late": 7, "as new as the revocation": 8, "the same order after it was revoked": 9} {
		o := b.order
		o.Fence = fence
		if _, err := b.hook.Grant(t.Context(), o); !errors.Is(err, ErrStale) || b.Access(dana).Has {
			t.Errorf("%s: %v, access %v", name, err, b.Access(dana))
		}
	}
	overtaken := b.order
	overtaken.Key, overtaken.Request, overtaken.Fence = "grant:req_late", "req_late", 8
	if _, err := b.hook.Grant(t.Context(), overtaken); !errors.Is(err, ErrStale) {
		t.Errorf("another grant, as new as the revocation: %v", err)
	}
	next := b.order
	next.Key, next.Request, next.Fence = "grant:req_next", "req_next", 9
	b.grant(t, next)
}

func TestTheSecretRotatesEitherWayRound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grant(t, b.order)
	// Changed at the source, the receiver has both, then the new one alone.
	b.secret.mu.Lock()
	b.secret.all = map[flows.SecretVersion]string{flows.SecretCached: oldSecret, flows.SecretFresh: newSecret, flows.SecretPrevious: oldSecret}
	b.secret.mu.Unlock()
	for _, taken := range [][]string{{oldSecret, newSecret}, {newSecret}, {oldSecret}} {
		if err := b.SetSecrets(taken...); err != nil {
			t.Fatal(err)
		}
		if _, err := b.hook.Read(t.Context(), b.order); err != nil {
			t.Errorf("receiver with %d secrets: %v", len(taken), err)
		}
	}
	// Changed at the receiver only.
	b.secret.mu.Lock()
	b.secret.all = always(newSecret).all
	b.secret.mu.Unlock()
	_, err := b.hook.Read(t.Context(), b.order)
	if temp := wantTemporary(t, err, "401"); temp.After == 0 || !errors.Is(err, flows.ErrSecretRejected) {
		t.Errorf("error = %v, After = %d", err, temp.After)
	}
}

func TestSecretsThatCannotSign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tc := range map[string]struct {
		secret *versions
		says   string
		perm   bool
	}{
		"not base64":  {always("whsec_canary!"), "not of the form", true},
		"no prefix":   {always(strings.TrimPrefix(oldSecret, "whsec_")), "not of the form", true},
		"empty":       {always("whsec_"), "has 0 bytes", true},
		"short":       {always("whsec_Y2FuYXJ5"), "has 6 bytes", true},
		"unreadable":  {&versions{err: errors.New("the vault is sealed")}, "was not called", false},
		"none at all": {nil, "no secret is configured", false},
	} {
		o := b.order
		spec := *o.Target
		o.Target = &spec
		spec.Secrets = map[string]flows.Secret{}
		if tc.secret != nil {
			spec.Secrets["secret"] = flows.NewSecret("s", tc.secret)
		}
		o.Target = &spec
		_, err := b.hook.Grant(t.Context(), o)
		if tc.perm {
			wantPermanent(t, err, tc.says)
		} else {
			wantTemporary(t, err, tc.says)
		}
		if len(b.Ledger()) != 0 {
			t.Errorf("%s: something was done", name)
		}
	}
}

func TestApprovalOnly(t *testing.T) {
	t.Parallel()
	reg, err := New(Options{Clock: flows.NewHandClock(start), Random: func([]byte) {}})
	if err != nil {
		t.Fatal(err)
	}
	k, ok := reg.Target(KindApprovalOnly)
	if !ok {
		t.Fatal("no such kind")
	}
	rcpt, gerr := k.Grant(t.Context(), flows.Order{})
	reading, rerr := k.Read(t.Context(), flows.Order{})
	if gerr != nil || rerr != nil || k.Revoke(t.Context(), flows.Order{}) != nil || rcpt.ID != "" || reading.Has != flows.Unknown {
		t.Errorf("grant %v %v, read %v %v", rcpt, gerr, reading, rerr)
	}
	if _, ok := reg.Target("teleport"); ok {
		t.Error("a kind that nothing executes")
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no error without a clock")
	}
	for _, kind := range reg.Kinds() {
		if _, ok := reg.Target(kind); !ok {
			t.Errorf("kind %s is listed and not there", kind)
		}
	}
}
