package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"breakglass/bot/records"
	"breakglass/bot/web"
	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
	"breakglass/flows/doors"
)

// LookBody is a look that a command of this machine took at the database by itself.
type LookBody struct {
	What    string `json:"what"`
	Form    string `json:"form,omitempty"`
	Query   string `json:"query"`
	Request string `json:"request,omitempty"`
	After   string `json:"after,omitempty"`
}

// owner is who comes in by the door file: whoever runs the process, and so could read
// the database without us.
func owner() history.Asker {
	return history.Asker{All: true, Door: flows.DoorCLI, Trace: "local operator"}
}

// openRecords makes the answers to questions about the past.
func (a *App) openRecords() *records.Records {
	return records.New(records.Options{
		Finder: a.store, Timelines: a.store, Engine: a.engine, Person: a.called, Name: func(p flows.PersonID) string { return a.conf().PersonName(p) },
		Clock: a.o.Clock, Log: a.log,
	})
}

// auditDoors are the doors to the past: people see what they had a part in, auditors
// and admins everything, and so does the owner of the process (ownersLook).
func (a *App) auditDoors() []web.Door {
	x := a.openRecords()
	return []web.Door{
		web.At("GET", "/v1/audit", web.Reads, asking(x.List)),
		web.At("GET", "/v1/audit/requests/{id}", web.Reads, asking(x.Request)),
		web.At("GET", "/v1/audit/incidents/{id}", web.Reads, asking(x.Timeline)),
		web.At("GET", "/v1/audit/totals", web.Reads, asking(x.Totals)),
		web.At("GET", "/v1/audit/export", web.Reads, asking(x.Export)),
	}
}

// asking is a handler of records behind a door.
func asking(h records.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request, c *doors.Caller) {
		h(w, r, history.Asker{
			Person: c.Person, All: c.Is(flows.RoleAuditor) || c.Is(flows.RoleAdmin), Door: c.Door, Trace: "pass=" + c.Pass.ID,
		})
	}
}

// ownersLook lets the owner of the process look, by the door file, at the doors where
// people do; everybody else goes on to those.
func (a *App) ownersLook(next http.Handler) http.Handler {
	x := a.openRecords()
	own := http.NewServeMux()
	for path, h := range map[string]records.Handler{
		"/v1/audit": x.List, "/v1/audit/requests/{id}": x.Request, "/v1/audit/incidents/{id}": x.Timeline,
		"/v1/audit/totals": x.Totals, "/v1/audit/export": x.Export,
	} {
		own.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { h(w, r, owner()) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := own.Handler(r); pattern != "" && a.byOwner(r) {
			own.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// called finds the person that somebody typed: TEAM/USER, a Slack user id, or a name of
// the configuration.
func (a *App) called(typed string) (flows.PersonID, error) {
	cat := a.Catalog()
	if strings.Contains(typed, "/") {
		return flows.PersonID(typed), nil
	}
	if p := flows.Principal(typed); p.IsUser() {
		return flows.Person(cat.Team, typed), nil
	}
	for _, l := range cat.Links.All() {
		if strings.EqualFold(l.Name, typed) {
			return l.Person, nil
		}
	}
	return "", fmt.Errorf("%s is nobody that is known here", typed)
}

// recordLook records a look that a command took beside us.
func (a *App) recordLook(w http.ResponseWriter, r *http.Request) {
	var in LookBody
	if err := json.NewDecoder(io.LimitReader(r.Body, 16<<10)).Decode(&in); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "The body is not JSON. Nothing was recorded."})
		return
	}
	q, err := query.Parse(in.Query, query.Options{Now: a.o.Clock.Now(), Person: whole})
	if err == nil {
		q.After, err = query.ReadCursor(in.After)
	}
	known := in.What == history.LookList || in.What == history.LookRequest || in.What == history.LookExport
	if err != nil || !known || len(in.Form) > 16 || len(in.Request) > 64 {
		answer(w, http.StatusBadRequest, map[string]any{"error": "That is no look. Nothing was recorded."})
		return
	}
	look := history.Look{What: in.What, Form: in.Form, Search: q.Search, Request: flows.RequestID(in.Request)}
	if err := a.engine.Record(r.Context(), "system", look.Entry(owner()), flows.Finish{}); err != nil {
		a.log.ErrorContext(r.Context(), "record a look at the audit", "error", err)
		answer(w, http.StatusInternalServerError, map[string]any{"error": "The look could not be recorded. The server's log has the cause."})
		return
	}
	answer(w, http.StatusCreated, map[string]any{"recorded": true})
}

// whole takes people by their whole ids.
func whole(typed string) (flows.PersonID, error) { return flows.PersonID(typed), nil }
