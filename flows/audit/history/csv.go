package history

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
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
		w.text([]byte(name))
	}
	return w.line()
}

// appendCells appends the row as a line of CSV.
func (r *Row) appendCells(b []byte) []byte { return r.record().appendCells(b) }

// appendCells appends the record as a line of CSV: the bytes that encoding/csv writes for
// its values. A line of an export is little else.
func (r *record) appendCells(b []byte) []byte {
	w := celler{b}
	w.text(r.id)
	w.text(r.state)
	w.cell(r.flow)
	w.cell(r.target)
	w.cell(r.scope)
	w.cell(r.requester)
	w.cell(r.beneficiary)
	w.number(r.seconds)
	w.cell(r.reason)
	w.cell(r.incident)
	w.some(r.number)
	w.moment(r.submitted)
	w.cell(r.decidedBy)
	w.moment(r.decided)
	w.bool(r.self)
	w.cell(r.denyWhy)
	w.moment(r.granted)
	w.moment(r.ends)
	w.moment(r.ended)
	w.text(r.cause)
	w.cell(r.endedBy)
	w.cell(r.endWhy)
	w.bool(r.overdue)
	w.text(r.hash)
	w.number(r.entries)
	w.text(r.endOfChain)
	if v := r.review; v != nil {
		w.text([]byte(v.State))
		w.moment(moment(v.Due))
		w.cell([]byte(v.By))
		w.moment(moment(v.At))
		w.text([]byte(v.Verdict))
		w.cell([]byte(v.Note))
	} else {
		w.b = append(w.b, ",,,,,,"...)
	}
	w.cell(r.approved())
	return w.line()
}

// approved are the people who gave approvals, with spaces between them.
func (r *record) approved() (all []byte) {
	if len(r.votes) == 1 {
		return r.votes[0].by
	}
	for i := range r.votes {
		if i > 0 {
			all = append(all, ' ')
		}
		all = append(all, r.votes[i].by...)
	}
	return all
}

// celler writes values, each with a comma after it.
type celler struct{ b []byte }

// line ends a line.
func (w *celler) line() []byte {
	w.b[len(w.b)-1] = '\n'
	return w.b
}

// cell is text that somebody chose.
func (w *celler) cell(s []byte) {
	if len(s) > 0 && !alnum(s[0]) || bytes.ContainsAny(s, separators) {
		s = []byte(Cell(string(s)))
	}
	w.text(s)
}

// text puts into quotes what encoding/csv puts there.
func (w *celler) text(s []byte) {
	if !quoted(s) {
		w.b = append(append(w.b, s...), ',')
		return
	}
	w.b = append(append(append(w.b, '"'), bytes.ReplaceAll(s, []byte{'"'}, []byte(`""`))...), '"', ',')
}

// quoted reports whether encoding/csv puts s into quotes.
func quoted(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	if !alnum(s[0]) {
		if first, _ := utf8.DecodeRune(s); unicode.IsSpace(first) || string(s) == `\.` {
			return true
		}
	}
	for _, c := range s {
		if c <= ',' && (c == ',' || c == '"' || c == '\r' || c == '\n') {
			return true
		}
	}
	return false
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

// moment is a time to the second, unless there is none.
func (w *celler) moment(t []byte) {
	if second, _, fraction := bytes.Cut(t, []byte{'.'}); fraction {
		w.b = append(append(w.b, second...), 'Z')
	} else {
		w.b = append(w.b, t...)
	}
	w.b = append(w.b, ',')
}

// alnum reports whether c is an ASCII letter or digit.
func alnum(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }

// separators are what some spreadsheet begins a cell after.
const separators = ";\t\r\n"

var behind = regexp.MustCompile(`([;\t\r\n][ \x{a0}\x{3000}]*)([=+\-@|%＝＋－＠])`)

// Cell is the one seam through which text gets into CSV: a spreadsheet must not read a
// value as a formula, whatever width its first sign has. Where the decimal sign is a comma,
// spreadsheets begin a cell after each semicolon.
func Cell(s string) string {
	if strings.ContainsAny(s, separators) {
		s = behind.ReplaceAllString(s, "$1'$2")
	}
	if s == "" || alnum(s[0]) {
		return s
	}
	if first := strings.TrimLeft(s, " \u00a0\u3000"); first != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(first)[0]) {
		return "'" + s
	}
	return s
}
