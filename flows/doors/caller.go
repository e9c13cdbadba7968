package doors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
)

// Caller is who is asking at a door: a person or a service, what they are, and by which
// pass they came in.
type Caller struct {
	flows.Known
	Pass flows.Pass
	Door flows.Door
	From string // the network address of the call
}

// Who is the person.
func (c *Caller) Who() flows.PersonID { return c.Person }

// May reports whether the caller's pass may be used for that.
func (c *Caller) May(what flows.PassScope) bool { return c.Pass.May(what) }

// Actor is the caller as the engine knows them.
func (c *Caller) Actor() flows.Actor {
	return flows.Actor{
		Person: c.Person, Door: c.Door, Standing: c.Standing, Admin: c.Is(flows.RoleAdmin),
		Unconfirmed: !c.Pass.SignIn.Confirmed, Trace: "pass=" + c.Pass.ID,
		Visit: flows.Visit{From: c.From},
	}
}

// The answers to a secret that lets nobody in.
var (
	// ErrUnknown: no pass has this secret, or it has ended.
	ErrUnknown = errors.New("no such session or token, or it has ended")
	// ErrWaiting: the machine waits to be confirmed.
	ErrWaiting = errors.New("the login waits to be confirmed")
)

// touchEvery is how exact the use of a pass is noted.
const touchEvery = time.Minute

// Find finds the caller behind a secret. The account is looked up again: who has left
// the company comes in no more, whatever they hold. ErrUnknown, ErrWaiting, or a
// refusal of a person who may not come in.
func (d *Doors) Find(ctx context.Context, secret string) (Caller, error) {
	p, err := d.o.Store.PassByHash(ctx, Hash(secret))
	if errors.Is(err, flows.ErrNotFound) {
		return Caller{}, ErrUnknown
	}
	if err != nil {
		return Caller{}, fmt.Errorf("look a pass up: %w", err)
	}
	now := d.o.Clock.Now()
	switch {
	case !p.Live(now):
		return Caller{}, ErrUnknown
	case p.Kind == flows.PassDevice:
		return Caller{}, ErrWaiting
	case p.Kind == flows.PassSession && now.Sub(p.UsedAt) >= SessionIdle:
		return Caller{}, ErrUnknown
	}
	c := Caller{Known: d.o.Roll.Of(ctx, p.Holder, false), Pass: p, Door: doorOf(p.Kind)}
	if no := admit(c.Standing); no != nil {
		return Caller{}, no
	}
	if no := d.ownerGone(ctx, &p); no != nil {
		return Caller{}, no
	}
	if now.Sub(p.UsedAt) >= touchEvery {
		_ = d.o.Store.TouchPass(ctx, p.ID, now) // a store that does not write lets people look all the same
	}
	return c, nil
}

// ownerGone refuses a service whose maker has left the company.
func (d *Doors) ownerGone(ctx context.Context, p *flows.Pass) *flows.Refusal {
	if p.Kind != flows.PassService {
		return nil
	}
	return admit(d.o.Roll.Of(ctx, p.By, false).Standing)
}

// doorOf is where a pass of the kind leads in.
func doorOf(k flows.PassKind) flows.Door {
	switch k {
	case flows.PassSession:
		return flows.DoorWeb
	case flows.PassLogin:
		return flows.DoorCLI
	}
	return flows.DoorAPI
}

// admit refuses accounts that may not come in at all. One that could not be looked up
// may look; deciding is the engine's to refuse.
func admit(s flows.Standing) *flows.Refusal {
	switch s {
	case flows.StandingMember, flows.StandingGuest, flows.StandingUnknown:
		return nil
	}
	return flows.Refuse(flows.RefusedStanding, "This account is a %s account at Slack, so it may not come in here.", s).
		Then("If that is wrong, an admin of Slack can change it.")
}
