package app

import (
	"context"
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

// ownerCalls is the owner as the doors know who calls; nil where a call is not theirs.
func (a *App) ownerCalls(r *http.Request) *doors.Caller {
	if !a.byOwner(r) {
		return nil
	}
	return &doors.Caller{Door: flows.DoorCLI, Known: flows.Known{Roles: []flows.Role{flows.RoleAuditor}}}
}

// openRecords makes the answers to questions about the past.
func (a *App) openRecords() *records.Records {
	return records.New(records.Options{
		Finder: a.store, Timelines: a.store, Calls: a.store, Proofs: a.store, Engine: a.engine, Reviews: a.reviews, Person: a.called, Name: a.nameOf,
		Clock: a.o.Clock, Log: a.log,
	})
}

// reviews reports whether a review is a person's to do, or was done by them.
func (a *App) reviews(ctx context.Context, r *flows.Request, p flows.PersonID) bool {
	return a.roll.Reviews(ctx, r, p)
}

// auditDoors are the doors to the past: people see what they had a part in or are to
// review, auditors and admins everything, and so does the owner of the process.
func (a *App) auditDoors() []web.Door {
	x, who := a.openRecords(), web.Reads.OrOwner()
	return []web.Door{
		web.Operation("GET", "/v1/audit", who, "Requests that answer a question, newest first", asking(x.List)),
		web.Operation("GET", "/v1/audit/requests/{id}", who, "A request with everything that is recorded about it", asking(x.Request)),
		web.Operation("GET", "/v1/audit/requests/{id}/calls", who, "The calls through adapters by a request's grant, the last ones first by page, in order on each", asking(x.Calls)),
		web.Operation("GET", "/v1/audit/incidents/{id}", who, "Everything that was done for an incident, in order", asking(x.Timeline)),
		web.Operation("GET", "/v1/audit/totals", who, "Running totals by day, for auditors and admins", asking(x.Totals)),
		web.Streaming("GET", "/v1/audit/export", who, "Everything that answers a question, streamed", records.ExportTypes, asking(x.Export)),
		web.Operation("GET", "/v1/audit/proof", who, "Prove that an entry is in the log, and that the log only grew", asking(x.Proof)),
		web.Operation("GET", "/v1/audit/checkpoint", web.Anybody, "The newest signed head of the log: a size and a hash, it names nobody",
			func(ctx context.Context, _ *doors.Caller, _ *records.NoInput) (*records.CheckpointOutput, error) {
				return x.Checkpoint(ctx)
			}),
	}
}

// asking is an operation of records behind a door.
func asking[I, O any](h func(context.Context, history.Asker, *I) (O, error)) func(context.Context, *doors.Caller, *I) (O, error) {
	return func(ctx context.Context, c *doors.Caller, in *I) (O, error) {
		if c.Person == "" && c.Pass.ID == "" {
			return h(ctx, owner(), in)
		}
		return h(ctx, history.Asker{
			Person: c.Person, All: c.Is(flows.RoleAuditor) || c.Is(flows.RoleAdmin), Door: c.Door, Trace: "pass=" + c.Pass.ID, From: c.From,
		}, in)
	}
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
	look := history.Look{What: in.What, Form: in.Form, Search: q.Search, Request: flows.RequestID(in.Request), Onward: q.After.ID != ""}
	if err := a.looks.Record(r.Context(), a.engine, a.o.Clock.Now(), owner(), look); err != nil {
		a.log.ErrorContext(r.Context(), "record a look at the audit", "error", err)
		answer(w, http.StatusInternalServerError, map[string]any{"error": "The look could not be recorded. The server's log has the cause."})
		return
	}
	answer(w, http.StatusCreated, map[string]any{"recorded": true})
}

// whole takes people by their whole ids.
func whole(typed string) (flows.PersonID, error) { return flows.PersonID(typed), nil }
