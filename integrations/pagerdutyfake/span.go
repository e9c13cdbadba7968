package pagerdutyfake

import (
	"slices"
	"time"
)

// window is a half-open stretch of time.
type window struct{ from, to time.Time }

func (w window) empty() bool { return !w.from.Before(w.to) }

func (w window) intersect(v window) window { return window{later(w.from, v.from), earlier(w.to, v.to)} }

// Span is a stretch of time in which one user is on call. A zero End has no
// end. Source says which layer, rotation, shift or override put them there.
type Span struct {
	User       string
	Start, End time.Time
	Source     Source
}

// Source is where a span comes from; only v3 schedules show it.
type Source struct {
	Type, Rotation, Shift, Override string
}

func (s Span) window() window { return window{s.Start, s.End} }

// touches is true when the span and the closed window have a moment in common,
// which is why two people can be returned for the second of a hand-off.
func (s Span) touches(w window) bool {
	return !s.Start.After(w.to) && (s.End.IsZero() || !s.End.Before(w.from))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// subtract cuts the windows of top out of base.
func subtract(base []Span, top []window) []Span {
	for _, t := range top {
		var left []Span
		for _, s := range base {
			if s.window().intersect(t).empty() {
				left = append(left, s)
				continue
			}
			if s.Start.Before(t.from) {
				before := s
				before.End = t.from
				left = append(left, before)
			}
			if t.to.Before(s.End) {
				after := s
				after.Start = t.to
				left = append(left, after)
			}
		}
		base = left
	}
	return base
}

// overlay lays top over base: where top has somebody, base does not count.
func overlay(base, top []Span) []Span {
	cuts := make([]window, 0, len(top))
	for _, t := range top {
		cuts = append(cuts, t.window())
	}
	return inOrder(append(subtract(base, cuts), top...))
}

func inOrder(in []Span) []Span {
	slices.SortStableFunc(in, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return in
}

// merge joins stretches of the same user that touch, and drops gaps.
func merge(in []Span) []Span {
	last := map[string]int{}
	var out []Span
	for _, s := range inOrder(in) {
		if s.User == "" {
			continue
		}
		if i, ok := last[s.User]; ok && !s.Start.After(out[i].End) {
			out[i].End = later(out[i].End, s.End)
			continue
		}
		last[s.User] = len(out)
		out = append(out, s)
	}
	return inOrder(out)
}

// clip cuts spans to a window and drops those outside.
func clip(in []Span, w window) []Span {
	var out []Span
	for _, s := range in {
		if s.End.IsZero() {
			s.End = w.to
		}
		if c := s.window().intersect(w); !c.empty() {
			s.Start, s.End = c.from, c.to
			out = append(out, s)
		}
	}
	return out
}

// union joins windows that overlap or touch.
func union(in []window) []window {
	slices.SortFunc(in, func(a, b window) int { return a.from.Compare(b.from) })
	var out []window
	for _, w := range in {
		if n := len(out); n > 0 && !w.from.After(out[n-1].to) {
			out[n-1].to = later(out[n-1].to, w.to)
			continue
		}
		out = append(out, w)
	}
	return out
}

// coverage is the share of a window in which somebody is on call, in percent.
func coverage(in []Span, w window) float64 {
	if w.empty() {
		return 0
	}
	var ws []window
	for _, s := range clip(in, w) {
		if s.User != "" {
			ws = append(ws, s.window())
		}
	}
	var covered time.Duration
	for _, c := range union(ws) {
		covered += c.to.Sub(c.from)
	}
	return 100 * float64(covered) / float64(w.to.Sub(w.from))
}
