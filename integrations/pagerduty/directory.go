package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"
)

// thing is an escalation policy or a schedule as PagerDuty lists it.
type thing struct {
	id   string
	name string
	v3   bool // a shift-based schedule
}

// kind is a kind of thing that is asked for by id or name.
type kind int

const (
	aPolicy kind = iota
	aSchedule
)

func (k kind) String() string { return [...]string{"escalation policy", "schedule"}[k] }

// wholePages is how many pages of names are read to know all of them; an account
// with more is asked for each name by itself.
const wholePages = 10

// again is the shortest time between two readings for a name that is not there.
const again = 30 * time.Second

// directory knows which policies and schedules there are, by id and by exact name.
// PagerDuty's own search is fuzzy, so names are compared here.
type directory struct {
	c *Client

	books *recent[bookKey, *book]
	reads *shared[bookKey, *book]
}

// bookKey says what a book holds: everything of a kind, or, in a large account, what
// one search found.
type bookKey struct {
	kind   kind
	search string
}

// book is one reading of names.
type book struct {
	asked  time.Time
	used   atomic.Pointer[time.Time] // when somebody last asked
	grace  time.Time                 // serves on until then, because reading it again failed
	byID   map[string]thing
	byName map[string][]thing
	large  bool // there are too many to know all
	err    error
}

func newDirectory(c *Client) *directory {
	return &directory{c: c, books: newRecent[bookKey, *book](2000), reads: newShared[bookKey, *book](c)}
}

// find is the one thing with that id or exact name. anew reads the names again
// unless that has just been done: something was renamed.
func (d *directory) find(ctx context.Context, k kind, ref string, anew bool) (thing, error) {
	age := d.c.lim.NamesAge
	if anew {
		age = again
	}
	b := d.book(ctx, bookKey{kind: k}, age)
	if b.err == nil && b.large {
		b = d.book(ctx, bookKey{k, ref}, age)
	}
	if b.err != nil {
		return thing{}, fmt.Errorf("look %s %q up: %w", k, tame(ref), b.err)
	}
	t, err := b.pick(k, ref)
	if err != nil && !anew && d.c.clock.Now().Sub(b.asked) > again {
		return d.find(ctx, k, ref, true)
	}
	return t, err
}

func (b *book) fill(things []thing, large bool, err error) {
	b.byID, b.byName, b.large, b.err = make(map[string]thing, len(things)), make(map[string][]thing, len(things)), large, err
	for _, t := range things {
		if _, twice := b.byID[t.id]; twice { // it moved to the next page, or was just upgraded
			continue
		}
		b.byID[t.id] = t
		b.byName[t.name] = append(b.byName[t.name], t)
	}
}

// pick finds ref as an id, else as an exact name that only one thing has.
func (b *book) pick(k kind, ref string) (thing, error) {
	if t, ok := b.byID[ref]; ok {
		return t, nil
	}
	found := b.byName[ref]
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return thing{}, fmt.Errorf("PagerDuty has no %s with the id or exact name %q", k, tame(ref))
	}
	return thing{}, fmt.Errorf("PagerDuty has %d of kind %s named %q (%s, %s, …); use the id", len(found), k, tame(ref), found[0].id, found[1].id)
}

// book is a reading no older than age.
func (d *directory) book(ctx context.Context, key bookKey, age time.Duration) *book {
	now := d.c.clock.Now()
	b, ok := d.books.get(key)
	if !ok || !fresh(b.asked, now, age) && !now.Before(b.grace) {
		var err error
		b, err = d.reads.get(ctx, key, func(ctx context.Context) *book { return d.read(ctx, key, true) })
		if err != nil {
			return &book{err: err}
		}
	}
	b.used.Store(&now)
	return b
}

// read fills a book. When that fails, the old one serves on for a while, up to three
// times the usual age.
func (d *directory) read(ctx context.Context, key bookKey, click bool) *book {
	b := &book{asked: d.c.clock.Now()}
	old, had := d.books.get(key)
	if had {
		b.used.Store(old.used.Load())
	}
	things, large, err := d.c.listThings(ctx, key.kind, key.search, click)
	b.fill(things, large, err)
	defer d.c.stats.nameReads.Add(1)
	if b.err != nil {
		if !had || !errorIsTemporary(b.err) || !fresh(old.asked, b.asked, 3*d.c.lim.NamesAge) {
			return b
		}
		d.c.log.Warn("pagerduty: names could not be read again; the last reading serves on", "err", b.err)
		kept := &book{asked: old.asked, grace: b.asked.Add(again), byID: old.byID, byName: old.byName, large: old.large}
		kept.used.Store(old.used.Load())
		b = kept
	}
	d.books.put(key, b)
	return b
}

// due reads again, before they are too old, the names that were used of late, and
// says when to look next.
func (d *directory) due(ctx context.Context, now time.Time) time.Time {
	next := now.Add(time.Hour)
	for k := aPolicy; k <= aSchedule; k++ {
		key := bookKey{kind: k}
		b, ok := d.books.get(key)
		if !ok || b.used.Load() == nil || now.Sub(*b.used.Load()) > d.c.lim.KeepFresh {
			continue
		}
		at := later(b.asked.Add(d.c.lim.NamesAge*8/10), b.grace)
		if now.Before(at) {
			next = earlier(next, at)
			continue
		}
		d.reads.begin(ctx, key, func(ctx context.Context) *book { return d.read(ctx, key, false) })
		next = earlier(next, now.Add(again))
	}
	return next
}

// listThings reads all policies or schedules, or those that match a search. Schedules
// live in two lists, of layer-based and of shift-based ones.
func (c *Client) listThings(ctx context.Context, k kind, search string, click bool) (all []thing, large bool, err error) {
	sources := []struct {
		path, key string
		v3        bool
	}{{"/escalation_policies", "escalation_policies", false}}
	if k == aSchedule {
		sources[0].path, sources[0].key = "/schedules", "schedules"
		sources = append(sources, sources[0])
		sources[1].path, sources[1].v3 = "/v3/schedules", true
	}
	if search != "" && isID(search) {
		if t, err := c.thingByID(ctx, sources[0].path, k, search, click); !isNoSuch(err) {
			return []thing{t}, false, err
		}
	}
	for _, s := range sources {
		q := url.Values{}
		if search != "" && !s.v3 {
			q.Set("query", search)
		}
		pages := wholePages
		if search != "" {
			pages = c.lim.MaxPages
		}
		_, err := c.list(ctx, get(s.path, q, click), s.key, pages, func(v value, _ time.Time) {
			name := v.maybe("name").maybeText()
			if name == "" {
				name = v.maybe("summary").maybeText()
			}
			all = append(all, thing{id: v.at("id").id(), name: name, v3: s.v3})
		})
		var tooMany *errTooMany
		switch {
		case search == "" && errors.As(err, &tooMany):
			return nil, true, nil
		case s.v3 && isNoSuch(err): // an account or proxy without shift-based schedules
		case err != nil:
			return nil, false, err
		}
	}
	return all, false, nil
}

// thingByID reads one thing. A shift-based schedule is found at its own path; the
// other path then says 404.
func (c *Client) thingByID(ctx context.Context, path string, k kind, id string, click bool) (thing, error) {
	key := [...]string{"escalation_policy", "schedule"}[k]
	doc, _, err := c.one(ctx, get(path+"/"+id, nil, click))
	v3 := false
	if k == aSchedule && err != nil && !errorIsTemporary(err) {
		v3 = true
		doc, _, err = c.one(ctx, get("/v3/schedules/"+id, nil, click))
	}
	if err != nil {
		return thing{}, err
	}
	v := doc.at(key)
	t := thing{id: v.at("id").id(), name: v.maybe("name").maybeText(), v3: v3}
	if t.id != id {
		v.fail("is not the one that was asked for")
	}
	return t, doc.err()
}

// waiting says why a wait ended: a deadline is not a person who gave up.
func waiting(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer before the deadline: %w", ctx.Err())
	}
	return fmt.Errorf("the question was given up: %w", ctx.Err())
}
