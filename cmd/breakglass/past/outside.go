package past

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"breakglass/flows"
)

// outside is PagerDuty's incident of one request, and its target.
type outside struct {
	clock    *flows.HandClock
	r        *rand.Rand
	incident flows.Incident // none when it has no id
	given    bool
}

// incident is PagerDuty's incident of a number, acknowledged by now.
func (c *company) incident(n int) flows.Incident {
	r := rand.New(rand.NewPCG(uint64(n), 2))
	s := &c.services[few(r, len(c.services))]
	inc := flows.Incident{
		ID: flows.IncidentID("Q" + code(r, 13)), Number: 1 + n, Status: flows.IncidentAcknowledged, ServiceID: s.id, Service: s.name, Urgency: "high",
		Title: flows.NewText(fmt.Sprintf(pick(r, titles[:]), s.name, pick(r, regions[:]))),
	}
	if r.IntN(4) == 0 {
		inc.Urgency = "low"
	}
	inc.URL = "https://gen.pagerduty.com/incidents/" + string(inc.ID)
	return inc
}

// Incident implements flows.Incidents.
func (o *outside) Incident(context.Context, string) (flows.Incident, error) {
	if o.incident.ID == "" {
		return flows.Incident{}, flows.ErrNotFound
	}
	inc := o.incident
	inc.ReadAt = o.clock.Now().Add(-time.Duration(o.r.IntN(40)) * time.Millisecond)
	return inc, nil
}

// OpenIncidents implements flows.Incidents; nobody picks one from a list here.
func (o *outside) OpenIncidents(context.Context, flows.IncidentQuery) ([]flows.Incident, error) {
	return nil, nil
}

// IncidentsByID implements flows.Incidents; a life reads its own.
func (o *outside) IncidentsByID(context.Context, []flows.IncidentID) (map[flows.IncidentID]flows.Incident, error) {
	return nil, nil
}

// Target implements worker.Targets.
func (o *outside) Target(kind string) (flows.Target, bool) {
	if kind == "webhook" {
		return hooked{o}, true
	}
	return recorded{o}, true
}

// took is how long the target takes to answer.
func (o *outside) took() { o.clock.Push(time.Duration(30+o.r.IntN(800)) * time.Millisecond) }

// hooked is a target that gives access by a webhook.
type hooked struct{ *outside }

// Grant implements flows.Target.
func (h hooked) Grant(context.Context, flows.Order) (flows.Receipt, error) {
	h.took()
	h.given = true
	return flows.Receipt{ID: fmt.Sprintf("rcpt_%06d", h.r.IntN(1_000_000))}, nil
}

// Revoke implements flows.Target.
func (h hooked) Revoke(context.Context, flows.Order) error {
	h.took()
	h.given = false
	return nil
}

// Read implements flows.Target.
func (h hooked) Read(context.Context, flows.Order) (flows.Reading, error) {
	h.took()
	if h.given {
		return flows.Reading{Has: flows.Yes}, nil
	}
	return flows.Reading{Has: flows.No}, nil
}

// recorded is a target that nothing executes: the record is what counts.
type recorded struct{ *outside }

// Grant implements flows.Target.
func (recorded) Grant(context.Context, flows.Order) (flows.Receipt, error) {
	return flows.Receipt{}, nil
}

// Revoke implements flows.Target.
func (recorded) Revoke(context.Context, flows.Order) error { return nil }

// Read implements flows.Target.
func (recorded) Read(context.Context, flows.Order) (flows.Reading, error) {
	return flows.Reading{Has: flows.Unknown}, nil
}
