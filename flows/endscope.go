package flows

import (
	"slices"
	"strconv"
	"strings"
)

// EndKinds are the words that say what the kill switch ends; "all" takes no name.
func EndKinds() []string { return []string{"person", "target", "flow", "incident", "all"} }

// EndScope reads what an admin named: kind is one of EndKinds. A name that nobody and
// nothing has is refused, because "nothing was found" would sound like "it is over".
func (c *Catalog) EndScope(kind, name string) (EndScope, *Refusal) {
	name = strings.TrimSpace(name)
	no := Refuse(RefusedInput, "There is no %s %q here, so nothing was ended.", kind, named(name))
	switch kind {
	case "all":
		return EndScope{All: true}, nil
	case "person":
		if p, ok := c.someone(name); ok {
			return EndScope{Person: p}, nil
		}
		return EndScope{}, no.Then("Name a Slack id (U0DANA) or a person of the configuration.")
	case "target":
		if c.Targets[TargetID(name)] != nil {
			return EndScope{Target: TargetID(name)}, nil
		}
		return EndScope{}, no.Then("The targets are " + listed(c.Targets) + ".")
	case "flow":
		if c.Flows[FlowID(name)] != nil {
			return EndScope{Flow: FlowID(name)}, nil
		}
		return EndScope{}, no.Then("The flows are " + listed(c.Flows) + ".")
	case "incident":
		number := strings.TrimPrefix(name, "#")
		if n, err := strconv.Atoi(number); err == nil && n > 0 {
			return EndScope{Number: n}, nil
		}
		if id := IncidentID(name); id.plausible() {
			return EndScope{Incident: id}, nil
		}
		return EndScope{}, no.Then("Name its number (4711) or its id (Q1A2B3).")
	}
	return EndScope{}, Refuse(RefusedInput, "%q is nothing that can be ended, so nothing was.", named(kind)).Then("Name a person, target, flow or incident, or all.")
}

// someone finds a person by Slack id, mention or the name in the configuration.
func (c *Catalog) someone(name string) (PersonID, bool) {
	id := strings.TrimSuffix(strings.TrimPrefix(name, "<@"), ">")
	id, _, _ = strings.Cut(strings.TrimPrefix(id, "@"), "|")
	if p := Principal(id); p.IsUser() {
		return Person(c.Team, id), true
	}
	for _, l := range c.Links.All() {
		if l.Name == id {
			return l.Person, true
		}
	}
	return "", false
}

// listed names the keys of m, at most ten of them.
func listed[K ~string, V any](m map[K]V) string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, string(k))
	}
	slices.Sort(names)
	if len(names) > 10 {
		names = append(names[:10], "…")
	}
	return strings.Join(names, ", ")
}
