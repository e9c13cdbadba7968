package pagerduty

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// SignatureHeader carries a webhook's signatures.
const SignatureHeader = "X-PagerDuty-Signature"

// What a webhook may be at most. PagerDuty itself drops bodies over 256 KB.
const (
	MaxWebhook       = 256 << 10
	maxSignatures    = 10
	minWebhookSecret = 16
	lookAgain        = 30 * time.Second
)

// Why a webhook is not believed. The answer to the sender must not tell which it was.
var (
	ErrBadSignature  = errors.New("the webhook's signature is not PagerDuty's; nothing was done")
	ErrNoSecret      = errors.New("no webhook secret of at least 16 characters is configured; no webhook is believed")
	ErrWebhookTooBig = errors.New("the webhook is larger than 256 KB; nothing was done")
)

// VerifyWebhook checks that body was signed with one of the secrets. header is the
// value of SignatureHeader; several signatures, as during a rotation, are each tried.
// The signature covers no time: who calls must remember Event.ID against replays.
func VerifyWebhook(secrets []string, header string, body []byte) error {
	usable := make([]string, 0, len(secrets))
	for _, s := range secrets {
		if len(strings.TrimSpace(s)) >= minWebhookSecret {
			usable = append(usable, s)
		}
	}
	switch {
	case len(usable) == 0:
		return ErrNoSecret
	case len(body) > MaxWebhook:
		return ErrWebhookTooBig
	case len(body) == 0:
		return ErrBadSignature
	}
	given := signatures(header)
	good := false
	for _, s := range usable {
		mac := hmac.New(sha256.New, []byte(s))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, g := range given {
			good = hmac.Equal(want, g) || good
		}
	}
	if !good {
		return ErrBadSignature
	}
	return nil
}

// signatures reads "v1=<hex>, v1=<hex>"; other versions and what is not hex are left out.
func signatures(header string) [][]byte {
	var out [][]byte
	for part := range strings.SplitSeq(header, ",") {
		text, ok := strings.CutPrefix(strings.TrimSpace(part), "v1=")
		if !ok || len(text) != 2*sha256.Size || len(out) == maxSignatures {
			continue
		}
		if sig, err := hex.DecodeString(text); err == nil {
			out = append(out, sig)
		}
	}
	return out
}

// WebhookVerifier verifies with secrets that rotate without a restart.
type WebhookVerifier struct {
	secrets []flows.Secret
	clock   flows.Clock

	mu     sync.Mutex
	looked time.Time // when the source was last asked because nothing matched
}

// NewWebhookVerifier refuses to be made without a secret.
func NewWebhookVerifier(clock flows.Clock, secrets ...flows.Secret) (*WebhookVerifier, error) {
	for _, s := range secrets {
		if s.IsZero() {
			return nil, ErrNoSecret
		}
	}
	if len(secrets) == 0 || clock == nil {
		return nil, ErrNoSecret
	}
	return &WebhookVerifier{secrets: secrets, clock: clock}, nil
}

// Verify is VerifyWebhook. Where nothing matches, the secrets are read fresh, and
// their previous values tried, at most twice a minute: forged webhooks must not become
// requests to the source of the secrets.
func (w *WebhookVerifier) Verify(ctx context.Context, header string, body []byte) error {
	values := make([]string, 0, len(w.secrets))
	for _, s := range w.secrets {
		v, err := s.Reveal(ctx)
		if err != nil {
			return fmt.Errorf("verify a webhook: %w", err)
		}
		values = append(values, v)
	}
	err := VerifyWebhook(values, header, body)
	if !errors.Is(err, ErrBadSignature) || len(signatures(header)) == 0 || !w.mayLook() {
		return err
	}
	for _, s := range w.secrets {
		tried := s.Try(ctx, func(v string) (bool, error) { return VerifyWebhook([]string{v}, header, body) != nil, nil })
		if tried == nil {
			return nil
		}
	}
	return err
}

func (w *WebhookVerifier) mayLook() bool {
	now := w.clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.looked.IsZero() && fresh(w.looked, now, lookAgain) {
		return false
	}
	w.looked = now
	return true
}

// Event is what a webhook says, as far as Breakglass listens: that an incident should
// be read again. The rest of the payload is not believed.
type Event struct {
	ID         string    // PagerDuty's, the same for every delivery
	Type       string    // "incident.resolved", "pagey.ping", …
	OccurredAt time.Time // when, by PagerDuty
	IncidentID flows.IncidentID
}

// ParseWebhook reads a verified body. IncidentID is empty for events about no incident.
func ParseWebhook(body []byte) (Event, error) {
	if len(body) > MaxWebhook {
		return Event{}, ErrWebhookTooBig
	}
	doc, err := parse(body)
	if err != nil {
		return Event{}, fmt.Errorf("webhook: %w", err)
	}
	v := doc.at("event")
	e := Event{ID: plain(v.at("id")), Type: plain(v.at("event_type")), OccurredAt: needed(v.at("occurred_at"))}
	if about := aboutIncident(v.maybe("data")); !about.null() {
		e.IncidentID = flows.IncidentID(about.id())
	}
	if strings.HasPrefix(e.Type, "incident.") && e.IncidentID == "" {
		v.at("data").fail("names no incident")
	}
	if doc.err() != nil {
		return Event{}, fmt.Errorf("webhook: %w", doc.err())
	}
	return e, nil
}

// aboutIncident is the id of the incident: of the data itself, or of what it is about.
func aboutIncident(data value) value {
	if data.maybe("type").maybeText() == "incident" {
		return data.at("id")
	}
	return data.maybe("incident").maybe("id")
}

// plain is a short word without spaces or control characters: it becomes a key.
func plain(v value) string {
	s := v.text()
	if len(s) == 0 || len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		v.fail("is not a plain word")
		return ""
	}
	return s
}
