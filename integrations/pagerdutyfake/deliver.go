package pagerdutyfake

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// DeliveryState is how far a webhook got.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryQueued    DeliveryState = "queued"
	DeliveryHeld      DeliveryState = "held"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryDropped   DeliveryState = "dropped"
)

// Delivery is one webhook to one subscription, over all its attempts.
type Delivery struct {
	// WebhookID is sent as X-Webhook-Id and is the same for every attempt.
	WebhookID    string        `json:"webhook_id"`
	Subscription string        `json:"subscription"`
	EventID      string        `json:"event_id"`
	EventType    string        `json:"event_type"`
	Resource     string        `json:"resource"`
	URL          string        `json:"url"`
	Body         string        `json:"body"`
	Header       http.Header   `json:"header,omitempty"`
	QueuedAt     time.Time     `json:"queued_at"`
	State        DeliveryState `json:"state"`
	Attempts     []Attempt     `json:"attempts"`
}

// Attempt is one try at a delivery; Status is 0 when there was no answer.
type Attempt struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitempty"`
	Error  string    `json:"error,omitempty"`
}

const (
	webhookLife    = 48 * time.Hour
	webhookMaxSize = 256 << 10
	disableAfter   = 3
	disabledFor    = 24 * time.Hour
)

// deliveries are the webhooks of an account: one queue for each subscription
// and resource keeps their order.
type deliveries struct {
	queues    map[string]*queue
	log       []*Delivery
	held      []*Delivery
	hold      bool
	duplicate int
}

type queue struct{ waiting []*Delivery }

// enqueue takes a webhook in; the caller holds a.mu.
func (a *Account) enqueue(s *Subscription, d *Delivery) {
	now := a.opts.Now()
	d.WebhookID, d.Subscription, d.URL, d.QueuedAt, d.State = a.uuid(), s.ID, s.URL, now, DeliveryQueued
	a.delivery.log = append(a.delivery.log, d)
	if over := len(a.delivery.log) - a.opts.LedgerSize; over > 0 {
		a.delivery.log = slices.Delete(a.delivery.log, 0, over)
	}
	defer a.notify()
	switch {
	case s.disabled(now) || len(d.Body) > webhookMaxSize:
		d.State = DeliveryDropped
	case a.delivery.hold:
		d.State = DeliveryHeld
		a.delivery.held = append(a.delivery.held, d)
	default:
		a.push(d)
	}
}

// push puts a webhook into its queue and sees to it that somebody drains it.
func (a *Account) push(d *Delivery) {
	d.State = DeliveryQueued
	key := d.Subscription + " " + d.Resource
	if q := a.delivery.queues[key]; q != nil {
		q.waiting = append(q.waiting, d)
		return
	}
	if a.life.Err() != nil {
		return
	}
	a.delivery.queues[key] = &queue{waiting: []*Delivery{d}}
	a.life.run(func() { a.drain(key) })
}

// drain sends what is in a queue, one after the other, until it is empty.
func (a *Account) drain(key string) {
	for {
		a.mu.Lock()
		q := a.delivery.queues[key]
		if len(q.waiting) == 0 || a.life.Err() != nil {
			delete(a.delivery.queues, key)
			a.mu.Unlock()
			return
		}
		d := q.waiting[0]
		q.waiting = q.waiting[1:]
		again := a.delivery.duplicate
		a.mu.Unlock()
		if a.deliver(d) {
			for range again {
				_, _ = a.attempt(a.life, d) // the first one counted
			}
		}
	}
}

// deliver tries until the receiver took the webhook, refused it, or 48 hours
// have passed, and reports whether it was taken.
func (a *Account) deliver(d *Delivery) bool {
	for n := 1; a.deliverable(d); n++ {
		status, err := a.attempt(a.life, d)
		if a.life.Err() != nil {
			return false
		}
		if status >= 200 && status < 300 {
			a.settle(d, DeliveryDelivered)
			return true
		}
		over := a.opts.Now().Sub(d.QueuedAt) >= webhookLife
		if permanent(status, err) || over {
			a.settle(d, DeliveryDropped)
			return false
		}
		if a.opts.Pause(a.life, a.opts.WebhookBackoff(n)) != nil {
			return false
		}
	}
	return false
}

// deliverable is false once a webhook was dropped with its queue, or its
// subscription is gone.
func (a *Account) deliverable(d *Delivery) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.hooks.get(d.Subscription) == nil {
		d.State = DeliveryDropped
	}
	return d.State == DeliveryQueued
}

// permanent says whether a failure is not tried again: any 4xx but 429, and
// TLS errors but an expired certificate.
func permanent(status int, err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		var invalid x509.CertificateInvalidError
		return !errors.As(err, &invalid) || invalid.Reason != x509.Expired
	}
	return status >= 400 && status < 500 && status != http.StatusTooManyRequests
}

// settle ends a delivery; three drops in a row disable the subscription for a
// day and lose its queue.
func (a *Account) settle(d *Delivery, state DeliveryState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.notify()
	d.State = state
	s := a.hooks.get(d.Subscription)
	if s == nil {
		return
	}
	if state == DeliveryDelivered {
		s.drops = 0
		return
	}
	if s.drops++; s.drops < disableAfter {
		return
	}
	s.DisabledUntil, s.drops = a.opts.Now().Add(disabledFor), 0
	for _, other := range a.delivery.log {
		if other.Subscription == s.ID && other.State == DeliveryQueued {
			other.State = DeliveryDropped
		}
	}
}

// attempt sends a webhook once, signed with the secrets of the moment.
func (a *Account) attempt(ctx context.Context, d *Delivery) (int, error) {
	a.mu.Lock()
	header := http.Header{}
	if s := a.hooks.get(d.Subscription); s != nil {
		for k, v := range s.Headers {
			header.Set(k, v)
		}
		header.Set("X-PagerDuty-Signature", Sign(d.Body, s.Secrets...))
	}
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "PagerDuty-Webhook/V3.0")
	header.Set("X-Webhook-Id", d.WebhookID)
	header.Set("X-Webhook-Subscription", d.Subscription)
	d.Header = header.Clone()
	a.mu.Unlock()
	status, err := a.post(ctx, d.URL, header, d.Body)
	a.noteAttempt(d, status, err)
	return status, err
}

func (a *Account) noteAttempt(d *Delivery, status int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := Attempt{At: a.opts.Now(), Status: status}
	if err != nil {
		at.Error = err.Error()
	}
	d.Attempts = append(d.Attempts, at)
	a.notify()
	a.opts.Log.Debug("webhook", "event", d.EventType, "status", status, "attempt", len(d.Attempts), "err", err)
}

func (a *Account) post(ctx context.Context, url string, header http.Header, body string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header = header
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody)); err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

// Sign makes the X-PagerDuty-Signature of a body: one v1 value a secret.
func Sign(body string, secrets ...string) string {
	var out []string
	for _, s := range secrets {
		mac := hmac.New(sha256.New, []byte(s))
		mac.Write([]byte(body))
		out = append(out, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(out, ",")
}
