package flows

import (
	"sync"
	"time"
)

// Clock is the one source of time. Everything that compares, stores or waits for a
// time takes it from here, so that a test can run a month in a second.
type Clock interface {
	// Now is the current time, UTC.
	Now() time.Time
	// At returns a channel that is closed once the clock has reached t, and a
	// function that gives the wait up.
	At(t time.Time) (reached <-chan struct{}, stop func())
}

// After waits on clock c for d from now.
func After(c Clock, d time.Duration) (<-chan struct{}, func()) { return c.At(c.Now().Add(d)) }

// HandClock is a clock that moves only when it is pushed, or that runs with a base
// clock and can be pushed ahead of it. Tests and the demo use it; serve never does.
type HandClock struct {
	base Clock // nil: stands still

	mu      sync.Mutex
	now     time.Time // when base is nil
	ahead   time.Duration
	waiters map[*waiter]struct{}
}

type waiter struct {
	at   time.Time
	done chan struct{}
	stop func() // of the base clock's wait
}

// NewHandClock returns a clock that stands at start until it is pushed.
func NewHandClock(start time.Time) *HandClock {
	return &HandClock{now: start.UTC(), waiters: map[*waiter]struct{}{}}
}

// NewPushableClock returns a clock that runs with base and can be pushed ahead.
func NewPushableClock(base Clock) *HandClock {
	return &HandClock{base: base, waiters: map[*waiter]struct{}{}}
}

// Now is the time the clock shows.
func (c *HandClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

func (c *HandClock) read() time.Time {
	if c.base == nil {
		return c.now
	}
	return c.base.Now().Add(c.ahead)
}

// Push moves the clock by d and wakes whoever waited for a time that it has reached.
// A negative d moves it back, as a broken clock would: who waits is woken after the
// same length as before, since timers do not run by the clock on the wall.
func (c *HandClock) Push(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w := range c.waiters {
		w.at = w.at.Add(min(d, 0))
	}
	if c.base == nil {
		c.now = c.now.Add(d)
	} else {
		c.ahead += d
	}
	for w := range c.waiters {
		c.arm(w)
	}
}

// At implements Clock.
func (c *HandClock) At(t time.Time) (<-chan struct{}, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &waiter{at: t, done: make(chan struct{})}
	c.waiters[w] = struct{}{}
	c.arm(w)
	return w.done, func() { c.drop(w) }
}

// arm fires w if its time has come, and otherwise (re)arms it on the base clock.
// The caller holds the lock.
func (c *HandClock) arm(w *waiter) {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
	if !c.read().Before(w.at) {
		delete(c.waiters, w)
		close(w.done)
		return
	}
	if c.base == nil {
		return
	}
	reached, stop := c.base.At(w.at.Add(-c.ahead))
	given := make(chan struct{})
	var once sync.Once
	w.stop = func() { once.Do(func() { close(given) }); stop() }
	go func() {
		select {
		case <-given:
		case <-reached:
			c.fire(w)
		}
	}()
}

func (c *HandClock) fire(w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, waiting := c.waiters[w]; waiting {
		c.arm(w)
	}
}

func (c *HandClock) drop(w *waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.stop != nil {
		w.stop()
	}
	delete(c.waiters, w)
}
