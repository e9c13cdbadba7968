package slack

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"breakglass/flows"

	"golang.org/x/time/rate"
)

// pacer keeps our calls under Slack's limits, so that Slack never has to say 429. Of
// a method's calls a minute, two fifths may go out at once (twenty cards changed by
// one decision) and three fifths trickle in over the minute: in no minute more than
// Slack allows.
type pacer struct {
	clock   flows.Clock
	maxWait time.Duration
	off     bool

	mu      sync.Mutex
	methods map[string]*rate.Limiter
	places  map[string]*rate.Limiter
	held    map[string]time.Time
}

// A channel takes one message a second; a few at once are let through.
const (
	placeBurst = 5
	maxPlaces  = 4096
)

func newPacer(clock flows.Clock, methods map[string]method, maxWait time.Duration, off bool) *pacer {
	p := &pacer{
		clock: clock, maxWait: maxWait, off: off,
		methods: map[string]*rate.Limiter{}, places: map[string]*rate.Limiter{}, held: map[string]time.Time{},
	}
	for name, m := range methods {
		burst := max(1, m.perMinute*2/5)
		p.methods[name] = rate.NewLimiter(rate.Limit(float64(m.perMinute-burst)/60), burst)
	}
	return p
}

// wait returns when it is the call's turn. It gives up with the context, and at once
// with *flows.Temporary when the turn would come later than maxWait.
func (p *pacer) wait(ctx context.Context, method, place string) error {
	delay, giveBack := p.reserve(method, place)
	if delay <= 0 {
		return nil
	}
	if delay > p.maxWait {
		giveBack()
		return &flows.Temporary{
			After: int(math.Ceil(delay.Seconds())),
			Err:   fmt.Errorf("slack %s was not called: its rate limit is used up for the next %s", method, delay.Round(time.Second)),
		}
	}
	turn, stop := flows.After(p.clock, delay)
	defer stop()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		giveBack()
		return &flows.Temporary{Err: fmt.Errorf("slack %s was not called: %w while waiting for its turn", method, ctx.Err())}
	}
}

// reserve takes a place in the queue and says how long it is.
func (p *pacer) reserve(method, place string) (delay time.Duration, giveBack func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if until, ok := p.held[method]; ok {
		if delay = until.Sub(now); delay <= 0 {
			delete(p.held, method)
		}
	}
	if p.off {
		return delay, func() {}
	}
	var taken []*rate.Reservation
	for _, l := range []*rate.Limiter{p.methods[method], p.place(place, now)} {
		if l == nil {
			continue
		}
		r := l.ReserveN(now, 1)
		taken = append(taken, r)
		delay = max(delay, r.DelayFrom(now))
	}
	return delay, func() {
		for _, r := range taken {
			r.CancelAt(p.clock.Now())
		}
	}
}

// place finds the limit of one channel; those that are full again are forgotten when
// there are many. The caller holds the lock.
func (p *pacer) place(name string, now time.Time) *rate.Limiter {
	if name == "" {
		return nil
	}
	if l := p.places[name]; l != nil {
		return l
	}
	if len(p.places) >= maxPlaces {
		for k, l := range p.places {
			if l.TokensAt(now) >= placeBurst {
				delete(p.places, k)
			}
		}
	}
	l := rate.NewLimiter(1, placeBurst)
	p.places[name] = l
	return l
}

// hold stays away from a method for d, because Slack asked for it.
func (p *pacer) hold(method string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.clock.Now().Add(d); until.After(p.held[method]) {
		p.held[method] = until
	}
}
