package web

import (
	"sync"
	"time"
)

// limiter lets each caller make so many calls at once, and then so many a minute.
type limiter struct {
	now   func() time.Time
	burst float64

	mu      sync.Mutex
	callers map[string]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// How many calls may be made: by a pass, and by an address without one.
const (
	perPass    = 240
	perAddress = 300
	mostKept   = 10000
)

func newLimiter(now func() time.Time, perMinute int) *limiter {
	return &limiter{now: now, burst: float64(perMinute), callers: map[string]*bucket{}}
}

// allow takes one call from a caller's share.
func (l *limiter) allow(who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b := l.callers[who]
	if b == nil {
		if len(l.callers) >= mostKept {
			l.forget(now)
		}
		b = &bucket{left: l.burst, at: now}
		l.callers[who] = b
	}
	b.left = min(l.burst, b.left+l.burst*max(now.Sub(b.at), 0).Minutes())
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// forget drops who has not called for a minute: their share is whole again.
func (l *limiter) forget(now time.Time) {
	for who, b := range l.callers {
		if now.Sub(b.at) >= time.Minute {
			delete(l.callers, who)
		}
	}
}
