package pagerdutyfake

import "slices"

import "time"

// incidentShape is an incident as the REST API shows it; its field names
// differ from those of a webhook.
func (c *call) incidentShape(i *Incident) obj {
	a := c.a
	assignments, acks, assignees := []any{}, []any{}, c.includes("assignees") || c.includes("users")
	for _, x := range i.Assignees {
		assignments = append(assignments, obj{"at": when(x.At, c.loc), "assignee": a.user(x.User, assignees)})
	}
	for _, x := range i.Acks {
		acks = append(acks, obj{"at": when(x.At, c.loc), "acknowledger": a.user(x.User, c.includes("acknowledgers") || c.includes("users"))})
	}
	via := "escalation_policy"
	if i.direct {
		via = "direct_assignment"
	}
	service := a.serviceRef(i.Service)
	if s := a.services.get(i.Service); s != nil && c.includes("services") {
		service = a.serviceShape(s)
	}
	policy := a.policyRef(i.Policy)
	if p := a.policies.get(i.Policy); p != nil && c.includes("escalation_policies") {
		policy = a.policyShape(p, false)
	}
	changedBy := a.serviceRef(i.Service)
	if i.ChangedBy != "" {
		changedBy = a.user(i.ChangedBy, c.includes("users"))
	}
	shape := as(a.incidentRef(i), "incident", obj{
		"incident_number": i.Number, "title": i.Title, "description": i.Title, "status": i.Status, "urgency": i.Urgency,
		"created_at": when(i.CreatedAt, c.loc), "updated_at": when(i.UpdatedAt, c.loc), "incident_key": i.Key,
		"service": service, "assignments": assignments, "assigned_via": via, "acknowledgements": acks,
		"last_status_change_at": when(i.ChangedAt, c.loc), "last_status_change_by": changedBy,
		"resolved_at": when(i.ResolvedAt, c.loc), "first_trigger_log_entry": a.logRef(i, i.Log[0]),
		"alert_counts": obj{"all": 0, "triggered": 0, "resolved": 0}, "is_mergeable": i.open(),
		"incident_type": obj{"name": "incident_default"}, "escalation_policy": policy, "teams": []any{},
		"impacted_services": []any{a.serviceRef(i.Service)}, "pending_actions": []any{}, "alert_grouping": nil,
		"priority": a.priorityShape(i), "resolve_reason": a.resolveReason(i), "conference_bridge": nil,
		"incidents_responders": []any{}, "responder_requests": []any{}, "subscriber_requests": []any{},
	})
	if i.Details != "" {
		shape["body"] = obj{"details": i.Details}
	}
	return shape
}

func (a *Account) resolveReason(i *Incident) any {
	if i.MergedInto == "" {
		return nil
	}
	return obj{"type": "merge_resolve_reason", "incident": a.incidentRef(a.incidents.get(i.MergedInto))}
}

func (a *Account) logRef(i *Incident, l LogEntry) obj {
	return obj{
		"id": l.ID, "type": l.Type + "_reference", "summary": l.Summary,
		"self":     apiBase + "/log_entries/" + l.ID + "?incident_id=" + i.ID,
		"html_url": a.opts.WebURL + "/incidents/" + i.ID + "/log_entries/" + l.ID,
	}
}

func (a *Account) logShape(i *Incident, l LogEntry, loc *time.Location) obj {
	agent := a.serviceRef(i.Service)
	if l.Agent != "" {
		agent = a.userRef(l.Agent)
	}
	more := obj{
		"created_at": when(l.At, loc), "agent": agent, "channel": obj{"type": "api"},
		"service": a.serviceRef(i.Service), "incident": a.incidentRef(i), "teams": []any{}, "contexts": []any{},
		"event_details": obj{},
	}
	if l.Note != "" {
		more["note"] = l.Note
		more["channel"] = obj{"type": "note", "summary": l.Note}
	}
	if len(l.Assignees) > 0 {
		users := []any{}
		for _, u := range l.Assignees {
			users = append(users, a.userRef(u))
		}
		more["assignees"] = users
	}
	return as(a.logRef(i, l), l.Type, more)
}

func listLogEntries(c *call) (answer, *apiError) {
	i, e := c.incident()
	if e != nil {
		return answer{}, e
	}
	since, until, e := c.period()
	if e != nil {
		return answer{}, e
	}
	var found []LogEntry
	for _, l := range slices.Backward(i.Log) {
		if (since.IsZero() || !l.At.Before(since)) && (until.IsZero() || !l.At.After(until)) {
			found = append(found, l)
		}
	}
	return page(c, "log_entries", found, 25, 100, func(l LogEntry) any { return c.a.logShape(i, l, c.loc) })
}
