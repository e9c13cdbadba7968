package app

import (
	"encoding/json"
	"io"
	"net/http"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
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
