package target

import (
	"time"

	"breakglass/flows"
)

// The types of messages.
const (
	typeGrant  = "access.grant"
	typeRevoke = "access.revoke"
	typeRead   = "access.read"
)

// message is what is sent; README.md says what each field promises.
type message struct {
	Type     string    `json:"type"`
	ID       string    `json:"id"`
	Fence    int64     `json:"fence"`
	Request  string    `json:"request"`
	Person   person    `json:"person"`
	Target   string    `json:"target"`
	Scope    string    `json:"scope"`
	Until    string    `json:"until,omitempty"`
	Incident *incident `json:"incident,omitempty"`
}

type person struct {
	Slack     string `json:"slack"`
	SlackTeam string `json:"slack_team"`
	PagerDuty string `json:"pagerduty,omitempty"`
	Email     string `json:"email,omitempty"`
}

type incident struct {
	ID     string `json:"id"`
	Number int    `json:"number,omitempty"`
	URL    string `json:"url,omitempty"`
}

// answer is what comes back.
type answer struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Receipt string `json:"receipt"`
	Has     *bool  `json:"has"`
	Until   string `json:"until"`
	Reason  string `json:"reason"`
	Fence   int64  `json:"fence"`
}

// The statuses of an answer.
const (
	statusGranted = "granted"
	statusRevoked = "revoked"
	statusPending = "pending"
	statusRefused = "refused"
)

// newMessage writes an order down. The e-mail is the pinned link's where there is
// one; the Slack profile's is the fall-back, for display: ids identify.
func newMessage(kind, id string, o flows.Order) message {
	m := message{
		Type: kind, ID: id, Fence: o.Fence, Request: string(o.Request), Target: string(o.Target.ID), Scope: string(o.Scope),
		Person: person{
			Slack: o.Person.User(), SlackTeam: o.Person.Team(), PagerDuty: string(o.Link.PagerDuty), Email: o.Link.Email,
		},
	}
	if m.Person.Email == "" && o.Profile.Person == o.Person {
		m.Person.Email = o.Profile.Email
	}
	if !o.Until.IsZero() {
		m.Until = o.Until.UTC().Format(time.RFC3339)
	}
	if o.Incident.ID != "" {
		m.Incident = &incident{ID: string(o.Incident.ID), Number: o.Incident.Number, URL: o.Incident.URL}
	}
	return m
}

// until reads a time of an answer; one that is missing or no time is zero.
func (a answer) until() time.Time {
	t, err := time.Parse(time.RFC3339, a.Until)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
