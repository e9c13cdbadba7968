package history

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// appendLine appends the row as a line of JSON.
func (r *Row) appendLine(b []byte) []byte { return r.record().appendLine(b) }

// appendLine appends the record as a line of JSON: the bytes that encoding/json writes for
// its row, in a fraction of the time. A line of an export is little else.
func (r *record) appendLine(b []byte) []byte {
	w := liner{b: append(b, '{')}
	w.text("id", r.id)
	w.text("state", r.state)
	w.text("flow", r.flow)
	w.text("target", r.target)
	w.some("scope", r.scope)
	w.text("requester", r.requester)
	w.text("beneficiary", r.beneficiary)
	w.number("seconds", r.seconds)
	w.text("reason", r.reason)
	w.fields(r.fields)
	w.some("incident", r.incident)
	if r.number != 0 {
		w.number("incident_number", r.number)
	}
	w.some("incident_title", r.title)
	w.some("incident_url", r.url)
	w.some("door", r.door)
	w.moment("submitted_at", r.submitted)
	w.some("route", r.why)
	w.votes(r.votes)
	w.bool("self_approved", r.self)
	if r.onCall != nil {
		w.onCall(r.onCall)
	}
	w.end(r)
	return append(w.b, '}', '\n')
}

// end is how it was decided and ended.
func (w *liner) end(r *record) {
	w.some("decided_by", r.decidedBy)
	w.time("decided_at", r.decided)
	w.some("denied_because", r.denyWhy)
	w.time("granted_at", r.granted)
	w.time("ends_at", r.ends)
	w.time("ended_at", r.ended)
	w.some("end_cause", r.cause)
	w.some("ended_by", r.endedBy)
	w.some("ended_because", r.endWhy)
	if r.overdue {
		w.bool("overdue", true)
	}
	if r.review != nil {
		w.rest("review", r.review)
	}
	w.some("fault", r.fault)
	w.some("receipt", r.receipt)
	w.text("content_hash", r.hash)
	w.number("entries", r.entries)
	w.text("end_of_chain", r.endOfChain)
}

// liner writes the members of an object.
type liner struct{ b []byte }

func (w *liner) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *liner) text(name string, s []byte) {
	w.key(name)
	w.string(s)
}

// some is text, unless it is empty.
func (w *liner) some(name string, s []byte) {
	if len(s) > 0 {
		w.text(name, s)
	}
}

const hexDigits = "0123456789abcdef"

func (w *liner) string(s []byte) {
	w.b = append(w.b, '"')
	for len(s) > 0 {
		n := ordinary(s)
		w.b, s = append(w.b, s[:n]...), s[n:]
		if len(s) > 0 {
			s = s[w.odd(s):]
		}
	}
	w.b = append(w.b, '"')
}

// odd writes the sign that s begins with as encoding/json does, and returns its length.
func (w *liner) odd(s []byte) int {
	switch c := s[0]; {
	case c == '"' || c == '\\':
		w.b = append(w.b, '\\', c)
	case c == '\b':
		w.b = append(w.b, `\b`...)
	case c == '\f':
		w.b = append(w.b, `\f`...)
	case c == '\n':
		w.b = append(w.b, `\n`...)
	case c == '\r':
		w.b = append(w.b, `\r`...)
	case c == '\t':
		w.b = append(w.b, `\t`...)
	case c < ' ':
		w.b = append(w.b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	case c < utf8.RuneSelf:
		w.b = append(w.b, c)
	default:
		return w.wide(s)
	}
	return 1
}

// wide writes a sign beyond ASCII.
func (w *liner) wide(s []byte) int {
	r, n := utf8.DecodeRune(s)
	switch {
	case r == utf8.RuneError && n == 1:
		w.b = append(w.b, `\ufffd`...)
	case r == '\u2028' || r == '\u2029':
		w.b = append(w.b, `\u202`...)
		w.b = append(w.b, hexDigits[r&15])
	default:
		w.b = append(w.b, s[:n]...)
	}
	return n
}

func (w *liner) number(name string, n int64) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *liner) bool(name string, v bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, v)
}

// time is left out where there is none.
func (w *liner) time(name string, t []byte) {
	if len(t) > 0 {
		w.moment(name, t)
	}
}

func (w *liner) moment(name string, t []byte) {
	w.key(name)
	switch {
	case len(t) == 0:
		w.b = append(w.b, `"`+zeroMoment+`"`...)
	case t[4] != '-': // a year of more than four digits, or before the first: JSON has no form for it
		w.b = append(w.b, "null"...)
	default:
		w.b = append(append(append(w.b, '"'), t...), '"')
	}
}

func (w *liner) votes(votes []recordVote) {
	if len(votes) == 0 {
		return
	}
	w.key("approvals")
	sep := byte('[')
	for i := range votes {
		w.b = append(w.b, sep, '{')
		w.text("by", votes[i].by)
		w.moment("at", votes[i].at)
		w.some("door", votes[i].door)
		w.b = append(w.b, '}')
		sep = ','
	}
	w.b = append(w.b, ']')
}

func (w *liner) fields(fields []recordField) {
	if len(fields) == 0 {
		return
	}
	w.key("fields")
	sep := byte('[')
	for i := range fields {
		w.b = append(w.b, sep, '{')
		w.text("name", fields[i].name)
		w.text("value", fields[i].value)
		w.b = append(w.b, '}')
		sep = ','
	}
	w.b = append(w.b, ']')
}

func (w *liner) onCall(c *recordOnCall) {
	w.key("on_call")
	w.b = append(w.b, '{')
	w.text("policy", c.policy)
	w.some("policy_name", c.policyName)
	w.some("schedule", c.schedule)
	w.number("level", c.level)
	w.time("shift_start", c.start)
	w.time("shift_end", c.end)
	w.text("override", []byte(c.override))
	w.moment("read_at", c.readAt)
	w.b = append(w.b, '}')
}

func (w *liner) rest(name string, v any) {
	w.key(name)
	w.any(v)
}

func (w *liner) any(v any) {
	var b bytes.Buffer
	if err := encoder(&b).Encode(v); err != nil {
		w.b = append(w.b, "null"...)
		return
	}
	w.b = append(w.b, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
