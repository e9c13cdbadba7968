package web

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
	"breakglass/flows/doors"
)

// Past answers questions about requests.
type Past interface {
	Search(ctx context.Context, f flows.Search) (flows.Found, error)
	// PartIn is what a person did in a request; 0 for nothing.
	PartIn(ctx context.Context, id flows.RequestID, p flows.PersonID) (flows.Part, error)
}

// Chains reads audit entries, with the openings that are left.
type Chains interface {
	Entries(ctx context.Context, chain string) ([]flows.Sealed, error)
	IncidentsNumbered(ctx context.Context, number int) ([]flows.IncidentID, error)
	Timeline(ctx context.Context, id flows.IncidentID, after flows.Mark, limit int) (flows.Timeline, error)
}

// CallBook tells what was called through adapters.
type CallBook interface {
	history.CallReader
	CallsFor(ctx context.Context, id flows.IncidentID) ([]flows.CallTotal, error)
}

// Log is the audit entries with their proofs.
type Log interface {
	Chains
	CallBook
	audit.Shelf
}

// Course is what happened in a time, in numbers and one by one.
type Course interface {
	Counts
	Moments
}

// Archive is the store as the pages under /audit read it.
type Archive interface {
	Past
	Course
	Log
}

// Recorder writes entries that belong to no request; *flows.Engine implements it.
type Recorder interface {
	Record(ctx context.Context, chain string, e flows.Entry, fin flows.Finish) error
}

// desk is where somebody looks into the past. Whatever a page shows of it comes through
// here, so that who may see what is decided in one place: auditors and admins see
// everything, others what they asked for, had, decided, ended, review or have reviewed.
type desk struct {
	*Web
	asker history.Asker
	seen  map[flows.RequestID]bool
}

func (w *Web) desk(c *doors.Caller) *desk {
	all := c.Is(flows.RoleAuditor) || c.Is(flows.RoleAdmin)
	return &desk{w, history.Asker{Person: c.Person, All: all, Door: c.Door, Trace: "pass=" + c.Pass.ID, From: c.From}, map[flows.RequestID]bool{}}
}

// search finds what answers the question, of what the asker may see.
func (d *desk) search(ctx context.Context, f flows.Search) (flows.Found, error) {
	f, err := d.asker.Narrow(f)
	if err != nil {
		return flows.Found{}, err
	}
	return d.o.Archive.Search(ctx, f)
}

// sees reports whether the asker may see a request.
func (d *desk) sees(ctx context.Context, id flows.RequestID) (bool, error) {
	if d.asker.All {
		return true, nil
	}
	if yes, known := d.seen[id]; known {
		return yes, nil
	}
	yes, err := history.Gate{PartIn: d.o.Archive.PartIn, Load: d.o.Engine.Load, Reviews: d.o.Reviews}.Sees(ctx, d.asker, id)
	if err == nil {
		d.seen[id] = yes
	}
	return yes, err
}

// record reads a request, if the asker may see it.
func (d *desk) record(ctx context.Context, id flows.RequestID) (flows.Record, error) {
	yes, err := d.sees(ctx, id)
	if err != nil {
		return flows.Record{}, err
	}
	if !yes {
		return flows.Record{}, noSuchRequest
	}
	rec, err := d.o.Engine.Load(ctx, id)
	if errors.Is(err, flows.ErrNotFound) {
		return rec, noSuchRequest
	}
	return rec, err
}

// request reads a request with its entries, if the asker may see it.
func (d *desk) request(ctx context.Context, id flows.RequestID) (flows.Record, []flows.Sealed, error) {
	rec, err := d.record(ctx, id)
	if err != nil {
		return rec, nil, err
	}
	entries, err := d.o.Archive.Entries(ctx, string(id))
	return rec, entries, err
}

// timeline reads a page of an incident's time-line, of what the asker may see.
func (d *desk) timeline(ctx context.Context, id flows.IncidentID, after flows.Mark, limit int) (flows.Timeline, error) {
	page := func(after flows.Mark, limit int) (flows.Timeline, error) {
		return d.o.Archive.Timeline(ctx, id, after, limit)
	}
	if d.asker.All {
		return page(after, limit)
	}
	return history.OwnLine(page, func(id flows.RequestID) (bool, error) { return d.sees(ctx, id) }, after, limit)
}

// look records that somebody looked. A look that cannot be recorded is shown all the
// same, and says so.
func (d *desk) look(ctx context.Context, l history.Look) seenBy {
	err := d.looks.Record(ctx, d.o.Recorder, d.o.Clock.Now(), d.asker, l)
	if err != nil {
		d.log.ErrorContext(ctx, "a look at the audit could not be recorded", "user", d.asker.Person.User(), "error", err)
	}
	return seenBy{All: d.asker.All, Recorded: err == nil}
}

// seenBy is what the foot of such a page says.
type seenBy struct{ All, Recorded bool }

// parse reads a question.
func (d *desk) parse(text string) (query.Query, error) {
	return query.Parse(text, query.Options{Now: d.o.Clock.Now(), Me: d.asker.Person, Person: d.called})
}

// called finds the person of a question: a Slack user id, or a name of the configuration.
func (w *Web) called(typed string) (flows.PersonID, error) {
	cat := w.o.Catalog()
	if id, ok := strings.CutPrefix(typed, cat.Team+"/"); ok {
		typed = id
	}
	if p := flows.Principal(typed); p.IsUser() && strings.ToUpper(typed) == typed {
		return flows.Person(cat.Team, typed), nil
	}
	for _, l := range cat.Links.All() {
		if strings.EqualFold(l.Name, typed) {
			return l.Person, nil
		}
	}
	if team, user, both := strings.Cut(typed, "/"); both && team != "" && user != "" {
		return flows.PersonID(typed), nil
	}
	return "", fmt.Errorf("%s is nobody that is known here; a Slack user id always works", typed)
}

// said is a value about a person as pages show it, or that it was erased.
type said struct {
	Text   string
	Erased bool
}

func saidOf(v string) said {
	if v == history.Erased {
		return said{Erased: true}
	}
	return said{Text: v}
}

// who is a person as pages show them.
type who struct {
	Name   string
	Path   string // of their page
	Erased bool   // nobody knows who it was
	Gone   bool   // erased, and known by a made-up id
}

// who is somebody by the id that an entry or a request names.
func (w *Web) who(id flows.PersonID) who {
	switch {
	case id == history.Erased:
		return who{Erased: true}
	case id == "":
		return who{}
	}
	return who{Name: w.name(id), Gone: gone(id), Path: "/audit/people/" + url.PathEscape(w.shortID(id))}
}

// shortID is a person's id without the team, if it is ours.
func (w *Web) shortID(id flows.PersonID) string {
	if cat := w.o.Catalog(); cat != nil && id.Team() == cat.Team {
		return id.User()
	}
	return string(id)
}

// personAt is the person that a page's address names.
func (w *Web) personAt(segment string) flows.PersonID {
	if id, err := url.PathUnescape(segment); err == nil {
		segment = id
	}
	if strings.Contains(segment, "/") {
		return flows.PersonID(segment)
	}
	return flows.Person(w.o.Catalog().Team, segment)
}

// target is how a target is called.
func (w *Web) target(id flows.TargetID) string {
	if cat := w.o.Catalog(); cat != nil {
		if t := cat.Targets[id]; t != nil && t.Label != "" {
			return t.Label
		}
	}
	return string(id)
}
