package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/doors"
)

// How many entries a story takes its newest calls from, and a page of calls its own.
const (
	storyCalls = 40
	callsPage  = 300
)

// callsPart is what a grant was used for, through adapters.
type callsPart struct {
	Request     flows.RequestID
	Label       string // of the target, on pages about several
	By          who
	Total       int64
	First, Last time.Time
	Rules       []flows.CallTotal // most first
	Newest      []callLine
}

// callLine is one call.
type callLine struct {
	Seq     int64
	At      time.Time
	Adapter string
	Method  string
	Path    said
	Rule    string
	Ended   string // status and time, or why it did not end well
	Bad     bool
}

// callsBy sums the calls by one grant up; nil where there are none.
func (w *Web) callsBy(r *flows.Request, all []flows.CallTotal) *callsPart {
	if len(all) == 0 {
		return nil
	}
	p := &callsPart{Request: r.ID, By: w.who(r.Content.Beneficiary), First: all[0].First, Last: all[0].Last, Rules: all}
	for _, t := range all {
		p.Total += t.N
		if t.First.Before(p.First) {
			p.First = t.First
		}
		if t.Last.After(p.Last) {
			p.Last = t.Last
		}
	}
	return p
}

// calls are the calls by a request's grant for its story: how many by rule, and the newest.
func (d *desk) calls(ctx context.Context, r *flows.Request) (*callsPart, error) {
	all, err := d.o.Archive.Calls(ctx, r.ID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	p := d.callsBy(r, all)
	page, err := history.CallsOf(ctx, d.o.Archive, r.ID, 0, storyCalls)
	p.Newest = callLines(page.Calls)
	return p, err
}

func callLines(all []history.Call) []callLine {
	out := make([]callLine, 0, len(all))
	for i := range all {
		e := &all[i]
		f, done := factsOf(e.Facts), factsOf(e.Done)
		l := callLine{Seq: e.Seq, At: e.At, Adapter: f.text("adapter"), Method: f.text("method"), Path: saidOf(f.text("path")), Rule: f.text("rule")}
		switch why, status := done.text("why"), done.number("status"); {
		case done == nil:
			l.Ended = "under way, or ended later"
		case status == 0:
			l.Ended, l.Bad = why, true
		default:
			l.Ended = fmt.Sprintf("%d, %d ms", status, done.number("ms"))
			if why != "" {
				l.Ended += ", " + why
			}
			l.Bad = why != "" || status >= http.StatusBadRequest
		}
		out = append(out, l)
	}
	return out
}

// withCalls puts the calls of an incident's grants among the steps of a page, each
// grant's where its first one was.
func (d *desk) withCalls(ctx context.Context, page *incidentPage, found []flows.Request, all []flows.CallTotal) error {
	by := map[flows.RequestID][]flows.CallTotal{}
	for _, t := range all {
		by[t.Request] = append(by[t.Request], t)
	}
	for id, totals := range by {
		yes, err := d.sees(ctx, id)
		if err != nil {
			return err
		}
		if !yes {
			continue
		}
		i := slices.IndexFunc(found, func(r flows.Request) bool { return r.ID == id })
		r := flows.Request{ID: id}
		if i >= 0 {
			r = found[i]
		}
		p := d.callsBy(&r, totals)
		if p.Label = d.target(r.Content.Target); p.Label == "" {
			p.Label = id.Short()
		}
		page.Steps = append(page.Steps, step{At: p.First, Request: id, Calls: p})
	}
	slices.SortStableFunc(page.Steps, func(a, b step) int { return a.At.Compare(b.At) })
	return nil
}

// callPage is a page of the calls by a request's grant.
type callPage struct {
	Line  line
	Part  *callsPart
	Older string
	Seen  seenBy
}

// CallsPage is GET /audit/requests/{id}/calls: each call by a request's grant, the last
// ones first by page, in order on each.
func (w *Web) CallsPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	d := w.desk(c)
	page, err := d.callPage(r, flows.RequestID(chi.URLParam(r, "id")))
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	page.Seen = d.look(r.Context(), history.Look{What: history.LookRequest, Request: page.Part.Request, Onward: r.URL.Query().Has("before")})
	w.show(rw, r, c, http.StatusOK, page.Line.Label+", calls", shown((*view).auditCalls, page))
}

var noSuchCalls = flows.Refuse(codeMissing, "Nothing was called by that access.").Then("Calls go through adapters, for targets of that kind.")

func (d *desk) callPage(r *http.Request, id flows.RequestID) (*callPage, error) {
	before := int64(0)
	if at := r.URL.Query().Get("before"); at != "" {
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil || n <= 0 {
			return nil, flows.Refuse(flows.RefusedInput, "That is not the place of a page.").Then("Take it as the page before gave it.")
		}
		before = n
	}
	rec, err := d.record(r.Context(), id)
	if err != nil {
		return nil, err
	}
	all, err := d.o.Archive.Calls(r.Context(), id)
	if err != nil {
		return nil, err
	}
	page := &callPage{Line: d.line(&rec.Request), Part: d.callsBy(&rec.Request, all)}
	if page.Part == nil {
		return nil, noSuchCalls
	}
	got, err := history.CallsOf(r.Context(), d.o.Archive, id, before, callsPage)
	if err != nil {
		return nil, err
	}
	page.Part.Newest = callLines(got.Calls)
	if got.Older > 0 {
		page.Older = fmt.Sprintf("%s?before=%d", page.Part.path(), got.Older)
	}
	return page, nil
}

// path is the address of the page of all calls.
func (p *callsPart) path() string { return "/audit/requests/" + string(p.Request) + "/calls" }

// sentence says how many calls there were, and when.
func (p *callsPart) sentence() string {
	if p.Total == 1 {
		return "1 call, " + exact(p.First)
	}
	return fmt.Sprintf("%d calls, %s to %s", p.Total, exact(p.First), exact(p.Last))
}
