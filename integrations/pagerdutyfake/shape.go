package pagerdutyfake

import "maps"

import "time"

// obj is a JSON object. Nullable fields are present and null.
type obj = map[string]any

const apiBase = "https://api.pagerduty.com"

// when writes a moment as the API does; zero is null.
func when(t time.Time, loc *time.Location) any {
	if t.IsZero() {
		return nil
	}
	return t.In(loc).Format(time.RFC3339)
}

// ref is a reference: what stands for a resource that was not included.
func (a *Account) ref(kind, id, summary, plural, web string) obj {
	return obj{
		"id": id, "type": kind, "summary": summary,
		"self":     apiBase + "/" + plural + "/" + id,
		"html_url": a.opts.WebURL + "/" + web + "/" + id,
	}
}

func (a *Account) userRef(id string) obj {
	name := "Deleted User"
	if u := a.users.get(id); u != nil {
		name = u.Name
	}
	return a.ref("user_reference", id, name, "users", "users")
}

func (a *Account) policyRef(id string) any {
	p := a.policies.get(id)
	if p == nil {
		return nil
	}
	return a.ref("escalation_policy_reference", id, p.Name, "escalation_policies", "escalation_policies")
}

func (a *Account) scheduleRef(s *Schedule) obj {
	if s.V3() {
		r := a.ref("schedule_v3_reference", s.ID, s.Name, "v3/schedules", "schedules")
		return r
	}
	return a.ref("schedule_reference", s.ID, s.Name, "schedules", "schedules")
}

func (a *Account) serviceRef(id string) obj {
	name := ""
	if s := a.services.get(id); s != nil {
		name = s.Name
	}
	return a.ref("service_reference", id, name, "services", "service-directory")
}

func (a *Account) incidentRef(i *Incident) obj {
	return a.ref("incident_reference", i.ID, i.summary(), "incidents", "incidents")
}

// as turns a reference into the resource itself: the same head, more fields.
func as(ref obj, kind string, more obj) obj {
	ref["type"] = kind
	maps.Copy(ref, more)
	return ref
}

func (a *Account) userShape(u *User) obj {
	return as(a.userRef(u.ID), "user", obj{
		"name": u.Name, "email": u.Email, "time_zone": u.TimeZone, "color": "purple",
		"avatar_url": "https://pd-static-assets.pagerduty.com/users/blank-avatar.png",
		"role":       u.Role, "description": orNull(u.Description), "invitation_sent": false,
		"job_title": orNull(u.JobTitle), "created_via_sso": false, "teams": []any{},
		"contact_methods": []any{
			a.ref("email_contact_method_reference", u.ID+"C", "Default", "users/"+u.ID+"/contact_methods", "users"),
		},
		"notification_rules": []any{},
	})
}

// user is a reference, or the user when the request includes it.
func (a *Account) user(id string, included bool) obj {
	if u := a.users.get(id); u != nil && included {
		return a.userShape(u)
	}
	return a.userRef(id)
}

func (a *Account) serviceShape(s *Service) obj {
	status := "active"
	var last any
	for _, i := range a.incidents.all() {
		if i.Service != s.ID {
			continue
		}
		last = when(i.CreatedAt, time.UTC)
		switch {
		case i.Status == StatusTriggered:
			status = "critical"
		case i.Status == StatusAcknowledged && status == "active":
			status = "warning"
		}
	}
	return as(a.serviceRef(s.ID), "service", obj{
		"name": s.Name, "description": nil, "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
		"status": status, "teams": []any{}, "alert_creation": "create_alerts_and_incidents", "addons": []any{},
		"scheduled_actions": []any{}, "support_hours": nil, "last_incident_timestamp": last,
		"escalation_policy":       a.policyRef(s.Policy),
		"incident_urgency_rule":   obj{"type": "constant", "urgency": "high"},
		"acknowledgement_timeout": nil, "auto_resolve_timeout": nil, "integrations": []any{}, "response_play": nil,
		"alert_grouping": nil, "alert_grouping_timeout": nil, "alert_grouping_parameters": obj{"type": nil, "config": nil},
		"auto_pause_notifications_parameters": obj{"enabled": false, "timeout": nil},
	})
}

func (a *Account) policyShape(p *Policy, targets bool) obj {
	rules := []any{}
	for _, r := range p.Rules {
		ts := []any{}
		for _, t := range r.Targets {
			switch s, u := a.schedules.get(t), a.users.get(t); {
			case s != nil && targets && !s.V3():
				ts = append(ts, a.scheduleHead(s))
			case s != nil:
				ts = append(ts, a.scheduleRef(s))
			case u != nil:
				ts = append(ts, a.user(t, targets))
			}
		}
		strategy := "assign_to_everyone"
		if r.RoundRobin {
			strategy = "round_robin"
		}
		rules = append(rules, obj{
			"id": r.ID, "escalation_delay_in_minutes": r.DelayMinutes, "targets": ts,
			"escalation_rule_assignment_strategy": strategy,
		})
	}
	services := []any{}
	for _, s := range a.services.all() {
		if s.Policy == p.ID {
			services = append(services, a.serviceRef(s.ID))
		}
	}
	shape, _ := a.policyRef(p.ID).(obj)
	return as(shape, "escalation_policy", obj{
		"name": p.Name, "description": orNull(p.Description), "num_loops": p.NumLoops,
		"on_call_handoff_notifications": "if_has_services",
		"escalation_rules":              rules, "services": services, "teams": []any{}, "privilege": nil,
	})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
