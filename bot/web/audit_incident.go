package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/doors"
)

// The lengths of an incident's page.
const (
	timelinePage     = 200 // entries
	incidentRequests = 50  // the newest ones, above them
)

var noSuchIncident = flows.Refuse(codeMissing, "Nothing was asked for that incident, or nothing that is yours to see.").
	Then("Incidents are known here once a request belongs to them.")

// incidentPage is everything that was done for an incident, in order.
type incidentPage struct {
	Incident incidentLink
	URL      string
	Lines    []line
	More     bool // requests than Lines
	Steps    []step
	Further  bool
	Next     string
	Search   string
	Seen     seenBy
}

// IncidentPage is GET /audit/incidents/{id}, by PagerDuty's id or number.
func (w *Web) IncidentPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	d := w.desk(c)
	page, err := d.incident(r, chi.URLParam(r, "id"))
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	page.Seen = d.look(r.Context(), history.Look{What: history.LookTimeline, Search: flows.Search{Incident: page.Incident.ID}, Onward: page.Further})
	title := "Incident " + string(page.Incident.ID)
	if n := page.Incident.Number; n > 0 {
		title = "Incident #" + strconv.Itoa(n)
	}
	w.show(rw, r, c, http.StatusOK, title, shown((*view).auditIncident, page))
}

func (d *desk) incident(r *http.Request, typed string) (*incidentPage, error) {
	id, found, err := d.findIncident(r.Context(), typed)
	if err != nil {
		return nil, err
	}
	page := &incidentPage{Lines: d.lines(found.Requests), More: found.Next.ID != "", Search: auditPath("incident "+string(id), "")}
	page.Incident, page.URL = named(id, found.Requests)
	after, err := readMark(r.URL.Query().Get("after"))
	if err != nil {
		return nil, err
	}
	page.Further = after.Entry != 0
	all, err := d.timeline(r.Context(), id, after, timelinePage)
	if err != nil {
		return nil, err
	}
	if page.Steps, _, err = d.steps(all.Entries, nil); err != nil {
		return nil, err
	}
	labels := map[flows.RequestID]string{}
	for _, l := range page.Lines {
		labels[l.ID] = l.Label
	}
	for i := range page.Steps {
		page.Steps[i].Label = labels[page.Steps[i].Request]
	}
	calls, err := d.o.Archive.CallsFor(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if err := d.withCalls(r.Context(), page, found.Requests, history.CallsOnPage(calls, after, all.Next)); err != nil {
		return nil, err
	}
	if all.Next.Entry != 0 {
		page.Next = "/audit/incidents/" + url.PathEscape(string(id)) + "?after=" + writeMark(all.Next)
	}
	return page, nil
}

// findIncident finds an incident of which the asker may see something, with its newest
// requests.
func (d *desk) findIncident(ctx context.Context, typed string) (flows.IncidentID, flows.Found, error) {
	ids := []flows.IncidentID{flows.IncidentID(typed)}
	if n, err := strconv.Atoi(typed); err == nil {
		if ids, err = d.o.Archive.IncidentsNumbered(ctx, n); err != nil {
			return "", flows.Found{}, err
		}
	}
	for _, id := range ids {
		if id == "" {
			continue
		}
		found, err := d.search(ctx, flows.Search{Incident: id, Limit: incidentRequests})
		if err != nil || len(found.Requests) > 0 {
			return id, found, err
		}
	}
	return "", flows.Found{}, noSuchIncident
}

// named is what the requests know of an incident.
func named(id flows.IncidentID, all []flows.Request) (incidentLink, string) {
	link := incidentLink{ID: id}
	for i := range all {
		for _, ref := range all[i].Incidents() {
			if ref.ID == id && ref.Number > 0 {
				return incidentLink{id, ref.Number, ref.Title.Raw()}, ref.URL
			}
		}
	}
	return link, ""
}

func writeMark(m flows.Mark) string {
	return strconv.FormatInt(m.At.UnixMilli(), 10) + "." + strconv.FormatInt(m.Entry, 10)
}

func readMark(s string) (flows.Mark, error) {
	if s == "" {
		return flows.Mark{}, nil
	}
	at, entry, _ := strings.Cut(s, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	n, bad := strconv.ParseInt(entry, 10, 64)
	if err != nil || bad != nil || n <= 0 {
		return flows.Mark{}, flows.Refuse(flows.RefusedInput, "That is not the place of a page.").Then("Take it as the page before gave it.")
	}
	return flows.Mark{At: time.UnixMilli(ms).UTC(), Entry: n}, nil
}
