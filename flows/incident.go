package flows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// IncidentID is PagerDuty's id of an incident, "Q2AKJF9MPY7T1C".
type IncidentID string

// plausible reports whether the id could be one: capitals and digits, and not many.
func (id IncidentID) plausible() bool {
	for _, c := range []byte(id) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return id != "" && len(id) <= 20
}

// IncidentStatus is PagerDuty's word for how an incident stands.
type IncidentStatus string

// The statuses.
const (
	IncidentTriggered    IncidentStatus = "triggered"
	IncidentAcknowledged IncidentStatus = "acknowledged"
	IncidentResolved     IncidentStatus = "resolved"
)

// Incident is the PagerDuty incident a request belongs to, as read.
type Incident struct {
	ID         IncidentID
	Number     int
	Title      Text
	Status     IncidentStatus
	ServiceID  string
	Service    string
	Urgency    string
	URL        string
	Assignees  []PagerDutyUser
	MergedInto IncidentID // where the work goes on, if it was merged
	ReadAt     time.Time
}

// IncidentRef is what a request keeps of its incident.
type IncidentRef struct {
	ID     IncidentID
	Number int
	Title  Text
	URL    string
}

// Ref is the part that a request keeps.
func (i Incident) Ref() IncidentRef {
	return IncidentRef{ID: i.ID, Number: i.Number, Title: i.Title, URL: i.URL}
}

// IncidentState is how an incident was when it was last recorded. Of the title, which
// somebody typed, only a hash is kept.
type IncidentState struct {
	Status  IncidentStatus
	Urgency string
	Service string
	Title   string
}

// State is how the incident is.
func (i *Incident) State() IncidentState {
	sum := sha256.Sum256([]byte(i.Title.Raw()))
	return IncidentState{Status: i.Status, Urgency: i.Urgency, Service: i.ServiceID, Title: hex.EncodeToString(sum[:6])}
}

// IncidentQuery selects open incidents for the picker.
type IncidentQuery struct {
	Assignee PagerDutyUser // empty: anybody's
	Limit    int
}

// Incidents reads PagerDuty's incidents; integrations/pagerduty implements it.
// Errors are *Temporary where another try may help; ErrNoIncident where there is none.
type Incidents interface {
	// Incident reads one, by id or number, now.
	Incident(ctx context.Context, idOrNumber string) (Incident, error)
	// OpenIncidents lists triggered and acknowledged ones, acknowledged first.
	OpenIncidents(ctx context.Context, q IncidentQuery) ([]Incident, error)
	// IncidentsByID reads many at once, for the reconciler; one that is missing in
	// the answer could not be read.
	IncidentsByID(ctx context.Context, ids []IncidentID) (map[IncidentID]Incident, error)
}

// IncidentWriter writes to PagerDuty's incidents; only jobs call it.
type IncidentWriter interface {
	// Note adds a note; key makes a repeat harmless (a note with the same key is not added twice).
	Note(ctx context.Context, id IncidentID, key, text string) error
	// CreateIncident opens one; key is PagerDuty's incident_key.
	CreateIncident(ctx context.Context, key, serviceID string, title Text) (Incident, error)
}
