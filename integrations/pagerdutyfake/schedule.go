package pagerdutyfake

import (
	"fmt"
	"slices"
	"time"
)

// Schedule is an on-call schedule: layer-based, or, when it has Rotations or
// CustomShifts, a shift-based ("v3") one.
type Schedule struct {
	ID          string `json:"id,omitempty"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// TimeZone is the zone of hand-offs and restrictions; UTC if empty.
	TimeZone string `json:"time_zone,omitempty"`
	// Layers are ordered as the web shows them: a later one covers an earlier.
	Layers []Layer `json:"schedule_layers,omitempty"`
	// Rotations and CustomShifts make it a v3 schedule.
	Rotations    []Rotation    `json:"rotations,omitempty"`
	CustomShifts []CustomShift `json:"custom_shifts,omitempty"`
	// Overrides are kept in the order they were made; the last one wins.
	Overrides []Override `json:"overrides,omitempty"`

	loc *time.Location
}

// Layer is a rotation of a layer-based schedule.
type Layer struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Start and End bound the layer; a zero End means it goes on.
	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"`
	// VirtualStart is where the rotation counts its turns from; Start if zero.
	VirtualStart time.Time `json:"rotation_virtual_start,omitzero"`
	// TurnSeconds is the length of a turn. Whole days are counted on the wall
	// clock, so hand-offs stay at the same hour across a change of daylight
	// saving time; other lengths are counted in elapsed seconds.
	TurnSeconds int `json:"rotation_turn_length_seconds"`
	// Users are ids in order of rotation; an empty id is a gap.
	Users        []string      `json:"users"`
	Restrictions []Restriction `json:"restrictions,omitempty"`
}

// Restriction limits a layer to a part of each day or week.
type Restriction struct {
	// Type is daily_restriction or weekly_restriction.
	Type string `json:"type"`
	// StartTimeOfDay is HH:MM:SS on the schedule's wall clock.
	StartTimeOfDay string `json:"start_time_of_day"`
	// DurationSeconds is counted on the wall clock as well.
	DurationSeconds int `json:"duration_seconds"`
	// StartDayOfWeek is 1 (Monday) to 7, for weekly restrictions.
	StartDayOfWeek int `json:"start_day_of_week,omitempty"`
}

// Override puts a user on call for a while. On a v3 schedule it replaces the
// Overridden user of one rotation; empty means whoever is on, in all of them.
type Override struct {
	ID         string    `json:"id,omitempty"`
	User       string    `json:"user"`
	Start      time.Time `json:"start"`
	End        time.Time `json:"end"`
	CreatedAt  time.Time `json:"created_at,omitzero"`
	CreatedBy  string    `json:"created_by,omitempty"`
	Rotation   string    `json:"rotation_id,omitempty"`
	Overridden string    `json:"overridden_user,omitempty"`
}

// V3 says whether the schedule is shift-based.
func (s *Schedule) V3() bool { return len(s.Rotations) > 0 || len(s.CustomShifts) > 0 }

// AddSchedule adds a schedule, or replaces the one with its id (an upgrade
// from layers to rotations keeps the id that way).
func (a *Account) AddSchedule(s Schedule) (Schedule, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.prepare(&s); err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w; not added", s.Name, err)
	}
	a.schedules.put(s.ID, &s)
	a.record("schedules", s.ID, s.Name, "update", "")
	a.notify()
	return s, nil
}

// Schedules lists all schedules, with their overrides.
func (a *Account) Schedules() []Schedule {
	a.mu.Lock()
	defer a.mu.Unlock()
	return values(a.schedules.all())
}

// prepare checks a schedule and fills in what may be left out.
func (a *Account) prepare(s *Schedule) error {
	if s.TimeZone == "" {
		s.TimeZone = "Etc/UTC"
	}
	loc, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return fmt.Errorf("time zone: %w", err)
	}
	if len(s.Layers) > 0 && s.V3() {
		return fmt.Errorf("it has both layers and rotations; a schedule is one or the other")
	}
	s.loc = loc
	if s.ID == "" {
		s.ID = a.resourceID()
	}
	s.Layers, s.Rotations = slices.Clone(s.Layers), slices.Clone(s.Rotations)
	s.CustomShifts, s.Overrides = slices.Clone(s.CustomShifts), slices.Clone(s.Overrides)
	for i := range s.Layers {
		if err := a.prepareLayer(&s.Layers[i], i); err != nil {
			return fmt.Errorf("layer %d: %w", i+1, err)
		}
	}
	if err := a.prepareShifts(s); err != nil {
		return err
	}
	for i := range s.Overrides {
		if s.Overrides[i].ID == "" {
			s.Overrides[i].ID = a.incidentID()
		}
	}
	return nil
}

func (a *Account) prepareLayer(l *Layer, i int) error {
	switch {
	case l.Start.IsZero():
		return fmt.Errorf("start is missing")
	case l.TurnSeconds <= 0:
		return fmt.Errorf("rotation_turn_length_seconds must be above 0")
	}
	if l.VirtualStart.IsZero() {
		l.VirtualStart = l.Start
	}
	if l.ID == "" {
		l.ID = a.resourceID()
	}
	if l.Name == "" {
		l.Name = fmt.Sprintf("Layer %d", i+1)
	}
	for _, r := range l.Restrictions {
		if err := r.check(); err != nil {
			return err
		}
	}
	return a.known(l.Users...)
}

// known checks that ids are users; the empty id is a gap and fine.
func (a *Account) known(ids ...string) error {
	for _, id := range ids {
		if id != "" && a.users.get(id) == nil {
			return fmt.Errorf("there is no user %q; add the user first", id)
		}
	}
	return nil
}

// Override puts user on call on a schedule from one moment to another, as
// somebody would in the web.
func (a *Account) Override(schedule, user string, from, to time.Time) (Override, error) {
	return a.AddOverride(schedule, Override{User: user, Start: from, End: to})
}

// AddOverride adds an override with every detail, such as who made it when.
func (a *Account) AddOverride(schedule string, o Override) (Override, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.addOverride(schedule, &o); e != nil {
		return Override{}, e
	}
	return o, nil
}

func (a *Account) addOverride(schedule string, o *Override) *apiError {
	s := a.schedules.get(schedule)
	switch {
	case s == nil:
		return fail(404, codeScheduleUnknown)
	case a.users.get(o.User) == nil:
		return fail(400, codeOverrideInvalid, "User not found")
	case !o.End.After(o.Start):
		return fail(400, codeOverrideInvalid, "Override must end after its start")
	}
	if o.CreatedAt.IsZero() {
		o.CreatedAt = a.opts.Now()
	}
	if o.ID == "" {
		o.ID = a.incidentID()
	}
	s.Overrides = append(s.Overrides, *o)
	a.record("schedules", s.ID, s.Name, "update", o.CreatedBy)
	a.notify()
	return nil
}

// RemoveOverride takes an override away, wholly if it has not begun, from now
// on if it is running. A past one stays and is an error.
func (a *Account) RemoveOverride(schedule, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, e := a.removeOverride(schedule, id, "")
	return asError(e)
}

func (a *Account) removeOverride(schedule, id, by string) (truncated bool, e *apiError) {
	s := a.schedules.get(schedule)
	if s == nil {
		return false, fail(404, codeScheduleUnknown)
	}
	i := slices.IndexFunc(s.Overrides, func(o Override) bool { return o.ID == id })
	if i < 0 {
		return false, fail(404, codeOverrideInvalid).named("Override Not Found")
	}
	now, o := a.opts.Now(), &s.Overrides[i]
	if !o.End.After(now) {
		return false, fail(400, codeOverrideInvalid, "A past override cannot be removed")
	}
	if o.Start.Before(now) {
		o.End, truncated = now, true
	} else {
		s.Overrides = slices.Delete(s.Overrides, i, i+1)
	}
	a.record("schedules", s.ID, s.Name, "update", by)
	a.notify()
	return truncated, nil
}
