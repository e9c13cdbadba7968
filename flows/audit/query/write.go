package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
)

// Write is a search as text that Parse reads back: what a question was understood as.
// Times are exact, people are TEAM/USER. Viewer, After and Limit are not part of it.
func Write(f flows.Search) string {
	var out []string
	add := func(key, value string) {
		if value == "" {
			return
		}
		if strings.ContainsAny(value, " \t\n\"") {
			value = `"` + strings.ReplaceAll(value, `"`, "") + `"`
		}
		out = append(out, key+":"+value)
	}
	if f.Number > 0 {
		add("incident", strconv.Itoa(f.Number))
	}
	add("incident", string(f.Incident))
	if f.Bare {
		add("incident", flows.NoIncident)
	}
	for _, in := range f.People {
		add(partName(in.Part), string(in.Person))
	}
	add("target", string(f.Target))
	add("flow", string(f.Flow))
	var states []string
	for _, s := range f.States {
		states = append(states, string(s))
	}
	add("outcome", strings.Join(states, ","))
	add("review", string(f.Review))
	if !f.Since.IsZero() {
		add("since", f.Since.UTC().Format(exactly))
	}
	if !f.Until.IsZero() {
		add("until", f.Until.Add(-time.Millisecond).UTC().Format(exactly))
	}
	for _, w := range f.Words {
		add("reason", w)
	}
	return strings.Join(out, " ")
}

const exactly = "2006-01-02T15:04:05.999Z07:00"

func partName(p flows.Part) string {
	for name, part := range map[string]flows.Part{
		"by": flows.PartRequester, "for": flows.PartHolder, "approved-by": flows.PartApprover, "denied-by": flows.PartDenier,
		"ended-by": flows.PartEnder, "decided-by": flows.PartApprover | flows.PartDenier,
	} {
		if part == p {
			return name
		}
	}
	return "person"
}

// Cursor is the place of a next page as text; empty on the last one.
func Cursor(p flows.Place) string {
	if p.ID == "" {
		return ""
	}
	return fmt.Sprintf("%d.%s", p.At.UnixMilli(), p.ID)
}

// ReadCursor reads it back.
func ReadCursor(s string) (flows.Place, error) {
	if s == "" {
		return flows.Place{}, nil
	}
	at, id, ok := strings.Cut(s, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || id == "" || len(id) > 64 {
		return flows.Place{}, wrong("Take it as the page before gave it.", "%q is not the place of a page.", s)
	}
	return flows.Place{At: time.UnixMilli(ms).UTC(), ID: flows.RequestID(id)}, nil
}
