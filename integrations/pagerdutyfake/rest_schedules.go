package pagerdutyfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// scheduleHead is a layer-based schedule without its rendered parts.
func (a *Account) scheduleHead(s *Schedule) obj {
	users := []any{}
	for _, id := range s.everybody() {
		users = append(users, a.userRef(id))
	}
	return as(a.scheduleRef(s), "schedule", obj{
		"name": s.Name, "time_zone": s.TimeZone, "description": orNull(s.Description),
		"escalation_policies": a.policiesOf(s.ID), "users": users, "teams": []any{},
	})
}

func (a *Account) policiesOf(schedule string) []any {
	out := []any{}
	for _, p := range a.policies.all() {
		if p.targets([]string{schedule}) {
			out = append(out, a.policyRef(p.ID))
		}
	}
	return out
}

// everybody is who stands on a schedule, on call or not.
func (s *Schedule) everybody() []string {
	var out []string
	add := func(ids ...string) {
		for _, id := range ids {
			if id != "" && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	for _, l := range s.Layers {
		add(l.Users...)
	}
	for _, r := range s.Rotations {
		for _, e := range r.Events {
			add(e.Members...)
		}
	}
	for _, c := range s.CustomShifts {
		add(c.Members...)
	}
	return out
}

// rendering is how schedule entries are asked for.
type rendering struct {
	window
	overflow bool
}

// rendering reads since, until and overflow; ok is false when no period was given.
func (c *call) rendering() (r rendering, given bool, e *apiError) {
	since, until, e := c.period()
	if e != nil {
		return r, false, e
	}
	given = !since.IsZero() || !until.IsZero()
	if since.IsZero() && until.IsZero() {
		since = c.now
	}
	if until.IsZero() {
		until = since.Add(14 * day)
	}
	if since.IsZero() {
		since = until.Add(-14 * day)
	}
	return rendering{window{since, until}, c.q.Get("overflow") == "true"}, given, nil
}

// cutOrWhole computes spans for the window: cut at its bounds, or whole.
func (r rendering) cutOrWhole(compute func(window) []Span) []Span {
	if !r.overflow {
		return clip(compute(r.window), r.window)
	}
	wide := window{r.from.Add(-60 * day), r.to.Add(60 * day)}
	return slices.DeleteFunc(compute(wide), func(s Span) bool { return s.window().intersect(r.window).empty() })
}

func (c *call) entries(spans []Span, loc *time.Location) []any {
	out := []any{}
	for _, s := range spans {
		out = append(out, obj{"start": when(s.Start, loc), "end": when(s.End, loc), "user": c.a.userRef(s.User)})
	}
	return out
}

// scheduleZone is the zone entries are shown in: the one asked for, or the schedule's.
func (c *call) scheduleZone(s *Schedule) *time.Location {
	if c.q.Get("time_zone") != "" {
		return c.loc
	}
	return s.loc
}

func (c *call) layerShapes(s *Schedule, r rendering, rendered bool) []any {
	loc := c.scheduleZone(s)
	out := []any{}
	for _, l := range slices.Backward(s.Layers) {
		users, restrictions := []any{}, []any{}
		for _, id := range l.Users {
			if id != "" {
				users = append(users, obj{"user": c.a.userRef(id)})
			}
		}
		for _, x := range l.Restrictions {
			o := obj{"type": x.Type, "start_time_of_day": x.StartTimeOfDay, "duration_seconds": x.DurationSeconds}
			if x.Type == "weekly_restriction" {
				o["start_day_of_week"] = x.StartDayOfWeek
			}
			restrictions = append(restrictions, o)
		}
		o := obj{
			"id": l.ID, "name": l.Name, "start": when(l.Start, loc), "end": when(l.End, loc),
			"rotation_virtual_start":       when(l.VirtualStart, loc),
			"rotation_turn_length_seconds": l.TurnSeconds, "users": users, "restrictions": restrictions,
			"rendered_schedule_entries": []any{}, "rendered_coverage_percentage": nil,
		}
		if rendered {
			spans := r.cutOrWhole(func(w window) []Span { return merge(l.spans(s.loc, w)) })
			o["rendered_schedule_entries"] = c.entries(spans, loc)
			o["rendered_coverage_percentage"] = coverage(spans, r.window)
		}
		out = append(out, o)
	}
	return out
}

func (c *call) subschedule(name string, s *Schedule, r rendering, spans []Span) obj {
	return obj{
		"name": name, "rendered_schedule_entries": c.entries(spans, c.scheduleZone(s)),
		"rendered_coverage_percentage": coverage(spans, r.window),
	}
}

func (c *call) rendered(s *Schedule, r rendering) obj {
	return obj{
		"schedule_layers":       c.layerShapes(s, r, true),
		"overrides_subschedule": c.subschedule("Overrides", s, r, r.cutOrWhole(s.overrideSpans)),
		"final_schedule":        c.subschedule("Final Schedule", s, r, r.cutOrWhole(s.final)),
	}
}

func listSchedules(c *call) (answer, *apiError) {
	c.onlyIncludes("schedule_layers", "overrides_subschedule", "final_schedule")
	r, given, e := c.rendering()
	if e != nil {
		return answer{}, e
	}
	q := c.q.Get("query")
	found := pick(c.a.schedules.all(), func(s *Schedule) bool {
		return !s.V3() && matches(q, s.Name) && len(c.list("team_ids")) == 0
	})
	return page(c, "schedules", found, 25, 100, func(s *Schedule) any {
		out := c.a.scheduleHead(s)
		parts := obj{}
		if given {
			parts = c.rendered(s, r)
		} else if c.includes("schedule_layers") {
			parts["schedule_layers"] = c.layerShapes(s, r, false)
		}
		for _, part := range c.list("include") {
			if v, there := parts[part]; there {
				out[part] = v
			}
		}
		return out
	})
}

// layered finds a layer-based schedule by the id in the path.
func (c *call) layered() (*Schedule, *apiError) {
	s := c.a.schedules.get(c.vars["id"])
	if s == nil || s.V3() {
		return nil, fail(404, codeScheduleUnknown)
	}
	return s, nil
}

func getSchedule(c *call) (answer, *apiError) {
	s, e := c.layered()
	if e != nil {
		return answer{}, e
	}
	r, _, e := c.rendering()
	if e != nil {
		return answer{}, e
	}
	return ok(obj{"schedule": as(c.a.scheduleHead(s), "schedule", c.rendered(s, r))})
}

// listScheduleUsers gives who is on call in a period; without a period it
// gives everybody on the schedule, which is not who is on call.
func listScheduleUsers(c *call) (answer, *apiError) {
	s, e := c.layered()
	if e != nil {
		return answer{}, e
	}
	r, given, e := c.rendering()
	if e != nil {
		return answer{}, e
	}
	ids := s.everybody()
	if given {
		ids = nil
		for _, sp := range s.final(r.window) {
			if !slices.Contains(ids, sp.User) {
				ids = append(ids, sp.User)
			}
		}
	}
	users := []any{}
	for _, id := range ids {
		if u := c.a.users.get(id); u != nil {
			users = append(users, c.a.userShape(u))
		}
	}
	return ok(obj{"users": users})
}

func (c *call) overrideShape(s *Schedule, o Override) obj {
	loc := c.scheduleZone(s)
	return obj{"id": o.ID, "start": when(o.Start, loc), "end": when(o.End, loc), "user": c.a.userRef(o.User)}
}

func listOverrides(c *call) (answer, *apiError) {
	s, e := c.layered()
	if e != nil {
		return answer{}, e
	}
	since, until, e := c.period()
	if e != nil {
		return answer{}, e
	}
	if since.IsZero() || until.IsZero() {
		return answer{}, fail(400, codeMissingArguments, "since and until are required")
	}
	w, out := window{since, until}, []any{}
	for _, o := range s.Overrides {
		cut := window{o.Start, o.End}.intersect(w)
		if cut.empty() {
			continue
		}
		if c.q.Get("overflow") != "true" {
			o.Start, o.End = cut.from, cut.to
		}
		out = append(out, c.overrideShape(s, o))
	}
	return ok(obj{"overrides": out})
}

// overrideInput is an override as clients send it.
type overrideInput struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	User  struct {
		ID string `json:"id"`
	} `json:"user"`
}

// createOverrides takes several under "overrides", each with its own status,
// or one under "override" as older clients send.
func createOverrides(c *call) (answer, *apiError) {
	s, e := c.layered()
	if e != nil {
		return answer{}, e
	}
	var body struct {
		Overrides []overrideInput `json:"overrides"`
		Override  *overrideInput  `json:"override"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return answer{}, fail(400, codeInvalidInput, "The body is not valid JSON")
	}
	if body.Override != nil {
		o := Override{User: body.Override.User.ID, Start: body.Override.Start, End: body.Override.End, CreatedBy: c.actor}
		if e := c.a.addOverride(s.ID, &o); e != nil {
			return answer{}, e
		}
		return answer{http.StatusCreated, obj{"override": c.overrideShape(s, o)}}, nil
	}
	if len(body.Overrides) == 0 {
		return answer{}, fail(400, codeMissingArguments, "Missing overrides")
	}
	out := []any{}
	for _, in := range body.Overrides {
		o := Override{User: in.User.ID, Start: in.Start, End: in.End, CreatedBy: c.actor}
		if e := c.a.addOverride(s.ID, &o); e != nil {
			out = append(out, obj{"status": e.status, "errors": e.details, "override": c.overrideShape(s, o)})
			continue
		}
		out = append(out, obj{"status": http.StatusCreated, "override": c.overrideShape(s, o)})
	}
	return answer{http.StatusCreated, out}, nil
}

func deleteOverride(c *call) (answer, *apiError) {
	s, e := c.layered()
	if e != nil {
		return answer{}, e
	}
	truncated, e := c.a.removeOverride(s.ID, c.vars["override"], c.actor)
	if e != nil {
		return answer{}, e
	}
	if truncated {
		return answer{http.StatusOK, nil}, nil
	}
	return answer{http.StatusNoContent, nil}, nil
}
