package bot

import (
	"slices"
	"strings"

	"breakglass/flows"
)

// That a request is for no incident is chosen in words, never by leaving a field empty:
// where nothing else is found out, it stands in the form as what will be sent.

// policy is what the flow that is asked in says about incidents.
func (f requestForm) policy() flows.IncidentRule {
	if f.draft.offer.none() {
		return flows.IncidentOptional
	}
	return f.draft.offer.flow.Incident
}

// incidentBlockID names the block that asks for the incident. What can be chosen in it
// differs by the flow, so the block does: Slack keeps what is chosen in an old one.
func incidentBlockID(p flows.IncidentRule, version ...string) string {
	parts := append([]string{askIncident}, version...)
	if p == flows.IncidentRequired || p == flows.IncidentCreate {
		parts = append(parts, string(p))
	}
	return blockID(parts...)
}

// policyOf reads it back from the name of a block.
func policyOf(block string) flows.IncidentRule {
	for _, p := range []flows.IncidentRule{flows.IncidentRequired, flows.IncidentCreate} {
		if strings.HasSuffix(block, "/"+string(p)) {
			return p
		}
	}
	return flows.IncidentOptional
}

// noneLabel is the choice that there is no incident.
func noneLabel(p flows.IncidentRule) string {
	if p == flows.IncidentCreate {
		return "No incident yet: open one"
	}
	return "No incident"
}

// incidentHint says what the choice means.
func (f requestForm) incidentHint(p flows.IncidentRule) string {
	var hint []string
	switch {
	case f.typed && p == flows.IncidentRequired:
		hint = append(hint, "Its number or address: PagerDuty does not list incidents just now.")
	case f.typed:
		hint = append(hint, "Its number or address, or none: PagerDuty does not list incidents just now.")
	case f.nearby:
		hint = append(hint, "Chosen because this channel is named after it.")
	case f.mine:
		hint = append(hint, "Chosen because you acknowledged it.")
	}
	switch {
	case p == flows.IncidentCreate && f.typed:
		hint = append(hint, "With none, one is opened.")
	case p == flows.IncidentCreate:
		hint = append(hint, "With “No incident yet”, one is opened at PagerDuty.")
	case p == flows.IncidentRequired && !f.typed && slices.Contains(f.draft.offer.flow.EndWith, flows.EndIncident):
		hint = append(hint, "Access ends after the incident is resolved.")
	case p == flows.IncidentRequired:
	case f.typed:
		hint = append(hint, "With none, your reason must stand for itself.")
	case f.chosen != nil:
		hint = append(hint, "If it is for something else, choose that, or “No incident”.")
	default:
		hint = append(hint, "“No incident” is recorded as that: your reason must then stand for itself.")
	}
	return strings.Join(hint, " ")
}

// noneOption offers that there is no incident, where the flow takes that and it fits what
// was typed.
func noneOption(l *lister, block, query string) {
	p := policyOf(block)
	if label := noneLabel(p); p != flows.IncidentRequired && fits(query, label, flows.NoIncident) {
		l.add("None", label, flows.NoIncident)
	}
}

// unsaid refuses a form that says nothing about an incident: it was sent before that was
// asked, or emptied.
func unsaid(d draft, entered values) *flows.Refusal {
	if d.incident != "" || d.offer.flow.Incident == flows.IncidentRequired { // which Content.Check says
		return nil
	}
	r := flows.Refuse(flows.RefusedInput, "Choose the PagerDuty incident this is for, or “No incident”.")
	if blockFor(entered, askIncident) == "" {
		r = flows.Refuse(flows.RefusedInput, "Your incidents were still being looked up, so nothing was asked for. Look at which is chosen below, and ask again.")
	}
	r.Field = askIncident
	return r
}
