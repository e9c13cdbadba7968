package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
)

// Handler is what is behind a door once it is known who asks.
type Handler func(w http.ResponseWriter, r *http.Request, a history.Asker)

// List is GET /v1/audit?q=…&after=…&limit=….
func (x *Records) List(w http.ResponseWriter, r *http.Request, a history.Asker) {
	limit, err := limitOf(r)
	var page history.Page
	if err == nil {
		page, err = x.Page(r.Context(), a, r.FormValue("q"), r.FormValue("after"), limit)
	}
	x.answer(w, r, page, err)
}

// Request is GET /v1/audit/requests/{id}.
func (x *Records) Request(w http.ResponseWriter, r *http.Request, a history.Asker) {
	story, err := x.Story(r.Context(), a, flows.RequestID(r.PathValue("id")))
	x.answer(w, r, story, err)
}

// Timeline is GET /v1/audit/incidents/{id}?after=…: the id, or PagerDuty's number.
func (x *Records) Timeline(w http.ResponseWriter, r *http.Request, a history.Asker) {
	page, err := x.Incident(r.Context(), a, r.PathValue("id"), r.FormValue("after"))
	x.answer(w, r, page, err)
}

// Totals is GET /v1/audit/totals?since=…&until=…: what charts are drawn from. The numbers
// of everybody are for auditors and admins.
func (x *Records) Totals(w http.ResponseWriter, r *http.Request, a history.Asker) {
	if !a.All {
		x.answer(w, r, nil, ErrNotYours)
		return
	}
	from, to, err := x.days(r)
	var all []flows.Total
	if err == nil {
		all, err = x.o.Timelines.Totals(r.Context(), from, to)
	}
	rows := make([]total, 0, len(all))
	for _, t := range all {
		rows = append(rows, total{t.Day.Format(time.DateOnly), t.Flow, t.Name, t.N})
	}
	x.answer(w, r, map[string]any{"totals": rows}, err)
}

type total struct {
	Day  string          `json:"day"`
	Flow flows.FlowID    `json:"flow"`
	Name flows.TotalName `json:"name"`
	N    int64           `json:"n"`
}

// days are the days of a chart: 30 unless said.
func (x *Records) days(r *http.Request) (from, to time.Time, err error) {
	var parts []string
	for _, name := range [...]string{"since", "until"} {
		if v := r.FormValue(name); v != "" {
			parts = append(parts, name+":"+strconv.Quote(v))
		}
	}
	q, err := query.Parse(strings.Join(parts, " "), query.Options{Now: x.o.Clock.Now()})
	from, to = q.Since, x.o.Clock.Now()
	if !q.Until.IsZero() {
		to = q.Until.Add(-time.Millisecond)
	}
	if from.IsZero() {
		from = to.Add(-30 * 24 * time.Hour)
	}
	return from, to, err
}

func limitOf(r *http.Request) (int, error) {
	v := r.FormValue("limit")
	if v == "" {
		return 50, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > mostRows {
		return 0, &query.Error{What: "limit is not a number.", Hint: fmt.Sprintf("Write one from 1 to %d.", mostRows)}
	}
	return n, nil
}

// answer writes JSON, or says no as RFC 9457 has it.
func (x *Records) answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	if err != nil {
		x.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the caller has gone
}

func (x *Records) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, code, detail := http.StatusInternalServerError, "fault", "Something broke; nothing is shown. The server's log has the cause."
	mistake, isMistake := errors.AsType[*query.Error](err)
	switch {
	case isMistake:
		status, code, detail = http.StatusUnprocessableEntity, string(flows.RefusedInput), mistake.Error()
	case errors.Is(err, ErrNotYours):
		status, code, detail = http.StatusNotFound, "not_found", "There is no such request or incident, or it is not yours to see."
	case errors.Is(err, history.ErrNobody):
		status, code, detail = http.StatusForbidden, string(flows.RefusedNotAllowed), "It is not known who asks, so nothing is shown."
	default:
		x.log.ErrorContext(r.Context(), "answer a question about the past", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "title": http.StatusText(status), "detail": detail, "code": code})
}

// writeMark is the place of a next page of a time-line; empty on the last one.
func writeMark(m flows.Mark) string {
	if m.Entry == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", m.At.UnixMilli(), m.Entry)
}

func readMark(s string) (flows.Mark, error) {
	if s == "" {
		return flows.Mark{}, nil
	}
	at, entry, ok := strings.Cut(s, ".")
	ms, bad1 := strconv.ParseInt(at, 10, 64)
	n, bad2 := strconv.ParseInt(entry, 10, 64)
	if !ok || bad1 != nil || bad2 != nil || n < 1 {
		return flows.Mark{}, &query.Error{What: "after is not the place of a page.", Hint: "Take it as the page before gave it."}
	}
	return flows.Mark{At: time.UnixMilli(ms).UTC(), Entry: n}, nil
}
