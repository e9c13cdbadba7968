package httpadapter

import (
	"context"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// tally keeps the record of refusals small that a caller can cause as fast as they send:
// the first of a caller at an adapter for one reason is written as it comes, those that
// follow by their number, once a window.
type tally struct {
	p *Proxy

	mu      sync.Mutex
	kept    map[tallyKey]*repeats
	quit    chan struct{} // while it looks
	stopped bool
}

// tallyKey is what is counted together. What is more than the tally takes is counted by
// its code alone.
type tallyKey struct {
	caller  flows.PersonID
	adapter flows.AdapterID
	code    flows.Code
}

// repeats are refusals that were not written one by one.
type repeats struct {
	more   int // since the last entry
	since  time.Time
	latest flows.Entry
	window time.Duration
	due    time.Time
}

// The window begins short and doubles while refusals go on: somebody who never stops
// fills a line each ten minutes.
const (
	firstWindow = time.Minute
	lastWindow  = 10 * time.Minute
	mostTallied = 2048
)

// mostPath is how much of the path of a refused call is kept.
const mostPath = 1000

// refused has a refusal written with the next entries, or counted.
func (c *call) refused(no *refusal) {
	f := c.facts()
	if p, ok := f["path"].(flows.Personal); ok {
		if p.Value = withoutPass(p.Value); len(p.Value) > mostPath {
			p.Value = strings.ToValidUTF8(p.Value[:mostPath], "") + "…" // a database takes no half characters
		}
		f["path"] = p
	}
	if no.target != "" {
		f["target"], f["rule"] = string(no.target), no.rule.String()
	}
	e := flows.Entry{Verb: VerbRefused, At: c.p.o.Clock.Now(), Actor: c.by.Actor, Code: no.Code, Facts: f}
	ctx := context.WithoutCancel(c.r.Context())
	k := tallyKey{caller: c.by.Actor.Person, code: no.Code}
	if c.a != nil {
		k.adapter = c.a.ID
	}
	if c.a == nil || isFlood(no.Code) {
		if !c.p.tell.first(ctx, k, &e) {
			return
		}
	}
	c.p.book.later(ctx, Chain(k.adapter), &e, nil)
}

// isFlood reports whether refusals by the code are not held back by the caller's own
// share of the adapter.
func isFlood(code flows.Code) bool {
	switch code {
	case CodeTooFast, CodeTooMany, CodeBusy, CodeEndOnly, CodeUnrecorded, CodeFault:
		return true
	}
	return false
}

// first reports whether a refusal is to be written as it is; others are counted.
func (t *tally) first(ctx context.Context, k tallyKey, e *flows.Entry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		t.kept = map[tallyKey]*repeats{}
	}
	r := t.kept[k]
	if r == nil && len(t.kept) >= mostTallied {
		k = tallyKey{code: k.code}
		r = t.kept[k]
	}
	if r == nil {
		t.kept[k] = &repeats{window: firstWindow, due: e.At.Add(firstWindow)}
		if t.quit == nil && !t.stopped {
			t.quit = make(chan struct{})
			go t.look(ctx, t.quit)
		}
		return true
	}
	if r.more++; r.more == 1 {
		r.since = e.At
	}
	r.latest = *e
	return false
}

// look writes the numbers of windows that are over, until nothing is counted.
func (t *tally) look(ctx context.Context, quit <-chan struct{}) {
	for {
		over, stop := flows.After(t.p.o.Clock, firstWindow)
		select {
		case <-over:
		case <-quit:
			stop()
			return
		}
		if !t.write(ctx, t.p.o.Clock.Now(), false) {
			return
		}
	}
}

// write has the numbers written of the windows that are over, or of all; it reports
// whether anything is still counted.
func (t *tally) write(ctx context.Context, now time.Time, all bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, r := range t.kept {
		switch {
		case now.Before(r.due) && !all:
		case r.more == 0:
			delete(t.kept, k)
		default:
			t.p.book.later(ctx, Chain(k.adapter), r.entry(k), nil)
			r.more, r.window = 0, min(2*r.window, lastWindow)
			r.due = now.Add(r.window)
		}
	}
	if len(t.kept) == 0 {
		t.quit = nil
	}
	return len(t.kept) > 0
}

// entry tells of the repeats: how many since when, and what the latest was.
func (r *repeats) entry(k tallyKey) *flows.Entry {
	e := r.latest
	e.Facts["times"], e.Facts["since"] = int64(r.more), r.since.UnixMilli()
	if k.caller == "" { // several people's
		e.Actor, e.Facts = flows.ByEngine(), map[string]any{"times": int64(r.more), "since": r.since.UnixMilli()}
	}
	return &e
}

// stop has everything written that was counted.
func (t *tally) stop(ctx context.Context) {
	t.write(ctx, t.p.o.Clock.Now(), true)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.quit != nil {
		close(t.quit)
		t.quit = nil
	}
}
