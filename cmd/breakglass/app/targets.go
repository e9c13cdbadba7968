package app

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"breakglass/flows"
)

// ErrTargetsGone says that the configuration lacks targets that still give access.
var ErrTargetsGone = errors.New("targets with live grants cannot be removed")

// liveStates are the states in which access exists or may exist.
func liveStates() []flows.State {
	return []flows.State{flows.StateApproved, flows.StateGranting, flows.StateActive, flows.StateEnding}
}

// checkTargets refuses a configuration that has no way left to end what it gave.
func (a *App) checkTargets(ctx context.Context) error {
	gone := map[flows.TargetID]int{}
	var before flows.RequestID
	for {
		page, err := a.store.Requests(ctx, flows.RequestFilter{States: liveStates(), Before: before, Limit: 500})
		if err != nil {
			return fmt.Errorf("list live grants: %w", err)
		}
		for _, r := range page {
			if before = r.ID; a.Catalog().Targets[r.Content.Target] == nil {
				gone[r.Content.Target]++
			}
		}
		if len(page) < 500 {
			break
		}
	}
	if len(gone) == 0 {
		return nil
	}
	var names []string
	for id, n := range gone {
		names = append(names, fmt.Sprintf("%s (%d)", id, n))
	}
	sort.Strings(names)
	return fmt.Errorf("%w: %s; nothing was started. Put the target blocks back, and take them out when the access has ended", ErrTargetsGone, strings.Join(names, ", "))
}
