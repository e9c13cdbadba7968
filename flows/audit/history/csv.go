package history

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Columns are the columns of CSV.
var columns = []string{
	"id", "state", "flow", "target", "scope", "requester", "beneficiary", "seconds", "reason", "incident", "incident_number",
	"submitted_at", "decided_by", "decided_at", "self_approved", "denied_because", "granted_at", "ends_at", "ended_at", "end_cause",
	"ended_by", "ended_because", "overdue", "content_hash", "entries", "end_of_chain",
	"review", "review_due_at", "reviewed_by", "reviewed_at", "review_verdict", "review_note",
	"approvals",
}

// heads is the first line of CSV.
func heads() []byte {
	w := celler{}
	for _, name := range columns {
		w.text(name)
	}
	return w.line()
}

// appendCells appends the row as a line of CSV: the bytes that encoding/csv writes for
// its values. A line of an export is little else.
func (r *Row) appendCells(b []byte) []byte {
	w := celler{b}
	w.text(string(r.ID))
	w.text(string(r.State))
	for _, s := range [...]string{string(r.Flow), string(r.Target), string(r.Scope), string(r.Requester), string(r.Beneficiary)} {
		w.text(Cell(s))
	}
	w.number(r.Seconds)
	w.text(Cell(r.Reason))
	w.text(Cell(string(r.Incident)))
	w.some(int64(r.Number))
	w.moment(r.Submitted)
	w.text(Cell(string(r.DecidedBy)))
	w.moment(r.Decided)
	w.bool(r.Self)
	w.text(Cell(r.DenyWhy))
	w.moment(r.Granted)
	w.moment(r.Ends)
	w.moment(r.Ended)
	w.text(string(r.Cause))
	w.text(Cell(string(r.EndedBy)))
	w.text(Cell(r.EndWhy))
	w.bool(r.Overdue)
	w.text(r.Hash)
	w.number(r.Entries)
	w.text(r.EndOfChain)
	v := r.Review
	if v == nil {
		v = &Review{}
	}
	w.text(string(v.State))
	w.moment(v.Due)
	w.text(Cell(string(v.By)))
	w.moment(v.At)
	w.text(string(v.Verdict))
	w.text(Cell(v.Note))
	w.text(Cell(r.approved()))
	return w.line()
}

// approved are the people who gave approvals, with spaces between them.
func (r *Row) approved() string {
	if len(r.Votes) == 1 {
		return string(r.Votes[0].By)
	}
	all := make([]string, 0, len(r.Votes))
	for i := range r.Votes {
		all = append(all, string(r.Votes[i].By))
	}
	return strings.Join(all, " ")
}

// celler writes values, each with a comma after it.
type celler struct{ b []byte }

// line ends a line.
func (w *celler) line() []byte {
	w.b[len(w.b)-1] = '\n'
	return w.b
}

// text puts into quotes what encoding/csv puts there.
func (w *celler) text(s string) {
	first, _ := utf8.DecodeRuneInString(s)
	if s == `\.` || strings.ContainsAny(s, "\",\r\n") || unicode.IsSpace(first) {
		w.b = append(append(append(w.b, '"'), strings.ReplaceAll(s, `"`, `""`)...), '"', ',')
		return
	}
	w.b = append(append(w.b, s...), ',')
}

func (w *celler) number(n int64) { w.b = append(strconv.AppendInt(w.b, n, 10), ',') }

func (w *celler) bool(v bool) { w.b = append(strconv.AppendBool(w.b, v), ',') }

// some is a number, unless there is none.
func (w *celler) some(n int64) {
	if n != 0 {
		w.b = strconv.AppendInt(w.b, n, 10)
	}
	w.b = append(w.b, ',')
}

// moment is a time, unless there is none.
func (w *celler) moment(t time.Time) {
	if !t.IsZero() {
		w.b = t.UTC().AppendFormat(w.b, time.RFC3339)
	}
	w.b = append(w.b, ',')
}

// Cell is the one seam through which text gets into CSV: a spreadsheet must not read a
// value as a formula, whatever width its first sign has.
func Cell(s string) string {
	if s == "" || s[0] >= '0' && s[0] <= '9' || s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z' {
		return s
	}
	if first := strings.TrimLeft(s, " \u00a0\u3000"); first != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(first)[0]) {
		return "'" + s
	}
	return s
}
