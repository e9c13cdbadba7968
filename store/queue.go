package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sort"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// cancel deletes jobs by key, leased or not.
func (p *change) cancel(ctx context.Context, q queries) error {
	for _, key := range p.Cancel {
		gone, err := q.CancelJob(ctx, key)
		if err != nil {
			return fmt.Errorf("cancel job %s: %w", key, err)
		}
		for _, j := range gone {
			if j.Kind == string(flows.JobRevoke) {
				p.orphan = append(p.orphan, j.Subject)
			}
		}
	}
	return nil
}

func (p *change) upsertJobs(ctx context.Context, q queries) error {
	for _, row := range p.jobs {
		j, err := upsertJob(ctx, q, row)
		if err != nil {
			return err
		}
		p.stored = append(p.stored, j)
	}
	return nil
}

// upsertJob writes a job by its key; a new one leased, if that was asked for and its
// lane is free.
func upsertJob(ctx context.Context, q queries, row postgresdb.UpsertJobParams) (flows.Job, error) {
	if row.LeasedTo != "" && row.Lane != "" {
		n, err := q.LeasedInLane(ctx, row.Lane)
		if err != nil {
			return flows.Job{}, fmt.Errorf("look into the lane of job %s: %w", row.Key, err)
		}
		if n > 0 {
			row.LeasedTo, row.LeaseUntil, row.Lease = "", 0, 0
		}
	}
	stored, err := q.UpsertJob(ctx, row)
	if err != nil {
		return flows.Job{}, fmt.Errorf("write job %s: %w", row.Key, err)
	}
	j := jobFrom(stored)
	if j.Rev > 1 { // it was there: whatever lease it has is not this caller's
		j.LeasedTo, j.LeaseUntil = "", time.Time{}
	}
	return j, nil
}

// Claim leases due jobs; see flows.Queue. A lease that ran out is taken back first,
// whether or not the job is claimed again at once.
func (s *Store) Claim(ctx context.Context, owner string, now time.Time, lease time.Duration, limit int) ([]flows.Job, error) {
	if owner == "" || limit <= 0 {
		return nil, errors.New("claim jobs: an owner and a limit are needed")
	}
	at := now.UnixMilli()
	var rows []postgresdb.Job
	err := s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		if _, err := q.FreeExpiredJobs(ctx, at); err != nil {
			return err
		}
		var err error
		rows, err = q.ClaimJobs(ctx, postgresdb.ClaimJobsParams{
			LeasedTo: owner, LeaseUntil: dueMillis(now.Add(lease)), Now: at, Lim: int64(limit),
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim jobs: %w", err)
	}
	sort.Slice(rows, func(i, k int) bool {
		if rows[i].RunAt != rows[k].RunAt {
			return rows[i].RunAt < rows[k].RunAt
		}
		return rows[i].ID < rows[k].ID
	})
	out := make([]flows.Job, 0, len(rows))
	for _, r := range rows {
		out = append(out, jobFrom(r))
	}
	return out, nil
}

// Retry gives a job back after a failure: free, due at runAt, one attempt more. A job
// that was written again since it was claimed keeps its new time and starts afresh:
// the failure was of the old one. flows.ErrLeaseLost.
func (s *Store) Retry(ctx context.Context, j flows.Job, runAt time.Time, why string) error {
	return s.leased(ctx, j, "retry", func(ctx context.Context, q queries) (int64, error) {
		return q.RetryJob(ctx, postgresdb.RetryJobParams{
			ID: j.ID, Lease: j.Lease, LeasedTo: j.LeasedTo, Rev: j.Rev, RunAt: dueMillis(runAt), LastErr: plain(why),
		})
	})
}

// Extend moves the lease of a job that is still worked on. flows.ErrLeaseLost.
func (s *Store) Extend(ctx context.Context, j flows.Job, until time.Time) error {
	return s.leased(ctx, j, "extend", func(ctx context.Context, q queries) (int64, error) {
		return q.ExtendJob(ctx, postgresdb.ExtendJobParams{
			ID: j.ID, Lease: j.Lease, LeasedTo: j.LeasedTo, LeaseUntil: dueMillis(until),
		})
	})
}

// leased runs a statement that must hit exactly the job as claimed.
func (s *Store) leased(ctx context.Context, j flows.Job, what string, f func(context.Context, queries) (int64, error)) error {
	if j.LeasedTo == "" {
		return fmt.Errorf("%s job %s: %w", what, j.Key, flows.ErrLeaseLost)
	}
	err := s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		n, err := f(ctx, q)
		if err == nil && n == 0 {
			err = flows.ErrLeaseLost
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s job %s: %w", what, j.Key, err)
	}
	return nil
}

// NextDue is when the earliest job that could be claimed is due: a free one whose
// lane has no leased job. False when there is none.
func (s *Store) NextDue(ctx context.Context) (time.Time, bool, error) {
	ms, err := s.tx.direct().NextDue(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("look for the next job: %w", err)
	}
	return fromMillis(ms), true, nil
}

// PastDue lists requests whose Due() has passed at now and that no job will end, the
// longest overdue first.
func (s *Store) PastDue(ctx context.Context, now time.Time, limit int) ([]flows.RequestID, error) {
	rows, err := s.tx.direct().PastDueRequests(ctx, postgresdb.PastDueRequestsParams{Now: now.UnixMilli(), Lim: int64(limit)})
	if err != nil {
		return nil, fmt.Errorf("look for requests past due: %w", err)
	}
	return typed[flows.RequestID](rows), nil
}
