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

// enter takes a call from both shares; leave gives back its place among those at a time.
func (g *gate) enter(a *flows.Adapter, who flows.PersonID) (leave func(), no *refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, l := g.now(), a.Limits
	mine, all := g.share(shareKey{a.ID, who}, l.Rate, now), g.share(shareKey{a.ID, ""}, l.TotalRate, now)
	switch {
	case now.Before(all.until):
		no = refuse(CodeBusy, "The upstream of adapter %s asked for a pause. The call was not sent.", a.ID)
		no.after = all.until.Sub(now)
	case mine.busy >= l.Concurrent:
		no = refuse(CodeTooMany, "You have %d calls under way at adapter %s, and more are not taken at a time. The call was not sent.", mine.busy, a.ID)
	case all.busy >= l.TotalConcurrent:
		no = refuse(CodeTooMany, "Adapter %s has as many calls under way as it takes. The call was not sent.", a.ID)
	case mine.left < 1:
		no = tooFast(a, "You make", mine, l.Rate)
	case all.left < 1:
		no = tooFast(a, "All together make", all, l.TotalRate)
	}
	if no != nil {
		return nil, no.then("Try again later.")
	}
	mine.left, all.left = mine.left-1, all.left-1
	mine.busy, all.busy = mine.busy+1, all.busy+1
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		mine.busy, all.busy = mine.busy-1, all.busy-1
	}, nil
}

func tooFast(a *flows.Adapter, who string, s *share, rate int) *refusal {
	no := refuse(CodeTooFast, "%s more than %d calls a minute at adapter %s. The call was not sent.", who, rate, a.ID)
	no.after = time.Duration((1 - s.left) * float64(time.Minute) / float64(rate))
	return no
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
