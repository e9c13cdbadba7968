package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
	"breakglass/flows/doors"
)

// mostBars is how many grants a person's chart shows.
const mostBars = 300

// personPage is a person's access over time, and what they had a part in.
type personPage struct {
	Who      who
	ID       flows.PersonID
	Link     flows.Link
	Days     int
	Ranges   []choice
	Bars     bars
	Cut      bool // there are more grants than bars
	Given    []line
	Lines    []line
	Older    string
	Further  bool
	Search   string
	Total    time.Duration // with access, within the range
	Seen     seenBy
	NowGiven int // accesses that are there now
}

// PersonPage is GET /audit/people/{id}, by the Slack user id.
func (w *Web) PersonPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	d := w.desk(c)
	page, err := d.person(r, w.personAt(chi.URLParam(r, "id")))
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	w.show(rw, r, c, http.StatusOK, page.Who.Name, shown((*view).auditPerson, page))
}

var noSuchPerson = flows.Refuse(codeMissing, "Nobody of that id had a part in anything that is yours to see.")

func (d *desk) person(r *http.Request, id flows.PersonID) (*personPage, error) {
	in := r.URL.Query()
	after, err := query.ReadCursor(in.Get("after"))
	if err != nil {
		return nil, flows.Refuse(flows.RefusedInput, "%s", err.Error())
	}
	asked := flows.Search{People: []flows.Involved{{Person: id, Part: flows.AnyPart}}, After: after, Limit: auditPage}
	found, err := d.search(r.Context(), asked)
	if err != nil {
		return nil, err
	}
	link, known := d.o.Catalog().Links.Of(id)
	if len(found.Requests) == 0 && !(known && d.asker.All) && id != d.asker.Person {
		return nil, noSuchPerson
	}
	now := d.o.Clock.Now().UTC()
	page := &personPage{
		Who: d.who(id), ID: id, Link: link, Days: rangeOf(in.Get("days")), Lines: d.lines(found.Requests), Further: after.ID != "",
		Search: auditPath("for:"+string(id), ""),
	}
	path := "/audit/people/" + url.PathEscape(d.shortID(id))
	page.Ranges = ranges(path+"?days=", page.Days)
	if found.Next.ID != "" {
		page.Older = path + "?days=" + strconv.Itoa(page.Days) + "&after=" + query.Cursor(found.Next)
	}
	page.Seen = d.look(r.Context(), history.Look{What: history.LookList, Search: asked, Onward: page.Further})
	return page, d.access(r, page, now)
}

// access draws what the person had within the days of the page.
func (d *desk) access(r *http.Request, page *personPage, now time.Time) error {
	from := now.AddDate(0, 0, -page.Days)
	held, err := d.search(r.Context(), flows.Search{
		People: []flows.Involved{{Person: page.ID, Part: flows.PartHolder}}, Since: from, Limit: mostBars,
		States: []flows.State{flows.StateActive, flows.StateEnding, flows.StateEnded, flows.StateFailed, flows.StateCancelled},
	})
	if err != nil {
		return err
	}
	page.Cut = held.Next.ID != ""
	var spans []accessSpan
	for i := range held.Requests {
		q := &held.Requests[i]
		if q.GrantedAt.IsZero() {
			continue
		}
		s := accessSpan{ID: q.ID, Target: d.target(q.Content.Target), From: q.GrantedAt.UTC(), To: now, Live: q.EndedAt.IsZero()}
		if !s.Live {
			s.To = q.EndedAt.UTC()
		} else {
			page.NowGiven++
		}
		page.Total += s.To.Sub(s.From)
		spans = append(spans, s)
	}
	page.Bars = barsOf(spans, from, now)
	return nil
}

// ranges are the lengths of time that pages offer.
func ranges(path string, days int) []choice {
	var out []choice
	for _, n := range [...]int{30, 90, 365} {
		out = append(out, choice{path + strconv.Itoa(n), strconv.Itoa(n) + " days", n == days})
	}
	return out
}

func rangeOf(s string) int {
	switch s {
	case "30":
		return 30
	case "365":
		return 365
	}
	return 90
}
