package pagerdutyfake

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Status is the state of an incident.
type Status string

// The states of an incident.
const (
	StatusTriggered    Status = "triggered"
	StatusAcknowledged Status = "acknowledged"
	StatusResolved     Status = "resolved"
)

// Incident is an incident with all that happened to it.
type Incident struct {
	ID        string         `json:"id"`
	Number    int            `json:"incident_number"`
	Title     string         `json:"title"`
	Service   string         `json:"service"`
	Policy    string         `json:"escalation_policy"`
	Urgency   string         `json:"urgency"`
	Priority  string         `json:"priority,omitempty"` // its name; empty: none
	Status    Status         `json:"status"`
	Key       string         `json:"incident_key"`
	Details   string         `json:"details,omitempty"`
	Assignees []Assignment   `json:"assignments"`
	Acks      []Assignment   `json:"acknowledgements"`
	Fields    map[string]any `json:"custom_fields,omitempty"`
	Notes     []Note         `json:"notes"`
	Log       []LogEntry     `json:"log_entries"`
	// MergedInto is the id of the incident that carries on after a merge.
	MergedInto string    `json:"merged_into,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	// ChangedAt and ChangedBy are of the last change of status.
	ChangedAt  time.Time `json:"last_status_change_at"`
	ChangedBy  string    `json:"last_status_change_by,omitempty"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	ReopenedAt time.Time `json:"reopened_at,omitzero"`

	direct bool
}

// Assignment is a user and since when: of an assignment or an acknowledgement.
type Assignment struct {
	User string    `json:"user"`
	At   time.Time `json:"at"`
}

// LogEntry is a line of an incident's time line.
type LogEntry struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Summary   string    `json:"summary"`
	Agent     string    `json:"agent,omitempty"`
	At        time.Time `json:"created_at"`
	Note      string    `json:"note,omitempty"`
	Assignees []string  `json:"assignees,omitempty"`
}

func (i *Incident) summary() string { return fmt.Sprintf("[#%d] %s", i.Number, i.Title) }

func (i *Incident) open() bool { return i.Status != StatusResolved }

func (i *Incident) copy() Incident {
	c := *i
	c.Assignees, c.Acks, c.Notes, c.Log = slices.Clone(i.Assignees), slices.Clone(i.Acks), slices.Clone(i.Notes), slices.Clone(i.Log)
	c.Fields = map[string]any{}
	maps.Copy(c.Fields, i.Fields)
	return c
}

// Incident finds an incident by id or number.
func (a *Account) Incident(id string) (Incident, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.incident(id)
	if i == nil {
		return Incident{}, false
	}
	return i.copy(), true
}

// Incidents lists all incidents, the oldest first.
func (a *Account) Incidents() []Incident {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Incident
	for _, i := range a.incidents.all() {
		out = append(out, i.copy())
	}
	return out
}

func (a *Account) incident(id string) *Incident {
	if i := a.incidents.get(id); i != nil {
		return i
	}
	if n, err := strconv.Atoi(id); err == nil {
		return a.incidents.get(a.numbers[n])
	}
	return nil
}

// opening is what a new incident is made from.
type opening struct {
	title, service, policy, urgency, key, details string
	priority                                      string // its id; empty: none
	assignees                                     []string
	actor                                         string
}

// openIncident makes an incident and tells the webhooks; a.mu is held.
func (a *Account) openIncident(o opening) (*Incident, *apiError) {
	s := a.services.get(o.service)
	if s == nil {
		return nil, fail(400, codeInvalidInput, "Service not found")
	}
	if o.policy == "" {
		o.policy = s.Policy
	}
	if a.policies.get(o.policy) == nil {
		return nil, fail(400, codePolicyUnknown)
	}
	for _, i := range a.incidents.all() {
		if o.key != "" && i.open() && i.Key == o.key && i.Service == o.service {
			return nil, fail(400, codeInvalidInput, "Open incident with matching dedup key already exists on this service")
		}
	}
	now := a.opts.Now()
	i := &Incident{
		ID: a.incidentID(), Title: o.title, Service: o.service, Policy: o.policy, Urgency: o.urgency,
		Status: StatusTriggered, Key: o.key, Details: o.details, CreatedAt: now, Fields: map[string]any{},
	}
	if p := priorityBy(o.priority); p != nil {
		i.Priority = p.Name
	}
	if i.Key == "" {
		i.Key = a.newID("", 32)
	}
	if i.Urgency == "" {
		i.Urgency = "high"
	}
	if e := a.assign(i, o.assignees, o.policy, 1); e != nil {
		return nil, e
	}
	i.Number = len(a.numbers) + 1
	a.numbers[i.Number] = i.ID
	a.incidents.put(i.ID, i)
	a.logLine(i, LogEntry{Type: "trigger_log_entry", Summary: "Triggered through the API.", Agent: o.actor})
	a.logLine(i, LogEntry{Type: "assign_log_entry", Summary: "Assigned.", Assignees: i.assigned()})
	a.changedTo(i, StatusTriggered, o.actor)
	a.emitIncident("incident.triggered", i, o.actor)
	if o.actor != "" && slices.Contains(o.assignees, o.actor) {
		a.acknowledge(i, o.actor)
	}
	return i, nil
}

func (i *Incident) assigned() []string {
	out := []string{}
	for _, x := range i.Assignees {
		out = append(out, x.User)
	}
	return out
}

// assign puts an incident on users, or on who is on call for a policy from a
// level on.
func (a *Account) assign(i *Incident, users []string, policy string, level int) *apiError {
	for _, u := range users {
		if a.users.get(u) == nil {
			return fail(400, codeAssigneeUnknown)
		}
	}
	direct := len(users) > 0
	if !direct {
		if users = a.onCallFrom(policy, level); len(users) == 0 {
			return fail(400, codeNobodyOnCall)
		}
	}
	i.direct, i.Assignees = direct, nil
	for _, u := range users {
		i.Assignees = append(i.Assignees, Assignment{u, a.opts.Now()})
	}
	return nil
}

// onCallFrom is who an incident goes to: the first level from the given one
// that has somebody; of a round-robin level the next in turn.
func (a *Account) onCallFrom(policy string, level int) []string {
	p, now := a.policies.get(policy), a.opts.Now()
	for l := max(level, 1); l <= len(p.Rules); l++ {
		var users []string
		for _, o := range a.onCalls(onCallQuery{window: window{now, now}, policies: []string{policy}}) {
			if on := o.End.IsZero() || o.End.After(now); on && o.Level == l && !slices.Contains(users, o.User) {
				users = append(users, o.User)
			}
		}
		if r := &p.Rules[l-1]; r.RoundRobin && len(users) > 1 {
			r.next++
			users = users[(r.next-1)%len(users):][:1]
		}
		if len(users) > 0 {
			return users
		}
	}
	return nil
}

func (a *Account) changedTo(i *Incident, s Status, actor string) {
	now := a.opts.Now()
	i.Status, i.ChangedAt, i.ChangedBy, i.UpdatedAt = s, now, actor, now
	a.notify()
}

func (a *Account) logLine(i *Incident, l LogEntry) {
	l.ID, l.At = a.newID("R", 13), a.opts.Now()
	i.Log = append(i.Log, l)
	i.UpdatedAt = l.At
}

func (a *Account) acknowledge(i *Incident, actor string) {
	if i.Status == StatusResolved {
		a.reopen(i, nil, actor)
	}
	if actor != "" && !slices.ContainsFunc(i.Acks, func(x Assignment) bool { return x.User == actor }) {
		i.Acks = append(i.Acks, Assignment{actor, a.opts.Now()})
	}
	if i.Status == StatusAcknowledged {
		return
	}
	a.changedTo(i, StatusAcknowledged, actor)
	a.logLine(i, LogEntry{Type: "acknowledge_log_entry", Summary: "Acknowledged by " + a.name(actor) + ".", Agent: actor})
	a.emitIncident("incident.acknowledged", i, actor)
}

func (a *Account) unacknowledge(i *Incident, actor string) {
	i.Acks = nil
	a.changedTo(i, StatusTriggered, actor)
	a.logLine(i, LogEntry{Type: "unacknowledge_log_entry", Summary: "Unacknowledged.", Agent: actor})
	a.emitIncident("incident.unacknowledged", i, actor)
}

func (a *Account) resolve(i *Incident, actor, resolution, mergedInto string) {
	i.Assignees, i.Acks, i.ResolvedAt, i.MergedInto = nil, nil, a.opts.Now(), mergedInto
	a.changedTo(i, StatusResolved, actor)
	a.logLine(i, LogEntry{Type: "resolve_log_entry", Summary: "Resolved by " + a.name(actor) + ".", Agent: actor, Note: resolution})
	a.emitIncident("incident.resolved", i, actor)
}

// reopen brings a resolved incident back, on users or its policy. Nobody on
// call leaves it without an assignee.
func (a *Account) reopen(i *Incident, users []string, actor string) {
	i.ReopenedAt, i.ResolvedAt, i.MergedInto = a.opts.Now(), time.Time{}, ""
	if e := a.assign(i, users, i.Policy, 1); e != nil {
		i.Assignees = nil
	}
	a.changedTo(i, StatusTriggered, actor)
	a.logLine(i, LogEntry{Type: "trigger_log_entry", Summary: "Reopened.", Agent: actor})
	a.emitIncident("incident.reopened", i, actor)
}

func (a *Account) reassign(i *Incident, users []string, actor string) *apiError {
	if e := a.assign(i, users, i.Policy, 1); e != nil {
		return e
	}
	a.logLine(i, LogEntry{Type: "assign_log_entry", Summary: "Reassigned.", Agent: actor, Assignees: users})
	a.emitIncident("incident.reassigned", i, actor)
	a.notify()
	return nil
}

func (a *Account) name(user string) string {
	if u := a.users.get(user); u != nil {
		return u.Name
	}
	return "the API"
}
