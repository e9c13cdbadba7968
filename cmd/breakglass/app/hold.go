package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/store"
)

// How often requests are held to their entries, and how many of those that are not over:
// a hundred thousand open grants are a round of an hour and a half, not a minute's work
// for each of twenty replicas. Of all requests it is a hundred each time.
const (
	holdEvery = time.Minute
	holdPages = 10 // of a hundred
)

// holding is what was found when requests were held to their entries.
type holding struct {
	open  flows.RequestID              // how far it has come among those not over
	after flows.RequestID              // how far it has come among all
	told  map[store.Contradiction]bool // since the start
}

// holdRequests holds requests to their entries until ctx ends: who writes into the
// database past the program changes a row, and not what was recorded.
func (a *App) holdRequests(ctx context.Context) {
	h := holding{told: map[store.Contradiction]bool{}}
	for {
		tick, stop := flows.After(a.o.Clock, holdEvery)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-tick:
			if err := a.holdOnce(ctx, &h); err != nil && ctx.Err() == nil {
				a.log.ErrorContext(ctx, "hold requests to their entries", "error", err)
			}
		}
	}
}

func (a *App) holdOnce(ctx context.Context, h *holding) error {
	open, err := a.holdOpen(ctx, h)
	if err != nil {
		return err
	}
	some, last, err := a.store.HoldSome(ctx, h.after)
	if err != nil {
		return err
	}
	h.after = last
	for _, c := range append(open, some...) {
		if h.told[c] {
			continue
		}
		if err := a.tellContradiction(ctx, c); err != nil {
			return err
		}
		h.told[c] = true
	}
	found := make([]string, 0, len(h.told))
	for c := range h.told {
		found = append(found, string(c.Request))
	}
	a.mu.Lock()
	a.altered = found
	a.mu.Unlock()
	return nil
}

// holdOpen goes on among the requests that are not over, once round at the most.
func (a *App) holdOpen(ctx context.Context, h *holding) (found []store.Contradiction, err error) {
	for range holdPages {
		var some []store.Contradiction
		if some, h.open, err = a.store.HoldOpen(ctx, h.open); err != nil {
			return nil, err
		}
		found = append(found, some...)
		if h.open == "" {
			break
		}
	}
	return found, nil
}

// tellContradiction records it, and tells the operators. Nothing is given by the request
// any more; what it gave stays until somebody has looked.
func (a *App) tellContradiction(ctx context.Context, c store.Contradiction) error {
	a.log.ErrorContext(ctx, "a request is not what its audit entries say", "request", c.Request, "why", c.Why)
	say := fmt.Sprintf("request %s is not what its audit entries say: %s. Somebody has written into the database past the program. "+
		"Look at the target by hand, end it with breakglass request end, and run breakglass audit verify", c.Request, c.Why)
	if c.Lists {
		say = fmt.Sprintf("request %s is as its audit entries say, and not found by it: %s. Somebody has written into the database past the program. "+
			"Run breakglass audit verify, and put the rows back from a backup", c.Request, c.Why)
	}
	var jobs []flows.Job
	for _, channel := range a.engine.FaultChannels() {
		jobs = append(jobs, operatorNotice("contradicted/"+string(c.Request)+"/"+channel, channel, say, a.o.Clock.Now()))
	}
	return a.engine.Record(ctx, "system", flows.Entry{
		Verb: "contradicted", Actor: flows.ByEngine(), Facts: map[string]any{"request": string(c.Request), "why": c.Why},
	}, flows.Finish{Also: func(flows.Outcome) []flows.Job { return jobs }})
}

// heldWarning says which requests are not what their entries say.
func (a *App) heldWarning(into map[string]string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.altered) > 0 {
		into["requests"] = fmt.Sprintf("%d requests are not what their audit entries say; see breakglass audit verify: %s",
			len(a.altered), strings.Join(a.altered[:min(len(a.altered), 5)], ", "))
	}
	return into
}
