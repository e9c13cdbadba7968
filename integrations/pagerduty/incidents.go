package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"breakglass/flows"
)

// Incident implements flows.Incidents: one, by id or number, read now.
func (c *Client) Incident(ctx context.Context, idOrNumber string) (flows.Incident, error) {
	return c.incident(ctx, idOrNumber, true)
}

func (c *Client) incident(ctx context.Context, idOrNumber string, click bool) (flows.Incident, error) {
	if !isID(idOrNumber) && !isNumber(idOrNumber) {
		return flows.Incident{}, fmt.Errorf("incident %q: %w: %w", tame(idOrNumber), errBadID, ErrNoIncident)
	}
	r := get("/incidents/"+idOrNumber, nil, click)
	doc, rep, err := c.one(ctx, r)
	if isNoSuch(err) {
		return flows.Incident{}, fmt.Errorf("incident %s: %w", idOrNumber, ErrNoIncident)
	}
	if err != nil {
		return flows.Incident{}, fmt.Errorf("read incident %s: %w", idOrNumber, err)
	}
	v := doc.at("incident")
	i := readIncident(v, rep.asked)
	if string(i.ID) != idOrNumber && fmt.Sprint(i.Number) != idOrNumber {
		v.fail("is not the one that was asked for")
	}
	if doc.err() != nil {
		return flows.Incident{}, fmt.Errorf("read incident %s: %w", idOrNumber, c.garbled(r, doc.err()))
	}
	return i, nil
}

// readIncident reads the fields that Breakglass uses, as the REST API names them.
func readIncident(v value, asked time.Time) flows.Incident {
	service := v.at("service")
	i := flows.Incident{
		ID:        flows.IncidentID(v.at("id").id()),
		Number:    v.at("incident_number").whole(),
		Title:     flows.NewText(v.at("title").maybeText()),
		Status:    flows.IncidentStatus(v.at("status").text()),
		ServiceID: service.maybe("id").maybeText(),
		Service:   service.maybe("summary").maybeText(),
		Urgency:   v.maybe("urgency").maybeText(),
		Priority:  priorityOf(v.maybe("priority")),
		URL:       webAddress(v.maybe("html_url").maybeText()),
		ReadAt:    asked,
	}
	switch i.Status {
	case flows.IncidentTriggered, flows.IncidentAcknowledged, flows.IncidentResolved:
	default:
		v.at("status").fail("is not a status that is known here")
	}
	if list := v.maybe("assignments"); !list.null() {
		for _, a := range list.list() {
			i.Assignees = append(i.Assignees, flows.PagerDutyUser(a.at("assignee").at("id").id()))
		}
	}
	if why := v.maybe("resolve_reason"); !why.null() && why.maybe("type").maybeText() == "merge_resolve_reason" {
		i.MergedInto = flows.IncidentID(why.at("incident").at("id").id())
	}
	return i
}

// priorityOf is the name of a priority, "P1"; empty where there is none.
func priorityOf(v value) string {
	if v.null() {
		return ""
	}
	name := []rune(v.maybe("summary").maybeText())
	return string(name[:min(len(name), 40)])
}

// webAddress lets only a plain web address become a link.
func webAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

// directReads is up to how many incidents are read one by one, and openPages how many
// pages of open ones are read at most, before the rest is.
const (
	directReads = 2
	openPages   = 5
)

// IncidentsByID implements flows.Incidents. PagerDuty cannot list by id, so the open
// incidents are listed; those that are not among them are read one by one.
func (c *Client) IncidentsByID(ctx context.Context, ids []flows.IncidentID) (map[flows.IncidentID]flows.Incident, error) {
	wanted := map[flows.IncidentID]bool{}
	for _, id := range ids {
		wanted[id] = isID(string(id))
	}
	found := map[flows.IncidentID]flows.Incident{}
	if len(wanted) > directReads {
		open, err := c.openList(ctx, "", openPages, false)
		var many *errTooMany
		if err != nil && !errors.As(err, &many) {
			return nil, fmt.Errorf("list open incidents: %w", err)
		}
		for _, i := range open {
			if wanted[i.ID] {
				found[i.ID] = i
			}
		}
	}
	var failed error
	for id, valid := range wanted {
		if _, have := found[id]; have || !valid {
			continue
		}
		i, err := c.incident(ctx, string(id), false)
		if err != nil {
			failed = err
			continue
		}
		found[id] = i
	}
	if failed != nil && (len(found) == 0 || ctx.Err() != nil) {
		return found, failed
	}
	return found, nil
}

// openList reads triggered and acknowledged incidents, of any age.
func (c *Client) openList(ctx context.Context, assignee flows.PagerDutyUser, pages int, click bool) ([]flows.Incident, error) {
	q := url.Values{
		"statuses[]": {string(flows.IncidentTriggered), string(flows.IncidentAcknowledged)},
		"date_range": {"all"}, "sort_by": {"created_at:desc"},
	}
	if assignee != "" {
		q.Set("user_ids[]", string(assignee))
	}
	var out []flows.Incident
	asked := c.clock.Now()
	_, err := c.list(ctx, get("/incidents", q, click), "incidents", pages, func(v value, _ time.Time) {
		if i := readIncident(v, asked); v.err() == nil && i.Status != flows.IncidentResolved {
			out = append(out, i)
		}
	})
	return out, err
}
