package pagerdutyfake

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// incident finds the incident of the path, by id or number.
func (c *call) incident() (*Incident, *apiError) {
	if i := c.a.incident(c.vars["id"]); i != nil {
		return i, nil
	}
	return nil, fail(404, codeIncidentUnknown)
}

// incidentFilter is what GET /incidents can be asked.
func (c *call) incidentFilter() (func(*Incident) bool, *apiError) {
	since, until, e := c.incidentPeriod()
	if e != nil {
		return nil, e
	}
	if len(c.list("urgencies")) > 0 {
		if e := c.needs("urgencies"); e != nil {
			return nil, e
		}
	}
	if len(c.list("team_ids")) > 0 {
		if e := c.needs("teams"); e != nil {
			return nil, e
		}
	}
	statuses := slices.Concat(c.list("statuses"), c.q["statuses"])
	for _, s := range statuses {
		if s != string(StatusTriggered) && s != string(StatusAcknowledged) && s != string(StatusResolved) {
			return nil, fail(400, codeInvalidStatus)
		}
	}
	all := c.q.Get("date_range") == "all"
	in := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	return func(i *Incident) bool {
		users := c.list("user_ids")
		return in(statuses, string(i.Status)) && in(c.list("service_ids"), i.Service) && in(c.list("urgencies"), i.Urgency) &&
			len(c.list("team_ids")) == 0 && (c.q.Get("incident_key") == "" || c.q.Get("incident_key") == i.Key) &&
			(all || !i.CreatedAt.Before(since) && !i.CreatedAt.After(until)) &&
			(len(users) == 0 || slices.ContainsFunc(i.assigned(), func(u string) bool { return slices.Contains(users, u) }))
	}, nil
}

// incidentPeriod is a month back unless asked, and at most six months long.
func (c *call) incidentPeriod() (since, until time.Time, e *apiError) {
	if since, until, e = c.period(); e != nil || c.q.Get("date_range") == "all" {
		return since, until, e
	}
	if until.IsZero() {
		until = c.now
		if !since.IsZero() && since.AddDate(0, 1, 0).After(until) {
			until = since.AddDate(0, 1, 0)
		}
	}
	if since.IsZero() {
		since = until.AddDate(0, -1, 0)
	}
	if since.AddDate(0, 6, 0).Before(until) {
		return since, until, fail(400, codeBadRange, "The date range may not be longer than 6 months")
	}
	return since, until, nil
}

func listIncidents(c *call) (answer, *apiError) {
	keep, e := c.incidentFilter()
	if e != nil {
		return answer{}, e
	}
	found := pick(c.a.incidents.all(), keep)
	if e := sortIncidents(found, c.q.Get("sort_by")); e != nil {
		return answer{}, e
	}
	return page(c, "incidents", found, 25, 100, func(i *Incident) any { return c.incidentShape(i) })
}

func sortIncidents(list []*Incident, by string) *apiError {
	if by == "" {
		return nil
	}
	fields := strings.Split(by, ",")
	if len(fields) > 2 {
		return fail(400, codeInvalidInput, "sort_by takes at most two fields")
	}
	compare := map[string]func(a, b *Incident) int{
		"incident_number": func(a, b *Incident) int { return cmp.Compare(a.Number, b.Number) },
		"created_at":      func(a, b *Incident) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"resolved_at":     func(a, b *Incident) int { return a.ResolvedAt.Compare(b.ResolvedAt) },
		"urgency":         func(a, b *Incident) int { return cmp.Compare(b.Urgency, a.Urgency) },
	}
	for _, f := range slices.Backward(fields) {
		name, direction, _ := strings.Cut(f, ":")
		by, known := compare[name]
		if !known || direction != "" && direction != "asc" && direction != "desc" {
			return fail(400, codeInvalidInput, "sort_by is invalid")
		}
		slices.SortStableFunc(list, func(a, b *Incident) int {
			if direction == "desc" {
				return by(b, a)
			}
			return by(a, b)
		})
	}
	return nil
}

func getIncident(c *call) (answer, *apiError) {
	i, e := c.incident()
	if e != nil {
		return answer{}, e
	}
	shape := c.incidentShape(i)
	if c.includes("custom_fields") {
		shape["custom_fields"] = c.fieldValues(i)
	}
	return ok(obj{"incident": shape})
}

// reference is how clients name a resource.
type reference struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// incidentInput is an incident as clients send it, to create or to change.
type incidentInput struct {
	reference
	Title       string           `json:"title"`
	Status      string           `json:"status"`
	Resolution  string           `json:"resolution"`
	Urgency     string           `json:"urgency"`
	Key         string           `json:"incident_key"`
	Service     *reference       `json:"service"`
	Policy      *reference       `json:"escalation_policy"`
	Level       int              `json:"escalation_level"`
	Priority    *json.RawMessage `json:"priority"`
	Assignments []struct {
		Assignee reference `json:"assignee"`
	} `json:"assignments"`
	Body struct {
		Details any `json:"details"`
	} `json:"body"`
}

func (in incidentInput) users() []string {
	var out []string
	for _, x := range in.Assignments {
		out = append(out, x.Assignee.ID)
	}
	return out
}

func createIncident(c *call) (answer, *apiError) {
	var in incidentInput
	if e := c.decode("incident", &in); e != nil {
		return answer{}, e
	}
	if strings.Contains(string(c.body), `"priority":null`) {
		c.violation(`"priority" must be a reference or absent, not null`)
	}
	switch {
	case in.Type != "incident":
		return answer{}, fail(400, codeInvalidInput, "Incident type must be \"incident\"")
	case in.Title == "":
		return answer{}, fail(400, codeInvalidInput, "Title can't be blank")
	case in.Service == nil:
		return answer{}, fail(400, codeMissingArguments, "Service can't be blank")
	case in.Policy != nil && len(in.Assignments) > 0:
		return answer{}, fail(400, codeInvalidInput, "An incident takes assignments or an escalation policy, not both")
	}
	o := opening{
		title: in.Title, service: in.Service.ID, urgency: in.Urgency, key: in.Key,
		assignees: in.users(), actor: c.actor,
	}
	o.details, _ = in.Body.Details.(string)
	if in.Policy != nil {
		o.policy = in.Policy.ID
	}
	var e *apiError
	if o.priority, e = in.wanted(); e != nil {
		return answer{}, e
	}
	i, e := c.a.openIncident(o)
	if e != nil {
		return answer{}, e
	}
	return answer{http.StatusCreated, obj{"incident": c.incidentShape(i)}}, nil
}

func manageIncident(c *call) (answer, *apiError) {
	i, e := c.incident()
	if e != nil {
		return answer{}, e
	}
	var in incidentInput
	if e := c.decode("incident", &in); e != nil {
		return answer{}, e
	}
	if e := c.checkChange(i, in); e != nil {
		return answer{}, e
	}
	if e := c.change(i, in); e != nil {
		return answer{}, e
	}
	return ok(obj{"incident": c.incidentShape(i)})
}

func manageIncidents(c *call) (answer, *apiError) {
	var ins []incidentInput
	if e := c.decode("incidents", &ins); e != nil {
		return answer{}, e
	}
	if len(ins) > 250 {
		return answer{}, fail(http.StatusRequestEntityTooLarge, codeBadArguments, "A maximum of 250 incidents may be updated at a time")
	}
	var found []*Incident
	for _, in := range ins {
		i := c.a.incidents.get(in.ID)
		if i == nil {
			return answer{}, fail(400, codeInvalidID, "Incident "+in.ID+" was not found")
		}
		if e := c.checkChange(i, in); e != nil {
			return answer{}, e
		}
		found = append(found, i)
	}
	for n, i := range found {
		if e := c.change(i, ins[n]); e != nil {
			return answer{}, e
		}
	}
	return page(c, "incidents", found, 250, 250, func(i *Incident) any { return c.incidentShape(i) })
}

// checkChange refuses a change before anything of it is done.
func (c *call) checkChange(i *Incident, in incidentInput) *apiError {
	switch in.Status {
	case "", string(StatusTriggered), string(StatusAcknowledged):
	case string(StatusResolved):
		if !i.open() {
			return fail(400, codeAlreadyResolved)
		}
	default:
		return fail(400, codeInvalidStatus)
	}
	if in.Type != "incident" && in.Type != "incident_reference" {
		return fail(400, codeInvalidInput, "type must be incident or incident_reference")
	}
	if in.Policy != nil && c.a.policies.get(in.Policy.ID) == nil {
		return fail(400, codePolicyUnknown)
	}
	for _, u := range in.users() {
		if c.a.users.get(u) == nil {
			return fail(400, codeAssigneeUnknown)
		}
	}
	_, e := in.wanted()
	return e
}

func (c *call) change(i *Incident, in incidentInput) *apiError {
	if in.Title != "" {
		i.Title, i.UpdatedAt = in.Title, c.now
	}
	if in.Urgency != "" {
		i.Urgency, i.UpdatedAt = in.Urgency, c.now
	}
	if id, _ := in.wanted(); id != "" {
		if e := c.a.prioritise(i, id, c.actor); e != nil {
			return e
		}
	}
	if in.Policy != nil || in.Level > 0 {
		if e := c.delegate(i, in); e != nil {
			return e
		}
	}
	reopened := !i.open() && in.Status == string(StatusTriggered)
	if users := in.users(); len(users) > 0 && !reopened {
		if e := c.a.reassign(i, users, c.actor); e != nil {
			return e
		}
	}
	switch Status(in.Status) {
	case StatusAcknowledged:
		c.a.acknowledge(i, c.actor)
	case StatusResolved:
		c.a.resolve(i, c.actor, in.Resolution, "")
	case StatusTriggered:
		if reopened {
			c.a.reopen(i, in.users(), c.actor)
		} else if i.Status == StatusAcknowledged {
			c.a.unacknowledge(i, c.actor)
		}
	}
	c.a.notify()
	return nil
}

// delegate moves an incident to another policy or level.
func (c *call) delegate(i *Incident, in incidentInput) *apiError {
	event, policy := "incident.escalated", i.Policy
	if in.Policy != nil && in.Policy.ID != policy {
		event, policy = "incident.delegated", in.Policy.ID
	}
	if e := c.a.assign(i, nil, policy, in.Level); e != nil {
		return e
	}
	i.Policy = policy
	kind := map[string]string{"incident.escalated": "escalate_log_entry", "incident.delegated": "delegate_log_entry"}[event]
	c.a.logLine(i, LogEntry{Type: kind, Summary: "Moved to other people.", Agent: c.actor, Assignees: i.assigned()})
	c.a.emitIncident(event, i, c.actor)
	return nil
}

func mergeIncidents(c *call) (answer, *apiError) {
	i, e := c.incident()
	if e != nil {
		return answer{}, e
	}
	var refs []reference
	if e := c.decode("source_incidents", &refs); e != nil {
		return answer{}, e
	}
	var ids []string
	for _, r := range refs {
		ids = append(ids, r.ID)
	}
	if e := c.a.merge(i, ids, c.actor); e != nil {
		return answer{}, e
	}
	return ok(obj{"incident": c.a.incidentRef(i)})
}
