package worker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/flowtest"
	"breakglass/flows/worker"
)

var start = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

// table is a store in memory that many goroutines may use.
type table struct {
	mu  sync.Mutex
	mem *flowtest.Memory
}

func (t *table) Claim(ctx context.Context, owner string, now time.Time, lease time.Duration, limit int) ([]flows.Job, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mem.Claim(ctx, owner, now, lease, limit)
}

func (t *table) Retry(ctx context.Context, j flows.Job, at time.Time, why string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mem.Retry(ctx, j, at, why)
}

func (t *table) Extend(ctx context.Context, j flows.Job, until time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mem.Extend(ctx, j, until)
}

func (t *table) NextDue(ctx context.Context) (time.Time, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mem.NextDue(ctx)
}

func (t *table) PastDue(ctx context.Context, now time.Time, limit int) ([]flows.RequestID, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mem.PastDue(ctx, now, limit)
}

func (t *table) apply(c flows.Change) []flows.Job {
	t.mu.Lock()
	defer t.mu.Unlock()
	jobs, err := t.mem.Apply(context.Background(), c)
	if err != nil {
		panic(err)
	}
	return jobs
}

func (t *table) job(key string) (flows.Job, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	j, ok := t.mem.Jobs[key]
	return j, ok
}

// bench is a runner on a hand clock; did is told of every handled job.
type bench struct {
	*table
	clock *flows.HandClock
	r     *worker.Runner
	did   chan flows.Job
}

// run starts a runner whose jobs are handled by do, and stops it with the test.
func run(t *testing.T, do worker.Handler, edit ...func(*worker.Options)) *bench {
	t.Helper()
	b := &bench{table: &table{mem: flowtest.NewMemory()}, clock: flows.NewHandClock(start), did: make(chan flows.Job, 100)}
	handle := func(ctx context.Context, j flows.Job) error {
		defer func() { b.did <- j }()
		if err := do(ctx, j); err != nil {
			return err
		}
		b.apply(flows.Change{Done: &j})
		return nil
	}
	o := worker.Options{
		Queue: b.table, Timetable: b.table, Clock: b.clock, Owner: "me",
		Handlers: map[flows.JobKind]worker.Handler{flows.JobNotice: handle, flows.JobRevoke: handle},
	}
	for _, e := range edit {
		e(&o)
	}
	b.r = worker.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.r.Run(ctx) }()
	b.r.FirstPass(ctx, time.Minute)
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return b
}

// put writes a job, leased to the runner if it is due, and wakes it.
func (b *bench) put(j flows.Job) {
	if j.Key == "" {
		j.Key = string(j.Kind) + ":x"
	}
	if !j.RunAt.After(b.clock.Now()) {
		j.LeasedTo, j.LeaseUntil = "me", b.clock.Now().Add(15*time.Second)
	}
	b.r.Wake(b.apply(flows.Change{Jobs: []flows.Job{j}}))
}

// wait is the next job that was handled.
func (b *bench) wait(t *testing.T) flows.Job {
	t.Helper()
	select {
	case j := <-b.did:
		return j
	case <-time.After(time.Minute):
		t.Fatal("waited in vain for a job")
		return flows.Job{}
	}
}

func (b *bench) none(t *testing.T) {
	t.Helper()
	select {
	case j := <-b.did:
		t.Fatalf("job %s ran too early", j.Key)
	default:
	}
}

// until polls for a state of the table that another goroutine is about to reach.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func works(context.Context, flows.Job) error { return nil }

func TestAJobDueNowRunsAtOnceAndLeavesTheTable(t *testing.T) {
	t.Parallel()
	b := run(t, works)
	b.put(flows.Job{Kind: flows.JobNotice, RunAt: start})
	b.wait(t)
	until(t, "the job to be gone", func() bool { _, there := b.job("notice:x"); return !there })
}

func TestAJobOfTheFutureRunsWhenTheClockIsThere(t *testing.T) {
	t.Parallel()
	b := run(t, works)
	b.put(flows.Job{Kind: flows.JobNotice, RunAt: start.Add(time.Hour)})
	b.clock.Push(59 * time.Minute)
	b.none(t)
	b.clock.Push(time.Minute)
	b.wait(t)
}

func TestAFailedJobIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	b := run(t, func(_ context.Context, j flows.Job) error {
		if j.Attempts < 2 {
			return &flows.Temporary{Err: errors.New("busy"), After: 7}
		}
		return nil
	})
	b.put(flows.Job{Kind: flows.JobNotice, RunAt: start})
	for attempt := range 2 {
		if j := b.wait(t); j.Attempts != attempt {
			t.Errorf("attempt %d came as %d", attempt, j.Attempts)
		}
		until(t, "the job to be given back", func() bool { j, _ := b.job("notice:x"); return j.Attempts == attempt+1 && j.LeasedTo == "" })
		if j, _ := b.job("notice:x"); !j.RunAt.Equal(b.clock.Now().Add(7*time.Second)) || j.LastErr != "busy" {
			t.Errorf("it waits until %s for %q", j.RunAt, j.LastErr)
		}
		b.clock.Push(7 * time.Second)
	}
	b.wait(t)
	until(t, "the stats to say so", func() bool {
		done, failed, gaveUp := b.r.Stats()
		return done == 1 && failed == 2 && gaveUp == 0
	})
}

func TestWhatNoTryCanCureIsGivenUpButNeverARevocation(t *testing.T) {
	t.Parallel()
	given := make(chan string, 1)
	b := run(t, func(context.Context, flows.Job) error { return &flows.Permanent{Err: errors.New("gone")} },
		func(o *worker.Options) {
			o.GivenUp = func(_ context.Context, j flows.Job, cause error) error {
				given <- j.Key + ": " + cause.Error()
				return nil
			}
		})
	b.put(flows.Job{Kind: flows.JobNotice, RunAt: start})
	b.wait(t)
	if got := <-given; got != "notice:x: gone" {
		t.Errorf("given up: %s", got)
	}
	b.put(flows.Job{Kind: flows.JobRevoke, RunAt: start})
	b.wait(t)
	until(t, "the revocation to wait for another try", func() bool { j, there := b.job("revoke:x"); return there && j.Attempts == 1 })
}

func TestAPanicIsAFailure(t *testing.T) {
	t.Parallel()
	b := run(t, func(context.Context, flows.Job) error { panic("ouch") })
	b.put(flows.Job{Kind: flows.JobNotice, RunAt: start})
	b.wait(t)
	until(t, "the panic to be noted", func() bool { j, _ := b.job("notice:x"); return strings.Contains(j.LastErr, "ouch") })
}

func TestALaneRunsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := run(t, func(ctx context.Context, j flows.Job) error {
		if j.Key != "revoke:first" {
			return nil
		}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	b.put(flows.Job{Kind: flows.JobRevoke, Key: "revoke:first", Lane: "l", RunAt: start})
	until(t, "the first to be in hand", func() bool { j, _ := b.job("revoke:first"); return j.LeasedTo == "me" })
	b.put(flows.Job{Kind: flows.JobRevoke, Key: "revoke:second", Lane: "l", RunAt: start})
	b.clock.Push(2 * time.Second)
	b.none(t)
	close(release)
	if j := b.wait(t); j.Key != "revoke:first" {
		t.Errorf("%s was first", j.Key)
	}
	if j := b.wait(t); j.Key != "revoke:second" {
		t.Errorf("%s was second", j.Key)
	}
}

func TestASlowJobKeepsItsLease(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := run(t, func(ctx context.Context, _ flows.Job) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	b.put(flows.Job{Kind: flows.JobNotice, RunAt: start})
	for range 3 { // longer than the first lease, in steps shorter than any
		before, _ := b.job("notice:x")
		until(t, "the lease to be longer", func() bool {
			b.clock.Push(10 * time.Millisecond)
			j, _ := b.job("notice:x")
			return j.LeaseUntil.After(before.LeaseUntil)
		})
	}
	close(release)
	b.wait(t)
	until(t, "the job to be gone", func() bool { _, there := b.job("notice:x"); return !there })
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	err := errors.New("x")
	for _, c := range []struct {
		kind     flows.JobKind
		attempts int
		least    time.Duration
	}{{flows.JobCard, 0, time.Second}, {flows.JobCard, 3, 8 * time.Second}, {flows.JobCard, 50, 5 * time.Minute}, {flows.JobRevoke, 50, 30 * time.Second}} {
		got := worker.Backoff(flows.Job{Kind: c.kind, Key: "k", Attempts: c.attempts}, err)
		if got < c.least || got > c.least+c.least/4 {
			t.Errorf("%s after %d tries waits %s", c.kind, c.attempts, got)
		}
	}
	if got := worker.Backoff(flows.Job{Attempts: 9}, &flows.Temporary{Err: err, After: 3}); got != 3*time.Second {
		t.Errorf("asked for 3 s, waits %s", got)
	}
}
