package pagerdutyfake

import (
	"encoding/json"
	"slices"
)

// priority is how much an incident matters, as the account's people put it.
type priority struct {
	ID, Name, Description, Color string
}

// priorities are those that every account begins with, the most important first.
var priorities = []priority{
	{"PPRIO01", "P1", "Critical", "a8171c"},
	{"PPRIO02", "P2", "High", "eb6016"},
	{"PPRIO03", "P3", "Medium", "f9b406"},
	{"PPRIO04", "P4", "Low", "555555"},
	{"PPRIO05", "P5", "Informational", "555555"},
}

// priorityBy finds a priority by id or name; nil if there is none.
func priorityBy(id string) *priority {
	at := slices.IndexFunc(priorities, func(p priority) bool { return p.ID == id || p.Name == id })
	if at < 0 {
		return nil
	}
	return &priorities[at]
}

// SetPriority gives an incident a priority, by its name or id, or takes the one it has if
// that is empty, as a user would in the web; user may be empty (automation).
func (a *Account) SetPriority(incident, user, priority string) error {
	return a.on("set the priority of", incident, func(i *Incident) *apiError { return a.prioritise(i, priority, user) })
}

func (a *Account) prioritise(i *Incident, id, actor string) *apiError {
	name := ""
	if id != "" {
		p := priorityBy(id)
		if p == nil {
			return fail(400, codeInvalidPriority)
		}
		name = p.Name
	}
	if i.Priority == name {
		return nil
	}
	i.Priority = name
	a.logLine(i, LogEntry{Type: "priority_change_log_entry", Summary: "Priority changed.", Agent: actor})
	a.emitIncident("incident.priority_updated", i, actor)
	a.notify()
	return nil
}

// wanted is the priority that a client asks for, by its id; empty where it says nothing.
func (in *incidentInput) wanted() (id string, e *apiError) {
	if in.Priority == nil {
		return "", nil
	}
	var ref reference
	if json.Unmarshal(*in.Priority, &ref) != nil || ref.Type != "priority_reference" && ref.Type != "priority" || priorityBy(ref.ID) == nil {
		return "", fail(400, codeInvalidPriority)
	}
	return ref.ID, nil
}

// priorityRef is an incident's priority as events name it; null where it has none.
func (a *Account) priorityRef(i *Incident) any {
	p := priorityBy(i.Priority)
	if p == nil {
		return nil
	}
	return p.ref(a)
}

func (p *priority) ref(a *Account) obj {
	return obj{
		"id": p.ID, "type": "priority_reference", "summary": p.Name, "self": apiBase + "/priorities/" + p.ID,
		"html_url": a.opts.WebURL + "/account/incident_priorities",
	}
}

// priorityShape is an incident's priority as the REST API shows it: the whole of it.
func (a *Account) priorityShape(i *Incident) any {
	p := priorityBy(i.Priority)
	if p == nil {
		return nil
	}
	return p.shape(a)
}

func (p *priority) shape(a *Account) obj {
	return as(p.ref(a), "priority", obj{"name": p.Name, "description": p.Description, "color": p.Color})
}

func listPriorities(c *call) (answer, *apiError) {
	return page(c, "priorities", priorities, 25, 100, func(p priority) any { return p.shape(c.a) })
}
