package pagerdutyfake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty/webhookv3"

	pd "breakglass/integrations/pagerdutyfake"
)

// receiver is somebody's webhook endpoint with a ledger of its own.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	got    []received
	answer func(n int) int
}

type received struct {
	id, event, resource, note string
	header                    http.Header
	body                      map[string]any
	err                       error
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// events writes what was received, good signatures only, as "triggered resolved".
func (r *receiver) events() string {
	var out []string
	for _, g := range r.all() {
		if g.err == nil {
			out = append(out, strings.TrimPrefix(g.event, "incident."))
		}
	}
	return strings.Join(out, " ")
}

// receive starts a receiver that answers what answer says (nil: 202) and, when
// it has a secret, verifies as the real client library does.
func receive(t *testing.T, answer func(n int) int) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		raw, err := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(raw))
		if err == nil {
			err = webhookv3.VerifySignature(req, r.secret)
		}
		g := received{id: req.Header.Get("X-Webhook-Id"), header: req.Header.Clone(), err: err}
		if json.Unmarshal(raw, &g.body) == nil {
			g.event, _ = at(g.body, "event", "event_type").(string)
			g.resource, _ = at(g.body, "event", "data", "id").(string)
		}
		r.got = append(r.got, g)
		status := http.StatusAccepted
		if r.answer != nil {
			status = r.answer(len(r.got))
		}
		if err != nil {
			status = http.StatusForbidden
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Server.Close)
	return r
}

// hooked is a bundle with a receiver subscribed to all of the account. Pauses
// between attempts push the clock instead of waiting.
func hooked(t *testing.T, answer func(n int) int) (*bundle, *receiver, pd.Subscription) {
	t.Helper()
	var b *bundle
	b = setup(t, func(o *pd.Options) {
		o.Pause = func(ctx context.Context, d time.Duration) error {
			b.clock.Push(d)
			return ctx.Err()
		}
	})
	r := receive(t, answer)
	s, err := b.acc.Subscribe(pd.Subscription{URL: r.URL + "/pagerduty/webhooks", Headers: map[string]string{"X-Custom": "mine"}})
	if err != nil {
		t.Fatal(err)
	}
	r.secret = s.Secrets[0]
	return b, r, s
}

// settled waits until n webhooks are delivered or dropped.
func (b *bundle) settled(n int) []pd.Delivery {
	b.t.Helper()
	b.wait(func() bool {
		done := 0
		for _, d := range b.acc.Deliveries() {
			if d.State == pd.DeliveryDelivered || d.State == pd.DeliveryDropped {
				done++
			}
		}
		return done >= n
	})
	return b.acc.Deliveries()
}

func TestWebhooksTellTheLifeOfAnIncident(t *testing.T) {
	t.Parallel()
	b, r, _ := hooked(t, nil)
	i, parent := b.trigger("x", ""), b.trigger("parent", "PMARA01")
	steps := []func() error{
		func() error { return b.acc.Acknowledge(i.ID, "PDANA01") },
		func() error { return b.acc.Reassign(i.ID, "PDANA01", "PSAM001") },
		func() error { _, err := b.acc.AddNote(i.ID, "PDANA01", "hello"); return err },
		func() error { return b.acc.Resolve(i.ID, "PSAM001") },
		func() error { return b.acc.Reopen(i.ID, "PDANA01") },
		func() error { return b.acc.Merge(i.ID, parent.ID, "PDANA01") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	b.settled(8)
	var got []string
	var last received
	for _, g := range r.all() {
		if g.err != nil {
			t.Errorf("%s: %v", g.event, g.err)
		}
		if problems := misfit("webhook", g.body["event"], "event"); len(problems) > 0 && g.event != "incident.annotated" {
			t.Errorf("%s:\n  %s", g.event, strings.Join(problems, "\n  "))
		}
		if g.resource == i.ID || g.event == "incident.annotated" {
			got, last = append(got, strings.TrimPrefix(g.event, "incident.")), g
		}
	}
	if s := strings.Join(got, " "); s != "triggered acknowledged reassigned annotated resolved reopened resolved" {
		t.Errorf("events of the incident: %s", s)
	}
	data, _ := at(last.body, "event", "data").(map[string]any)
	if at(r.all()[0].body, "event", "data", "reopened_at") != nil || data["reopened_at"] != "2026-06-01T12:00:00Z" {
		t.Errorf("reopened_at of a merged incident that had been reopened: %v", data["reopened_at"])
	}
	if at(data, "resolve_reason", "type") != "merge_resolve_reason" || at(data, "resolve_reason", "incident", "id") != parent.ID {
		t.Errorf("merged: %v", data["resolve_reason"])
	}
	if at(last.body, "event", "agent", "id") != "PDANA01" || last.header.Get("X-Custom") != "mine" || data["number"] != 1.0 {
		t.Errorf("event %v, header %v", last.body, last.header)
	}
	if at(r.all()[0].body, "event", "agent") != nil {
		t.Errorf("an automated event has the agent %v", at(r.all()[0].body, "event", "agent"))
	}
}

func TestNotesAndFieldsAsEvents(t *testing.T) {
	t.Parallel()
	b, r, _ := hooked(t, nil)
	if _, err := b.acc.AddCustomField(pd.CustomField{Name: "state"}); err != nil {
		t.Fatal(err)
	}
	i := b.trigger("x", "")
	b.do("PUT", "/incidents/"+i.ID+"/custom_fields/values", `{"custom_fields":[{"name":"state","value":"granted"}]}`)
	b.do("POST", "/incidents/"+i.ID+"/notes", `{"note":{"content":"hello"}}`)
	b.settled(3)
	got := r.all()
	changed, _ := at(got[1].body, "event", "data").(map[string]any)
	if changed["type"] != "incident_field_values" || list(changed, "changed_custom_fields")[0]["value"] != "granted" {
		t.Errorf("fields: %v", changed)
	}
	if at(got[2].body, "event", "data", "content") != "hello" || at(got[2].body, "event", "data", "incident", "id") != i.ID {
		t.Errorf("note: %v", got[2].body)
	}
}

func TestRetriesUntilTheReceiverIsWell(t *testing.T) {
	t.Parallel()
	b, r, _ := hooked(t, func(n int) int { return []int{500, 429, 503, 202}[min(n-1, 3)] })
	i := b.trigger("x", "")
	if err := b.acc.Resolve(i.ID, ""); err != nil {
		t.Fatal(err)
	}
	d := b.settled(2)
	if len(d[0].Attempts) != 4 || d[0].State != pd.DeliveryDelivered || len(d[1].Attempts) != 1 {
		t.Errorf("deliveries %+v", d)
	}
	if r.events() != "triggered triggered triggered triggered resolved" {
		t.Errorf("received %s; want the order kept while the first is retried", r.events())
	}
	got := r.all()
	if got[0].id != got[3].id || got[3].id == got[4].id || got[0].id == "" {
		t.Errorf("X-Webhook-Id %s, %s, %s; want the same for each attempt, another for the next", got[0].id, got[3].id, got[4].id)
	}
	if pushed := b.clock.Now().Sub(monday); pushed != 7*time.Second {
		t.Errorf("backed off for %s; want 1+2+4 seconds", pushed)
	}
}

func TestAClientErrorDropsAtOnceAndThreeDisable(t *testing.T) {
	t.Parallel()
	b, r, s := hooked(t, func(int) int { return http.StatusNotFound })
	for range 3 {
		b.trigger("x", "")
	}
	for _, d := range b.settled(3) {
		if len(d.Attempts) != 1 || d.State != pd.DeliveryDropped {
			t.Errorf("delivery %+v; want one attempt", d)
		}
	}
	path := "/webhook_subscriptions/" + s.ID
	if at(b.get(path), "webhook_subscription", "delivery_method", "temporarily_disabled") != true {
		t.Errorf("after three drops: %v", b.get(path))
	}
	b.trigger("x", "")
	if d := b.settled(4)[3]; len(d.Attempts) != 0 || d.State != pd.DeliveryDropped {
		t.Errorf("while disabled: %+v", d)
	}
	r.mu.Lock()
	r.answer = nil
	r.mu.Unlock()
	if got := b.do("POST", path+"/enable", ""); at(got.body, "webhook_subscription", "delivery_method", "temporarily_disabled") != false {
		t.Errorf("enable: %s", got.raw)
	}
	b.trigger("x", "")
	if d := b.settled(5)[4]; d.State != pd.DeliveryDelivered {
		t.Errorf("after it was enabled: %+v", d)
	}
}

func TestADisabledSubscriptionLosesItsQueue(t *testing.T) {
	t.Parallel()
	b, _, _ := hooked(t, func(int) int { return http.StatusNotFound })
	b.acc.HoldWebhooks()
	i := b.trigger("x", "")
	for range 4 {
		if _, err := b.acc.AddNote(i.ID, "PDANA01", "x"); err != nil {
			t.Fatal(err)
		}
	}
	b.acc.ReleaseWebhooks(false)
	tries := ""
	for _, d := range b.settled(5) {
		tries += fmt.Sprint(len(d.Attempts))
	}
	if tries != "11100" {
		t.Errorf("attempts %s; want the two behind the third drop lost without one", tries)
	}
}

func TestOnlyDropsInARowDisable(t *testing.T) {
	t.Parallel()
	b, _, _ := hooked(t, func(n int) int { return []int{404, 404, 202}[(n-1)%3] })
	for n := range 9 {
		b.trigger("x", "")
		b.settled(n + 1)
	}
	for n, d := range b.acc.Deliveries() {
		if len(d.Attempts) != 1 || (d.State == pd.DeliveryDelivered) != (n%3 == 2) {
			t.Errorf("webhook %d: %s after %d attempts", n, d.State, len(d.Attempts))
		}
	}
}

func TestADisabledSubscriptionComesBackAfterADay(t *testing.T) {
	t.Parallel()
	b, r, _ := hooked(t, func(int) int { return http.StatusGone })
	for range 3 {
		b.trigger("x", "")
	}
	b.settled(3)
	r.mu.Lock()
	r.answer = nil
	r.mu.Unlock()
	b.clock.Push(24*time.Hour - time.Second)
	b.trigger("x", "")
	b.clock.Push(time.Second)
	b.trigger("x", "")
	if d := b.settled(5); d[3].State != pd.DeliveryDropped || d[4].State != pd.DeliveryDelivered {
		t.Errorf("states %s, %s", d[3].State, d[4].State)
	}
}

func TestRetriesEndAfterTwoDays(t *testing.T) {
	t.Parallel()
	b, _, _ := hooked(t, func(int) int { return http.StatusInternalServerError })
	b.trigger("x", "")
	d := b.settled(1)[0]
	if took := d.Attempts[len(d.Attempts)-1].At.Sub(d.QueuedAt); d.State != pd.DeliveryDropped || took < 48*time.Hour || took > 50*time.Hour {
		t.Errorf("%s after %s", d.State, took)
	}
}

func TestAReceiverThatIsTooSlow(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	var b *bundle
	b = setup(t, func(o *pd.Options) {
		o.WebhookTimeout = 20 * time.Millisecond
		o.Pause = func(ctx context.Context, d time.Duration) error { b.clock.Push(25 * time.Hour); return ctx.Err() }
	})
	t.Cleanup(func() { close(stop); slow.Close() })
	if _, err := b.acc.Subscribe(pd.Subscription{URL: slow.URL}); err != nil {
		t.Fatal(err)
	}
	b.trigger("x", "")
	if d := b.settled(1)[0]; len(d.Attempts) != 3 || d.Attempts[0].Error == "" || d.Attempts[0].Status != 0 {
		t.Errorf("attempts %+v; want three without an answer", d.Attempts)
	}
}

func TestAWrongCertificateDropsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := httptest.NewUnstartedServer(http.NotFoundHandler())
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	r.StartTLS()
	t.Cleanup(r.Close)
	if _, err := b.acc.Subscribe(pd.Subscription{URL: r.URL}); err != nil {
		t.Fatal(err)
	}
	b.trigger("x", "")
	if d := b.settled(1)[0]; len(d.Attempts) != 1 || d.State != pd.DeliveryDropped || !strings.Contains(d.Attempts[0].Error, "certificate") {
		t.Errorf("delivery %+v", d)
	}
}

func TestSecretsRotateWithoutAGap(t *testing.T) {
	t.Parallel()
	b, r, s := hooked(t, nil)
	fresh, err := b.acc.RotateWebhookSecret(s.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.trigger("x", "")
	b.settled(1)
	if h := r.all()[0].header.Get("X-PagerDuty-Signature"); strings.Count(h, "v1=") != 2 || strings.Contains(h, " ") {
		t.Errorf("signature %q; want two", h)
	}
	r.mu.Lock()
	r.secret = fresh
	r.mu.Unlock()
	b.trigger("x", "")
	b.settled(2)
	if err := b.acc.DropOldWebhookSecrets(s.ID); err != nil {
		t.Fatal(err)
	}
	b.trigger("x", "")
	b.settled(3)
	if r.events() != "triggered triggered triggered" {
		t.Errorf("verified: %s; want all three", r.events())
	}
	r.mu.Lock()
	r.secret = s.Secrets[0]
	r.mu.Unlock()
	b.trigger("x", "")
	b.settled(4)
	if last := r.all()[3]; !errors.Is(last.err, webhookv3.ErrNoValidSignatures) {
		t.Errorf("with the old secret: %v", last.err)
	}
}

func TestForgeries(t *testing.T) {
	t.Parallel()
	b, r, s := hooked(t, nil)
	i := b.trigger("x", "")
	b.settled(1)
	for how, want := range map[pd.Forgery]int{
		pd.ForgeGenuine: 202, pd.ForgeWrongSecret: 403, pd.ForgeEmptySecret: 403, pd.ForgeUnsigned: 403,
		pd.ForgeOtherBody: 403, pd.ForgeOldVersion: 403, pd.ForgeCutSignature: 403,
	} {
		status, err := b.acc.Forge(t.Context(), s.ID, how, "incident.resolved", i.ID)
		if err != nil || status != want {
			t.Errorf("%s: %d, %v; want %d", how, status, err, want)
		}
	}
	if b.status(i.ID) != "triggered" {
		t.Error("a forged event changed the incident")
	}
	r.mu.Lock()
	r.secret = ""
	r.mu.Unlock()
	if status, err := b.acc.Forge(t.Context(), s.ID, pd.ForgeEmptySecret, "incident.resolved", i.ID); err != nil || status != 202 {
		t.Errorf("against a receiver without a secret: %d, %v; want it taken", status, err)
	}
	if _, err := b.acc.Forge(t.Context(), "PNONE", pd.ForgeGenuine, "incident.resolved", i.ID); err == nil {
		t.Error("no error for an unknown subscription")
	}
	if _, err := b.acc.Forge(t.Context(), s.ID, "odd", "incident.resolved", i.ID); err == nil {
		t.Error("no error for an unknown forgery")
	}
}

func TestAReplayIsByteForByte(t *testing.T) {
	t.Parallel()
	b, r, _ := hooked(t, nil)
	b.trigger("x", "")
	d := b.settled(1)[0]
	b.clock.Push(31 * 24 * time.Hour)
	if status, err := b.acc.Replay(t.Context(), d.WebhookID); err != nil || status != 202 {
		t.Fatalf("replay: %d, %v", status, err)
	}
	got := r.all()
	if len(got) != 2 || got[0].id != got[1].id || got[0].header.Get("X-PagerDuty-Signature") != got[1].header.Get("X-PagerDuty-Signature") ||
		at(got[1].body, "event", "occurred_at") != "2026-06-01T12:00:00.000Z" || got[1].err != nil {
		t.Errorf("replayed %+v\nof %+v", got[1], got[0])
	}
	if _, err := b.acc.Replay(t.Context(), "none"); err == nil {
		t.Error("no error for an unknown webhook")
	}
}

func TestDuplicatesAndShuffling(t *testing.T) {
	t.Parallel()
	b, r, _ := hooked(t, nil)
	b.acc.DuplicateWebhooks(2)
	b.trigger("x", "")
	b.wait(func() bool { return len(b.acc.Deliveries()[0].Attempts) == 3 })
	if got := r.all(); len(got) != 3 || got[0].id != got[2].id {
		t.Errorf("%d received", len(got))
	}
	b.acc.DuplicateWebhooks(0)
	b.acc.HoldWebhooks()
	i := b.trigger("y", "")
	for n := range 12 {
		if _, err := b.acc.AddNote(i.ID, "PDANA01", fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	if d := b.acc.Deliveries(); d[1].State != pd.DeliveryHeld || len(r.all()) != 3 {
		t.Errorf("held: %s, %d received", d[1].State, len(r.all()))
	}
	b.acc.ReleaseWebhooks(true)
	b.settled(14)
	var order []string
	for _, g := range r.all()[3:] {
		order = append(order, fmt.Sprint(at(g.body, "event", "data", "content")))
	}
	made := strings.Fields("<nil> 0 1 2 3 4 5 6 7 8 9 10 11")
	if len(order) != len(made) || slices.Equal(order, made) {
		t.Errorf("released in the order %v; want another than they were made in", order)
	}
}

func TestSubscriptionsOverREST(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := receive(t, nil)
	body := `{"webhook_subscription":{"type":"webhook_subscription","description":"d","events":["incident.resolved"],
		"filter":{"type":"service_reference","id":"PSVC001"},
		"delivery_method":{"type":"http_delivery_method","url":"` + r.URL + `","custom_headers":[{"name":"X-Token","value":"hush"}]}}}`
	made := b.do("POST", "/webhook_subscriptions", body)
	id := fmt.Sprint(at(made.body, "webhook_subscription", "id"))
	secret, _ := at(made.body, "webhook_subscription", "delivery_method", "secret").(string)
	if made.status != 200 || secret == "" || !strings.Contains(made.raw, "hush") {
		t.Fatalf("create: %d %s", made.status, made.raw)
	}
	r.mu.Lock()
	r.secret = secret
	r.mu.Unlock()
	for _, path := range []string{"/webhook_subscriptions/" + id, "/webhook_subscriptions"} {
		raw := b.do("GET", path, "").raw
		if strings.Contains(raw, secret) || strings.Contains(raw, "hush") || !strings.Contains(raw, `"secret":null`) {
			t.Errorf("%s shows what it must not: %s", path, raw)
		}
	}
	if got := b.do("POST", "/webhook_subscriptions/"+id+"/ping", ""); got.status != 202 {
		t.Errorf("ping: %d %s", got.status, got.raw)
	}
	b.settled(1)
	if got := r.all(); got[0].event != "pagey.ping" || got[0].err != nil {
		t.Errorf("ping: %+v", got[0])
	}
	if _, err := b.acc.AddService(pd.Service{ID: "PSVC002", Name: "Till", Policy: "PPOL001"}); err != nil {
		t.Fatal(err)
	}
	elsewhere, err := b.acc.Trigger("PSVC002", "y", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []pd.Incident{elsewhere, b.trigger("x", "")} {
		if err := b.acc.Resolve(i.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	b.settled(2)
	if r.events() != "pagey.ping resolved" || len(b.acc.Deliveries()) != 2 {
		t.Errorf("received %s; want what was subscribed to", r.events())
	}
	off := b.do("PUT", "/webhook_subscriptions/"+id, `{"webhook_subscription":{"active":false}}`)
	if at(off.body, "webhook_subscription", "active") != false {
		t.Errorf("switched off: %s", off.raw)
	}
	b.wantError(b.do("PUT", "/webhook_subscriptions/"+id, `{"webhook_subscription":{"delivery_method":{"url":"http://other"}}}`), 400, 2001)
	if got := b.do("DELETE", "/webhook_subscriptions/"+id, ""); got.status != 204 {
		t.Errorf("delete: %d", got.status)
	}
	b.wantError(b.do("DELETE", "/webhook_subscriptions/"+id, ""), 404, 2100)
	b.wantError(b.do("GET", "/webhook_subscriptions?filter_type=service", ""), 400, 2003)
	for _, bad := range []string{
		strings.Replace(body, "incident.resolved", "incident.exploded", 1), strings.Replace(body, "PSVC001", "PNONE", 1),
		strings.Replace(body, r.URL, "ftp://x", 1), strings.Replace(body, `"http_delivery_method"`, `"smoke"`, 1),
		strings.Replace(body, `["incident.resolved"]`, `[]`, 1),
	} {
		b.wantError(b.do("POST", "/webhook_subscriptions", bad), 400, 2001)
	}
}

func TestCloseEndsWhatIsBeingRetried(t *testing.T) {
	t.Parallel()
	c := &clock{at: monday}
	waiting := make(chan struct{}, 1)
	acc := pd.New(pd.Options{Now: c.Now, Pause: func(ctx context.Context, _ time.Duration) error {
		waiting <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}})
	err := acc.Load(pd.Setup{
		Users:    []pd.User{{ID: "A", Name: "A", Email: "a@x"}},
		Policies: []pd.Policy{{ID: "P", Name: "p", Rules: []pd.Rule{{Targets: []string{"A"}}}}},
		Services: []pd.Service{{ID: "S", Name: "s", Policy: "P"}},
		Webhooks: []pd.Subscription{{URL: "http://127.0.0.1:1/"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := acc.Trigger("S", "x", ""); err != nil {
		t.Fatal(err)
	}
	<-waiting
	if err := acc.Close(); err != nil {
		t.Fatal(err)
	}
	if d := acc.Deliveries(); d[0].State != pd.DeliveryQueued || len(d[0].Attempts) != 1 {
		t.Errorf("delivery %+v", d[0])
	}
}
