package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
	"breakglass/flows/doors"
)

// auditPage is how many requests a page shows.
const auditPage = 25

// examples are questions to begin with.
var examples = []string{`last 7d`, `outcome:live`, `denied,lapsed last 30d`, `review:open`, `incident 4711`, `incident:none last 90d`, `me`, `"rollback" last 90d`}

// searchPage is the page of a question.
type searchPage struct {
	Asked    string
	Wrong    *query.Error
	Filters  filters
	Form     bool // the question comes from it
	Examples []string
	Lines    []line
	Narrowed time.Time // words were looked for since then only
	Older    string    // the address of the next page
	Further  bool      // this is not the first page
	Seen     seenBy
}

// AuditPage is GET /audit: questions about the past, in the query language or by a form.
func (w *Web) AuditPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	in := r.URL.Query()
	if in.Has("filter") { // the form: its question becomes the address
		http.Redirect(rw, r, "/audit?"+url.Values{"q": {compose(in)}, "form": {"1"}}.Encode(), http.StatusSeeOther)
		return
	}
	d := w.desk(c)
	page := searchPage{Asked: in.Get("q"), Further: in.Get("after") != "", Form: in.Has("form")}
	q, err := d.parse(page.Asked)
	if err == nil {
		q.After, err = query.ReadCursor(in.Get("after"))
	}
	page.Filters = d.filters(q)
	if errors.As(err, &page.Wrong) {
		page.Examples = examples
		w.show(rw, r, c, http.StatusUnprocessableEntity, "Audit", shown((*view).auditSearch, &page))
		return
	}
	q.Limit = auditPage
	found, err := d.search(r.Context(), q.Search)
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	page.Seen = d.look(r.Context(), history.Look{What: history.LookList, Search: q.Search, Onward: page.Further})
	page.Lines = w.lines(found.Requests)
	if page.Asked == "" {
		page.Examples = examples
	}
	if q.Narrowed {
		page.Narrowed = q.Since
	}
	if found.Next.ID != "" {
		page.Older = auditPath(page.Asked, query.Cursor(found.Next))
	}
	w.show(rw, r, c, http.StatusOK, "Audit", shown((*view).auditSearch, &page))
}

// auditPath is the address of a question's page.
func auditPath(q, after string) string {
	v := url.Values{}
	if q != "" {
		v.Set("q", q)
	}
	if after != "" {
		v.Set("after", after)
	}
	if len(v) == 0 {
		return "/audit"
	}
	return "/audit?" + v.Encode()
}

// choice is one of a list in a form.
type choice struct {
	Value, Label string
	Chosen       bool
}

// filters are the fields of the form, as the question has them.
type filters struct {
	Incident, Person, Words, Since, Until string
	Parts, Targets, Flows, Outcomes       []choice
	Reviews                               []choice
	People                                []string // to be suggested
}

// parts are the parts that somebody may have had, as the language calls them.
var parts = []choice{
	{Value: "person", Label: "had any part"}, {Value: "by", Label: "asked"}, {Value: "for", Label: "had the access"},
	{Value: "approved-by", Label: "approved"}, {Value: "denied-by", Label: "denied"}, {Value: "ended-by", Label: "ended it"},
}

// outcomes likewise.
var outcomes = []choice{
	{Value: "open", Label: "waits"}, {Value: "live", Label: "has access now"}, {Value: "granted", Label: "was granted"}, {Value: "denied", Label: "denied"},
	{Value: "lapsed", Label: "lapsed"}, {Value: "cancelled", Label: "withdrawn"}, {Value: "failed", Label: "failed"},
}

// reviews likewise.
var reviews = []choice{{Value: string(flows.ReviewOpen), Label: "still to be done"}, {Value: string(flows.ReviewClosed), Label: "done"}}

// filters fills the form from a question.
func (d *desk) filters(q query.Query) filters {
	var f filters
	switch {
	case q.Number > 0:
		f.Incident = strconv.Itoa(q.Number)
	case q.Incident != "":
		f.Incident = string(q.Incident)
	case q.Bare:
		f.Incident = flows.NoIncident
	}
	part := ""
	if len(q.People) > 0 {
		in := q.People[0]
		f.Person = d.Web.name(in.Person)
		if p, err := d.called(f.Person); err != nil || p != in.Person {
			f.Person = string(in.Person)
		}
		part, _, _ = strings.Cut(query.Write(flows.Search{People: q.People[:1]}), ":")
	}
	if len(q.Words) > 0 {
		f.Words = q.Words[0]
	}
	if !q.Since.IsZero() && !q.Narrowed {
		f.Since = q.Since.UTC().Format(time.DateOnly)
	}
	if !q.Until.IsZero() {
		f.Until = q.Until.Add(-time.Millisecond).UTC().Format(time.DateOnly)
	}
	f.Parts = chosen(parts, part)
	f.Outcomes = chosen(outcomes, d.outcomeOf(q.States))
	f.Reviews = chosen(reviews, string(q.Review))
	f.Targets, f.Flows, f.People = d.catalogChoices(q)
	return f
}

// outcomeOf is the outcome with exactly these states.
func (d *desk) outcomeOf(states []flows.State) string {
	for _, o := range outcomes {
		if q, err := d.parse("outcome:" + o.Value); err == nil && len(states) > 0 && slices.Equal(q.States, states) {
			return o.Value
		}
	}
	return ""
}

func (d *desk) catalogChoices(q query.Query) (targets, inFlows []choice, people []string) {
	cat := d.o.Catalog()
	for id := range cat.Targets {
		targets = append(targets, choice{string(id), d.target(id), id == q.Target})
	}
	for id, f := range cat.Flows {
		inFlows = append(inFlows, choice{string(id), f.Label, id == q.Flow})
	}
	byLabel := func(a, b choice) int { return strings.Compare(a.Label+a.Value, b.Label+b.Value) }
	slices.SortFunc(targets, byLabel)
	slices.SortFunc(inFlows, byLabel)
	for _, l := range cat.Links.All() {
		people = append(people, l.Name)
	}
	slices.Sort(people)
	return targets, inFlows, people
}

func chosen(of []choice, value string) []choice {
	out := slices.Clone(of)
	for i := range out {
		out[i].Chosen = out[i].Value == value
	}
	return out
}

// compose is the question that a form asks. What was typed can only be a value: quotes
// hold it together.
func compose(in url.Values) string {
	var out []string
	add := func(key, value string) {
		value = strings.TrimSpace(value)
		if value == "" || key == "" {
			return
		}
		if strings.ContainsAny(value, " \t\r\n\"“”„«»") {
			value = `"` + strings.Trim(quotes.Replace(value), `"`) + `"`
		}
		out = append(out, key+":"+value)
	}
	add("incident", strings.TrimPrefix(in.Get("incident"), "#"))
	part := in.Get("part")
	if !slices.ContainsFunc(parts, func(c choice) bool { return c.Value == part }) {
		part = "person"
	}
	add(part, in.Get("person"))
	add("target", in.Get("target"))
	add("flow", in.Get("flow"))
	add("outcome", in.Get("outcome"))
	add("review", in.Get("review"))
	add("since", in.Get("since"))
	add("until", in.Get("until"))
	add("reason", in.Get("words"))
	return strings.Join(out, " ")
}

// quotes makes the signs that would end a quoted value spaces.
var quotes = strings.NewReplacer(`"`, " ", "“", " ", "”", " ", "„", " ", "«", " ", "»", " ", "\r", " ", "\n", " ", "\t", " ")
