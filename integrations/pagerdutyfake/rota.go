package pagerdutyfake

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// final is who is on call on the schedule: layers from the lowest up, then the
// overrides, the last made on top. Spans are cut at the window.
func (s *Schedule) final(w window) []Span {
	if s.V3() {
		return s.assignments(w)
	}
	var out []Span
	for _, l := range s.Layers {
		out = overlay(out, merge(l.spans(s.loc, w)))
	}
	return merge(overlay(out, s.overrideSpans(w)))
}

// overrideSpans is the override layer by itself.
func (s *Schedule) overrideSpans(w window) []Span {
	var out []Span
	for _, o := range s.Overrides {
		span := Span{User: o.User, Start: o.Start, End: o.End, Source: Source{Type: "override", Override: o.ID}}
		out = overlay(out, clip([]Span{span}, w))
	}
	return out
}

// shifts gives the spans that touch the window with their true bounds, for
// /oncalls: one user's time without a break is one shift. What has no end
// within years has none (a zero End).
func (s *Schedule) shifts(w window) []Span {
	const far = 4 * 366 * day
	for pad := 16 * day; ; pad *= 4 {
		wide := window{w.from.Add(-pad), w.to.Add(pad)}
		var out []Span
		cut := false
		for _, sp := range merge(s.final(wide)) {
			if !sp.touches(w) {
				continue
			}
			endless := sp.End.Equal(wide.to)
			cut = cut || endless || sp.Start.Equal(wide.from)
			if endless {
				sp.End = time.Time{}
			}
			out = append(out, sp)
		}
		if !cut || pad > far {
			return out
		}
	}
}

// spans are a layer's turns within the window, after its restrictions.
func (l Layer) spans(loc *time.Location, w window) []Span {
	w.from = later(w.from, l.Start)
	if !l.End.IsZero() {
		w.to = earlier(w.to, l.End)
	}
	if w.empty() || len(l.Users) == 0 {
		return nil
	}
	allowed := []window{w}
	if len(l.Restrictions) > 0 {
		allowed = l.allowed(loc, w)
	} else if alone := l.Users[0]; alone != "" && len(l.Users) == 1 {
		return []Span{l.span(alone, w)} // the turns of one user are one shift
	}
	turn := time.Duration(l.TurnSeconds) * time.Second
	k := int(w.from.Sub(l.VirtualStart)/turn) - 2
	var out []Span
	for ; l.turnStart(loc, k).Before(w.to); k++ {
		user := l.Users[((k%len(l.Users))+len(l.Users))%len(l.Users)]
		if user == "" {
			continue
		}
		t := window{l.turnStart(loc, k), l.turnStart(loc, k+1)}
		for _, a := range allowed {
			if c := t.intersect(a); !c.empty() {
				out = append(out, l.span(user, c))
			}
		}
	}
	return out
}

func (l Layer) span(user string, w window) Span {
	return Span{User: user, Start: w.from, End: w.to, Source: Source{Type: "layer", Rotation: l.ID}}
}

// turnStart is where turn k begins.
func (l Layer) turnStart(loc *time.Location, k int) time.Time {
	if l.TurnSeconds%86400 == 0 {
		return l.VirtualStart.In(loc).AddDate(0, 0, k*(l.TurnSeconds/86400))
	}
	return l.VirtualStart.Add(time.Duration(k) * time.Duration(l.TurnSeconds) * time.Second)
}

// allowed are the parts of a window that the restrictions leave.
func (l Layer) allowed(loc *time.Location, w window) []window {
	var out []window
	for _, r := range l.Restrictions {
		out = append(out, r.windows(loc, w)...)
	}
	return union(out)
}

func (r Restriction) windows(loc *time.Location, w window) []window {
	at, err := time.Parse(time.TimeOnly, r.StartTimeOfDay)
	if err != nil {
		return nil
	}
	back := r.DurationSeconds/86400 + 2
	first := w.from.In(loc).AddDate(0, 0, -back)
	var out []window
	for i := 0; ; i++ {
		y, m, d := first.AddDate(0, 0, i).Date()
		from := time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), 0, loc)
		if !from.Before(w.to) {
			return out
		}
		if r.Type == "weekly_restriction" && isoWeekday(y, m, d) != r.StartDayOfWeek {
			continue
		}
		to := time.Date(y, m, d, at.Hour(), at.Minute(), at.Second()+r.DurationSeconds, 0, loc)
		if c := (window{from, to}).intersect(w); !c.empty() {
			out = append(out, c)
		}
	}
}

func isoWeekday(y int, m time.Month, d int) int {
	wd := int(time.Date(y, m, d, 12, 0, 0, 0, time.UTC).Weekday())
	if wd == 0 {
		return 7
	}
	return wd
}

func (r Restriction) check() error {
	if _, err := time.Parse(time.TimeOnly, r.StartTimeOfDay); err != nil {
		return fmt.Errorf("start_time_of_day %q: want HH:MM:SS", r.StartTimeOfDay)
	}
	switch {
	case r.DurationSeconds <= 0:
		return fmt.Errorf("duration_seconds must be above 0")
	case r.Type == "daily_restriction":
		return nil
	case r.Type == "weekly_restriction" && r.StartDayOfWeek >= 1 && r.StartDayOfWeek <= 7:
		return nil
	}
	return fmt.Errorf("type %q with start_day_of_week %d: want daily_restriction, or weekly_restriction with a day from 1 (Monday) to 7", r.Type, r.StartDayOfWeek)
}
