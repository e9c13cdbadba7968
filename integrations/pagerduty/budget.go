package pagerduty

import (
	"fmt"
	"sync"
	"time"
)

// span is the window that limits are counted over: PagerDuty's minute, and a second
// for what the network may squeeze together.
const span = 61 * time.Second

// spend says what a request is counted as.
type spend struct {
	onCall bool // GET /oncalls, which PagerDuty limits by itself as well
	click  bool // somebody waits on a button: may use the reserve
	again  bool // a retry of a call that was let through
}

// overBudget says that a request was not sent because of our own limits.
type overBudget struct {
	after time.Duration // when to come back
	why   string
}

func (e *overBudget) Error() string {
	return fmt.Sprintf("not asked: %s; next try possible in %s", e.why, e.after.Round(time.Second))
}

// budget counts requests over a sliding window, so that no minute ever holds more
// than the limit, whatever the replicas of a burst do.
type budget struct {
	now     func() time.Time
	reserve int

	mu       sync.Mutex
	all      window
	onCalls  window
	shut     time.Time // PagerDuty asked to be left alone until then
	refused  int64
	lastTime time.Time
}

func newBudget(now func() time.Time, l Limits) *budget {
	return &budget{
		now: now, reserve: l.ClickReserve,
		all:     window{at: make([]time.Time, l.PerMinute)},
		onCalls: window{at: make([]time.Time, l.OnCallsPerMinute)},
	}
}

// take counts one request, or says why it must not be sent.
func (b *budget) take(s spend) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.read()
	if now.Before(b.shut) && !s.click && !s.again {
		b.refused++
		return &overBudget{b.shut.Sub(now), "PagerDuty asked for a pause (rate limit)"}
	}
	keep := b.reserve
	if s.click {
		keep = 0
	}
	if wait := b.all.wait(now, keep); wait > 0 {
		b.refused++
		return &overBudget{wait, "the request budget of this minute is used up"}
	}
	if s.onCall {
		if wait := b.onCalls.wait(now, keep); wait > 0 {
			b.refused++
			return &overBudget{wait, "the on-call request budget of this minute is used up"}
		}
		b.onCalls.add(now)
	}
	b.all.add(now)
	return nil
}

// read is the current time. When the clock has jumped back, what was counted is
// taken as counted now: too careful for a minute, and never for longer.
func (b *budget) read() time.Time {
	now := b.now()
	if now.Before(b.lastTime) {
		b.all.clamp(now)
		b.onCalls.clamp(now)
		if b.shut.After(now.Add(span)) {
			b.shut = now.Add(span)
		}
	}
	b.lastTime = now
	return now
}

// pause shuts the budget for all but clicks.
func (b *budget) pause(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := b.read().Add(min(d, span)); until.After(b.shut) {
		b.shut = until
	}
}

// left is how many requests may still be sent now by a click.
func (b *budget) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all.forget(b.read())
	return len(b.all.at) - b.all.n
}

// window remembers when the last requests went out, in a ring as long as the limit.
type window struct {
	at    []time.Time
	first int
	n     int
}

func (w *window) forget(now time.Time) {
	for w.n > 0 && now.Sub(w.at[w.first]) > span {
		w.first = (w.first + 1) % len(w.at)
		w.n--
	}
}

// wait is how long until one more fits beside keep that are held back; 0: now.
func (w *window) wait(now time.Time, keep int) time.Duration {
	w.forget(now)
	room := len(w.at) - keep
	if w.n < room {
		return 0
	}
	oldest := w.at[(w.first+w.n-max(room, 1))%len(w.at)]
	return max(oldest.Add(span).Sub(now), 0) + 1
}

func (w *window) add(now time.Time) {
	w.at[(w.first+w.n)%len(w.at)] = now
	w.n++
}

func (w *window) clamp(now time.Time) {
	for i := range w.n {
		if at := &w.at[(w.first+i)%len(w.at)]; at.After(now) {
			*at = now
		}
	}
}
