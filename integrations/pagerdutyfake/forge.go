package pagerdutyfake

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// HoldWebhooks keeps webhooks back until ReleaseWebhooks.
func (a *Account) HoldWebhooks() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.delivery.hold = true
	a.notify()
}

// ReleaseWebhooks sends what was held back, in an order of chance if shuffled,
// which real deliveries to one subscription about one incident never have.
func (a *Account) ReleaseWebhooks(shuffled bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	held := a.delivery.held
	a.delivery.hold, a.delivery.held = false, nil
	if shuffled {
		a.rand.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
	}
	for _, d := range held {
		a.push(d)
	}
	a.notify()
}

// DuplicateWebhooks sends each webhook that was taken n more times, with the
// same X-Webhook-Id; 0 ends it.
func (a *Account) DuplicateWebhooks(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.delivery.duplicate = n
	a.notify()
}

// Replay sends a webhook again, byte for byte with its old signature, as an
// attacker who recorded it would, and returns what the receiver answered.
func (a *Account) Replay(ctx context.Context, webhookID string) (int, error) {
	a.mu.Lock()
	var found *Delivery
	for _, d := range a.delivery.log {
		if d.WebhookID == webhookID && len(d.Attempts) > 0 {
			found = d
		}
	}
	if found == nil {
		a.mu.Unlock()
		return 0, fmt.Errorf("replay: no webhook %q was sent yet", webhookID)
	}
	url, header, body := found.URL, found.Header.Clone(), found.Body
	a.mu.Unlock()
	return a.post(ctx, url, header, body)
}

// Forgery is a way of faking a webhook.
type Forgery string

// The forgeries. All but ForgeGenuine must be refused.
const (
	// ForgeGenuine is signed rightly: the way to prove that the rest of a
	// forged webhook would have been taken.
	ForgeGenuine Forgery = "genuine"
	// ForgeWrongSecret is signed with another secret.
	ForgeWrongSecret Forgery = "wrong_secret"
	// ForgeEmptySecret is signed with the empty secret.
	ForgeEmptySecret Forgery = "empty_secret"
	// ForgeUnsigned has no signature.
	ForgeUnsigned Forgery = "unsigned"
	// ForgeOtherBody carries the signature of another body.
	ForgeOtherBody Forgery = "other_body"
	// ForgeOldVersion calls a right signature v0.
	ForgeOldVersion Forgery = "old_version"
	// ForgeCutSignature leaves out the end of a right signature.
	ForgeCutSignature Forgery = "cut_signature"
)

// Forge sends a made-up event about an incident to a subscription and returns
// what the receiver answered. Nothing happens to the incident.
func (a *Account) Forge(ctx context.Context, subscription string, how Forgery, event, incident string) (int, error) {
	a.mu.Lock()
	s, i := a.hooks.get(subscription), a.incident(incident)
	if s == nil || i == nil {
		a.mu.Unlock()
		return 0, fmt.Errorf("forge: there is no subscription %q or no incident %q", subscription, incident)
	}
	id := a.uuid()
	_, raw := a.event(event, "", a.incidentEvent(i))
	url, secret := s.URL, s.Secrets[len(s.Secrets)-1]
	a.mu.Unlock()
	body, right := string(raw), Sign(string(raw), secret)
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("X-Webhook-Id", id)
	header.Set("X-PagerDuty-Signature", right)
	switch how {
	case ForgeGenuine:
	case ForgeWrongSecret:
		header.Set("X-PagerDuty-Signature", Sign(body, secret+"x"))
	case ForgeEmptySecret:
		header.Set("X-PagerDuty-Signature", Sign(body, ""))
	case ForgeUnsigned:
		header.Del("X-PagerDuty-Signature")
	case ForgeOtherBody:
		header.Set("X-PagerDuty-Signature", Sign(body+" ", secret))
	case ForgeOldVersion:
		header.Set("X-PagerDuty-Signature", strings.Replace(right, "v1=", "v0=", 1))
	case ForgeCutSignature:
		header.Set("X-PagerDuty-Signature", right[:len(right)-2])
	default:
		return 0, fmt.Errorf("forge: unknown kind %q", how)
	}
	return a.post(ctx, url, header, body)
}
