package bot

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"breakglass/flows"
)

// openIncidents keeps the open incidents that people choose from.
type openIncidents struct {
	from  flows.Incidents
	lists *warm[[]flows.Incident]
}

func newOpenIncidents(from flows.Incidents, clock flows.Clock, aside func(func(context.Context)) bool) *openIncidents {
	return &openIncidents{from: from, lists: newWarm[[]flows.Incident](clock, aside, 15*time.Second, 2*time.Minute)}
}

// list is the open incidents of one person, or of anybody.
func (o *openIncidents) list(ctx context.Context, whose flows.PagerDutyUser) ([]flows.Incident, error) {
	return o.lists.get(ctx, string(whose), func(ctx context.Context) ([]flows.Incident, error) {
		return o.from.OpenIncidents(ctx, flows.IncidentQuery{Assignee: whose, Limit: 100})
	})
}

// mine lists what is assigned to the person, acknowledged first; nothing without a link.
func (o *openIncidents) mine(ctx context.Context, cat *flows.Catalog, p flows.PersonID) ([]flows.Incident, error) {
	link, ok := cat.Links.Of(p)
	if !ok {
		return nil, nil
	}
	list, err := o.list(ctx, link.PagerDuty)
	return acknowledgedFirst(list), err
}

func acknowledgedFirst(list []flows.Incident) []flows.Incident {
	out := make([]flows.Incident, 0, len(list))
	for _, acknowledged := range []bool{true, false} {
		for _, i := range list {
			if (i.Status == flows.IncidentAcknowledged) == acknowledged {
				out = append(out, i)
			}
		}
	}
	return out
}

// ref is what a request keeps of a picked incident: what we listed ourselves, and
// else the id alone, which the engine looks up. Nothing is believed of the form.
func (o *openIncidents) ref(cat *flows.Catalog, p flows.PersonID, id string) flows.IncidentRef {
	keys := []string{""}
	if link, ok := cat.Links.Of(p); ok {
		keys = append(keys, string(link.PagerDuty))
	}
	for _, key := range keys {
		list, _ := o.lists.peek(key)
		for _, i := range list {
			if string(i.ID) == id {
				return i.Ref()
			}
		}
	}
	return flows.IncidentRef{ID: flows.IncidentID(id)}
}

// incidentLabel is how an incident reads in a list.
func incidentLabel(i flows.Incident) string {
	return cut(fmt.Sprintf("#%d %s", i.Number, plain(i.Title, maxOption)), maxOption)
}

// channelIncident is the incident that a channel is named after: "inc-4711-payouts".
func channelIncident(name string) string {
	if m := incidentChannel.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

var (
	incidentChannel = regexp.MustCompile(`^(?i:inc|incident|pd|pagerduty)[-_]?([0-9]{1,9})(?:[-_].*)?$`)

	incidentNumber = regexp.MustCompile(`^(?i:inc-?)?#?([0-9]{1,9})$`)
	incidentID     = regexp.MustCompile(`^[PQ][0-9A-Z]{6,13}$`)
	incidentURL    = regexp.MustCompile(`^<?https://[a-zA-Z0-9.-]+/incidents/([0-9A-Z]{1,14})(?:[/?#|>].*)?$`)
)

// incidentIn reads a word as a reference to an incident: its number, id or address.
func incidentIn(word string) (idOrNumber string, ok bool) {
	if m := incidentNumber.FindStringSubmatch(word); m != nil {
		return m[1], true
	}
	if incidentID.MatchString(word) && strings.ContainsAny(word, "0123456789") { // a word in capitals is none
		return word, true
	}
	if m := incidentURL.FindStringSubmatch(word); m != nil {
		return m[1], true
	}
	return "", false
}
