package flows_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/store"
	"breakglass/store/storetest"
)

// TestListsOfHistories: whatever happens to requests, the store's rows that they are found
// by are those that follow from them: while many write, after it, and whoever is erased.
func TestListsOfHistories(t *testing.T) {
	t.Parallel()
	for engine, dsn := range map[string]func() string{
		"sqlite":   func() string { return filepath.Join(t.TempDir(), "lists.db") },
		"postgres": func() string { return storetest.Postgres(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			st, err := store.Open(t.Context(), store.Options{DSN: dsn(), Migrate: true, Now: func() time.Time { return start }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = st.Close() })
			l := &listing{T: t, st: st}
			l.beside(func() { l.play(map[bool]uint64{false: 36, true: 10}[raceDetector]) })
			l.holds("after all histories")
			l.beside(l.erase)
			l.holds("after erasures")
			if !l.enough() || l.erased == 0 {
				t.Errorf("of %d requests approvals were dropped, %d moved twice, %d people were erased: too little happened", l.dropped, l.moved, l.erased)
			}
		})
	}
}

// listing is a store that histories are written to.
type listing struct {
	*testing.T
	st *store.Store

	mu                     sync.Mutex
	dropped, moved, erased int
}

// beside holds the lists, again and again, while something is done.
func (l *listing) beside(do func()) {
	l.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	for {
		if l.holds("beside what is written"); l.Failed() {
			<-done
			return
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// holds wants nothing found in a list. Holdings and jobs are not written: what is found of
// requests that are not over is something else.
func (l *listing) holds(when string) {
	l.Helper()
	err := l.st.HoldAll(l.Context(), func(what string) {
		if strings.Contains(what, "(table ") {
			l.Errorf("%s: %s", when, what)
		}
	})
	if err != nil {
		l.Error(err)
	}
}

// enough reports whether what the histories are for has happened.
func (l *listing) enough() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped > 0 && l.moved > 0
}

// play plays histories, some at a time, and writes them: n of them, and as many more as it
// takes until enough has happened.
func (l *listing) play(n uint64) {
	var next atomic.Uint64
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for seed := next.Add(1); seed <= n || seed <= 50*n && !l.enough(); seed = next.Add(1) {
				var h *history
				err := play(seed, 40, func(played *history) {
					h = played
					h.reviews, h.extends = seed%3 == 0, seed%2 == 0
					h.scope = flows.Scope(fmt.Sprint(seed))
					h.unrest()
					h.mem.Wrote = func(c flows.Change) { l.write(h, c) }
				})
				if err != nil {
					l.Error(err)
					return
				}
				for id, r := range h.mem.Requests {
					if r.ReviewIs() == flows.ReviewOpen {
						had := len(h.mem.Chains[string(id)])
						r, chain := looked(l.T, h, r, h.mem.Chains[string(id)])
						h.mem.Chains[string(id)] = chain
						l.write(h, flows.Change{Request: &r, Entries: chain[had:]})
					}
					l.count(h, r)
				}
			}
		})
	}
	all.Wait()
}

// unrest has incidents merge into others now and then, and the flow change once somebody
// has approved: then approvals are dropped.
func (h *history) unrest() {
	for i, id := range []flows.IncidentID{"INC1", "INC2", "INC3"} {
		h.IncidentsAt[id] = flows.Incident{ID: id, Number: i + 1, Status: flows.IncidentTriggered}
	}
	show := h.kinds[flows.JobCard]
	h.kinds[flows.JobCard] = func(ctx context.Context, j flows.Job) error {
		if n := h.Seed.IntN(8); n < 2 {
			from := h.IncidentsAt[flows.IncidentID(fmt.Sprintf("INC%d", n+1))]
			from.MergedInto = flows.IncidentID(fmt.Sprintf("INC%d", n+2))
			h.IncidentsAt[from.ID] = from
			_ = h.jobs.Reread(ctx, from.ID, flows.Finish{})
		}
		for _, r := range h.mem.Requests {
			if r.State == flows.StatePending && len(r.Votes) > 0 {
				h.Catalog = catalog("f4")
			}
		}
		return show(ctx, j)
	}
}

// write writes what was written in memory, but for what does not concern lists.
func (l *listing) write(h *history, c flows.Change) {
	if c.Request == nil {
		return
	}
	written := flows.Change{Request: c.Request, Entries: c.Entries, Cancel: c.Cancel}
	for _, j := range c.Jobs {
		if j.Kind == flows.JobRevoke {
			j.LeasedTo = ""
			written.Jobs = append(written.Jobs, j)
		}
	}
	if _, err := l.st.Apply(l.Context(), written); err != nil {
		l.Errorf("write %s: %v", c.Request.ID, err)
	}
}

// count notes what the histories have come to.
func (l *listing) count(h *history, r flows.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	steps := map[string]int{}
	for _, e := range h.mem.Chains[string(r.ID)] {
		steps[e.Verb]++
	}
	if steps[string(flows.VerbApprove)] > len(r.Votes) {
		l.dropped++
	}
	if steps["incident_merged"] > 1 {
		l.moved++
	}
}

// erase erases some of the company, one after the other.
func (l *listing) erase() {
	for i, p := range []flows.PersonID{sam, hana, noor, dana} {
		if err := l.eraseOne(p, flows.PersonID(fmt.Sprintf("erased/0%d", i))); err != nil {
			l.Errorf("erase %s: %v", p, err)
			return
		}
		l.erased++
	}
}

func (l *listing) eraseOne(p, pseudonym flows.PersonID) error {
	foot, err := l.st.Footprint(l.Context(), p, "")
	if err != nil {
		return err
	}
	head, err := l.st.ChainHead(l.Context(), "system")
	if err != nil {
		return err
	}
	sealed, _, err := flows.Seal("system", head, []flows.Entry{{Verb: flows.VerbErased, At: start, Actor: flows.ByEngine()}}, func([]byte) {})
	if err != nil {
		return err
	}
	_, err = l.st.Erase(l.Context(), flows.Erasure{Person: p, Pseudonym: pseudonym, Footprint: foot, Change: flows.Change{Chain: "system", Entries: sealed}})
	return err
}
