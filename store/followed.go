package store

import (
	"context"
	"fmt"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// followed has the incident of a request that is over read for some days more. It is the
// same row for all requests of an incident; the last of them says until when.
func (p *change) followed(ctx context.Context, q queries) error {
	r := p.Request
	if r == nil {
		return nil
	}
	until := r.FollowUntil()
	if until.IsZero() {
		return nil
	}
	row := postgresdb.FollowParams{Incident: p.request.Incident, UntilAt: millis(until), ReadAt: millis(r.Over())}
	write := q.Follow
	if p.was.State == p.request.State && p.was.Incident == p.request.Incident { // it is followed, unless it had been resolved
		write = func(ctx context.Context, row postgresdb.FollowParams) error {
			return q.FollowStill(ctx, postgresdb.FollowStillParams(row))
		}
	}
	if err := write(ctx, row); err != nil {
		return fmt.Errorf("follow incident %s: %w", p.request.Incident, err)
	}
	return nil
}

// Followed lists incidents of requests that are over whose turn it is: read last at or
// before a time, the longest ago first.
func (s *Store) Followed(ctx context.Context, before time.Time, limit int) ([]flows.Followed, error) {
	rows, err := s.tx.direct().FollowedTurn(ctx, postgresdb.FollowedTurnParams{Before: millis(before), Lim: int64(limit)})
	if err != nil {
		return nil, fmt.Errorf("list the incidents of requests that are over: %w", err)
	}
	out := make([]flows.Followed, 0, len(rows))
	for _, r := range rows {
		out = append(out, flows.Followed{Incident: flows.IncidentID(r.Incident), Until: fromMillis(r.UntilAt), Read: fromMillis(r.ReadAt), Seen: r.Seen})
	}
	return out, nil
}

// Follow keeps what was read of a followed incident, or, where it is not to be followed
// any more (Until is zero), lets go of it. What changed meanwhile stays as it is: another
// request of it is over.
func (s *Store) Follow(ctx context.Context, was, is flows.Followed) error {
	err := s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		key := postgresdb.UnfollowParams{Incident: string(was.Incident), UntilAt: millis(was.Until), Was: was.Seen}
		if is.Until.IsZero() {
			_, err := q.Unfollow(ctx, key)
			return err
		}
		_, err := q.FollowedRead(ctx, postgresdb.FollowedReadParams{
			ReadAt: millis(is.Read), Seen: is.Seen, Incident: key.Incident, UntilAt: key.UntilAt, Was: key.Was,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("keep how incident %s was read: %w", was.Incident, err)
	}
	return nil
}

// OverWithIncident lists requests of an incident that are over, submitted since, in the
// order of their ids from after one on.
func (s *Store) OverWithIncident(ctx context.Context, id flows.IncidentID, since time.Time, after flows.RequestID, limit int) ([]flows.RequestID, error) {
	rows, err := s.tx.direct().OverWithIncident(ctx, postgresdb.OverWithIncidentParams{
		Incident: string(id), Since: dueMillis(since), After: string(after), Lim: int64(limit),
	})
	if err != nil {
		return nil, fmt.Errorf("list the requests of incident %s that are over: %w", id, err)
	}
	return typed[flows.RequestID](rows), nil
}
