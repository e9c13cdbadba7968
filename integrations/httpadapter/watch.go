package httpadapter

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"breakglass/flows"
)

// Why calls are cut.
var (
	errEnded    = errors.New("the access ended")
	errSlow     = errors.New("the upstream did not answer in time")
	errIdle     = errors.New("nothing came for too long")
	errLong     = errors.New("it lasted too long")
	errStopping = errors.New("the server stopped")
)

// watch ends calls that are under way: those by a grant that is over, and those that take
// too long. It looks while there is something to look at.
type watch struct {
	p *Proxy

	mu      sync.Mutex
	flights map[*flight]struct{}
	looking bool
	stopped bool
}

// How often it looks, and after how many looks in vain at a grant its calls are cut.
const (
	lookEvery  = 200 * time.Millisecond
	mostUnread = 4
)

// flight is one call under way.
type flight struct {
	cancel context.CancelCauseFunc
	cause  func() error // why it was cut; nil: it was not
	rc     *http.ResponseController
	base   *url.URL
	pass   pass
	limits flows.AdapterLimits
	since  time.Time
	last   atomic.Int64 // something moved last, unix nanoseconds; zero: not answered yet
}

// moved notes that something came or went.
func (f *flight) moved(now time.Time) { f.last.Store(now.UnixNano()) }

// add begins to watch a call. Its connection has no deadlines of its own from then on.
func (w *watch) add(ctx context.Context, c *call, now time.Time, cancel context.CancelCauseFunc) *flight {
	f := &flight{cause: func() error { return context.Cause(ctx) }, cancel: cancel, rc: c.rc, pass: c.pass, limits: c.a.Limits, since: now}
	_, _ = c.rc.SetReadDeadline(time.Time{}), c.rc.SetWriteDeadline(time.Time{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		cancel(errStopping)
		return f
	}
	if w.flights == nil {
		w.flights = map[*flight]struct{}{}
	}
	w.flights[f] = struct{}{}
	if !w.looking {
		w.looking = true
		go w.look(context.WithoutCancel(ctx))
	}
	return f
}

func (w *watch) remove(f *flight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.flights, f)
}

// end cuts a call: the upstream's side by its context, the caller's by deadlines that
// have passed. The caller of end holds the lock, so that the call is still there.
func (f *flight) end(why error) {
	f.cancel(why)
	_, _ = f.rc.SetReadDeadline(longAgo()), f.rc.SetWriteDeadline(longAgo())
}

// cut cuts the calls by a grant.
func (w *watch) cut(id flows.RequestID, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for f := range w.flights {
		if f.pass.request == id {
			f.end(why)
		}
	}
}

// changed cuts the calls by a grant that is over.
func (w *watch) changed(r *flows.Request) {
	if r.State != flows.StateActive {
		w.cut(r.ID, errEnded)
	}
}

// stop cuts everything, and lets nothing begin.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	for f := range w.flights {
		f.end(errStopping)
	}
}

// look looks again and again, until nothing is under way.
func (w *watch) look(ctx context.Context) {
	unread := map[flows.RequestID]int{}
	for {
		over, stop := flows.After(w.p.o.Clock, lookEvery)
		<-over
		stop()
		grants := w.late()
		if grants == nil {
			return
		}
		for id := range unread {
			if !grants[id] {
				delete(unread, id)
			}
		}
		for id := range grants {
			w.again(ctx, id, unread)
		}
	}
}

// late cuts the calls that take too long or whose grant has come to its end, and lists
// the grants of the others; nil when nothing is under way.
func (w *watch) late() map[flows.RequestID]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.flights) == 0 {
		w.looking = false
		return nil
	}
	now := w.p.o.Clock.Now()
	grants := map[flows.RequestID]bool{}
	for f := range w.flights {
		if why := f.over(now); why != nil {
			f.end(why)
		} else if f.pass.request != "" {
			grants[f.pass.request] = true
		}
	}
	return grants
}

// over says why a call is over by now; nil while it is not.
func (f *flight) over(now time.Time) error {
	last := f.last.Load()
	switch {
	case f.pass.request != "" && !now.Before(f.pass.ends):
		return errEnded
	case now.Sub(f.since) >= f.limits.Lasts:
		return errLong
	case last == 0 && now.Sub(f.since) >= f.limits.Wait:
		return errSlow
	case last != 0 && now.Sub(time.Unix(0, last)) >= f.limits.Idle:
		return errIdle
	}
	return nil
}

// again reads a grant again: another replica may have ended it. One that cannot be read
// for a while is taken for ended.
func (w *watch) again(ctx context.Context, id flows.RequestID, unread map[flows.RequestID]int) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := w.p.o.Grants.Request(ctx, id)
	switch {
	case err != nil:
		if unread[id]++; unread[id] >= mostUnread {
			w.cut(id, errEnded)
		}
		return
	case w.p.active(&r, r.Content.Beneficiary, r.Content.Target):
		unread[id] = 0
	default:
		w.cut(id, errEnded)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for f := range w.flights {
		if f.pass.request == id {
			f.pass.ends = r.EndsAt
		}
	}
}
