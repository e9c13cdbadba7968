package store

import (
	"context"
	"fmt"
	"math"
	"slices"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// IncidentsNumbered are the incidents with PagerDuty's number that requests belong to,
// or belonged to: one, unless the account was another one once.
func (s *Store) IncidentsNumbered(ctx context.Context, number int) ([]flows.IncidentID, error) {
	rows, err := s.tx.direct().IncidentsNumbered(ctx, int64(number))
	if err != nil {
		return nil, fmt.Errorf("look for incident %d: %w", number, err)
	}
	return typed[flows.IncidentID](rows), nil
}

// Timeline is a page of what is recorded about the requests of an incident, oldest
// first, with the openings that are left.
func (s *Store) Timeline(ctx context.Context, id flows.IncidentID, after flows.Mark, limit int) (flows.Timeline, error) {
	var out flows.Timeline
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		out = flows.Timeline{}
		rows, err := q.EntriesOfIncident(ctx, postgresdb.EntriesOfIncidentParams{
			Incident: string(id), AfterAt: millis(after.At), AfterID: after.Entry, Lim: int64(limit) + 1,
		})
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			last := rows[limit-1]
			out.Next = flows.Mark{At: fromMillis(last.At), Entry: last.ID}
		}
		out.Entries, err = opened(ctx, q, rows)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("read the time-line of incident %s: %w", id, err)
	}
	return out, nil
}

// Tail is the end of a chain: at most limit entries, in order, all before the one with
// that number unless it is 0.
func (s *Store) Tail(ctx context.Context, chain string, before int64, limit int) ([]flows.Sealed, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	var out []flows.Sealed
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		rows, err := q.ChainTail(ctx, postgresdb.ChainTailParams{Chain: chain, Before: before, Lim: int64(limit)})
		if err != nil {
			return err
		}
		slices.Reverse(rows)
		out, err = opened(ctx, q, rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the end of chain %s: %w", chain, err)
	}
	return out, nil
}

// opened is the entries with what opens them.
func opened(ctx context.Context, q queries, rows []postgresdb.Entry) ([]flows.Sealed, error) {
	var openings []postgresdb.Opening
	var packed []postgresdb.PackedOpening
	for _, r := range rows {
		if len(r.Packed) > 0 {
			together, err := q.PackedOpeningsOf(ctx, r.ID)
			if err != nil {
				return nil, err
			}
			packed = append(packed, together...)
			continue
		}
		more, err := q.OpeningsOfEntry(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		openings = append(openings, more...)
	}
	return join(rows, openings, packed), nil
}
