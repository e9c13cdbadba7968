package flows

// Doubt is why it cannot be said just now who may decide; notices carry it.
type Doubt string

// The doubts.
const (
	DoubtOnCall   Doubt = "unknown"  // PagerDuty could not say who is on call
	DoubtLink     Doubt = "link"     // the requester's link to PagerDuty was set aside
	DoubtHandler  Doubt = "handler"  // the flow's handler failed
	DoubtIncident Doubt = "incident" // PagerDuty could not say how the incident stands
)

// String is the doubt as the beginning of a sentence.
func (w Doubt) String() string {
	switch w {
	case DoubtLink:
		return "The requester's link to PagerDuty was set aside"
	case DoubtHandler:
		return "The flow's handler failed"
	case DoubtIncident:
		return "PagerDuty could not say how the incident stands"
	}
	return "PagerDuty could not say who is on call"
}

// doubt is what keeps the facts at hand from saying who may decide.
func (d *decision) doubt() Doubt {
	ev := d.f.Evaluation
	switch held := d.linkHeld(d.req.Content.Requester) != ""; {
	case ev != nil && ev.Tainted && held:
		return DoubtLink
	case ev != nil && !ev.Tainted && ev.Fault != "":
		return DoubtHandler
	case ev != nil && !d.unsure() && d.incidentUnread():
		return DoubtIncident
	}
	return DoubtOnCall
}

// linkHeld is why somebody's link to PagerDuty was set aside; empty where it was not.
func (d *decision) linkHeld(p PersonID) string {
	if d.f.Catalog == nil {
		return ""
	}
	return d.f.Catalog.Links.byPerson[p].Quarantined
}
