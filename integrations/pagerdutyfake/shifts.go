package pagerdutyfake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rotation is a rotation of a shift-based schedule.
type Rotation struct {
	ID     string  `json:"id,omitempty"`
	Events []Event `json:"events"`
}

// Event is a recurring shift.
type Event struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// Start and End are the first occurrence.
	Start time.Time `json:"start_time"`
	End   time.Time `json:"end_time"`
	// EffectiveSince and EffectiveUntil bound what the event produces; zero
	// means from the first occurrence, and without end.
	EffectiveSince time.Time `json:"effective_since,omitzero"`
	EffectiveUntil time.Time `json:"effective_until,omitzero"`
	// Recurrence is an RRULE with FREQ=DAILY or WEEKLY, INTERVAL, BYDAY, COUNT
	// and UNTIL; empty means once.
	Recurrence string `json:"recurrence,omitempty"`
	// EveryMember puts all members on call at once, instead of in turn.
	EveryMember bool `json:"every_member,omitempty"`
	// ShiftsPerMember is how many shifts in a row one member has; 1 if zero.
	ShiftsPerMember int `json:"shifts_per_member,omitempty"`
	// Members are user ids; an empty one is a vacant place.
	Members []string `json:"members"`
}

// CustomShift is a single shift outside of any rotation.
type CustomShift struct {
	ID      string    `json:"id,omitempty"`
	Start   time.Time `json:"start_time"`
	End     time.Time `json:"end_time"`
	Members []string  `json:"members"`
}

// rule is a parsed RRULE.
type rule struct {
	weekly   bool
	interval int
	days     []time.Weekday
	count    int
	until    time.Time
}

func parseRule(s string) (*rule, error) {
	s = strings.TrimPrefix(s, "RRULE:")
	if s == "" {
		return nil, nil
	}
	r := &rule{interval: 1}
	for part := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(part, "=")
		var err error
		switch name {
		case "FREQ":
			r.weekly = value == "WEEKLY"
			if !r.weekly && value != "DAILY" {
				err = fmt.Errorf("only DAILY and WEEKLY are simulated")
			}
		case "INTERVAL":
			r.interval, err = strconv.Atoi(value)
		case "COUNT":
			r.count, err = strconv.Atoi(value)
		case "UNTIL":
			r.until, err = time.Parse("20060102T150405Z", value)
		case "BYDAY":
			r.days, err = parseDays(value)
		case "WKST":
		default:
			err = fmt.Errorf("is not simulated")
		}
		if err != nil {
			return nil, fmt.Errorf("recurrence %q: %s: %w", s, part, err)
		}
	}
	if r.interval < 1 {
		return nil, fmt.Errorf("recurrence %q: INTERVAL must be above 0", s)
	}
	return r, nil
}

func parseDays(s string) ([]time.Weekday, error) {
	names := []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}
	var out []time.Weekday
	for d := range strings.SplitSeq(s, ",") {
		i := slices.Index(names, d)
		if i < 0 {
			return nil, fmt.Errorf("unknown day %q", d)
		}
		out = append(out, time.Weekday(i))
	}
	return out, nil
}

// on says whether the rule has an occurrence i days after the first.
func (r *rule) on(start time.Time, i int) bool {
	if !r.weekly {
		return i%r.interval == 0
	}
	monday := (int(start.Weekday()) + 6) % 7
	if (i+monday)/7%r.interval != 0 {
		return false
	}
	wd := start.AddDate(0, 0, i).Weekday()
	if len(r.days) == 0 {
		return wd == start.Weekday()
	}
	return slices.Contains(r.days, wd)
}

// occurrences calls f with the number and bounds of each occurrence that
// begins before the window ends.
func (e Event) occurrences(loc *time.Location, w window, f func(n int, o window)) {
	r, err := parseRule(e.Recurrence)
	if err != nil {
		return
	}
	start, end := e.Start.In(loc), e.End.In(loc)
	if r == nil {
		f(0, window{start, end})
		return
	}
	for i, n := 0, 0; ; i++ {
		o := window{start.AddDate(0, 0, i), end.AddDate(0, 0, i)}
		if !o.from.Before(w.to) || !r.until.IsZero() && o.from.After(r.until) || r.count > 0 && n >= r.count {
			return
		}
		if r.on(start, i) {
			f(n, o)
			n++
		}
	}
}

func (e Event) spans(loc *time.Location, rotation string, w window) []Span {
	bounds := w
	bounds.from = later(bounds.from, e.EffectiveSince)
	if !e.EffectiveUntil.IsZero() {
		bounds.to = earlier(bounds.to, e.EffectiveUntil)
	}
	var out []Span
	e.occurrences(loc, w, func(n int, o window) {
		c := o.intersect(bounds)
		if c.empty() || len(e.Members) == 0 {
			return
		}
		members := e.Members
		if !e.EveryMember {
			members = members[n/max(e.ShiftsPerMember, 1)%len(members):][:1]
		}
		for _, m := range members {
			out = append(out, Span{User: m, Start: c.from, End: c.to, Source: Source{Type: "schedule_rotation", Rotation: rotation}})
		}
	})
	return out
}

// assignments are all shifts of a v3 schedule in a window. Several people can
// be on call at once; a vacant place has an empty user.
func (s *Schedule) assignments(w window) []Span {
	var out []Span
	for _, r := range s.Rotations {
		for _, e := range r.Events {
			out = append(out, e.spans(s.loc, r.ID, w)...)
		}
	}
	for _, c := range s.CustomShifts {
		for _, m := range c.Members {
			sp := Span{User: m, Start: c.Start, End: c.End, Source: Source{Type: "custom_shift", Shift: c.ID}}
			out = append(out, clip([]Span{sp}, w)...)
		}
	}
	for _, o := range s.Overrides {
		out = o.replace(out)
	}
	return inOrder(out)
}

// replace lets the override's user stand in for those it overrides.
func (o Override) replace(in []Span) []Span {
	cut := window{o.Start, o.End}
	var out []Span
	for _, s := range in {
		c := s.window().intersect(cut)
		wrongPlace := o.Rotation != "" && o.Rotation != s.Source.Rotation && o.Rotation != s.Source.Shift
		if c.empty() || wrongPlace || o.Overridden != "" && o.Overridden != s.User {
			out = append(out, s)
			continue
		}
		out = append(out, subtract([]Span{s}, []window{c})...)
		stand := Span{User: o.User, Start: c.from, End: c.to, Source: s.Source}
		stand.Source.Override = o.ID
		stand.Source.Type = strings.TrimSuffix(s.Source.Type, "_override") + "_override"
		out = append(out, stand)
	}
	return out
}

func (a *Account) prepareShifts(s *Schedule) error {
	for i := range s.Rotations {
		r := &s.Rotations[i]
		if r.ID == "" {
			r.ID = a.newID("R", 25)
		}
		r.Events = slices.Clone(r.Events)
		for j := range r.Events {
			e := &r.Events[j]
			if _, err := parseRule(e.Recurrence); err != nil {
				return err
			}
			if !e.End.After(e.Start) {
				return fmt.Errorf("event %q: it must end after its start", e.Name)
			}
			if e.ID == "" {
				e.ID = a.newID("E", 25)
			}
			if err := a.known(e.Members...); err != nil {
				return err
			}
		}
	}
	for i := range s.CustomShifts {
		c := &s.CustomShifts[i]
		if c.ID == "" {
			c.ID = a.newID("C", 25)
		}
		if err := a.known(c.Members...); err != nil {
			return err
		}
	}
	return nil
}
