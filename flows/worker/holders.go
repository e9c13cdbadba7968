package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
)

// Grants lists requests; the store implements it.
type Grants interface {
	Requests(ctx context.Context, f flows.RequestFilter) ([]flows.Request, error)
}

// holdersAtATime is how many holders are looked up at Slack in one pass: users.info
// takes 100 calls a minute (a Slack limit), and clicks need them too.
const holdersAtATime = 30

// endForTheGone ends the access of people whose account is no longer active. Each
// pass looks at the next holders, so that everybody's turn comes.
func (e *Effects) endForTheGone(ctx context.Context) error {
	live, err := e.Grants.Requests(ctx, flows.RequestFilter{States: []flows.State{flows.StateGranting, flows.StateActive}, Limit: 1000})
	if err != nil {
		return fmt.Errorf("list live grants: %w", err)
	}
	holders := map[flows.PersonID][]flows.RequestID{}
	var order []flows.PersonID
	for _, r := range live {
		who := r.Content.Beneficiary
		if holders[who] == nil {
			order = append(order, who)
		}
		holders[who] = append(holders[who], r.ID)
	}
	var all error
	for _, who := range turn(order, e.Engine.Now()) {
		profile, err := e.Directory.Profile(ctx, who, false)
		if err != nil || profile.Standing != flows.StandingDeleted {
			continue // not known to be gone: the access ends at its time
		}
		for _, id := range holders[who] {
			_, err := e.Engine.Do(ctx, flows.Command{Verb: flows.VerbEnd, ID: id, Cause: flows.EndPerson, Actor: flows.ByEngine()}, flows.Finish{})
			all = errors.Join(all, err)
		}
	}
	return all
}

// turn picks whose turn it is in this minute.
func turn(order []flows.PersonID, now time.Time) []flows.PersonID {
	if len(order) <= holdersAtATime {
		return order
	}
	from := int(now.Unix()/60) * holdersAtATime % len(order)
	return append(order[from:], order[:from]...)[:holdersAtATime]
}
