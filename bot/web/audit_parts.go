package web

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
)

// livePart is the access that there is now in a flow, or in all, by target.
type livePart struct {
	All      int64
	ByTarget map[string]int64
}

// mostLive is how many accesses of a flow are counted one by one.
const mostLive = 1000

// liveIn counts the access that there is now; flow may be empty.
func (w *Web) liveIn(ctx context.Context, flow flows.FlowID) (livePart, error) {
	out := livePart{ByTarget: map[string]int64{}}
	all, err := w.o.Requests.Requests(ctx, flows.RequestFilter{
		Flow: flow, States: []flows.State{flows.StateActive, flows.StateEnding}, Limit: mostLive,
	})
	for i := range all {
		if !all[i].GrantedAt.IsZero() {
			out.All++
			out.ByTarget[string(all[i].Content.Target)]++
		}
	}
	return out, err
}

// targetCurve is how much access to a target there was over time.
type targetCurve struct {
	Target string
	Label  string
	Now    int64
	Began  int64 // in the whole time
	curve
}

// mostTargets is how many targets a page draws: those with the most access.
const mostTargets = 24

// activeByTarget draws each target by itself.
func (w *Web) activeByTarget(all []flows.Total, live map[string]int64, from, to time.Time) []targetCurve {
	by := map[string][]flows.Total{}
	for target := range live {
		by[target] = nil
	}
	for _, t := range all {
		if whole, target := t.Name.Part(); target != "" && (whole == flows.TotalBegan || whole == flows.TotalOver) {
			t.Name = whole
			by[target] = append(by[target], t)
		}
	}
	out := make([]targetCurve, 0, len(by))
	for target, totals := range by {
		one := targetCurve{Target: target, Label: w.target(flows.TargetID(target)), Now: live[target]}
		for _, t := range totals {
			if t.Name == flows.TotalBegan {
				one.Began += t.N
			}
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b targetCurve) int {
		return cmp.Or(cmp.Compare(b.Now, a.Now), cmp.Compare(b.Began, a.Began), strings.Compare(a.Label, b.Label))
	})
	out = out[:min(len(out), mostTargets)]
	for i := range out { // drawing costs: only those that are shown
		out[i].curve = *activeOver(by[out[i].Target], out[i].Now, from, to)
	}
	return out
}

// selfByTeam counts the approvals of people's own requests by the escalation policy whose
// shift they rested on.
func selfByTeam(all []flows.Total) []share {
	by := map[string]int64{}
	for _, t := range all {
		if whole, team := t.Name.Part(); team != "" && whole == flows.TotalSelf {
			by[team] += t.N
		}
	}
	out := make([]share, 0, len(by))
	for team, n := range by {
		out = append(out, share{Label: team, N: n})
	}
	slices.SortFunc(out, func(a, b share) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Label, b.Label)) })
	return shares(out)
}
