package httpadapter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// The verbs of the entries.
const (
	VerbSent    = flows.VerbCallSent
	VerbDone    = flows.VerbCallsDone
	VerbRefused = flows.VerbCallRefused
)

// ChainOf is the chain of the calls by a grant; Chain that of an adapter's other calls.
func ChainOf(id flows.RequestID) string { return flows.CallsChain(id) }

// Chain is the chain of the calls to an adapter that need no grant, and of refusals; of
// those at no adapter, where it has no name.
func Chain(id flows.AdapterID) string {
	if id == "" {
		return "calls/adapter"
	}
	return "calls/adapter/" + string(id)
}

// fate is what became of a call.
type fate struct {
	status   int
	received int64
	took     time.Duration
	masked   int    // places where the answer held our credential
	why      string // it did not end well
	begun    bool   // something was passed on
}

func (c *call) chain() string {
	if c.pass.request != "" {
		return ChainOf(c.pass.request)
	}
	return Chain(c.a.ID)
}

// facts are what every entry about the call has. What names something of somebody's is a
// commitment; values of parameters are not kept.
func (c *call) facts() map[string]any {
	me, path := c.by.Actor.Person, c.to.Shown()
	if c.unclear != nil || c.a == nil {
		path, _, _ = strings.Cut(strings.ToValidUTF8(c.r.RequestURI[:min(len(c.r.RequestURI), 300)], "?"), "?")
	}
	f := map[string]any{"method": c.r.Method, "path": flows.Personal{About: me, Value: path}}
	if c.a != nil {
		f["adapter"], f["adapter_hash"] = string(c.a.ID), c.a.Hash
	}
	if len(c.body) > 0 {
		sum := sha256.Sum256(c.body)
		f["body_bytes"] = int64(len(c.body))
		f["body_sha256"] = flows.Personal{About: me, Value: hex.EncodeToString(sum[:])}
	}
	return f
}

// begin writes the entry about the call, and comes back when it is durable.
func (c *call) begin(ctx context.Context) *refusal {
	c.id = c.p.newID()
	f := c.facts()
	f["call"], f["rule"] = c.id, c.pass.rule.String()
	if c.pass.request != "" {
		f["request"], f["target"], f["incident"] = string(c.pass.request), string(c.pass.target), string(c.pass.incident)
	}
	err := c.p.book.write(ctx, c.chain(), flows.Entry{Verb: VerbSent, At: c.p.o.Clock.Now(), Actor: c.by.Actor, Facts: f})
	if err == nil {
		return nil
	}
	c.p.log.ErrorContext(ctx, "record a call before it is sent", "adapter", c.a.ID, "error", err)
	return refuse(CodeUnrecorded, "The call could not be recorded, so it was not sent.").then("Try again in a while; the server's health says what is wrong.")
}

// end has the fate of the call written with the next entries.
func (c *call) end() {
	d := map[string]any{"call": c.id, "status": int64(c.fate.status), "received": c.fate.received, "ms": c.fate.took.Milliseconds()}
	if c.fate.masked > 0 {
		d["masked"] = int64(c.fate.masked)
	}
	if c.fate.why != "" {
		d["why"] = c.fate.why
	}
	c.p.book.later(context.WithoutCancel(c.r.Context()), c.chain(), nil, d)
}

func (p *Proxy) newID() string {
	var raw [12]byte
	p.o.Random(raw[:])
	return "call_" + hex.EncodeToString(raw[:])
}

// book writes entries, a chain at a time: calls that come together share a write, and
// what need not be durable before something else waits for the next one.
type book struct {
	to    Recorder
	clock flows.Clock
	log   *slog.Logger

	mu      sync.Mutex
	lanes   map[string]*lane
	stopped bool
	running sync.WaitGroup
}

// lane is one chain.
type lane struct {
	urgent []waiting
	aside  []flows.Entry
	done   []any
	wake   chan struct{} // the writer waits for something urgent
	failed int           // so many times in a row
}

type waiting struct {
	entry  flows.Entry
	answer chan error
}

// How long what is not urgent waits for company, how many calls one entry tells of, and
// how much is kept while nothing can be written.
const (
	linger     = 100 * time.Millisecond
	mostLinger = 10 * time.Second // while nothing can be written
	mostDone   = 200
	mostAside  = 10000
)

func newBook(to Recorder, clock flows.Clock, log *slog.Logger) *book {
	return &book{to: to, clock: clock, log: log, lanes: map[string]*lane{}}
}

// write writes an entry and waits for it.
func (b *book) write(ctx context.Context, chain string, e flows.Entry) error {
	w := waiting{entry: e, answer: make(chan error, 1)}
	b.add(ctx, chain, func(l *lane) {
		l.urgent = append(l.urgent, w)
		l.rouse()
	})
	return <-w.answer // what has begun to be written cannot be taken back
}

// later writes an entry, or how a call ended, when there is something else to write, or
// soon.
func (b *book) later(ctx context.Context, chain string, e *flows.Entry, done map[string]any) {
	b.add(ctx, chain, func(l *lane) {
		if e != nil && len(l.aside) < mostAside {
			l.aside = append(l.aside, *e)
		}
		if done != nil && len(l.done) < mostAside {
			l.done = append(l.done, done)
		}
		if l.failed == 0 && len(l.aside)+len(l.done) >= mostDone {
			l.rouse()
		}
	})
}

func (b *book) add(ctx context.Context, chain string, put func(*lane)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lanes[chain]
	if l == nil {
		l = &lane{wake: make(chan struct{}, 1)}
		b.lanes[chain] = l
		put(l)
		b.running.Go(func() { b.work(context.WithoutCancel(ctx), chain, l) })
		return
	}
	put(l)
}

// rouse has the writer not wait any longer.
func (l *lane) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// work writes what comes to a lane, until nothing does.
func (b *book) work(ctx context.Context, chain string, l *lane) {
	for {
		b.mu.Lock()
		urgent, rest := len(l.urgent), len(l.aside)+len(l.done)
		switch {
		case urgent == 0 && rest == 0, b.stopped && l.failed > 0 && urgent == 0:
			delete(b.lanes, chain)
			b.mu.Unlock()
			return
		case urgent == 0 && !b.stopped && (l.failed > 0 || rest < mostDone):
			wait := min(linger<<min(l.failed, 10), mostLinger)
			b.mu.Unlock()
			b.pause(l, wait)
			b.mu.Lock()
		}
		entries, taken := l.take(b.clock.Now())
		b.mu.Unlock()
		b.wrote(ctx, chain, l, &taken, b.to.Append(ctx, chain, entries))
	}
}

// wrote tells who waits what became of the write, and keeps what was not written and
// nobody waits for.
func (b *book) wrote(ctx context.Context, chain string, l *lane, taken *lane, err error) {
	b.mu.Lock()
	if err == nil {
		l.failed = 0
	} else {
		l.failed++
		l.aside, l.done = append(taken.aside, l.aside...), append(taken.done, l.done...)
	}
	b.mu.Unlock()
	if err != nil {
		b.log.ErrorContext(ctx, "record calls", "chain", chain, "error", err)
	}
	for _, w := range taken.urgent {
		w.answer <- err
	}
}

// pause waits until something urgent comes, or long enough.
func (b *book) pause(l *lane, wait time.Duration) {
	over, stop := flows.After(b.clock, wait)
	defer stop()
	select {
	case <-l.wake:
	case <-over:
	}
}

// take takes what is there out of the lane, and makes entries of it. The caller holds
// the lock.
func (l *lane) take(now time.Time) (entries []flows.Entry, taken lane) {
	taken = lane{urgent: l.urgent, aside: l.aside, done: l.done}
	l.urgent, l.aside, l.done = nil, nil, nil
	entries = append(entries, taken.aside...)
	for done := taken.done; len(done) > 0; {
		n := min(len(done), mostDone)
		entries = append(entries, flows.Entry{Verb: VerbDone, At: now, Actor: flows.ByEngine(), Facts: map[string]any{"calls": done[:n]}})
		done = done[n:]
	}
	for _, w := range taken.urgent {
		entries = append(entries, w.entry)
	}
	return entries, taken
}

// stop has everything written that is left, until ctx ends.
func (b *book) stop(ctx context.Context) error {
	b.mu.Lock()
	b.stopped = true
	for _, l := range b.lanes {
		l.rouse()
	}
	b.mu.Unlock()
	gone := make(chan struct{})
	go func() { b.running.Wait(); close(gone) }()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
