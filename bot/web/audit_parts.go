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

// mostAccess are the targets that a page draws, by how much access to them there is, and
// was; there is nothing of their days yet.
func (w *Web) mostAccess(parts []flows.Total, live map[string]int64) []targetCurve {
	by := map[string]*targetCurve{}
	of := func(target string) *targetCurve {
		if by[target] == nil {
			by[target] = &targetCurve{Target: target, Label: w.target(flows.TargetID(target)), Now: live[target]}
		}
		return by[target]
	}
	for target := range live {
		of(target)
	}
	for _, t := range parts {
		switch whole, target := t.Name.Part(); whole {
		case flows.TotalBegan:
			of(target).Began += t.N
		case flows.TotalOver: // it may have begun before
			of(target)
		}
	}
	out := make([]targetCurve, 0, len(by))
	for _, c := range by {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b targetCurve) int {
		return cmp.Or(cmp.Compare(b.Now, a.Now), cmp.Compare(b.Began, a.Began), strings.Compare(a.Label, b.Label))
	})
	return out[:min(len(out), mostTargets)]
}

// ids are the targets of curves.
func ids(all []targetCurve) (out []flows.TargetID) {
	for _, c := range all {
		out = append(out, flows.TargetID(c.Target))
	}
	return out
}

// drawTargets draws each target by itself.
func drawTargets(all []targetCurve, days []flows.TargetDay, from, to time.Time) {
	by := map[flows.TargetID]*accessDays{}
	for _, c := range all {
		by[flows.TargetID(c.Target)] = daily(from, to)
	}
	for _, d := range days {
		if a := by[d.Target]; a != nil {
			a.add(d.Day, d.Began, d.Over)
		}
	}
	for i := range all {
		all[i].curve = *by[flows.TargetID(all[i].Target)].draw(all[i].Now)
	}
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
