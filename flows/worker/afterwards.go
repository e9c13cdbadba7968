package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
)

// Over knows the requests that are over and the incidents that are followed for them; the
// store implements it.
type Over interface {
	// Followed lists incidents whose turn it is: read last at or before a time.
	Followed(ctx context.Context, before time.Time, limit int) ([]flows.Followed, error)
	// Follow keeps what was read of one, or lets go of it where is.Until is zero; where
	// another of its requests is over since, nothing is kept.
	Follow(ctx context.Context, was, is flows.Followed) error
	// OverWithIncident lists requests of an incident that are over, submitted since, in
	// the order of their ids from after one on.
	OverWithIncident(ctx context.Context, id flows.IncidentID, since time.Time, after flows.RequestID, limit int) ([]flows.RequestID, error)
}

// Nobody waits for what becomes of an incident when the access is over, so it is read
// slowly: each of them every five minutes at the most, and a few dozen a minute. PagerDuty
// allows 960 requests a minute. Where the open ones fit into one list (500), an incident
// costs a request of its own only once, when it is resolved.
const (
	readAgainAfter = 5 * time.Minute
	readAtOnce     = 40
	readOverWithin = 20 * time.Second
)

// askedWithin is how old a request can be at most that is over since less than
// flows.FollowFor: no access is given for longer.
const askedWithin = flows.FollowFor + 100*24*time.Hour

// overAtOnce is how many requests are listed at a time.
const overAtOnce = 200

// afterwards re-reads some of the incidents of requests that are over.
func (e *Effects) afterwards(ctx context.Context) error {
	if e.Over == nil {
		return nil
	}
	now := e.Engine.Now()
	turn, err := e.Over.Followed(ctx, now.Add(-readAgainAfter), readAtOnce)
	if err != nil || len(turn) == 0 {
		return err
	}
	ids := make([]flows.IncidentID, 0, len(turn))
	for _, f := range turn {
		if f.Until.After(now) {
			ids = append(ids, f.Incident)
		}
	}
	var read map[flows.IncidentID]flows.Incident
	if len(ids) > 0 {
		read, err = e.readOver(ctx, ids)
	}
	for _, f := range turn {
		is := f
		is.Read = now
		if inc, ok := read[f.Incident]; ok {
			var ferr error
			is, ferr = e.lookBack(ctx, is, inc)
			err = errors.Join(err, ferr)
		}
		if !f.Until.After(now) {
			is = flows.Followed{}
		}
		err = errors.Join(err, e.Over.Follow(ctx, f, is))
	}
	return err
}

// readOver reads incidents, and does not keep what is live waiting when PagerDuty is slow.
func (e *Effects) readOver(ctx context.Context, ids []flows.IncidentID) (map[flows.IncidentID]flows.Incident, error) {
	ctx, cancel := context.WithTimeout(ctx, readOverWithin)
	defer cancel()
	return e.Incidents.IncidentsByID(ctx, ids)
}

// lookBack records with the requests of an incident that are over what has changed, if
// anything has since they were told last.
func (e *Effects) lookBack(ctx context.Context, f flows.Followed, inc flows.Incident) (flows.Followed, error) {
	if f.Seen != inc.Mark() {
		if err := e.tellOver(ctx, inc); err != nil {
			return f, err
		}
	}
	if inc.Status == flows.IncidentResolved { // where it was merged, its requests have moved on
		return flows.Followed{}, nil
	}
	f.Seen = inc.Mark()
	return f, nil
}

// tellOver has the requests of an incident that are over follow it.
func (e *Effects) tellOver(ctx context.Context, inc flows.Incident) error {
	since := e.Engine.Now().Add(-askedWithin)
	for after := flows.RequestID(""); ; {
		over, err := e.Over.OverWithIncident(ctx, inc.ID, since, after, overAtOnce)
		if err != nil {
			return err
		}
		for _, req := range over {
			after = req
			if _, err := e.Engine.FollowIncident(ctx, req, inc, flows.Finish{}); err != nil {
				return fmt.Errorf("follow incident %s for %s: %w", inc.ID, req, err)
			}
		}
		if len(over) < overAtOnce {
			return nil
		}
	}
}

// hasOver reports whether an incident has a request that is over and may be told of it.
func (e *Effects) hasOver(ctx context.Context, id flows.IncidentID) (bool, error) {
	if e.Over == nil {
		return false, nil
	}
	some, err := e.Over.OverWithIncident(ctx, id, e.Engine.Now().Add(-askedWithin), "", 1)
	return len(some) > 0, err
}
