package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
)

// Health is what doctor wants to know about the account.
type Health struct {
	Token     flows.Tri // the token is accepted
	CanWrite  flows.Tri // as far as a write has shown; a read-only key says so only then
	From      flows.Tri // From is the login of a user
	Author    flows.PagerDutyUser
	Abilities []string
	Skew      time.Duration // PagerDuty's clock less ours
	Problems  []string      // for the operator, each with what to do
}

// Check asks PagerDuty whether token and author are good. It changes nothing.
func (c *Client) Check(ctx context.Context) Health {
	h := Health{CanWrite: c.author.mayWrite()}
	r := get("/abilities", nil, true)
	doc, rep, err := c.one(ctx, r)
	if err == nil {
		for _, a := range doc.at("abilities").list() {
			h.Abilities = append(h.Abilities, a.text())
		}
		err = doc.err()
	}
	var no *vendorError
	switch {
	case err == nil:
		h.Token, h.Skew = flows.Yes, rep.date.Sub(rep.asked).Round(time.Second)
	case errors.Is(err, flows.ErrSecretRejected), errors.As(err, &no) && no.status == 403:
		h.Token = flows.No
		h.note(err)
	default:
		h.note(err)
	}
	if h.Skew.Abs() > 5*time.Second {
		h.note(fmt.Errorf("PagerDuty's clock and ours differ by %s; set the clock of this machine", h.Skew))
	}
	if h.Token != flows.Yes {
		return h
	}
	if c.from == "" {
		h.note(errors.New("no author is configured: incidents get no notes; set from to the login e-mail of a PagerDuty user"))
		return h
	}
	h.Author, err = c.author.user(ctx, true)
	var never *flows.Permanent
	switch {
	case err == nil:
		h.From = flows.Yes
	case errors.As(err, &never):
		h.From = flows.No
		h.note(err)
	default:
		h.note(err)
	}
	if h.CanWrite == flows.No {
		h.note(errors.New("the API token is read-only: incidents get no notes; use a full-access key or the scope incidents.write"))
	}
	return h
}

func (h *Health) note(err error) { h.Problems = append(h.Problems, err.Error()) }

// Named is a policy or schedule with its id and name at PagerDuty.
type Named struct{ ID, Name string }

// ResolvePolicy finds an escalation policy by id or exact name, and says what is wrong
// where there is not exactly one.
func (c *Client) ResolvePolicy(ctx context.Context, idOrName string) (Named, error) {
	t, err := c.names.find(ctx, aPolicy, idOrName, false)
	return Named{t.id, t.name}, err
}

// ResolveSchedule does the same for a schedule.
func (c *Client) ResolveSchedule(ctx context.Context, idOrName string) (Named, error) {
	t, err := c.names.find(ctx, aSchedule, idOrName, false)
	return Named{t.id, t.name}, err
}
