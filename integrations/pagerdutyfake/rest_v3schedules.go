package pagerdutyfake

func listV3Schedules(c *call) (answer, *apiError) {
	q := c.q.Get("query")
	found := pick(c.a.schedules.all(), func(s *Schedule) bool { return s.V3() && matches(q, s.Name) })
	ans, e := page(c, "schedules", found, 100, 1000, func(s *Schedule) any { return c.a.scheduleRef(s) })
	if body, is := ans.body.(obj); is {
		delete(body, "total")
	}
	return ans, e
}

// shiftBased finds a v3 schedule by the id in the path. The id of a schedule
// that was not upgraded is 400, by which clients tell the two kinds apart.
func (c *call) shiftBased() (*Schedule, *apiError) {
	s := c.a.schedules.get(c.vars["id"])
	switch {
	case s == nil:
		return nil, fail(404, codeScheduleUnknown)
	case !s.V3():
		return nil, fail(400, codeInvalidInput, "Schedule "+s.ID+" is not a shift-based schedule")
	}
	return s, nil
}

func getV3Schedule(c *call) (answer, *apiError) {
	c.onlyIncludes("final_schedule")
	s, e := c.shiftBased()
	if e != nil {
		return answer{}, e
	}
	rotations := []any{}
	for _, r := range s.Rotations {
		events := []any{}
		for _, ev := range r.Events {
			events = append(events, c.eventShape(s, r.ID, ev))
		}
		self := apiBase + "/v3/schedules/" + s.ID + "/rotations/" + r.ID
		rotations = append(rotations, obj{"id": r.ID, "type": "schedule_rotation", "events": events, "self": self})
	}
	users := []any{}
	for _, id := range s.everybody() {
		users = append(users, c.a.userRef(id))
	}
	cal := c.a.opts.WebURL + "/private/" + s.ID + "/feed"
	shape := as(c.a.scheduleRef(s), "schedule_v3", obj{
		"name": s.Name, "time_zone": s.TimeZone, "description": orNull(s.Description), "teams": []any{},
		"escalation_policies": c.a.policiesOf(s.ID), "users": users, "rotations": rotations,
		"http_cal_url": cal, "web_cal_url": cal,
	})
	delete(shape, "summary")
	if c.includes("final_schedule") {
		r, _, e := c.rendering()
		if e != nil {
			return answer{}, e
		}
		shape["final_schedule"] = c.finalShifts(s, r)
	}
	return ok(obj{"schedule": shape})
}

func (c *call) finalShifts(s *Schedule, r rendering) obj {
	spans, list := r.cutOrWhole(s.assignments), []any{}
	for _, sp := range spans {
		source := obj{"type": sp.Source.Type}
		for name, v := range map[string]string{"rotation_id": sp.Source.Rotation, "shift_id": sp.Source.Shift, "override_id": sp.Source.Override} {
			if v != "" {
				source[name] = v
			}
		}
		list = append(list, obj{
			"type": "computed_shift_assignment", "start_time": when(sp.Start, c.loc), "end_time": when(sp.End, c.loc),
			"member": member(sp.User), "source": source,
		})
	}
	return obj{"type": "final_schedule", "rendered_coverage_percentage": coverage(spans, r.window), "computed_shift_assignments": list}
}

func member(user string) obj {
	if user == "" {
		return obj{"type": "empty_member"}
	}
	return obj{"type": "user_member", "user_id": user}
}

func (c *call) eventShape(s *Schedule, rotation string, e Event) obj {
	members, recurrence := []any{}, []any{}
	for _, m := range e.Members {
		members = append(members, member(m))
	}
	if e.Recurrence != "" {
		recurrence = append(recurrence, e.Recurrence)
	}
	strategy := obj{"type": "rotating_member_assignment_strategy", "shifts_per_member": max(e.ShiftsPerMember, 1), "members": members}
	if e.EveryMember {
		strategy = obj{"type": "every_member_assignment_strategy", "members": members}
	}
	since := e.EffectiveSince
	if since.IsZero() {
		since = e.Start
	}
	return obj{
		"id": e.ID, "type": "schedule_event", "name": e.Name,
		"start_time":      obj{"date_time": when(e.Start, s.loc), "time_zone": s.TimeZone},
		"end_time":        obj{"date_time": when(e.End, s.loc), "time_zone": s.TimeZone},
		"effective_since": when(since, c.loc), "effective_until": when(e.EffectiveUntil, c.loc),
		"recurrence": recurrence, "assignment_strategy": strategy,
		"self": apiBase + "/v3/schedules/" + s.ID + "/rotations/" + rotation + "/events/" + e.ID,
	}
}

func listV3Overrides(c *call) (answer, *apiError) {
	s, e := c.shiftBased()
	if e != nil {
		return answer{}, e
	}
	since, until, e := c.period()
	if e != nil {
		return answer{}, e
	}
	var found []Override
	for _, o := range s.Overrides {
		if (since.IsZero() || o.End.After(since)) && (until.IsZero() || o.Start.Before(until)) {
			found = append(found, o)
		}
	}
	return page(c, "overrides", found, 25, 100, func(o Override) any {
		out := obj{
			"id": o.ID, "type": "override_shift", "start_time": when(o.Start, c.loc), "end_time": when(o.End, c.loc),
			"overridden_member": member(o.Overridden), "overriding_member": member(o.User),
			"self": apiBase + "/v3/schedules/" + s.ID + "/overrides/" + o.ID,
		}
		if o.Rotation != "" {
			out["rotation_id"] = o.Rotation
		}
		return out
	})
}
