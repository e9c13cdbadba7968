package app

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"breakglass/flows"
)

// lifeline remembers what access is live, so that it ends on time while the store
// does not write: it sees every outcome on its way to the store. What it ended is
// recorded when the store writes again.
type lifeline struct {
	flows.Ledger // the store
	clock        flows.Clock
	log          *slog.Logger
	end          func(context.Context, flows.Record) error // at the target

	changed func(*flows.Request)  // told what the store took; nil: nobody
	gone    func(flows.RequestID) // told what the kill switch ended from memory; nil: nobody

	mu    sync.Mutex
	live  map[flows.RequestID]*strand
	held  map[flows.HoldingKey]flows.Holding
	owed  map[flows.RequestID]time.Duration // what a clock that jumped back gave too much
	ended map[flows.RequestID]time.Time     // from memory, not recorded yet
	cut   map[flows.RequestID]order         // by the kill switch, not recorded yet
}

// order is who had access ended from memory, and why.
type order struct {
	by  flows.Actor
	why flows.Text
}

// strand is one live request.
type strand struct {
	req   flows.Request
	ends  time.Time
	tries int
	next  time.Time
}

func newLifeline(l flows.Ledger, clock flows.Clock, log *slog.Logger) *lifeline {
	return &lifeline{
		Ledger: l, clock: clock, log: log, live: map[flows.RequestID]*strand{}, held: map[flows.HoldingKey]flows.Holding{},
		owed: map[flows.RequestID]time.Duration{}, ended: map[flows.RequestID]time.Time{},
		cut: map[flows.RequestID]order{},
	}
}

// Apply implements flows.Ledger: what the store took is remembered.
func (l *lifeline) Apply(ctx context.Context, c flows.Change) ([]flows.Job, error) {
	jobs, err := l.Ledger.Apply(ctx, c)
	if err == nil {
		l.remember(c.Request, c.Holding)
		if c.Request != nil && l.changed != nil {
			l.changed(c.Request)
		}
	}
	return jobs, err
}

// load reads what is live, as other processes left it.
func (l *lifeline) load(ctx context.Context, list func(context.Context, flows.RequestFilter) ([]flows.Request, error)) error {
	filter := flows.RequestFilter{States: []flows.State{flows.StateGranting, flows.StateActive, flows.StateEnding}, Limit: 500}
	for {
		page, err := list(ctx, filter)
		if err != nil {
			return err
		}
		for i := range page {
			h, err := l.Holding(ctx, page[i].Content.Key())
			if err != nil {
				return err
			}
			l.remember(&page[i], &h)
			filter.Before = page[i].ID
		}
		if len(page) < filter.Limit {
			return nil
		}
	}
}

func (l *lifeline) remember(r *flows.Request, h *flows.Holding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h != nil && h.Version >= l.held[h.Key].Version {
		l.held[h.Key] = *h
	}
	if r == nil {
		return
	}
	switch s := l.live[r.ID]; {
	case r.State.Final():
		delete(l.live, r.ID)
		delete(l.owed, r.ID)
	case r.State.Live() && r.State != flows.StateApproved && (s == nil || s.req.Version < r.Version):
		l.live[r.ID] = &strand{req: *r, ends: r.Due()}
	}
}

// pull ends at the targets what is due by now.
func (l *lifeline) pull(ctx context.Context) {
	var wg sync.WaitGroup
	for _, rec := range l.due() {
		wg.Go(func() {
			err := l.end(ctx, rec)
			l.mu.Lock()
			defer l.mu.Unlock()
			s := l.live[rec.Request.ID]
			switch {
			case err == nil:
				l.ended[rec.Request.ID] = l.clock.Now()
				l.log.Warn("ended at the target from memory, since the store does not write", "request", rec.Request.ID)
			case s != nil:
				s.tries++
				s.next = l.clock.Now().Add(min(time.Second<<min(s.tries, 5), 30*time.Second))
				l.log.Error("end access from memory", "request", rec.Request.ID, "tries", s.tries, "error", err)
			}
		})
	}
	wg.Wait()
}

// due lists what has to be ended and is not, unless somebody's other grant carries
// the access on.
func (l *lifeline) due() []flows.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	over := func(s *strand) bool { return s.req.State == flows.StateEnding || !now.Before(s.ends) }
	carried := map[flows.HoldingKey]bool{}
	for id, s := range l.live {
		key := s.req.Content.Key()
		if own, known := l.held[key].Of(id); !over(s) && (!known || !own.Unused) { // what was never given carries nothing on
			carried[key] = true
		}
	}
	var out []flows.Record
	for id, s := range l.live {
		_, done := l.ended[id]
		key := s.req.Content.Key()
		if over(s) && !done && !carried[key] && !now.Before(s.next) {
			out = append(out, flows.Record{Request: s.req, Holding: l.held[key]})
		}
	}
	return out
}

// settle records what was ended from memory, and brings forward the ends that a clock
// which jumped back had moved away.
func (l *lifeline) settle(ctx context.Context, e *flows.Engine) {
	l.mu.Lock()
	ended, owed, cut := maps.Clone(l.ended), maps.Clone(l.owed), maps.Clone(l.cut)
	l.mu.Unlock()
	for id, o := range cut {
		if l.settled(id, finish(ctx, e, id, o), func() { delete(l.cut, id) }) != nil {
			return
		}
	}
	for id, at := range ended {
		err := e.Record(ctx, "system", flows.Entry{Verb: "ended_from_memory", Actor: flows.ByEngine(), Facts: map[string]any{
			"request": string(id), "at": at.UnixMilli(),
		}}, flows.Finish{})
		if l.settled(id, err, func() { delete(l.ended, id) }) != nil {
			return
		}
	}
	for id, by := range owed {
		_, err := e.Aside(ctx, id, flows.Finish{}, func(r flows.Request, f flows.Facts, now time.Time) flows.Outcome {
			return flows.JumpedBack(r, f, now, by)
		})
		if l.settled(id, err, func() { delete(l.owed, id) }) != nil {
			return
		}
	}
}

// finish has what the kill switch ended from memory end in the store, too.
func finish(ctx context.Context, e *flows.Engine, id flows.RequestID, o order) error {
	rec, err := e.Load(ctx, id)
	if err != nil {
		return err
	}
	verb := flows.VerbEnd
	if rec.Request.State.Undecided() {
		verb = flows.VerbCancel
	}
	_, err = e.Do(ctx, flows.Command{Verb: verb, ID: id, Cause: flows.EndRevoked, Reason: o.why, Actor: o.by}, flows.Finish{})
	return err
}

func (l *lifeline) settled(id flows.RequestID, err error, forget func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		forget()
	case !errors.Is(err, flows.ErrReadOnly) && !errors.Is(err, context.Canceled):
		l.log.Error("settle what was done while the store did not write", "request", id, "error", err)
	}
	return err
}

// Cut implements flows.Memory.
func (l *lifeline) Cut(id flows.RequestID, by flows.Actor, why flows.Text) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[id] = order{by, why}
	if l.gone != nil {
		l.gone(id)
	}
	if s := l.live[id]; s != nil {
		s.ends, s.next = l.clock.Now(), time.Time{}
	}
}

// Ended implements flows.Memory. What the target was never asked for is over with the
// order.
func (l *lifeline) Ended(id flows.RequestID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ended := l.ended[id]
	_, ordered := l.cut[id]
	return ended || ordered && l.live[id] == nil
}

// jumpedBack owes every live request what the clock gave it too much.
func (l *lifeline) jumpedBack(by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, s := range l.live {
		s.ends = s.ends.Add(-by)
		l.owed[id] += by
	}
}

// The rhythm of the lifeline: how often it looks, and after how many looks it reads
// anew what is live.
const (
	lineEvery = time.Second
	loadEvery = 30

	againEvery = 10 // where the store could not be written at the start
)

// lookBack reads what is live, and the newest time that is stored.
func (a *App) lookBack(ctx context.Context) {
	if err := a.line.load(ctx, a.store.Requests); err != nil {
		a.log.ErrorContext(ctx, "read what is live", "error", err)
	}
	if at, err := a.store.LastSeen(ctx); err != nil {
		a.log.ErrorContext(ctx, "read the newest time", "error", err)
	} else {
		a.guard.since(at)
	}
}

// holdLine works the lifeline until ctx ends.
func (a *App) holdLine(ctx context.Context) {
	for n := 1; ; n++ {
		tick, stop := flows.After(a.o.Clock, lineEvery)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-tick:
		}
		switch {
		case !a.guard.writes():
			a.line.pull(ctx)
			if a.again != nil && n%againEvery == 0 {
				a.again.try(ctx)
			}
			continue
		case n%loadEvery == 0:
			if err := a.line.load(ctx, a.store.Requests); err != nil && ctx.Err() == nil {
				a.log.ErrorContext(ctx, "read what is live", "error", err)
			}
		}
		a.line.settle(ctx, a.engine)
	}
}
