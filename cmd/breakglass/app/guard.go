package app

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"breakglass/flows"
	"breakglass/store"
)

// leaseFor is how long a job belongs to this process unless it says that it is still
// at it. A replica that is killed keeps its jobs from the others for as long, so it is
// short; and it is longer than clocks may differ, so that nobody takes a fresh one.
const leaseFor = maxSkew + 3*time.Second

// maxSkew is how far the clock may be off the database's, or jump back.
const maxSkew = 5 * time.Second

// guardEvery is how often the guard looks.
const guardEvery = 2 * time.Second

// guard knows why nothing may be given right now. While it has a reason the program
// is in end-only mode: it ends what is due and shows how things stand.
type guard struct {
	clock flows.Clock
	store *store.Store
	log   *slog.Logger

	jumped func(by time.Duration) // told when the clock has jumped back

	mu   sync.Mutex
	why  map[string]string
	held map[string]bool // reasons that stay
	last time.Time       // the latest time that was seen
	prev time.Time       // the time that was seen last
	back time.Duration   // how far the clock jumped back, while the database's clock could not be asked
}

func newGuard(clock flows.Clock, st *store.Store, log *slog.Logger) *guard {
	now := clock.Now()
	return &guard{clock: clock, store: st, log: log, why: map[string]string{}, held: map[string]bool{}, last: now, prev: now}
}

// since tells of the newest time that is stored: a clock that shows less has jumped
// back while the program did not run.
func (g *guard) since(at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at.After(g.last) {
		g.last, g.prev = at, at
	}
}

// writes reports whether the store takes writes, as far as is known.
func (g *guard) writes() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, bad := g.why["store"]
	return !bad
}

// reason is one sentence for people; empty when all is well.
func (g *guard) reason() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.clock.Now(); now.Before(g.last.Add(-maxSkew)) {
		return "the clock of the server jumped back"
	}
	for _, name := range sorted(g.why) {
		return g.why[name]
	}
	return ""
}

func (g *guard) reasons() map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make(map[string]string, len(g.why))
	maps.Copy(out, g.why)
	if g.clock.Now().Before(g.last.Add(-maxSkew)) {
		out["clock"] = "the clock jumped back"
	}
	return out
}

func (g *guard) set(name, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if was := g.why[name]; was != why {
		g.log.Error("nothing is granted from now on: end-only", "what", name, "why", why)
	}
	g.why[name] = why
}

// hold is set, for what only a new start ends.
func (g *guard) hold(name, why string) {
	g.set(name, why)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held[name] = true
}

// release ends a hold, by an admin's word.
func (g *guard) release(name string) {
	g.mu.Lock()
	delete(g.held, name)
	g.mu.Unlock()
	g.clear(name)
}

func (g *guard) clear(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held[name] {
		return
	}
	if _, was := g.why[name]; was {
		delete(g.why, name)
		g.log.Warn("well again", "what", name)
	}
}

// watch looks again and again until ctx ends.
func (g *guard) watch(ctx context.Context) {
	for {
		tick, stop := flows.After(g.clock, guardEvery)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-tick:
			g.look(ctx)
		}
	}
}

// look asks the store whether it writes and what time it has.
func (g *guard) look(ctx context.Context) {
	g.tick()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	switch err := g.store.Health(ctx); {
	case err == nil:
		g.clear("store")
	case errors.Is(err, flows.ErrReadOnly):
		g.set("store", "the database does not write")
	case ctx.Err() == nil:
		g.set("store", "the database does not answer")
	}
	switch _, frozen, err := g.store.Frozen(ctx); {
	case err == nil && frozen:
		g.set("frozen", flows.Frozen)
	case err == nil:
		g.clear("frozen")
	}
	at, err := g.store.Clock(ctx)
	if err != nil {
		return
	}
	if skew := g.clock.Now().Sub(at).Abs(); skew > maxSkew {
		g.set("skew", "the clocks of the server and of the database differ")
		g.takeBack() // ours alone is wrong: the ends stay where they are
		return
	}
	g.clear("skew")
	if by := g.takeBack(); by > 0 {
		g.log.Error("the clock jumped back: access ends as much earlier", "by", by)
		g.jumped(by)
	}
}

// tick notes the time, and how far it has jumped back since it was noted last.
func (g *guard) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	if by := g.prev.Sub(now); by > maxSkew {
		g.back += by
	}
	g.prev = now
	if now.After(g.last) {
		g.last = now
	}
}

func (g *guard) takeBack() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	by := g.back
	g.back = 0
	return by
}

func sorted[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
