package pagerdutyfake

import (
	"fmt"
	"slices"
	"time"
)

// Policy is an escalation policy; Rules[0] is level 1.
type Policy struct {
	ID          string `json:"id,omitempty"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	NumLoops    int    `json:"num_loops,omitempty"`
	Rules       []Rule `json:"escalation_rules"`
}

// Rule is one level of a policy.
type Rule struct {
	ID string `json:"id,omitempty"`
	// DelayMinutes is the time before the next level; 30 if zero.
	DelayMinutes int `json:"escalation_delay_in_minutes,omitempty"`
	// RoundRobin assigns incidents to one target in turn. /oncalls lists
	// everyone at the level all the same.
	RoundRobin bool `json:"round_robin,omitempty"`
	// Targets are the ids of users (permanently on call) and schedules.
	Targets []string `json:"targets"`

	next int
}

// AddPolicy adds a policy, or replaces the one with its id.
func (a *Account) AddPolicy(p Policy) (Policy, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.ID == "" {
		p.ID = a.resourceID()
	}
	p.Rules = slices.Clone(p.Rules)
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.ID == "" {
			r.ID = a.resourceID()
		}
		if r.DelayMinutes == 0 {
			r.DelayMinutes = 30
		}
		r.Targets = slices.Clone(r.Targets)
		for _, t := range r.Targets {
			if a.users.get(t) == nil && a.schedules.get(t) == nil {
				return Policy{}, fmt.Errorf("policy %q, level %d: there is no user or schedule %q; add it first", p.Name, i+1, t)
			}
		}
	}
	a.policies.put(p.ID, &p)
	a.record("escalation_policies", p.ID, p.Name, "update", "")
	a.notify()
	return p, nil
}

// Policies lists all escalation policies.
func (a *Account) Policies() []Policy {
	a.mu.Lock()
	defer a.mu.Unlock()
	return values(a.policies.all())
}

// SetOnCall makes exactly these users on call at a level of a policy, by
// schedules, since a day ago and until said otherwise. Without users nobody is.
func (a *Account) SetOnCall(policy string, level int, users ...string) error {
	return a.SetOnCallSince(policy, level, a.opts.Now().Add(-day), users...)
}

// SetOnCallSince is SetOnCall with the start of the shift.
func (a *Account) SetOnCallSince(policy string, level int, since time.Time, users ...string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.policies.get(policy)
	if p == nil {
		return fmt.Errorf("set on call: there is no escalation policy %q; add it first", policy)
	}
	if level < 1 || level > len(p.Rules)+1 {
		return fmt.Errorf("set on call: %q has %d levels, not %d", p.Name, len(p.Rules), level)
	}
	if err := a.known(users...); err != nil {
		return fmt.Errorf("set on call: %w", err)
	}
	var targets []string
	for i := range max(len(users), 1) {
		s := &Schedule{ID: a.rotaID(p, level, i), Name: fmt.Sprintf("%s, level %d (%d)", p.Name, level, i+1)}
		if len(users) > 0 {
			s.Layers = []Layer{{Start: since.Truncate(time.Second), TurnSeconds: 7 * 86400, Users: users[i : i+1]}}
		}
		if err := a.prepare(s); err != nil {
			return fmt.Errorf("set on call: %w", err)
		}
		a.schedules.put(s.ID, s)
		targets = append(targets, s.ID)
	}
	if level > len(p.Rules) {
		p.Rules = append(p.Rules, Rule{ID: a.resourceID(), DelayMinutes: 30})
	}
	p.Rules[level-1].Targets = targets
	a.record("escalation_policies", p.ID, p.Name, "update", "")
	a.notify()
	return nil
}

// rotaID finds the schedule an earlier SetOnCall made, so that its id stays.
func (a *Account) rotaID(p *Policy, level, i int) string {
	name := fmt.Sprintf("%s, level %d (%d)", p.Name, level, i+1)
	for _, s := range a.schedules.all() {
		if s.Name == name {
			return s.ID
		}
	}
	return ""
}
