// Package worker carries out the durable jobs: what each does, and when it is tried
// again. It may import flows only, and meets Slack, PagerDuty and the targets through
// flows' ports. The front door's own jobs (inbox, card, notice) are handed in.
//
// Read first: worker.go (how jobs are claimed and run), effects.go (grant and
// revoke), ask.go (route, remind, forward, lapse), incident.go (the reconciler).
package worker

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"breakglass/flows"
)

// Handler does one job. When it returns nil the job is done: it applied the outcome
// together with the job (flows.Finish). *flows.Temporary and unknown errors are tried
// again, *flows.Permanent gives the job up with an alarm.
type Handler func(ctx context.Context, j flows.Job) error

// Options are what a Runner works with.
type Options struct {
	Queue     flows.Queue
	Timetable flows.Timetable
	Clock     flows.Clock
	Log       *slog.Logger // nil: silent
	Owner     string       // this process's name on leases, as given to the engine
	Lease     time.Duration
	Workers   int           // jobs at a time; 32 unless set
	Poll      time.Duration // the net: how often the table is asked whatever the timers say; 1 s unless set
	Handlers  map[flows.JobKind]Handler
	Sweep     func(ctx context.Context, past []flows.RequestID) error
	GivenUp   func(ctx context.Context, j flows.Job, cause error) error
}

// Runner runs jobs until it is stopped.
type Runner struct {
	o     Options
	slots chan struct{}
	nudge chan struct{}
	wg    sync.WaitGroup

	mu     sync.Mutex
	next   time.Time // the earliest due time that is known
	armed  time.Time // when the timer is set to
	told   time.Time // the earliest due time that came while the table was being asked; zero: none
	look   bool      // something may have become free
	handed []flows.Job
	work   context.Context    //nolint:containedctx // of the jobs in hand, which outlive the loop
	abort  context.CancelFunc // gives them up

	hand                  hand
	first                 chan struct{} // closed when the jobs that were due at the start are through
	done, failed, givenUp atomic.Int64
}

// New returns a runner; Run starts it.
func New(o Options) *Runner {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Workers == 0 {
		o.Workers = 32
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Lease == 0 {
		o.Lease = 15 * time.Second
	}
	return &Runner{o: o, slots: make(chan struct{}, o.Workers), nudge: make(chan struct{}, 1), hand: newHand(), first: make(chan struct{})}
}

// Stats counts jobs since the start: done, failed tries, given up.
func (r *Runner) Stats() (done, failed, givenUp int64) {
	return r.done.Load(), r.failed.Load(), r.givenUp.Load()
}

// Wake implements flows.Wake: jobs leased to this process are run at once, earlier
// due times move the timer.
func (r *Runner) Wake(jobs []flows.Job) {
	r.mu.Lock()
	wake := false
	for _, j := range jobs {
		switch {
		case j.LeasedTo == r.o.Owner && j.LeasedTo != "":
			r.hand.take(j)
			r.handed = append(r.handed, j)
			wake = true
		case j.LeasedTo == "" && r.hand.keeps(j): // drop looks for it
		case j.LeasedTo == "":
			if r.told.IsZero() || j.RunAt.Before(r.told) {
				r.told = j.RunAt
			}
			if j.RunAt.Before(r.next) {
				r.next = j.RunAt
				wake = true
			}
		}
	}
	r.mu.Unlock()
	if wake {
		r.poke()
	}
}

func (r *Runner) poke() {
	select {
	case r.nudge <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, then waits for the jobs in hand, which may finish: what is
// half done would be done twice. Abort cuts them off; they stay in the table and are
// taken up by the next process.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	r.work, r.abort = context.WithCancel(context.WithoutCancel(ctx))
	r.mu.Unlock()
	var keeper sync.WaitGroup
	keeper.Go(func() { r.keepLeases(r.work) })
	defer keeper.Wait()
	defer r.Abort()
	defer r.wg.Wait()
	r.firstPass(ctx)
	poll, stopPoll := flows.After(r.o.Clock, r.o.Poll)
	due, stopDue := r.timer(ctx)
	defer func() { stopPoll(); stopDue() }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.nudge:
			r.runHanded(ctx)
			if r.looks() {
				stopDue()
				due, stopDue = r.timer(ctx)
			} else if at, sooner := r.sooner(); sooner {
				stopDue()
				due, stopDue = r.o.Clock.At(at)
			}
		case <-due:
			r.claim(ctx)
			stopDue()
			due, stopDue = r.timer(ctx)
		case <-poll:
			r.sweep(ctx)
			r.claim(ctx)
			stopDue()
			due, stopDue = r.timer(ctx)
			poll, stopPoll = flows.After(r.o.Clock, r.o.Poll)
		}
	}
}

// Abort gives up the jobs in hand.
func (r *Runner) Abort() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.abort != nil {
		r.abort()
	}
}

// firstPass takes what is due at the start: overdue revocations are among it.
func (r *Runner) firstPass(ctx context.Context) {
	r.sweep(ctx)
	jobs, err := r.o.Queue.Claim(ctx, r.o.Owner, r.o.Clock.Now(), r.o.Lease, 1000)
	if err != nil && ctx.Err() == nil {
		r.o.Log.ErrorContext(ctx, "claim jobs", "error", err)
	}
	var through sync.WaitGroup
	for _, j := range jobs {
		r.hand.take(j)
		through.Add(1)
		r.startThen(ctx, j, through.Done)
	}
	r.wg.Go(func() { through.Wait(); close(r.first) })
}

// FirstPass waits until what was due at the start was tried once, at most for d:
// being ready never waits for a target that does not answer.
func (r *Runner) FirstPass(ctx context.Context, d time.Duration) {
	late, stop := flows.After(r.o.Clock, d)
	defer stop()
	select {
	case <-r.first:
	case <-late:
	case <-ctx.Done():
	}
}

// timer arms the wake-up for the earliest job that is not due yet.
func (r *Runner) timer(ctx context.Context) (<-chan struct{}, func()) {
	r.mu.Lock()
	r.told, r.look = time.Time{}, false
	r.mu.Unlock()
	at, some, err := r.o.Timetable.NextDue(ctx)
	if err != nil && ctx.Err() == nil {
		r.o.Log.ErrorContext(ctx, "read the next due time", "error", err)
	}
	soonest := r.o.Clock.Now().Add(time.Hour)
	if some {
		soonest = at
	}
	r.mu.Lock()
	if !r.told.IsZero() && r.told.Before(soonest) {
		soonest = r.told // written after the table was read
	}
	r.next, r.armed = soonest, soonest
	r.mu.Unlock()
	return r.o.Clock.At(soonest)
}

// looks reports whether something became free since the table was asked.
func (r *Runner) looks() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.look
}

// sooner reports whether a job came that is due before the timer rings.
func (r *Runner) sooner() (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.next.Before(r.armed) {
		return time.Time{}, false
	}
	r.armed = r.next
	return r.next, true
}

func (r *Runner) runHanded(ctx context.Context) {
	r.mu.Lock()
	handed := r.handed
	r.handed = nil
	r.mu.Unlock()
	for _, j := range handed {
		r.start(ctx, j)
	}
}

// claim takes what is due from the table until nothing is.
func (r *Runner) claim(ctx context.Context) {
	for ctx.Err() == nil {
		r.extend(ctx)
		jobs, err := r.o.Queue.Claim(ctx, r.o.Owner, r.o.Clock.Now(), r.o.Lease, r.o.Workers)
		if err != nil {
			if ctx.Err() == nil {
				r.o.Log.ErrorContext(ctx, "claim jobs", "error", err)
			}
			return
		}
		for _, j := range jobs {
			r.hand.take(j)
			r.start(ctx, j)
		}
		if len(jobs) < r.o.Workers {
			return
		}
	}
}

func (r *Runner) sweep(ctx context.Context) {
	if r.o.Sweep == nil {
		return
	}
	past, err := r.o.Timetable.PastDue(ctx, r.o.Clock.Now(), 1000)
	if err == nil && len(past) > 0 {
		err = r.o.Sweep(ctx, past)
	}
	if err != nil && ctx.Err() == nil {
		r.o.Log.ErrorContext(ctx, "sweep for what is past due", "error", err)
	}
}

// start runs a job that was taken in hand, in its own goroutine, as soon as one of the
// slots is free.
func (r *Runner) start(ctx context.Context, j flows.Job) { r.startThen(ctx, j, func() {}) }

func (r *Runner) startThen(ctx context.Context, j flows.Job, then func()) {
	r.wg.Go(func() {
		defer then()
		defer r.drop(j)
		select {
		case r.slots <- struct{}{}:
			defer func() { <-r.slots }()
			r.run(r.work, j)
		case <-ctx.Done():
		}
	})
}

func (r *Runner) run(ctx context.Context, j flows.Job) {
	err := r.handle(ctx, j)
	if err == nil || errors.Is(err, flows.ErrLeaseLost) {
		r.done.Add(1)
		return
	}
	if ctx.Err() != nil {
		return // the table has it still
	}
	r.failed.Add(1)
	var permanent *flows.Permanent
	if errors.As(err, &permanent) && j.Kind != flows.JobRevoke {
		r.giveUp(ctx, j, err)
		return
	}
	at := r.o.Clock.Now().Add(Backoff(j, err))
	r.o.Log.WarnContext(ctx, "job failed, will be tried again", "job", j.Key, "attempt", j.Attempts+1, "at", at, "error", err)
	if err := r.o.Queue.Retry(ctx, j, at, err.Error()); err != nil && !errors.Is(err, flows.ErrLeaseLost) {
		r.o.Log.ErrorContext(ctx, "give a job back", "job", j.Key, "error", err)
		return // its lease runs out
	}
	r.Wake([]flows.Job{{RunAt: at}})
}

// drop lets go of a job, and looks for what may have become free by that: whoever
// wrote it, and whenever. The look is a reading; the table is claimed from only if
// there is something.
func (r *Runner) drop(j flows.Job) {
	if !r.hand.drop(j) {
		return
	}
	r.mu.Lock()
	r.look = true
	r.mu.Unlock()
	r.poke()
}

func (r *Runner) handle(ctx context.Context, j flows.Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("job %s panicked: %v", j.Key, p)
		}
	}()
	h, ok := r.o.Handlers[j.Kind]
	if !ok {
		return &flows.Permanent{Err: fmt.Errorf("no handler for jobs of kind %q", j.Kind)}
	}
	return h(ctx, j)
}

func (r *Runner) giveUp(ctx context.Context, j flows.Job, cause error) {
	r.givenUp.Add(1)
	r.o.Log.ErrorContext(ctx, "job given up", "job", j.Key, "error", cause)
	if r.o.GivenUp == nil {
		return
	}
	if err := r.o.GivenUp(ctx, j, cause); err != nil && !errors.Is(err, flows.ErrLeaseLost) {
		r.o.Log.ErrorContext(ctx, "record a given-up job", "job", j.Key, "error", err)
	}
}

// Backoff is how long a failed job waits: what the other side asked for, or 1 s
// doubled with each try, at most 5 minutes (30 s for a revocation), spread by up to a
// quarter so that many do not come back at once.
func Backoff(j flows.Job, err error) time.Duration {
	var t *flows.Temporary
	if errors.As(err, &t) && t.After > 0 {
		return time.Duration(t.After) * time.Second
	}
	limit := 5 * time.Minute
	if j.Kind == flows.JobRevoke {
		limit = 30 * time.Second
	}
	d := min(time.Second<<min(j.Attempts, 10), limit)
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%d", j.Key, j.Attempts)
	return d + d/4*time.Duration(h.Sum32()%1000)/1000
}
