package worker_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
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

// Times are stored in whole milliseconds, rounded up: what is due now may be due in a
// moment, when its lane is still taken.
func TestWhatComesDueWhileItsLaneIsTakenRunsAsSoonAsItIsFree(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"the same again": "revoke:first", "another": "revoke:second"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			b := run(t, held(release))
			b.put(flows.Job{Kind: flows.JobRevoke, Key: "revoke:first", Lane: "l", RunAt: start})
			b.put(flows.Job{Kind: flows.JobRevoke, Key: key, Lane: "l", RunAt: start.Add(time.Millisecond)})
			b.clock.Push(time.Millisecond)
			b.none(t)
			close(release)
			b.wait(t)
			if j := b.wait(t); j.Key != key {
				t.Errorf("%s was second", j.Key)
			}
		})
	}
}

// A job that fails frees its lane as well.
func TestWhatWaitsForALaneRunsAlsoAfterAFailure(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	first := held(release)
	b := run(t, func(ctx context.Context, j flows.Job) error {
		if j.Key == "revoke:first" {
			return errors.Join(first(ctx, j), &flows.Temporary{Err: errors.New("busy"), After: 60})
		}
		return nil
	})
	b.put(flows.Job{Kind: flows.JobRevoke, Key: "revoke:first", Lane: "l", RunAt: start})
	b.put(flows.Job{Kind: flows.JobRevoke, Key: "revoke:second", Lane: "l", RunAt: start})
	close(release)
	b.wait(t)
	if j := b.wait(t); j.Key != "revoke:second" {
		t.Errorf("%s was second", j.Key)
	}
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

// Where others write to the same table, nobody here knows what waits for a lane.
func TestWhatAnotherProcessWroteRunsAsSoonAsItsLaneIsFree(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := run(t, held(release))
	b.put(flows.Job{Kind: flows.JobRevoke, Key: "revoke:first", Lane: "l", RunAt: start})
	until(t, "the first to be in hand", func() bool { j, _ := b.job("revoke:first"); return j.LeasedTo == "me" })
	b.apply(flows.Change{Jobs: []flows.Job{{Kind: flows.JobRevoke, Key: "revoke:theirs", Lane: "l", RunAt: start}}})
	b.none(t)
	close(release)
	b.wait(t)
	if j := b.wait(t); j.Key != "revoke:theirs" {
		t.Errorf("%s was second", j.Key)
	}
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

// realClock is the machine's.
type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) At(t time.Time) (<-chan struct{}, func()) {
	done := make(chan struct{})
	timer := time.AfterFunc(time.Until(t), func() { close(done) })
	return done, func() { timer.Stop() }
}

// However many write jobs of a few lanes, again and again while they run, each writing
// is run without the poll's help.
func TestNoWakeUpIsLost(t *testing.T) {
	t.Parallel()
	var poll *table
	b := run(t, func(context.Context, flows.Job) error {
		time.Sleep(time.Duration(rand.IntN(2500)) * time.Microsecond)
		return nil
	}, func(o *worker.Options) {
		o.Clock, o.Poll, poll = realClock{}, time.Hour, o.Queue.(*table)
		for kind, handle := range o.Handlers {
			o.Handlers[kind] = func(ctx context.Context, j flows.Job) error {
				err := handle(ctx, j)
				time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond) // done, and not yet out of hand
				return err
			}
		}
	})
	go func() {
		for range b.did { // nobody waits for them
		}
	}()
	for round := range 300 {
		var writers sync.WaitGroup
		for w := range 2 {
			writers.Go(func() { b.scribble(rand.New(rand.NewPCG(uint64(w), uint64(round)))) })
		}
		writers.Wait()
		until(t, "the table to be empty", func() bool {
			poll.mu.Lock()
			defer poll.mu.Unlock()
			return len(poll.mem.Jobs) == 0
		})
	}
}

// scribble writes a few jobs, some due now and handed over, some in a moment.
func (b *bench) scribble(random *rand.Rand) {
	for range 2 {
		j := flows.Job{Kind: flows.JobRevoke, Lane: "x", RunAt: time.Now()}
		j.Key = "revoke:" + j.Lane + string(rune('a'+random.IntN(2)))
		if random.IntN(4) == 0 {
			j.Kind, j.Key, j.Lane = flows.JobNotice, "notice:"+j.Key, ""
		}
		if random.IntN(2) == 0 {
			j.LeasedTo, j.LeaseUntil = "me", time.Now().Add(time.Minute)
		} else {
			j.RunAt = j.RunAt.Add(time.Duration(random.IntN(1500)) * time.Microsecond)
		}
		b.r.Wake(b.apply(flows.Change{Jobs: []flows.Job{j}}))
	}
}
