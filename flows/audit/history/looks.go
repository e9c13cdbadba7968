package history

import (
	"context"
	"sync"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/query"
)

// Recorder writes entries that belong to no request.
type Recorder interface {
	Record(ctx context.Context, chain string, e flows.Entry, fin flows.Finish) error
}

const (
	turning  = time.Hour // how long the pages of an answer may be turned under one entry
	mostOpen = 1000      // answers that are remembered
)

// Looks records looks, one for an answer however many pages of it are turned: a later
// page needs no entry of its own while this process remembers the one that covers it. The
// zero value is ready; each door has its own.
type Looks struct {
	mu   sync.Mutex
	open map[string]opened
}

// opened is a look that was recorded, and the time that it asked for.
type opened struct{ at, since, until time.Time }

// Record records a look, unless it turns a page of what was recorded.
func (l *Looks) Record(ctx context.Context, to Recorder, now time.Time, a Asker, look Look) error {
	key, this := look.key(a), opened{now, look.Search.Since, look.Search.Until}
	if look.Onward && l.covers(key, this) {
		return nil
	}
	err := to.Record(ctx, "system", look.Entry(a), flows.Finish{})
	if err == nil {
		l.keep(key, this)
	}
	return err
}

// key is who asks for what, from where; not within which time.
func (l Look) key(a Asker) string {
	f := l.Search
	f.Since, f.Until = time.Time{}, time.Time{}
	all := ""
	if a.All {
		all = "all"
	}
	key := ""
	for _, part := range [...]string{string(a.Person), all, string(a.Door), a.Trace, a.From, l.What, l.Form, string(l.Request), query.Write(f)} {
		key += part + "\n"
	}
	return key
}

// covers reports whether a look that was recorded asked for all that this one asks for.
// ("last 30d" begins a little later on each page.)
func (l *Looks) covers(key string, this opened) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, is := l.open[key]
	return is && this.at.Sub(was.at) < turning && !this.at.Before(was.at) && !this.since.Before(was.since) &&
		(was.until.IsZero() || !this.until.IsZero() && !this.until.After(was.until))
}

func (l *Looks) keep(key string, this opened) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil || len(l.open) >= mostOpen { // forgetting costs an entry more, no more than that
		l.open = map[string]opened{}
	}
	l.open[key] = this
}
