package pagerdutyfake

import "time"

func listOnCalls(c *call) (answer, *apiError) {
	c.onlyIncludes("users", "escalation_policies", "schedules")
	since, until, e := c.onCallPeriod()
	if e != nil {
		return answer{}, e
	}
	found := c.a.onCalls(onCallQuery{
		window: window{since, until}, users: c.list("user_ids"), policies: c.list("escalation_policy_ids"),
		schedules: c.list("schedule_ids"), earliest: c.q.Get("earliest") == "true",
	})
	return page(c, "oncalls", found, 25, 100, func(o OnCall) any { return c.onCallShape(o) })
}

// onCallPeriod reads since and until, both of which default to now.
func (c *call) onCallPeriod() (since, until time.Time, e *apiError) {
	if since, until, e = c.period(); e != nil {
		return since, until, e
	}
	if since.IsZero() {
		since = c.now
	}
	if until.IsZero() {
		until = c.now
	}
	switch {
	case until.Before(since):
		return since, until, fail(400, codeBadTimes, "until cannot be before since")
	case until.After(c.now.Add(90*day + time.Minute)):
		return since, until, fail(400, codeBadRange, "On-call shifts are limited to 90 days in the future")
	}
	return since, until, nil
}

func (c *call) onCallShape(o OnCall) obj {
	out := obj{
		"user": c.a.user(o.User, c.includes("users")), "escalation_policy": c.a.policyRef(o.Policy),
		"escalation_level": o.Level, "schedule": nil,
		"start": when(o.Start, c.loc), "end": when(o.End, c.loc),
	}
	if c.includes("escalation_policies") {
		out["escalation_policy"] = c.a.policyShape(c.a.policies.get(o.Policy), false)
	}
	if s := c.a.schedules.get(o.Schedule); s != nil {
		out["schedule"] = c.a.scheduleRef(s)
		if c.includes("schedules") && !s.V3() {
			out["schedule"] = c.a.scheduleHead(s)
		}
	}
	return out
}
