package httpadapter

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"breakglass/flows"
	"breakglass/integrations/httpadapter/place"
)

// Root is where adapters are called: Root + NAME + "/" + what is asked of the upstream.
const Root = place.Root

// Grants is the store as the proxy sees it: it is asked at every call.
type Grants interface {
	// Holding reads who holds a target.
	Holding(ctx context.Context, key flows.HoldingKey) (flows.Holding, error)
	// Request reads one request. flows.ErrNotFound.
	Request(ctx context.Context, id flows.RequestID) (flows.Request, error)
	// Requests lists requests, newest first: what there was, to say why there is none.
	Requests(ctx context.Context, f flows.RequestFilter) ([]flows.Request, error)
}

// Recorder keeps audit entries.
type Recorder interface {
	// Append writes entries onto the end of a chain, all or none.
	Append(ctx context.Context, chain string, entries []flows.Entry) error
}

// Members resolves users and groups to people.
type Members interface {
	Members(ctx context.Context, refs []flows.Principal) ([]flows.PersonID, error)
}

// Options are what a Proxy works with; all but EndOnly, Ended, Log, RootCAs and Resolver
// are required.
type Options struct {
	Catalog  func() *flows.Catalog
	Grants   Grants
	Recorder Recorder
	Members  Members
	Clock    flows.Clock
	Random   func([]byte)
	EndOnly  func() string              // why nothing is given right now; empty: all is well
	Ended    func(flows.RequestID) bool // ended from memory, and not recorded yet
	Log      *slog.Logger
	RootCAs  *x509.CertPool // of upstreams; nil: the system's
	Resolver *net.Resolver  // nil: the system's
}

// Caller is who calls, as the door has made sure of it.
type Caller struct {
	Actor   flows.Actor
	Browser bool // by a session: only the console's own pages may call with it
}

// Proxy serves calls to adapters. It opens and starts nothing until the first one.
type Proxy struct {
	o    Options
	log  *slog.Logger
	gate gate
	book *book
	tell tally

	mu      sync.Mutex
	clients map[flows.AdapterID]*client
	watch   watch
}

// New returns a proxy.
func New(o Options) *Proxy {
	if o.EndOnly == nil {
		o.EndOnly = func() string { return "" }
	}
	if o.Ended == nil {
		o.Ended = func(flows.RequestID) bool { return false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Proxy{o: o, log: o.Log}
	p.gate.now = o.Clock.Now
	p.book = newBook(o.Recorder, o.Clock, o.Log)
	p.watch.p, p.tell.p = p, p
	return p
}

// call is one call on its way.
type call struct {
	p  *Proxy
	w  http.ResponseWriter
	r  *http.Request
	rc *http.ResponseController
	by Caller
	a  *flows.Adapter
	to place.Place

	unclear *flows.Refusal // to is not to be read
	id      string         // in the audit
	pass    pass           // the rule that lets it through
	from    string         // the caller's address at the upstream, where From is set
	kind    string         // of the body, as it is sent
	body    []byte
	taken   int64 // of the share of memory for bodies

	fly  *flight
	fate fate
}

// Serve makes one call: judged, recorded, sent, and its answer passed on.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, by Caller) {
	c := &call{p: p, w: w, r: r, rc: http.NewResponseController(w), by: by}
	no := c.find()
	if no == nil {
		turn, late := p.gate.enter(c.a, by.Actor.Person)
		if no = late; no == nil {
			defer turn.leave()
			defer c.release()
			no = c.allowed(turn)
		}
	}
	if no == nil {
		no = c.begin(r.Context())
	}
	if no != nil {
		c.refused(no)
		no.answer(w, "")
		return
	}
	c.make()
}

// find finds the adapter.
func (c *call) find() *refusal {
	c.to, c.unclear = readPlace(c.r.RequestURI)
	c.a = c.p.o.Catalog().Adapters[c.to.Adapter]
	switch {
	case c.a == nil && c.unclear != nil:
		return &refusal{Refusal: c.unclear}
	case c.a == nil:
		return refuse(CodeUnknown, "There is no adapter %q. Nothing was sent.", string(c.to.Adapter)).then("Adapters are http_adapter blocks of the configuration.")
	}
	if why := c.p.o.EndOnly(); why != "" {
		return refuse(CodeEndOnly, "Nothing is given right now: %s. The call was not sent.", why)
	}
	return nil
}

// allowed judges the call: its form, where it goes, by which rule, whether there is room
// for it, and its body.
func (c *call) allowed(t *turn) *refusal {
	if c.unclear != nil {
		return &refusal{Refusal: c.unclear}
	}
	if no := c.form(); no != nil {
		return no
	}
	if no := c.judge(); no != nil {
		return no
	}
	if no := t.join(); no != nil {
		return no
	}
	return c.readBody()
}

// make sends a recorded call and passes the answer on; its fate is recorded whatever
// becomes of it.
func (c *call) make() {
	ctx, cancel := context.WithCancelCause(c.r.Context())
	defer cancel(nil)
	begun := c.p.o.Clock.Now()
	c.fly = c.p.watch.add(ctx, c, begun, cancel)
	cut := true
	defer func() {
		c.p.watch.remove(c.fly)
		c.fate.took = c.p.o.Clock.Now().Sub(begun)
		if why := context.Cause(ctx); cut && c.fate.why == "" && why != nil {
			c.fate.why = why.Error()
		}
		c.end()
		if cut && c.fate.begun { // the caller must not take what came for all of it
			panic(http.ErrAbortHandler)
		}
	}()
	resp, mask, no := c.send(ctx)
	if no == nil {
		no, cut = c.passOn(resp, mask)
	}
	if no != nil {
		c.fate.why, cut = string(no.Code), false
		c.p.watch.remove(c.fly) // nothing cuts what is said now
		_ = c.rc.SetWriteDeadline(time.Time{})
		no.answer(c.w, c.id)
	}
}

// Stop cuts what is under way, and writes what is left to be recorded until ctx ends.
func (p *Proxy) Stop(ctx context.Context) error {
	p.watch.stop()
	p.tell.stop(ctx)
	err := p.book.stop(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cl := range p.clients {
		cl.http.CloseIdleConnections()
	}
	return err
}

// Changed tells the proxy of a request that was just changed: calls by a grant that is
// over are cut at once.
func (p *Proxy) Changed(r *flows.Request) { p.watch.changed(r) }

// Cut cuts the calls by a grant that was ended from memory.
func (p *Proxy) Cut(id flows.RequestID) { p.watch.cut(id, errEnded) }

// readPlace takes the target of a request apart, as it came in.
func readPlace(uri string) (place.Place, *flows.Refusal) {
	to, err := place.Read(uri)
	if err != nil {
		return to, flows.Refuse(CodeAmbiguous, "The call was not sent: %s.", err).Then("Write it plainly; nothing is cleaned up here.")
	}
	return to, nil
}
