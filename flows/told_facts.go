package flows

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// toldFacts are the facts of the entries that say when access ends, of which incident it
// is, and what was there before.
type toldFacts struct {
	EndsAt int64      `json:"ends_at"`
	Grace  int64      `json:"grace_seconds"`
	As     State      `json:"as"`
	Cause  EndCause   `json:"cause"`
	Into   IncidentID `json:"into"`
	Opened IncidentID `json:"incident"`
	Before string     `json:"had_before"`
}

// factsOf reads them from an entry: as its canonical bytes have them, or, where they are
// not what is expected, by encoding/json.
func factsOf(entry []byte) (f toldFacts, ok bool) {
	// Only who acted, a time and a chain come before facts, and from after them.
	if i := bytes.Index(entry, []byte(`,"facts":{`)); i >= 0 {
		in := factReader{b: entry, i: i + len(`,"facts":`), ok: true}
		in.object(func(key []byte) { in.fact(&f, key) })
		if in.ok && bytes.HasPrefix(entry[in.i:], []byte(`,"from":"`)) {
			return f, true
		}
		f = toldFacts{}
	}
	in := factReader{b: entry, ok: true}
	in.object(func(key []byte) {
		if string(key) != "facts" {
			in.value()
			return
		}
		in.object(func(key []byte) { in.fact(&f, key) })
	})
	if in.ok && in.i == len(in.b) {
		return f, true
	}
	var all struct {
		Facts toldFacts `json:"facts"`
	}
	err := json.Unmarshal(entry, &all)
	return all.Facts, err == nil
}

func (in *factReader) fact(f *toldFacts, key []byte) {
	switch string(key) {
	case "ends_at":
		in.number(&f.EndsAt)
	case "grace_seconds":
		in.number(&f.Grace)
	case "as":
		f.As = State(in.text())
	case "cause":
		f.Cause = EndCause(in.text())
	case "into":
		f.Into = IncidentID(in.text())
	case "incident":
		f.Opened = IncidentID(in.text())
	case "had_before":
		f.Before = in.text()
	default:
		in.value()
	}
}

// factReader walks over an entry. ok turns false at what it does not expect.
type factReader struct {
	b  []byte
	i  int
	ok bool
}

func (in *factReader) at(c byte) bool {
	if in.i < len(in.b) && in.b[in.i] == c {
		in.i++
		return true
	}
	return false
}

// object reads an object; member reads the value of each key.
func (in *factReader) object(member func(key []byte)) {
	in.ok = in.ok && in.at('{')
	for first := true; in.ok && !in.at('}'); first = false {
		if !first && !in.at(',') {
			in.ok = false
			return
		}
		key := in.quoted()
		if !in.at(':') {
			in.ok = false
			return
		}
		member(key)
	}
}

// quoted is a string as it stands there, without an escape.
func (in *factReader) quoted() []byte {
	if !in.at('"') {
		in.ok = false
		return nil
	}
	n := bytes.IndexByte(in.b[in.i:], '"')
	if n < 0 || bytes.IndexByte(in.b[in.i:in.i+n], '\\') >= 0 {
		in.ok = false
		return nil
	}
	raw := in.b[in.i : in.i+n]
	in.i += n + 1
	return raw
}

func (in *factReader) text() string { return string(in.quoted()) }

func (in *factReader) number(into *int64) {
	raw := in.value()
	n, err := strconv.ParseInt(string(raw), 10, 64)
	in.ok = in.ok && err == nil
	*into = n
}

// value is a value as it stands there.
func (in *factReader) value() []byte {
	start, depth := in.i, 0
	for in.ok && in.i < len(in.b) {
		switch in.b[in.i] {
		case '"':
			in.quoted()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return in.b[start:in.i]
			}
			depth--
		case ',':
			if depth == 0 {
				return in.b[start:in.i]
			}
		}
		in.i++
	}
	in.ok = false
	return nil
}

// bothStates reads the two states of an entry. Their bytes are canonical: after the facts come
// from, prev, seq and to, and a quotation mark within a value is escaped.
func bothStates(b []byte) (from, to State, ok bool) {
	end := tailReader{b: b, ok: true}
	end.text(`}`) // the verb
	end.number(`,"verb":`)
	one := end.text(`,"v":`)
	end.number(`,"to":`)
	end.text(`,"seq":`)
	other := end.text(`,"prev":`)
	if end.over(`,"from":`); end.ok {
		return stateOf(other), stateOf(one), true
	}
	return statesWithin(b)
}

// tailReader walks over an entry from its end. ok turns false at what it does not expect.
type tailReader struct {
	b  []byte // what is left
	ok bool
}

// over passes over what stands at the end.
func (in *tailReader) over(what string) {
	in.ok = in.ok && len(in.b) >= len(what) && string(in.b[len(in.b)-len(what):]) == what
	if in.ok {
		in.b = in.b[:len(in.b)-len(what)]
	}
}

// text is a string before something.
func (in *tailReader) text(before string) []byte {
	in.over(before)
	in.over(`"`)
	i := bytes.LastIndexByte(in.b, '"')
	if in.ok = in.ok && i >= 0; !in.ok {
		return nil
	}
	text := in.b[i+1:]
	in.b = in.b[:i]
	return text
}

// number passes over a number before something.
func (in *tailReader) number(before string) {
	in.over(before)
	n := len(in.b)
	for n > 0 && '0' <= in.b[n-1] && in.b[n-1] <= '9' {
		n--
	}
	in.ok = in.ok && n < len(in.b)
	in.b = in.b[:n]
}

// statesWithin finds them wherever they stand.
func statesWithin(b []byte) (from, to State, ok bool) {
	const first, second = `,"from":"`, `,"to":"`
	i := lastIndex(b, first)
	if i < 0 {
		return "", "", false
	}
	one, rest, ok := bytes.Cut(b[i+len(first):], []byte(`"`))
	if !ok {
		return "", "", false
	}
	_, rest, ok = bytes.Cut(rest, []byte(second))
	other, _, closed := bytes.Cut(rest, []byte(`"`))
	return stateOf(one), stateOf(other), ok && closed
}

// lastIndex is bytes.LastIndex, quicker where it is near the end.
func lastIndex(b []byte, s string) int {
	for end := len(b); ; {
		i := bytes.LastIndexByte(b[:end], s[len(s)-1]) + 1
		if i < len(s) {
			return -1
		}
		if string(b[i-len(s):i]) == s {
			return i - len(s)
		}
		end = i - 1
	}
}

// stateOf is State(b), of a known one without a copy.
func stateOf(b []byte) State {
	for _, s := range [...]State{
		StateSubmitted, StatePending, StateApproved, StateGranting, StateActive, StateEnding, StateEnded,
		StateDenied, StateCancelled, StateLapsed, StateFailed,
	} {
		if string(b) == string(s) {
			return s
		}
	}
	return State(b)
}
