package pagerdutyfake

import (
	"slices"
	"strings"
	"time"
)

// event is what a webhook carries; actor is the user who did it, empty for
// automation.
func (a *Account) event(kind, actor string, data obj) (id string, body []byte) {
	var agent any
	if actor != "" {
		agent = a.userRef(actor)
	}
	id = a.newID("01", 24)
	resource, _, _ := strings.Cut(kind, ".")
	return id, encode(obj{"event": obj{
		"id": id, "event_type": kind, "resource_type": resource,
		"occurred_at": a.opts.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		"agent":       agent, "client": obj{"name": "PagerDuty"}, "data": data,
	}})
}

// emit hands an event about an incident to everybody who subscribed to it.
func (a *Account) emit(kind string, i *Incident, actor string, data obj) {
	var interested []*Subscription
	for _, s := range a.hooks.all() {
		if s.wants(kind, i.Service) {
			interested = append(interested, s)
		}
	}
	if len(interested) == 0 {
		return
	}
	id, body := a.event(kind, actor, data)
	for _, s := range interested {
		a.enqueue(s, &Delivery{EventID: id, EventType: kind, Resource: i.ID, Body: string(body)})
	}
}

func (a *Account) emitIncident(kind string, i *Incident, actor string) {
	a.emit(kind, i, actor, a.incidentEvent(i))
}

// incidentEvent is an incident as webhooks show it; its field names differ
// from those of the REST API.
func (a *Account) incidentEvent(i *Incident) obj {
	assignees := []any{}
	for _, u := range i.assigned() {
		assignees = append(assignees, a.userRef(u))
	}
	head := a.incidentRef(i)
	delete(head, "summary")
	return as(head, "incident", obj{
		"number": i.Number, "status": i.Status, "incident_key": i.Key, "title": i.Title, "urgency": i.Urgency,
		"created_at": when(i.CreatedAt, time.UTC), "reopened_at": when(i.ReopenedAt, time.UTC),
		"incident_type": obj{"name": "incident_default"}, "service": a.serviceRef(i.Service), "assignees": assignees,
		"escalation_policy": a.policyRef(i.Policy), "teams": []any{}, "priority": a.priorityRef(i),
		"conference_bridge": nil, "resolve_reason": a.resolveReason(i),
	})
}

func (a *Account) emitNote(i *Incident, n Note) {
	a.emit("incident.annotated", i, n.User, obj{
		"incident": a.incidentRef(i), "id": n.ID, "content": n.Content, "trimmed": false, "type": "incident_note",
	})
}

func (a *Account) emitFields(i *Incident, changed map[string]any, actor string) {
	all, some := []any{}, []any{}
	for _, f := range a.fields.all() {
		v := obj{
			"id": f.ID, "type": "field_value", "name": f.Name, "namespace": "incidents",
			"data_type": f.DataType, "field_type": f.FieldType, "value": i.Fields[f.Name],
		}
		all = append(all, v)
		if _, is := changed[f.Name]; is {
			some = append(some, v)
		}
	}
	a.emit("incident.custom_field_values.updated", i, actor, obj{
		"incident": a.incidentRef(i), "custom_fields": all, "changed_custom_fields": some, "type": "incident_field_values",
	})
}

func (a *Account) emitPing(s *Subscription) {
	id, body := a.event("pagey.ping", "", obj{"message": "Hello from your friend Pagey!", "type": "ping"})
	a.enqueue(s, &Delivery{EventID: id, EventType: "pagey.ping", Resource: "ping", Body: string(body)})
}

// Deliveries lists the webhooks sent or waiting, the oldest first.
func (a *Account) Deliveries() []Delivery {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Delivery, 0, len(a.delivery.log))
	for _, d := range a.delivery.log {
		c := *d
		c.Attempts, c.Header = slices.Clone(d.Attempts), d.Header.Clone()
		out = append(out, c)
	}
	return out
}
