package worker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/worker"
)

// The clock of these tests stands still unless it is pushed, so the poll never helps.

// held is a handler whose first job waits until it is released.
func held(release <-chan struct{}) worker.Handler {
	var first atomic.Bool
	return func(ctx context.Context, _ flows.Job) error {
		if first.Swap(true) {
			return nil
		}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestWhatWaitsForALaneRunsAsSoonAsItIsFree(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := run(t, held(release))
	b.put(flows.Job{Kind: flows.JobRevoke, Key: "revoke:first", Lane: "l", RunAt: start})
	b.put(flows.Job{Kind: flows.JobRevoke, Key: "revoke:second", Lane: "l", RunAt: start})
	b.none(t)
	close(release)
	b.wait(t)
	if j := b.wait(t); j.Key != "revoke:second" {
		t.Errorf("%s was second", j.Key)
	}
}

func TestAJobThatIsWrittenAgainWhileItRunsRunsAgain(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := run(t, held(release))
	b.put(flows.Job{Kind: flows.JobNotice, RunAt: start})
	b.put(flows.Job{Kind: flows.JobNotice, RunAt: start})
	b.none(t)
	close(release)
	if first, second := b.wait(t), b.wait(t); first.Rev != 1 || second.Rev != 2 {
		t.Errorf("writings %d and %d ran", first.Rev, second.Rev)
	}
	until(t, "the job to be gone", func() bool { _, there := b.job("notice:x"); return !there })
}

// A clock that jumps ahead of every lease does not make a runner take its own jobs for
// abandoned.
func TestWhatIsInHandIsNotTakenAgainWhenTheClockJumps(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := run(t, held(release))
	b.put(flows.Job{Kind: flows.JobNotice, RunAt: start})
	until(t, "it to be in hand", func() bool { j, _ := b.job("notice:x"); return j.LeasedTo == "me" })
	for range 5 {
		b.clock.Push(time.Hour)
		until(t, "the lease to be longer", func() bool { j, _ := b.job("notice:x"); return j.LeaseUntil.After(b.clock.Now()) })
	}
	b.none(t)
	close(release)
	b.wait(t)
	b.none(t)
}

// counted counts how often the table is asked for jobs.
type counted struct {
	flows.Queue
	claims atomic.Int64
}

func (c *counted) Claim(ctx context.Context, owner string, now time.Time, lease time.Duration, limit int) ([]flows.Job, error) {
	c.claims.Add(1)
	return c.Queue.Claim(ctx, owner, now, lease, limit)
}

// What is written leased to the process is run without a look into the table.
func TestJobsThatAreHandedOverCostNoClaim(t *testing.T) {
	t.Parallel()
	var q *counted
	b := run(t, func(context.Context, flows.Job) error { return nil }, func(o *worker.Options) {
		q = &counted{Queue: o.Queue}
		o.Queue = q
	})
	before := q.claims.Load()
	for range 50 {
		b.put(flows.Job{Kind: flows.JobRevoke, Lane: "l", RunAt: start})
		b.wait(t)
		until(t, "the job to be gone", func() bool { _, there := b.job("revoke:x"); return !there })
	}
	if n := q.claims.Load() - before; n != 0 {
		t.Errorf("%d claims", n)
	}
}
