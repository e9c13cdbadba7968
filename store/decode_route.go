package store

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"breakglass/flows"
)

// What most requests have, and is large: who was asked, and on what evidence.

// routeRoom is memory that routes are read into, one over the other and the stages of one
// likewise, by whoever only wants to know that they can be read. Nil makes them.
type routeRoom struct {
	route     flows.Route
	fallback  flows.Stage
	stages    []flows.Stage
	approvers [8]flows.PersonID
}

func (m *routeRoom) newRoute() *flows.Route {
	if m == nil {
		return &flows.Route{}
	}
	m.route = flows.Route{}
	return &m.route
}

func (m *routeRoom) newFallback() *flows.Stage {
	if m == nil {
		return &flows.Stage{}
	}
	m.fallback = flows.Stage{}
	return &m.fallback
}

func (m *routeRoom) newStages() []flows.Stage {
	if m == nil {
		return nil
	}
	return m.stages[:0]
}

func (m *routeRoom) keep(stages []flows.Stage) {
	if m != nil {
		m.stages = stages
	}
}

func (m *routeRoom) newApprovers() []flows.PersonID {
	if m == nil {
		return nil
	}
	return m.approvers[:0]
}

func (in *docReader) route(into **flows.Route) {
	if in.null() {
		return
	}
	in.once(*into == nil)
	r := in.room.newRoute()
	*into = r
	in.object(func(key string) {
		switch key {
		case "Stages":
			in.once(r.Stages == nil)
			in.list(func() {
				if r.Stages == nil {
					r.Stages = in.room.newStages()
				}
				r.Stages = append(r.Stages, flows.Stage{})
				in.stage(&r.Stages[len(r.Stages)-1])
			}, func() { r.Stages = []flows.Stage{} })
			in.room.keep(r.Stages)
		case "Origin":
			named(in, &r.Origin)
		case "Why":
			named(in, &r.Why)
		case "Tainted":
			in.bool(&r.Tainted)
		case "Flow":
			named(in, &r.Flow)
		case "Fallback":
			if in.null() {
				return
			}
			in.once(r.Fallback == nil)
			r.Fallback = in.room.newFallback()
			in.stage(r.Fallback)
		default:
			in.ok = false
		}
	})
}

func (in *docReader) stage(s *flows.Stage) {
	in.object(func(key string) {
		switch key {
		case "Approvers":
			in.once(s.Approvers == nil)
			in.list(func() {
				if s.Approvers == nil {
					s.Approvers = in.room.newApprovers()
				}
				s.Approvers = append(s.Approvers, "")
				named(in, &s.Approvers[len(s.Approvers)-1])
			}, func() { s.Approvers = []flows.PersonID{} })
		case "Destination":
			in.object(func(key string) {
				if in.ok = key == "Channel"; in.ok {
					named(in, &s.Destination.Channel)
				}
			})
		case "Quorum":
			in.count(&s.Quorum)
		case "Timeout":
			in.number((*int64)(&s.Timeout))
		case "Why":
			named(in, &s.Why)
		case "Self":
			in.bool(&s.Self)
		case "Fallback":
			in.bool(&s.Fallback)
		default:
			in.ok = false
		}
	})
}

func (in *docReader) fields(into *[]flows.FieldValue) {
	in.once(*into == nil)
	in.list(func() {
		var f flows.FieldValue
		in.object(func(key string) {
			switch key {
			case "Name":
				named(in, &f.Name)
			case "Value":
				in.text(&f.Value)
			default:
				in.ok = false
			}
		})
		*into = append(*into, f)
	}, func() { *into = []flows.FieldValue{} })
}

func (in *docReader) proof(into **flows.OnCallProof) {
	if in.null() {
		return
	}
	in.once(*into == nil)
	p := &flows.OnCallProof{}
	*into = p
	in.object(func(key string) {
		switch key {
		case "Entry":
			in.object(func(key string) { in.onCall(&p.Entry, key) })
		case "ReadAt":
			in.time(&p.ReadAt)
		case "Digest":
			named(in, &p.Digest)
		default:
			in.ok = false
		}
	})
}

func (in *docReader) onCall(e *flows.OnCallEntry, key string) {
	switch key {
	case "User":
		named(in, &e.User)
	case "PolicyID":
		named(in, &e.PolicyID)
	case "PolicyName":
		named(in, &e.PolicyName)
	case "Level":
		in.count(&e.Level)
	case "ScheduleID":
		named(in, &e.ScheduleID)
	case "Schedule":
		named(in, &e.Schedule)
	case "Start":
		in.time(&e.Start)
	case "End":
		in.time(&e.End)
	case "Override":
		in.count((*int)(&e.Override))
	default:
		in.ok = false
	}
}

// once refuses a member that came before: what encoding/json makes of two is its own.
func (in *docReader) once(first bool) { in.ok = in.ok && first }

// null passes over null, if that comes next.
func (in *docReader) null() bool {
	if !strings.HasPrefix(in.b[in.i:], "null") {
		return false
	}
	in.i += len("null")
	return true
}

// list calls each for what is in a list, and none if that is nothing. Null is no list.
func (in *docReader) list(each, none func()) {
	if in.null() {
		return
	}
	in.ok = in.ok && in.at('[')
	if in.ok && in.at(']') {
		none()
		return
	}
	for in.ok {
		each()
		if in.at(']') {
			return
		}
		in.ok = in.ok && in.at(',')
	}
}

// count is number for what is no larger than a list.
func (in *docReader) count(into *int) {
	var n int64
	in.number(&n)
	in.ok = in.ok && n >= -1<<31 && n < 1<<31
	*into = int(n)
}

// unquoted is a string in its quotes, as encoding/json reads it. It leaves to that what is
// not as encoding/json writes it.
func unquoted(raw string) (string, bool) {
	if len(raw) < 2 || !utf8.ValidString(raw) {
		return "", false
	}
	raw = raw[1 : len(raw)-1]
	var b strings.Builder
	b.Grow(len(raw))
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 {
			b.WriteString(raw)
			return b.String(), asItIs(raw)
		}
		if !asItIs(raw[:i]) || i+1 == len(raw) {
			return "", false
		}
		b.WriteString(raw[:i])
		n := 2
		switch c := raw[i+1]; c {
		case '"', '\\':
			b.WriteByte(c)
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			n = 6
			if len(raw) < i+n {
				return "", false
			}
			u, err := strconv.ParseUint(raw[i+2:i+n], 16, 32)
			if err != nil || utf16.IsSurrogate(rune(u)) {
				return "", false
			}
			b.WriteRune(rune(u))
		default:
			return "", false
		}
		raw = raw[i+n:]
	}
}

// asItIs reports whether a text may stand in a string as it is.
func asItIs(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' {
			return false
		}
	}
	return true
}
