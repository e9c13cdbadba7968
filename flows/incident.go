package flows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// IncidentID is PagerDuty's id of an incident, "Q2AKJF9MPY7T1C".
type IncidentID string

// NoIncident is how people and programs say that a request is for no incident.
const NoIncident = "none"

// SaysNone reports whether that is what was typed.
func SaysNone(typed string) bool {
	typed = strings.ToLower(strings.Join(strings.Fields(typed), " "))
	return typed == NoIncident || typed == "no incident"
}

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
	Priority   string // its name, "P1"; empty: none
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
// somebody typed, and of who it is assigned to only a hash is kept. Assignees and Priority
// are empty where an earlier version recorded it.
type IncidentState struct {
	Status    IncidentStatus
	Urgency   string
	Service   string
	Title     string
	Assignees string `json:",omitempty"`
	Priority  string `json:",omitempty"`
}

// NoPriority is the priority of an incident that has none, which is something to know.
const NoPriority = "none"

// State is how the incident is.
func (i *Incident) State() IncidentState {
	s := IncidentState{
		Status: i.Status, Urgency: i.Urgency, Service: i.ServiceID, Title: short(i.Title.Raw()), Assignees: short(i.assigned()), Priority: i.Priority,
	}
	if s.Priority == "" {
		s.Priority = NoPriority
	}
	return s
}

// short is enough of a hash to tell two texts apart.
func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// assigned is who the incident is assigned to, in an order of its own.
func (i *Incident) assigned() string {
	users := make([]string, 0, len(i.Assignees))
	for _, u := range i.Assignees {
		users = append(users, string(u))
	}
	slices.Sort(users)
	return strings.Join(users, " ")
}

// since is the state with what was not recorded before taken as it is now.
func (s IncidentState) since(is IncidentState) IncidentState {
	if s.Status != "" && s.Assignees == "" {
		s.Assignees, s.Priority = is.Assignees, is.Priority
	}
	return s
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
