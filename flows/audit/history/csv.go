package history

import (
	"strconv"
	"strings"
	"time"
)

// Columns are the columns of CSV.
var columns = []string{
	"id", "state", "flow", "target", "scope", "requester", "beneficiary", "seconds", "reason", "incident", "incident_number",
	"submitted_at", "decided_by", "decided_at", "self_approved", "denied_because", "granted_at", "ends_at", "ended_at", "end_cause",
	"ended_by", "ended_because", "overdue", "content_hash", "entries", "end_of_chain",
}

// cells are a row's values for the columns.
func (r *Row) cells() []string {
	return []string{
		string(r.ID), string(r.State), Cell(string(r.Flow)), Cell(string(r.Target)), Cell(string(r.Scope)), Cell(string(r.Requester)),
		Cell(string(r.Beneficiary)), strconv.FormatInt(r.Seconds, 10), Cell(r.Reason), Cell(string(r.Incident)), number(int64(r.Number)),
		moment(r.Submitted), Cell(string(r.DecidedBy)), moment(r.Decided), strconv.FormatBool(r.Self), Cell(r.DenyWhy), moment(r.Granted),
		moment(r.Ends), moment(r.Ended), string(r.Cause), Cell(string(r.EndedBy)), Cell(r.EndWhy), strconv.FormatBool(r.Overdue),
		r.Hash, strconv.FormatInt(r.Entries, 10), r.EndOfChain,
	}
}

// Cell is the one seam through which text gets into CSV: a spreadsheet must not read a
// value as a formula, whatever width its first sign has.
func Cell(s string) string {
	if s == "" {
		return s
	}
	if first := strings.TrimLeft(s, " \u00a0\u3000"); first != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(first)[0]) {
		return "'" + s
	}
	return s
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
