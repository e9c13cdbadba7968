package history

import (
	"bytes"
	"strconv"
	"time"
)

// appendLine appends the row as a line of JSON: the bytes that encoding/json writes for
// it, in a fraction of the time. A line of an export is little else.
func (r *Row) appendLine(b []byte) []byte {
	w := liner{b: append(b, '{')}
	w.text("id", string(r.ID))
	w.text("state", string(r.State))
	w.text("flow", string(r.Flow))
	w.text("target", string(r.Target))
	w.some("scope", string(r.Scope))
	w.text("requester", string(r.Requester))
	w.text("beneficiary", string(r.Beneficiary))
	w.number("seconds", r.Seconds)
	w.text("reason", r.Reason)
	if len(r.Fields) > 0 {
		w.rest("fields", r.Fields)
	}
	w.some("incident", string(r.Incident))
	if r.Number != 0 {
		w.number("incident_number", int64(r.Number))
	}
	w.some("incident_title", r.Title)
	w.some("incident_url", r.URL)
	w.some("door", string(r.Door))
	w.moment("submitted_at", r.Submitted)
	w.some("route", r.Why)
	w.votes(r.Votes)
	w.bool("self_approved", r.Self)
	if r.OnCall != nil {
		w.rest("on_call", r.OnCall)
	}
	w.end(r)
	return append(w.b, '}', '\n')
}

// end is how it was decided and ended.
func (w *liner) end(r *Row) {
	w.some("decided_by", string(r.DecidedBy))
	w.time("decided_at", r.Decided)
	w.some("denied_because", r.DenyWhy)
	w.time("granted_at", r.Granted)
	w.time("ends_at", r.Ends)
	w.time("ended_at", r.Ended)
	w.some("end_cause", string(r.Cause))
	w.some("ended_by", string(r.EndedBy))
	w.some("ended_because", r.EndWhy)
	if r.Overdue {
		w.bool("overdue", true)
	}
	if r.Review != nil {
		w.rest("review", r.Review)
	}
	w.some("fault", r.Fault)
	w.some("receipt", r.Receipt)
	w.text("content_hash", r.Hash)
	w.number("entries", r.Entries)
	w.text("end_of_chain", r.EndOfChain)
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

func (w *liner) text(name, s string) {
	w.key(name)
	w.string(s)
}

// some is text, unless it is empty.
func (w *liner) some(name, s string) {
	if s != "" {
		w.text(name, s)
	}
}

// string writes ordinary signs itself and leaves the others to encoding/json.
func (w *liner) string(s string) {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			w.any(s)
			return
		}
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
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
func (w *liner) time(name string, t time.Time) {
	if !t.IsZero() {
		w.moment(name, t)
	}
}

func (w *liner) moment(name string, t time.Time) {
	if y := t.Year(); y < 0 || y >= 10_000 { // JSON has no form for it
		w.rest(name, nil)
		return
	}
	w.key(name)
	w.b = append(t.AppendFormat(append(w.b, '"'), time.RFC3339Nano), '"')
}

func (w *liner) votes(votes []Vote) {
	if len(votes) == 0 {
		return
	}
	w.key("approvals")
	sep := byte('[')
	for i := range votes {
		w.b = append(w.b, sep, '{')
		w.text("by", string(votes[i].By))
		w.moment("at", votes[i].At)
		w.some("door", string(votes[i].Door))
		w.b = append(w.b, '}')
		sep = ','
	}
	w.b = append(w.b, ']')
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
