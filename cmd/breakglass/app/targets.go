package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"breakglass/flows"
)

// ErrTargetsGone says that the configuration lacks targets that still give access.
var ErrTargetsGone = errors.New("targets with live grants cannot be removed")

// ErrTargetsMoved says that targets that still give access would be executed by
// something else, or elsewhere, which does not know what to end.
var ErrTargetsMoved = errors.New("kind and address of targets with live grants cannot change")

// liveStates are the states in which access exists or may exist.
func liveStates() []flows.State {
	return []flows.State{flows.StateApproved, flows.StateGranting, flows.StateActive, flows.StateEnding}
}

// checkTargets refuses a configuration that has no way left to end what was given: a
// target with live grants stays, and what executes them, and where.
func (a *App) checkTargets(ctx context.Context, c *flows.Catalog) error {
	gone, moved := map[flows.TargetID]int{}, map[flows.TargetID]int{}
	var before flows.RequestID
	for {
		page, err := a.store.Requests(ctx, flows.RequestFilter{States: liveStates(), Before: before, Limit: 500})
		if err != nil {
			return fmt.Errorf("list live grants: %w", err)
		}
		for _, r := range page {
			before = r.ID
			switch t := c.Targets[r.Content.Target]; {
			case t == nil:
				gone[r.Content.Target]++
			case r.Means != "" && r.Means != t.Means:
				moved[r.Content.Target]++
			}
		}
		if len(page) < 500 {
			break
		}
	}
	switch {
	case len(gone) > 0:
		return fmt.Errorf("%w: %s. Put the target blocks back, and take them out when the access has ended", ErrTargetsGone, counted(gone))
	case len(moved) > 0:
		return fmt.Errorf("%w: %s. Put them back, or declare a target of another name beside them", ErrTargetsMoved, counted(moved))
	}
	return nil
}

func counted(by map[flows.TargetID]int) string {
	var names []string
	for _, id := range sorted(by) {
		names = append(names, fmt.Sprintf("%s (%d)", id, by[id]))
	}
	return strings.Join(names, ", ")
}
