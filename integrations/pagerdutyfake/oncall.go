package pagerdutyfake

import (
	"slices"
	"time"
)

// OnCall is one entry of who is on call: a user, for a policy and level, by a
// schedule or, when Schedule is empty, permanently (Start and End are zero).
type OnCall struct {
	User     string    `json:"user"`
	Policy   string    `json:"escalation_policy"`
	Level    int       `json:"escalation_level"`
	Schedule string    `json:"schedule,omitempty"`
	Start    time.Time `json:"start,omitzero"`
	End      time.Time `json:"end,omitzero"`
}

// OnCallAt lists who is on call at a moment, over all policies.
func (a *Account) OnCallAt(at time.Time) []OnCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.onCalls(onCallQuery{window: window{at, at}})
}

// onCallQuery is what /oncalls can be asked: OR inside a list, AND between.
type onCallQuery struct {
	window                     window
	users, policies, schedules []string
	earliest                   bool
}

func (q onCallQuery) wants(o OnCall) bool {
	in := func(list []string, id string) bool { return len(list) == 0 || slices.Contains(list, id) }
	schedule := o.Schedule
	if schedule == "" {
		schedule = "null"
	}
	return in(q.users, o.User) && in(q.policies, o.Policy) && in(q.schedules, schedule)
}

// onCalls computes the entries that touch the window; the caller holds a.mu.
func (a *Account) onCalls(q onCallQuery) []OnCall {
	shifts := map[string][]Span{}
	var out []OnCall
	for _, p := range a.policies.all() {
		if len(q.policies) > 0 && !slices.Contains(q.policies, p.ID) {
			continue
		}
		for i, r := range p.Rules {
			for _, t := range r.Targets {
				for _, e := range a.targetOnCalls(t, q.window, shifts) {
					e.Policy, e.Level = p.ID, i+1
					if q.wants(e) && a.users.get(e.User) != nil {
						out = append(out, e)
					}
				}
			}
		}
	}
	if q.earliest {
		out = earliest(out)
	}
	return out
}

func (a *Account) targetOnCalls(target string, w window, shifts map[string][]Span) []OnCall {
	s := a.schedules.get(target)
	if s == nil {
		return []OnCall{{User: target}}
	}
	spans, known := shifts[target]
	if !known {
		spans = s.shifts(w)
		shifts[target] = spans
	}
	out := make([]OnCall, 0, len(spans))
	for _, sp := range spans {
		out = append(out, OnCall{User: sp.User, Schedule: s.ID, Start: sp.Start, End: sp.End})
	}
	return out
}

// earliest keeps the first entry of each policy, level and user.
func earliest(in []OnCall) []OnCall {
	type key struct {
		policy string
		level  int
		user   string
	}
	at := map[key]int{}
	var out []OnCall
	for _, o := range in {
		k := key{o.Policy, o.Level, o.User}
		i, seen := at[k]
		switch {
		case !seen:
			at[k] = len(out)
			out = append(out, o)
		case o.Start.Before(out[i].Start):
			out[i] = o
		}
	}
	return out
}
