package pagerdutyfake

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Subscription is a webhook v3 subscription.
type Subscription struct {
	ID          string   `json:"id,omitempty"`
	URL         string   `json:"url"`
	Description string   `json:"description,omitempty"`
	Events      []string `json:"events,omitempty"`
	// FilterType is account_reference, service_reference or team_reference.
	FilterType string `json:"filter_type,omitempty"`
	FilterID   string `json:"filter_id,omitempty"`
	// Secrets sign each delivery; there are several during a rotation.
	Secrets  []string          `json:"secrets,omitempty"`
	Headers  map[string]string `json:"custom_headers,omitempty"`
	Inactive bool              `json:"inactive,omitempty"`
	// DisabledUntil is set after three drops in a row.
	DisabledUntil time.Time `json:"disabled_until,omitzero"`

	drops int
}

// eventTypes are the events that can be subscribed to.
var eventTypes = []string{
	"incident.acknowledged", "incident.annotated", "incident.conference_bridge.updated",
	"incident.custom_field_values.updated", "incident.delegated", "incident.escalated",
	"incident.incident_type.changed", "incident.priority_updated", "incident.reassigned", "incident.reopened",
	"incident.resolved", "incident.responder.added", "incident.responder.replied", "incident.role.assigned",
	"incident.service_updated", "incident.status_update_published", "incident.task.completed",
	"incident.task.created", "incident.task.updated", "incident.triggered", "incident.unacknowledged",
	"incident.action_invocation.created", "incident.action_invocation.terminated",
	"incident.action_invocation.updated", "incident.workflow.started", "incident.workflow.completed",
	"service.created", "service.custom_field_values.updated", "service.deleted", "service.updated",
}

func (s *Subscription) disabled(now time.Time) bool { return now.Before(s.DisabledUntil) }

// wants says whether an event about a service's incident goes to s.
func (s *Subscription) wants(event, service string) bool {
	inScope := s.FilterType == "account_reference" || s.FilterType == "service_reference" && s.FilterID == service
	return !s.Inactive && inScope && slices.Contains(s.Events, event)
}

// Subscribe adds a subscription. What is left out: all events, the whole
// account, a fresh secret.
func (a *Account) Subscribe(s Subscription) (Subscription, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.subscribe(&s); e != nil {
		return Subscription{}, fmt.Errorf("subscribe %s: %w", s.URL, e)
	}
	return s, nil
}

func (a *Account) subscribe(s *Subscription) *apiError {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fail(400, codeInvalidInput, "delivery_method.url must be an http or https address")
	}
	if s.Events == nil {
		s.Events = eventTypes
	}
	if s.FilterType == "" {
		s.FilterType = "account_reference"
	}
	if e := a.checkSubscription(s); e != nil {
		return e
	}
	if s.ID == "" {
		s.ID = a.resourceID()
	}
	if len(s.Secrets) == 0 {
		s.Secrets = []string{a.secret()}
	}
	kept := *s
	kept.Events, kept.Secrets = slices.Clone(s.Events), slices.Clone(s.Secrets)
	a.hooks.put(s.ID, &kept)
	a.notify()
	return nil
}

func (a *Account) checkSubscription(s *Subscription) *apiError {
	if len(s.Events) == 0 {
		return fail(400, codeInvalidInput, "events can't be empty")
	}
	for _, e := range s.Events {
		if !slices.Contains(eventTypes, e) {
			return fail(400, codeInvalidInput, "events: "+e+" is not an event type")
		}
	}
	switch {
	case s.FilterType == "account_reference", s.FilterType == "team_reference":
		return nil
	case s.FilterType == "service_reference" && a.services.get(s.FilterID) != nil:
		return nil
	}
	return fail(400, codeInvalidInput, "filter is invalid")
}

func (a *Account) secret() string {
	s := ""
	for len(s) < 64 {
		s += fmt.Sprintf("%016x", a.rand.Uint64())
	}
	return s
}

// RotateWebhookSecret adds a secret and returns it: deliveries carry one
// signature for each until DropOldWebhookSecrets.
func (a *Account) RotateWebhookSecret(subscription string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.hooks.get(subscription)
	if s == nil {
		return "", fmt.Errorf("rotate secret: there is no subscription %q", subscription)
	}
	fresh := a.secret()
	s.Secrets = append(s.Secrets, fresh)
	a.notify()
	return fresh, nil
}

// DropOldWebhookSecrets leaves only the newest secret.
func (a *Account) DropOldWebhookSecrets(subscription string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.hooks.get(subscription)
	if s == nil {
		return fmt.Errorf("drop secrets: there is no subscription %q", subscription)
	}
	s.Secrets = s.Secrets[len(s.Secrets)-1:]
	a.notify()
	return nil
}

// Subscriptions lists the webhook subscriptions with their secrets.
func (a *Account) Subscriptions() []Subscription {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := values(a.hooks.all())
	for i := range out {
		out[i].Secrets = slices.Clone(out[i].Secrets)
	}
	return out
}

// shape shows a subscription; the secret only when it was just created.
func (s *Subscription) shape(now time.Time, created bool) obj {
	var secret any
	headers, redacted := []any{}, "-- redacted --"
	if created {
		secret = s.Secrets[0]
	}
	for name, v := range s.Headers {
		if !created {
			v = redacted
		}
		headers = append(headers, obj{"name": name, "value": v})
	}
	filter := obj{"type": s.FilterType}
	if s.FilterID != "" {
		filter["id"] = s.FilterID
	}
	return obj{
		"id": s.ID, "type": "webhook_subscription", "active": !s.Inactive, "description": orNull(s.Description),
		"events": s.Events, "filter": filter, "oauth_client": nil,
		"delivery_method": obj{
			"id": s.ID + "D", "type": "http_delivery_method", "url": s.URL, "secret": secret,
			"temporarily_disabled": s.disabled(now), "custom_headers": headers,
		},
	}
}

// enable ends a temporary disablement.
func (a *Account) enable(s *Subscription) {
	s.DisabledUntil, s.drops = time.Time{}, 0
	a.notify()
}

func noContent() (answer, *apiError) { return answer{http.StatusNoContent, nil}, nil }
