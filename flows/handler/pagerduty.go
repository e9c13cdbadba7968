package handler

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"breakglass/flows"
)

// The module pagerduty. It reads; notes are written by the program itself.
//
//	is_on_call(user, escalation_policy_name=, escalation_policy_id=, schedule_name=,
//	           schedule_id=, schedule=, max_level=) -> bool
//	users_on_call(the same, without user) -> list of users, by escalation level
//	on_call(…)  is_on_call with a user, users_on_call without (as old handlers say it)
//	get_incidents(assignees=, service_ids=, statuses=, urgencies=) -> list of dicts
//	has_incident(the same) -> bool
//
// Without a policy or schedule, any counts; with both, the entry must be of both. An
// answer that is not known stops the handler with a PagerDutyError and taints the
// evaluation.
func pagerdutyModule() *module {
	where := []string{"escalation_policy_name", "escalation_policy_id", "schedule_name", "schedule_id", "schedule", "max_level"}
	m := join("pagerduty", starlark.StringDict{
		"is_on_call":    &function{name: "pagerduty.is_on_call", params: append([]string{"user"}, where...), need: 1, run: isOnCall},
		"users_on_call": &function{name: "pagerduty.users_on_call", params: where, run: usersOnCall},
		"on_call":       &function{name: "pagerduty.on_call", params: append([]string{"user"}, where...), run: onCallEither},
		"get_incidents": &function{name: "pagerduty.get_incidents", params: incidentParams(), run: getIncidents},
		"has_incident":  &function{name: "pagerduty.has_incident", params: incidentParams(), run: hasIncident},
	})
	m.missing = map[string]string{
		"users_for_schedule": "it is not supported yet; users_on_call(schedule_name=…) has who is on call now",
		"PagerDutyError":     "exceptions are not supported yet",
		"create_incident":    "incidents are made by the flow: incident = \"create\"",
	}
	return m
}

type onCallKey struct{ policy, schedule string }

// place is which part of the rota is asked about.
type place struct {
	onCallKey
	maxLevel int
}

// where reads the arguments that the functions share.
func (c *call) where() (place, error) {
	var p place
	var err error
	if p.policy, err = c.oneOf("escalation_policy_name", "escalation_policy_id"); err != nil {
		return p, err
	}
	if p.schedule, err = c.oneOf("schedule_name", "schedule_id", "schedule"); err != nil {
		return p, err
	}
	p.maxLevel, err = c.integer("max_level")
	return p, err
}

// oneOf is the one argument of several that was given.
func (c *call) oneOf(names ...string) (string, error) {
	found, by := "", ""
	for _, n := range names {
		s, err := c.str(n)
		switch {
		case err != nil:
			return "", err
		case s != "" && found != "":
			return "", fmt.Errorf("%s: give %s or %s, not both", c.fn.name, by, n)
		case s != "":
			found, by = s, n
		}
	}
	return found, nil
}

func (p place) args(e *evaluation, args ...flows.Arg) []flows.Arg {
	if p.policy != "" {
		args = append(args, flows.Arg{Name: "escalation_policy", Value: e.open(p.policy)})
	}
	if p.schedule != "" {
		args = append(args, flows.Arg{Name: "schedule", Value: e.open(p.schedule)})
	}
	if p.maxLevel > 0 {
		args = append(args, flows.Arg{Name: "max_level", Value: int64(p.maxLevel)})
	}
	return args
}

// rota is an answer about one part of the rota, kept for the evaluation.
type rota struct {
	onCallKey
	answer flows.OnCallAnswer
}

// entries asks who is on call at the place, once in an evaluation. Which entries count
// at this moment, p.counts says.
func (e *evaluation) entries(p place, host *flows.HostCall) ([]flows.OnCallEntry, error) {
	var found *rota
	for _, r := range e.rotas {
		if r.onCallKey == p.onCallKey {
			found = r
		}
	}
	if e.opts.OnCall == nil {
		return nil, errors.New("PagerDutyError: no PagerDuty integration is configured here")
	}
	if found == nil {
		found = &rota{p.onCallKey, e.opts.OnCall.OnCall(e.ctx, flows.OnCallQuery{
			Policy: p.policy, Schedule: p.schedule, MaxAge: e.in.MaxAge, Click: e.in.Click,
		})}
		e.rotas = append(e.rotas, found)
	}
	host.ReadAt, host.Digest = found.answer.ReadAt, found.answer.Digest
	if !found.answer.Known {
		return nil, fmt.Errorf("PagerDutyError: PagerDuty could not say who is on call for %s: %s", p, found.answer.Why)
	}
	return found.answer.Entries, nil
}

// counts reports whether an entry is for now and within the levels asked about.
func (p place) counts(entry flows.OnCallEntry, now time.Time) bool {
	ok, _ := flows.OnCallLimits{MaxLevel: p.maxLevel}.Meets(entry, now)
	return ok
}

// String is the place in words.
func (p place) String() string {
	var parts []string
	if p.policy != "" {
		parts = append(parts, "escalation policy "+p.policy)
	}
	if p.schedule != "" {
		parts = append(parts, "schedule "+p.schedule)
	}
	if parts == nil {
		return "any escalation policy"
	}
	return strings.Join(parts, " and ")
}

func isOnCall(e *evaluation, c *call) (starlark.Value, error) {
	p, err := c.where()
	if err != nil {
		return nil, err
	}
	user, err := e.identify(c.fn.name, c.arg("user"))
	if err != nil {
		return nil, err
	}
	if e.loading {
		return e.ask(c.fn.name, nil, nil)
	}
	who := flows.Personal{About: user.about(), Value: string(user.pd)}
	args := p.args(e, flows.Arg{Name: "user", Value: who})
	return e.ask("pagerduty.is_on_call", args, func(host *flows.HostCall) (starlark.Value, error) {
		if why := user.unsure(); why != "" {
			return nil, fmt.Errorf("PagerDutyError: it is not known who this person is at PagerDuty: %s", why)
		}
		entries, err := e.entries(p, host)
		if err != nil {
			return nil, err
		}
		host.Answer, host.Result = false, flows.No
		for _, entry := range entries {
			if user.pd != "" && entry.User == user.pd && p.counts(entry, e.in.Now) {
				host.Answer, host.Result, host.Entry = true, flows.Yes, shiftOf(entry)
				e.foundOnCall(user, entry)
				return starlark.True, nil
			}
		}
		return starlark.False, nil
	})
}

// foundOnCall keeps why a person may be asked, for the card.
func (e *evaluation) foundOnCall(user *person, entry flows.OnCallEntry) {
	user.found = whyOnCall(placeOf(entry), levelsOf(entry.Level))
	for i := range e.found {
		if e.found[i].key() == user.key() {
			return
		}
	}
	e.found = append(e.found, user)
}

func levelsOf(n int) []int {
	if n == 0 {
		return nil
	}
	return []int{n}
}

func usersOnCall(e *evaluation, c *call) (starlark.Value, error) {
	p, err := c.where()
	if err != nil {
		return nil, err
	}
	if e.loading {
		return e.ask(c.fn.name, nil, nil)
	}
	found, err := e.ask("pagerduty.users_on_call", p.args(e), func(host *flows.HostCall) (starlark.Value, error) {
		return e.usersAt(p, host)
	})
	if err != nil {
		return nil, err
	}
	users, _ := found.(starlark.Tuple)
	if err := e.alloc(64 + 16*len(users)); err != nil {
		return nil, err
	}
	return starlark.NewList(append([]starlark.Value(nil), users...)), nil
}

// usersAt is who is on call at the place, by level, each person once.
func (e *evaluation) usersAt(p place, host *flows.HostCall) (starlark.Value, error) {
	entries, err := e.entries(p, host)
	if err != nil {
		return nil, err
	}
	order := make([]int, 0, len(entries))
	for i := range entries {
		if p.counts(entries[i], e.in.Now) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return entries[i].Level - entries[j].Level })
	users, answer := make(starlark.Tuple, 0, len(order)), make([]any, 0, len(order))
	seen := make(map[flows.PagerDutyUser]bool, len(order))
	for _, i := range order {
		entry := entries[i]
		if seen[entry.User] {
			continue
		}
		seen[entry.User] = true
		user := e.onCallPerson(entry)
		users = append(users, user)
		read := shiftOf(entry)
		read["user"] = flows.Personal{About: user.about(), Value: string(entry.User)}
		answer = append(answer, read)
	}
	host.Answer, host.Result = answer, flows.No
	if len(users) > 0 {
		host.Result = flows.Yes
	}
	return users, nil
}

// shiftOf is an entry of the rota as evidence has it, without the person. A place in the
// policy itself has no times; whether a shift is an override is said where it was read.
func shiftOf(entry flows.OnCallEntry) map[string]any {
	read := map[string]any{"level": int64(entry.Level), "policy": entry.PolicyName, "schedule": entry.Schedule}
	if entry.Override != flows.Unknown {
		read["override"] = entry.Override.String()
	}
	for name, at := range map[string]time.Time{"shift_start": entry.Start, "shift_end": entry.End} {
		if !at.IsZero() {
			read[name] = at.UnixMilli()
		}
	}
	return read
}

// onCallEither is on_call(user) or on_call(schedule=…), as old handlers say it.
func onCallEither(e *evaluation, c *call) (starlark.Value, error) {
	if c.arg("user") != nil {
		return isOnCall(e, c)
	}
	return usersOnCall(e, c)
}
