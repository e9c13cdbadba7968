package httpadapter

import (
	"sync"
	"time"

	"breakglass/flows"
)

// gate holds callers to the limits of adapters: so many calls a minute and so many at a
// time, of one caller and of all together.
type gate struct {
	now    func() time.Time
	bodies held

	mu     sync.Mutex
	shares map[shareKey]*share
}

// shareKey is one caller at one adapter; nobody stands for all of them together.
type shareKey struct {
	adapter flows.AdapterID
	caller  flows.PersonID
}

// share is what is left of a limit.
type share struct {
	left  float64 // calls that may be made at once
	at    time.Time
	busy  int
	until time.Time // the upstream asked to be left alone until
}

// mostShares is how many are kept before those that are whole again are forgotten.
const mostShares = 4096

// turn is a call's place among those at a time: of its caller's share from the beginning,
// and of the one of all together once it is judged.
type turn struct {
	g         *gate
	a         *flows.Adapter
	mine, all *share // all: nil until join
}

// enter takes a call from the caller's own share, so that nobody is judged faster than
// they may call; leave gives back its place.
func (g *gate) enter(a *flows.Adapter, who flows.PersonID) (*turn, *refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	mine := g.share(shareKey{a.ID, who}, a.Limits.Rate, g.now())
	switch {
	case mine.busy >= a.Limits.Concurrent:
		return nil, tooMany("You have %d calls under way at adapter %s, and more are not taken at a time. The call was not sent.", mine.busy, a.ID)
	case mine.left < 1:
		return nil, tooFast(a, "You make", mine, a.Limits.Rate)
	}
	mine.left, mine.busy = mine.left-1, mine.busy+1
	return &turn{g: g, a: a, mine: mine}, nil
}

// join takes a call that may be made from the share of all together: what is refused
// takes nothing from the others.
func (t *turn) join() (no *refusal) {
	g, a, l := t.g, t.a, t.a.Limits
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	all := g.share(shareKey{a.ID, ""}, l.TotalRate, now)
	switch {
	case now.Before(all.until):
		no = refuse(CodeBusy, "The upstream of adapter %s asked for a pause. The call was not sent.", a.ID).then("Try again later.")
		no.after = all.until.Sub(now)
		return no
	case all.busy >= l.TotalConcurrent:
		return tooMany("Adapter %s has as many calls under way as it takes. The call was not sent.", a.ID)
	case all.left < 1:
		return tooFast(a, "All together make", all, l.TotalRate)
	}
	all.left, all.busy = all.left-1, all.busy+1
	t.all = all
	return nil
}

// leave gives back the place among those at a time.
func (t *turn) leave() {
	t.g.mu.Lock()
	defer t.g.mu.Unlock()
	t.mine.busy--
	if t.all != nil {
		t.all.busy--
	}
}

func tooMany(format string, args ...any) *refusal {
	return refuse(CodeTooMany, format, args...).then("Try again later.")
}

func tooFast(a *flows.Adapter, who string, s *share, rate int) *refusal {
	no := refuse(CodeTooFast, "%s more than %d calls a minute at adapter %s. The call was not sent.", who, rate, a.ID)
	no.after = time.Duration((1 - s.left) * float64(time.Minute) / float64(rate))
	return no.then("Try again later.")
}

// share is what a caller has left now.
func (g *gate) share(k shareKey, rate int, now time.Time) *share {
	if g.shares == nil {
		g.shares = map[shareKey]*share{}
	}
	s := g.shares[k]
	if s == nil {
		if len(g.shares) >= mostShares {
			g.forget(now)
		}
		s = &share{left: float64(rate), at: now}
		g.shares[k] = s
	}
	s.left = min(float64(rate), s.left+float64(rate)*max(now.Sub(s.at), 0).Minutes())
	s.at = now
	return s
}

// forget drops who has not called for a minute: what they have is whole again.
func (g *gate) forget(now time.Time) {
	for k, s := range g.shares {
		if s.busy == 0 && now.Sub(s.at) >= time.Minute && now.After(s.until) {
			delete(g.shares, k)
		}
	}
}

// pause leaves an upstream alone for a while, as it asked.
func (g *gate) pause(id flows.AdapterID, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.shares[shareKey{id, ""}]; s != nil {
		s.until = g.now().Add(min(d, time.Minute))
	}
}
