// Package records is the HTTP door to the past: pages of requests that answer a
// question, one request's story, an incident's time-line, exports of any length, and
// proofs. Who is asking comes in as a history.Asker; where things are stored as ports. It
// imports flows, flows/audit, flows/audit/history and flows/audit/query.
//
// Read first: records.go (what is asked and answered), then http.go (how that looks over
// HTTP), export.go and proof.go.
package records

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
)

// Finder answers searches.
type Finder interface {
	// Search answers a question with a page of requests, newest first.
	Search(ctx context.Context, f flows.Search) (flows.Found, error)
	// PartIn is what a person did in a request; 0 for nothing.
	PartIn(ctx context.Context, id flows.RequestID, p flows.PersonID) (flows.Part, error)
	// Entries reads a chain, with the openings that are left.
	Entries(ctx context.Context, chain string) ([]flows.Sealed, error)
}

// Timelines tell what was done for an incident.
type Timelines interface {
	// IncidentsNumbered are the incidents with PagerDuty's number.
	IncidentsNumbered(ctx context.Context, number int) ([]flows.IncidentID, error)
	// Timeline is a page of what is recorded about an incident's requests, oldest first.
	Timeline(ctx context.Context, id flows.IncidentID, after flows.Mark, limit int) (flows.Timeline, error)
	// Totals are the running totals of some days.
	Totals(ctx context.Context, from, to time.Time) ([]flows.Total, error)
}

// Calls tell what was called through adapters.
type Calls interface {
	history.CallReader
	// CallsFor are the calls by the grants of an incident, counted by grant and rule.
	CallsFor(ctx context.Context, id flows.IncidentID) ([]flows.CallTotal, error)
}

// Engine reads requests and records looks; *flows.Engine implements it.
type Engine interface {
	// Load reads a request. flows.ErrNotFound.
	Load(ctx context.Context, id flows.RequestID) (flows.Record, error)
	// Record writes an entry that belongs to no request.
	Record(ctx context.Context, chain string, e flows.Entry, fin flows.Finish) error
}

// Options are what Records work with; Reviews, Name and Log may be left empty.
type Options struct {
	Finder    Finder
	Timelines Timelines
	Calls     Calls
	Proofs    audit.Provable
	Engine    Engine
	// Reviews reports whether a review is a person's to do, or was done by them.
	Reviews func(context.Context, *flows.Request, flows.PersonID) bool
	// Person finds the person that somebody typed.
	Person func(typed string) (flows.PersonID, error)
	// Name is how a person is called in Sym's events.
	Name  func(flows.PersonID) string
	Clock flows.Clock
	Log   *slog.Logger
}

// Records answer questions about the past.
type Records struct {
	o     Options
	log   *slog.Logger
	looks history.Looks
}

// New returns records.
func New(o Options) *Records {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Records{o: o, log: o.Log}
}

// ErrNotYours says that there is no such thing, or that it is not the asker's to see:
// one is not told from the other.
var ErrNotYours = errors.New("there is no such request or incident, or it is not yours to see")

// question reads what was typed; a mistake is a *query.Error.
func (x *Records) question(a history.Asker, typed, after string, limit int) (query.Query, error) {
	q, err := query.Parse(typed, query.Options{Now: x.o.Clock.Now(), Me: a.Person, Person: x.o.Person})
	if err == nil {
		q.After, err = query.ReadCursor(after)
	}
	q.Limit = limit
	return q, err
}

// look records that somebody looks; false where that could not be written.
func (x *Records) look(ctx context.Context, a history.Asker, l history.Look) bool {
	err := x.looks.Record(ctx, x.o.Engine, x.o.Clock.Now(), a, l)
	if err != nil {
		x.log.ErrorContext(ctx, "a look at the audit could not be recorded", "what", l.What, "error", err)
	}
	return err == nil
}

// Page answers a question with a page of requests.
func (x *Records) Page(ctx context.Context, a history.Asker, typed, after string, limit int) (history.Page, error) {
	q, err := x.question(a, typed, after, limit)
	if err != nil {
		return history.Page{}, err
	}
	f, err := a.Narrow(q.Search)
	if err != nil {
		return history.Page{}, err
	}
	recorded := x.look(ctx, a, history.Look{What: history.LookList, Search: q.Search, Onward: q.After.ID != ""})
	found, err := x.o.Finder.Search(ctx, f)
	if err != nil {
		return history.Page{}, err
	}
	page := history.Page{
		Query: query.Write(q.Search), Narrowed: q.Narrowed, Requests: make([]history.Row, 0, len(found.Requests)),
		Next: query.Cursor(found.Next), Recorded: recorded,
	}
	for i := range found.Requests {
		page.Requests = append(page.Requests, history.RowOf(&found.Requests[i]))
	}
	return page, nil
}

// Story is a request with everything that is recorded about it.
func (x *Records) Story(ctx context.Context, a history.Asker, id flows.RequestID) (history.Story, error) {
	ok, err := x.sees(ctx, a, id)
	if err != nil {
		return history.Story{}, err
	}
	var rec flows.Record
	if ok {
		rec, err = x.o.Engine.Load(ctx, id)
	}
	switch {
	case !ok, errors.Is(err, flows.ErrNotFound):
		return history.Story{}, ErrNotYours
	case err != nil:
		return history.Story{}, err
	}
	entries, err := x.o.Finder.Entries(ctx, string(id))
	if err != nil {
		return history.Story{}, err
	}
	x.look(ctx, a, history.Look{What: history.LookRequest, Request: id})
	story, err := history.StoryOf(&rec.Request, entries)
	if err != nil {
		return story, err
	}
	return story, story.Call(ctx, x.o.Calls)
}

// mostCalls is how many entries a page of calls is taken from.
const mostCalls = 500

// CallPage is a page of the calls by a request's grant.
func (x *Records) CallPage(ctx context.Context, a history.Asker, id flows.RequestID, before int64) (history.CallPage, error) {
	if ok, err := x.sees(ctx, a, id); err != nil || !ok {
		return history.CallPage{}, cmp.Or(err, ErrNotYours)
	}
	if before == 0 {
		x.look(ctx, a, history.Look{What: history.LookRequest, Request: id})
	}
	return history.CallsOf(ctx, x.o.Calls, id, before, mostCalls)
}

// sees reports whether a request is the asker's to see.
func (x *Records) sees(ctx context.Context, a history.Asker, id flows.RequestID) (bool, error) {
	return history.Gate{PartIn: x.o.Finder.PartIn, Load: x.o.Engine.Load, Reviews: x.o.Reviews}.Sees(ctx, a, id)
}

// IncidentPage is a page of an incident's time-line.
type IncidentPage struct {
	Incident flows.IncidentID `json:"incident"`
	Events   []history.Event  `json:"events"` // oldest first
	// Calls through adapters by the requests' grants, on the page where the first was.
	Calls    []history.CallTotal `json:"calls,omitempty"`
	Next     string              `json:"next,omitempty"`
	Recorded bool                `json:"recorded"`
}

// mostEvents is how many events a page of a time-line holds.
const mostEvents = 500

// Incident is a page of everything that is recorded about an incident's requests.
func (x *Records) Incident(ctx context.Context, a history.Asker, ref, after string) (IncidentPage, error) {
	q, err := x.question(a, "incident:"+ref, "", 0)
	if err != nil {
		return IncidentPage{}, err
	}
	id, err := x.seenIncident(ctx, a, q.Search)
	if err != nil {
		return IncidentPage{}, err
	}
	mark, err := readMark(after)
	if err != nil {
		return IncidentPage{}, err
	}
	look := history.Look{What: history.LookTimeline, Search: flows.Search{Incident: id}, Onward: after != ""}
	page := IncidentPage{Incident: id, Recorded: x.look(ctx, a, look)}
	line, err := x.line(ctx, a, id, mark)
	if err != nil {
		return IncidentPage{}, err
	}
	page.Next = writeMark(line.Next)
	if page.Events, err = history.Events(line.Entries); err != nil {
		return page, err
	}
	calls, err := x.o.Calls.CallsFor(ctx, id)
	if err != nil {
		return page, err
	}
	calls, err = x.own(ctx, a, history.CallsOnPage(calls, mark, line.Next))
	page.Calls = history.CallTotals(calls)
	return page, err
}

// own leaves out the calls by requests that are not the asker's to see.
func (x *Records) own(ctx context.Context, a history.Asker, all []flows.CallTotal) (out []flows.CallTotal, err error) {
	for _, t := range all {
		ok, err := x.sees(ctx, a, t.Request)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, t)
		}
	}
	return out, nil
}

// seenIncident is the incident that is asked about, if there is a request of it that the
// asker may see: what is known of another incident, its id too, is not theirs.
func (x *Records) seenIncident(ctx context.Context, a history.Asker, asked flows.Search) (flows.IncidentID, error) {
	ids := []flows.IncidentID{asked.Incident}
	if asked.Number > 0 {
		var err error
		if ids, err = x.o.Timelines.IncidentsNumbered(ctx, asked.Number); err != nil {
			return "", err
		}
	}
	for _, id := range ids {
		if id == "" { // "none" is no incident
			continue
		}
		f, err := a.Narrow(flows.Search{Incident: id, Limit: 1})
		if err != nil {
			return "", err
		}
		found, err := x.o.Finder.Search(ctx, f)
		if err != nil || len(found.Requests) > 0 {
			return id, err
		}
	}
	return "", ErrNotYours
}

// line is a page of a time-line, of what is the asker's to see.
func (x *Records) line(ctx context.Context, a history.Asker, id flows.IncidentID, after flows.Mark) (flows.Timeline, error) {
	page := func(after flows.Mark, limit int) (flows.Timeline, error) {
		return x.o.Timelines.Timeline(ctx, id, after, limit)
	}
	if a.All {
		return page(after, mostEvents)
	}
	known := map[flows.RequestID]bool{}
	return history.OwnLine(page, func(id flows.RequestID) (yes bool, err error) {
		yes, is := known[id]
		if !is {
			yes, err = x.sees(ctx, a, id)
			known[id] = yes
		}
		return yes, err
	}, after, mostEvents)
}
