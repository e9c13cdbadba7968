package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// Accept stores the row and its job in one transaction and returns the job as stored,
// with LeasedTo set only if this call leased it. fresh is false when the key was there
// already: nothing is written then, and the job is zero.
func (s *Store) Accept(ctx context.Context, row flows.InboxRow, job flows.Job) (flows.Job, bool, error) {
	jr, err := jobRow(job)
	if err != nil {
		return flows.Job{}, false, fmt.Errorf("accept %s: %w", row.Key, err)
	}
	body := row.Body
	if body == nil {
		body = []byte{}
	}
	in := postgresdb.InsertInboxParams{Key: row.Key, Kind: row.Kind, Body: body, At: millis(row.At)}
	var stored flows.Job
	var fresh bool
	err = s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		stored, fresh = flows.Job{}, false
		n, err := q.InsertInbox(ctx, in)
		if err != nil || n == 0 {
			return err
		}
		fresh = true
		stored, err = upsertJob(ctx, q, jr)
		return err
	})
	if err != nil {
		return flows.Job{}, false, fmt.Errorf("accept %s: %w", row.Key, err)
	}
	return stored, fresh, nil
}

// InboxRow reads a row back. flows.ErrNotFound.
func (s *Store) InboxRow(ctx context.Context, key string) (flows.InboxRow, error) {
	r, err := s.tx.direct().InboxRow(ctx, key)
	if errors.Is(err, sql.ErrNoRows) {
		err = flows.ErrNotFound
	}
	if err != nil {
		return flows.InboxRow{}, fmt.Errorf("inbox row %s: %w", key, err)
	}
	return flows.InboxRow{Key: r.Key, Kind: r.Kind, Body: r.Body, At: fromMillis(r.At)}, nil
}

// PurgeInbox deletes up to most rows that were handled before then, the oldest first; it
// returns how many. A row that is not handled stays, however old: its key still refuses
// a replay.
func (s *Store) PurgeInbox(ctx context.Context, before time.Time, most int) (int, error) {
	var n int64
	err := s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		var err error
		n, err = q.PurgeInbox(ctx, postgresdb.PurgeInboxParams{Before: before.UnixMilli(), Lim: int64(most)})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge the inbox: %w", err)
	}
	return int(n), nil
}
