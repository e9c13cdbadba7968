package slackfake

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// DeliveryFault is something that goes wrong with what the app receives.
type DeliveryFault struct {
	// Kind is slash_command, block_actions, view_submission, view_closed,
	// block_suggestion, shortcut, message_action, event_callback, or "*".
	Kind string `json:"kind"`
	// Times is how many deliveries it hits; 0 means until cleared.
	Times int `json:"times"`

	Delay        time.Duration `json:"-"`             // arrive later
	Duplicate    bool          `json:"duplicate"`     // arrive twice, byte by byte the same
	Drop         bool          `json:"drop"`          // never arrive
	LoseAck      bool          `json:"lose_ack"`      // the app's answer is lost
	BadSignature bool          `json:"bad_signature"` // signed with another secret
	Stale        time.Duration `json:"-"`             // signed that long ago
	ForeignTeam  string        `json:"foreign_team"`  // from another workspace's id

	replayed bool // Replay sends it
	hits     int
}

// FailDelivery injects a fault into what the app receives.
func (ws *Workspace) FailDelivery(f DeliveryFault) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.deliveries = append(ws.deliveries, &f)
}

// DeliveryFaults lists the faults of deliveries that are still in force.
func (ws *Workspace) DeliveryFaults() []DeliveryFault {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	out := make([]DeliveryFault, len(ws.deliveries))
	for i, f := range ws.deliveries {
		out[i] = *f
	}
	return out
}

// deliveryFaultFor takes the next fault that hits a delivery.
func (ws *Workspace) deliveryFaultFor(kind string) DeliveryFault {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for i, f := range ws.deliveries {
		if f.Kind != kind && f.Kind != "*" {
			continue
		}
		f.hits++
		if f.Times > 0 && f.hits >= f.Times {
			ws.deliveries = slices.Delete(ws.deliveries, i, i+1)
		}
		return *f
	}
	return DeliveryFault{}
}

// provokes says whether the app is right to refuse.
func (f DeliveryFault) provokes() bool {
	return f.BadSignature || f.Stale > 0 || f.ForeignTeam != "" || f.replayed
}

// name says in a word what the fault does, for the ledger.
func (f DeliveryFault) name() string {
	switch {
	case f.replayed:
		return "replay"
	case f.BadSignature:
		return "bad signature"
	case f.Stale > 0:
		return "stale"
	case f.ForeignTeam != "":
		return "foreign team"
	case f.LoseAck:
		return "answer lost"
	case f.Duplicate:
		return "duplicate"
	case f.Delay > 0:
		return "late"
	default:
		return ""
	}
}

// bend puts the foreign team into a payload.
func (f DeliveryFault) bend(payload map[string]any) {
	if f.ForeignTeam == "" {
		return
	}
	if _, ok := payload["team_id"]; ok {
		payload["team_id"] = f.ForeignTeam
	}
	if team, ok := payload["team"].(map[string]any); ok {
		team["id"] = f.ForeignTeam
	}
	if user, ok := payload["user"].(map[string]any); ok {
		user["team_id"] = f.ForeignTeam
	}
}

// errNotKept is the answer to replaying what the ledger does not hold.
var errNotKept = errors.New("no such delivery to the app in the ledger")

// Replay sends a delivery of the ledger to the app once more, byte by byte,
// with its old signature: what somebody who recorded it could do.
func (ws *Workspace) Replay(seq int64) (Exchange, error) {
	for _, e := range ws.LedgerSince(seq - 1) {
		if e.Seq == seq && e.Direction == ToApp {
			return ws.send(e.Kind, e.URL, e.RequestHeader, []byte(e.RequestBody), DeliveryFault{replayed: true})
		}
	}
	return Exchange{}, fmt.Errorf("slackfake: replay %d: %w", seq, errNotKept)
}
