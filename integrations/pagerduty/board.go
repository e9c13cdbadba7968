package pagerduty

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"
)

// scope is what a kind of key of the snapshot is about.
type scope int

const (
	wholeAccount scope = iota
	ofPolicy
	ofSchedule
)

// key names one part of the snapshot: a policy, a schedule, or everything.
type key struct {
	scope scope
	thing thing
}

// demand is how a key was asked for of late.
type demand struct {
	last   time.Time
	age    time.Duration // the smallest age that was asked for
	tried  time.Time     // when it was last read, or could not be
	failed bool
}

// mostKeys bounds the snapshot.
const mostKeys = 1000

// board is the snapshot of who is on call. Questions are answered from it; what is
// missing or too old is read in one flight for all who wait, together with what will
// be too old soon, and what was asked for of late is kept fresh in the background.
type board struct {
	c    *Client
	kick chan struct{} // something changed that the loop plans by

	mu       sync.Mutex
	readings map[key]*reading
	demands  map[key]*demand
	running  *flight
	next     *flight
}

// flight is one refresh. Its maps are the flight's own until done is closed.
type flight struct {
	keys  map[key]bool
	click bool
	began time.Time
	done  chan struct{}
	got   map[key]*reading
	errs  map[key]error
}

func newFlight() *flight {
	return &flight{keys: map[key]bool{}, done: make(chan struct{}), got: map[key]*reading{}, errs: map[key]error{}}
}

func newBoard(c *Client) *board {
	return &board{c: c, kick: make(chan struct{}, 1), readings: map[key]*reading{}, demands: map[key]*demand{}}
}

// read is the reading for k, no older than age; age zero is read now.
func (b *board) read(ctx context.Context, k key, age time.Duration, click bool) (*reading, error) {
	f, r := b.join(ctx, k, age, click)
	if r != nil {
		b.c.stats.warm.Add(1)
		return r, nil
	}
	b.c.stats.waits.Add(1)
	for {
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, waiting(ctx)
		}
		var over *overBudget
		if err := f.errs[k]; click && !f.click && errors.As(err, &over) {
			f, _ = b.join(ctx, k, 0, click) // refused without the reserve: once more with it
			continue
		}
		return f.got[k], f.errs[k]
	}
}

// join finds a reading, or the flight that will bring it.
func (b *board) join(ctx context.Context, k key, age time.Duration, click bool) (*flight, *reading) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.c.clock.Now()
	b.note(k, age, now)
	if age > 0 {
		if r := b.lookup(k); r.good(now, age) {
			return nil, r
		}
		if f := b.running; f != nil && f.keys[k] && fresh(f.began, now, age) {
			return f, nil
		}
	}
	if b.next == nil {
		b.next = newFlight()
	}
	f := b.next
	f.keys[k] = true
	f.click = f.click || click
	if b.running == nil {
		b.takeOff(ctx, now)
	}
	return f, nil
}

// good reports whether a reading may answer: young enough, and no shift in it has
// ended since then.
func (r *reading) good(now time.Time, age time.Duration) bool {
	return r != nil && fresh(r.asked, now, age) && (r.until.IsZero() || now.Before(r.until))
}

// lookup is the youngest reading that tells about k.
func (b *board) lookup(k key) *reading {
	own, all := b.readings[k], b.readings[key{}]
	if k == (key{}) || all == nil || own != nil && !own.asked.Before(all.asked) {
		return own
	}
	if cut := all.only(k); len(cut.rows) > 0 || k.scope == ofPolicy {
		return cut
	}
	return own // a schedule that no policy uses is not in the account's list
}

// note remembers that k was asked for; the caller holds the lock.
func (b *board) note(k key, age time.Duration, now time.Time) {
	d := b.demands[k]
	if d == nil || now.Sub(d.last) > b.c.lim.KeepFresh {
		if len(b.demands) >= mostKeys {
			b.forget(now)
		}
		d = &demand{}
		b.demands[k] = d
		b.nudge()
	}
	d.last = now
	if age > 0 && (d.age == 0 || age < d.age) {
		d.age = age
		b.nudge()
	}
}

// forget makes room: it drops what nobody asks for any more, or else what was asked
// for least recently.
func (b *board) forget(now time.Time) {
	maps.DeleteFunc(b.demands, func(_ key, d *demand) bool { return now.Sub(d.last) > b.c.lim.KeepFresh })
	if len(b.demands) >= mostKeys {
		var oldest key
		for k, d := range b.demands {
			if o := b.demands[oldest]; k.scope != wholeAccount && (o == nil || oldest.scope == wholeAccount || d.last.Before(o.last)) {
				oldest = k
			}
		}
		delete(b.demands, oldest)
	}
	maps.DeleteFunc(b.readings, func(k key, _ *reading) bool { return b.demands[k] == nil })
}

func (b *board) nudge() {
	select {
	case b.kick <- struct{}{}:
	default:
	}
}

// dueAt is when a key should be read again, so that nobody has to wait for it: before
// it is too old, and at the first hand-off. Zero: nobody wants it.
func (b *board) dueAt(k key, d *demand, now time.Time) time.Time {
	if d.age == 0 || now.Sub(d.last) > b.c.lim.KeepFresh {
		return time.Time{}
	}
	r := b.lookup(k)
	at := now
	if r != nil && !r.asked.After(now) {
		at = r.asked.Add(max(d.age*8/10, time.Second))
		if !r.until.IsZero() {
			at = earlier(at, r.until)
		}
	}
	if d.tried.IsZero() || d.tried.After(now) {
		return at
	}
	gap := max(d.age/10, 2*time.Second) // clocks that differ must not make it read on and on
	if d.failed {
		gap = 5 * time.Second
	}
	return later(at, d.tried.Add(gap))
}

// takeOff begins the next flight and takes along what will be due soon anyway; the
// caller holds the lock and no flight is running.
func (b *board) takeOff(ctx context.Context, now time.Time) {
	f := b.next
	for k, d := range b.demands {
		if at := b.dueAt(k, d, now); !at.IsZero() && !at.After(now.Add(d.age*4/10)) {
			f.keys[k] = true
		}
	}
	f.began = now
	b.next = nil
	if b.c.life.run(ctx, b.c.lim.ReadTimeout, func(ctx context.Context) { b.fly(ctx, f) }) {
		b.running = f
		return
	}
	for k := range f.keys {
		f.errs[k] = errStopped
	}
	close(f.done)
}

func (b *board) fly(ctx context.Context, f *flight) {
	b.c.refresh(ctx, f)
	for k, err := range f.errs {
		b.c.log.Warn("pagerduty: who is on call could not be read", "of", k.thing.id, "failed", len(f.errs), "err", err)
		break // one line a flight
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.c.clock.Now()
	maps.Copy(b.readings, f.got)
	for k := range f.keys {
		if d := b.demands[k]; d != nil {
			d.tried, d.failed = now, f.errs[k] != nil
		}
	}
	b.running = nil
	if b.next != nil {
		b.takeOff(ctx, now)
	}
	b.c.stats.refreshes.Add(1)
	close(f.done)
	b.nudge()
}

// keep is the loop that keeps the snapshot fresh while there is demand.
func (b *board) keep(ctx context.Context) {
	for {
		now := b.c.clock.Now()
		at := earlier(b.due(ctx, now), b.c.names.due(ctx, now))
		reached, stop := b.c.clock.At(at)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-b.kick:
		case <-reached:
		}
		stop()
	}
}

// due begins a flight if a key needs one, and says when to look next.
func (b *board) due(ctx context.Context, now time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := now.Add(time.Hour)
	if b.running != nil {
		return next // its end nudges
	}
	for k, d := range b.demands {
		at := b.dueAt(k, d, now)
		switch {
		case at.IsZero():
		case at.After(now):
			next = earlier(next, at)
		case b.next == nil:
			b.next = newFlight()
		}
	}
	if b.next != nil {
		b.takeOff(ctx, now)
	}
	return next
}
