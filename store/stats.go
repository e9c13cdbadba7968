package store

import (
	"context"
	"fmt"

	"breakglass/flows"
)

// Stats is what the store holds at one moment, for metrics and health pages.
type Stats struct {
	Jobs      []JobStats
	Requests  map[flows.State]int // of requests that are not final
	Live      int                 // requests whose access exists or may exist at the target
	Overdue   int                 // live ones whose end is late
	Unhandled int                 // inbox rows that wait to be handled
	Commits   int64               // SQLite: commits since the store was opened
	Writes    int64               // SQLite: transactions in them
}

// JobStats counts the stored jobs of one kind.
type JobStats struct {
	Kind    flows.JobKind
	Stored  int
	Due     int // free and due
	Leased  int
	Failing int // tried at least once and failed
}

// Stats counts what is stored.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	out := Stats{Requests: map[flows.State]int{}}
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		jobs, err := q.CountJobs(ctx, s.now().UnixMilli())
		if err != nil {
			return err
		}
		for _, j := range jobs {
			out.Jobs = append(out.Jobs, JobStats{
				Kind: flows.JobKind(j.Kind), Stored: int(j.Jobs), Due: int(j.Due), Leased: int(j.Leased), Failing: int(j.Failing),
			})
		}
		states, err := q.CountStates(ctx)
		if err != nil {
			return err
		}
		for _, r := range states {
			state := flows.State(r.State)
			out.Requests[state] = int(r.Requests)
			out.Overdue += int(r.Overdue)
			if state.Live() {
				out.Live += int(r.Requests)
			}
		}
		waiting, err := q.CountUnhandled(ctx)
		out.Unhandled = int(waiting)
		return err
	})
	if err != nil {
		return Stats{}, fmt.Errorf("count what is stored: %w", err)
	}
	if lite, ok := s.srv.(*sqliteDB); ok && lite.writer != nil {
		out.Commits, out.Writes = lite.writer.commits.Load(), lite.writer.writes.Load()
	}
	return out, nil
}
