package pagerdutyfake

import "fmt"

// Trigger opens an incident on a service, assigned to a user or, when
// assignee is empty, to who is on call.
func (a *Account) Trigger(service, title, assignee string) (Incident, error) {
	o := opening{title: title, service: service}
	if assignee != "" {
		o.assignees = []string{assignee}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i, e := a.openIncident(o)
	if e != nil {
		return Incident{}, fmt.Errorf("trigger %q: %w", title, e)
	}
	return i.copy(), nil
}

// Acknowledge acknowledges an incident as a user would in the web.
func (a *Account) Acknowledge(incident, user string) error {
	return a.onOpen("acknowledge", incident, func(i *Incident) *apiError {
		a.acknowledge(i, user)
		return nil
	})
}

// Resolve resolves an incident; user may be empty (automation).
func (a *Account) Resolve(incident, user string) error {
	return a.onOpen("resolve", incident, func(i *Incident) *apiError {
		a.resolve(i, user, "", "")
		return nil
	})
}

// Reopen brings a resolved incident back to triggered.
func (a *Account) Reopen(incident, user string) error {
	return a.on("reopen", incident, func(i *Incident) *apiError {
		if i.open() {
			return fail(400, codeInvalidStatus, "The incident is not resolved")
		}
		a.reopen(i, nil, user)
		return nil
	})
}

// Reassign puts an open incident on other users.
func (a *Account) Reassign(incident, by string, users ...string) error {
	return a.onOpen("reassign", incident, func(i *Incident) *apiError { return a.reassign(i, users, by) })
}

// Merge resolves source into target, which goes on.
func (a *Account) Merge(source, target, user string) error {
	return a.on("merge into", target, func(t *Incident) *apiError {
		return a.merge(t, []string{source}, user)
	})
}

// AddNote writes a note on an incident as a user would in the web.
func (a *Account) AddNote(incident, user, content string) (Note, error) {
	var n Note
	err := a.on("add a note to", incident, func(i *Incident) (e *apiError) {
		n, e = a.addNote(i, user, content)
		return e
	})
	return n, err
}

// Notes lists the notes of an incident, the oldest first.
func (a *Account) Notes(incident string) []Note {
	i, _ := a.Incident(incident)
	return i.Notes
}

// FieldValues are the custom field values of an incident, by name.
func (a *Account) FieldValues(incident string) map[string]any {
	i, _ := a.Incident(incident)
	return i.Fields
}

func (a *Account) on(doing, incident string, f func(*Incident) *apiError) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.incident(incident)
	e := fail(404, codeIncidentUnknown)
	if i != nil {
		e = f(i)
	}
	if e != nil {
		return fmt.Errorf("%s incident %s: %w", doing, incident, e)
	}
	return nil
}

func (a *Account) onOpen(doing, incident string, f func(*Incident) *apiError) error {
	return a.on(doing, incident, func(i *Incident) *apiError {
		if !i.open() {
			return fail(400, codeAlreadyResolved)
		}
		return f(i)
	})
}

// merge resolves the sources with the reason that they go on in the target.
func (a *Account) merge(target *Incident, sources []string, actor string) *apiError {
	if !target.open() {
		return fail(400, codeAlreadyResolved, "Open incidents cannot be merged into a resolved incident")
	}
	var found []*Incident
	for _, id := range sources {
		i := a.incident(id)
		switch {
		case i == nil || i == target:
			return fail(400, codeInvalidID, "Cannot merge "+id)
		case i.MergedInto != "":
			return fail(400, codeAlreadyMerged)
		}
		found = append(found, i)
	}
	for _, i := range found {
		a.resolve(i, actor, "", target.ID)
	}
	return nil
}
