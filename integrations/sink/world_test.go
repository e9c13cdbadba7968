package sink_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/sink"
	"breakglass/store"
	"breakglass/store/storetest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// wall is the real clock.
type wall struct{}

func (wall) Now() time.Time { return time.Now().UTC() }

func (wall) At(t time.Time) (<-chan struct{}, func()) {
	done := make(chan struct{})
	timer := time.AfterFunc(time.Until(t), func() { close(done) })
	return done, func() { timer.Stop() }
}

// bothStores runs a test on each database.
func bothStores(t *testing.T, f func(t *testing.T, o store.Options)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, store.Options{DSN: filepath.Join(t.TempDir(), "a.db"), Now: time.Now})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, store.Options{DSN: storetest.Postgres(t), Now: time.Now, Migrate: true})
	})
}

func open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// write adds n entries to a chain.
func write(ctx context.Context, st *store.Store, chain string, n int) error {
	for range n {
		head, err := st.ChainHead(ctx, chain)
		if err != nil {
			return err
		}
		sealed, _, err := seal(chain, head)
		if err != nil {
			return err
		}
		if _, err := st.Apply(ctx, flows.Change{Chain: chain, Entries: sealed}); err != nil {
			return err
		}
	}
	return nil
}

func seal(chain string, head flows.ChainHead) ([]flows.Sealed, flows.ChainHead, error) {
	return flows.Seal(chain, head, []flows.Entry{{
		Verb: "note", At: noon.Add(time.Duration(head.Len) * time.Second),
		Facts: map[string]any{"n": head.Len, "reason": flows.Personal{About: "T1/UDANA", Value: "it \"burns\"\nü"}},
	}}, func(b []byte) { copy(b, chain) })
}

// leaves are n entries at their places, of two chains in turn.
func leaves(t *testing.T, n int) []flows.Leaf {
	t.Helper()
	heads := map[string]flows.ChainHead{}
	var out []flows.Leaf
	for i := range n {
		chain := fmt.Sprintf("req_%d", i%2)
		sealed, head, err := seal(chain, heads[chain])
		if err != nil {
			t.Fatal(err)
		}
		heads[chain] = head
		out = append(out, flows.Leaf{Index: int64(i), Entry: sealed[0]})
	}
	return out
}

// line is an entry as a receiver reads it.
type line struct {
	Leaf     int64
	Openings []struct{ Path, Salt, Value string }
	Entry    json.RawMessage
}

func (l line) place(t testing.TB) (chain string, seq int64) {
	t.Helper()
	var e struct {
		Chain string
		Seq   int64
	}
	if err := json.Unmarshal(l.Entry, &e); err != nil {
		t.Fatal(err)
	}
	return e.Chain, e.Seq
}

// received is everything a receiver got, in the order in which it came.
type received struct {
	mu    sync.Mutex
	lines []line
	come  chan struct{} // closed when something came
}

func (r *received) add(lines ...line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, lines...)
	if r.come != nil {
		close(r.come)
		r.come = nil
	}
}

// places waits until n different entries came, holds them to their order and gives how
// many came more than once.
func (r *received) places(t *testing.T, n int) (repeated int) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		r.mu.Lock()
		seen := map[int64]bool{}
		for _, l := range r.lines {
			seen[l.Leaf] = true
		}
		come := make(chan struct{})
		r.come = come
		all := r.lines
		r.mu.Unlock()
		if len(seen) >= n {
			inOrder(t, all, n)
			return len(all) - len(seen)
		}
		select {
		case <-come:
		case <-late:
			t.Fatalf("%d of %d entries came", len(seen), n)
		}
	}
}

// inOrder holds that each entry came first after those before it: no gap along the
// tree, and along each chain.
func inOrder(t *testing.T, all []line, n int) {
	t.Helper()
	next, ends := int64(0), map[string]int64{}
	for _, l := range all {
		if l.Leaf > next {
			t.Fatalf("entry %d came before entry %d", l.Leaf, next)
		}
		if l.Leaf < next {
			continue // once more
		}
		next++
		chain, seq := l.place(t)
		if seq != ends[chain]+1 {
			t.Fatalf("entry %d of chain %s came after %d", seq, chain, ends[chain])
		}
		ends[chain] = seq
	}
	if next != int64(n) {
		t.Fatalf("%d entries came, not %d", next, n)
	}
}

// streamTo starts a stream as one replica would; it ends with the test or by stop.
func streamTo(t *testing.T, st *store.Store, spec sink.Spec, owner string, change func(*sink.StreamOptions)) (s *sink.Stream, stop func()) {
	t.Helper()
	to, err := sink.New(spec, sink.Options{Clock: wall{}, Host: "host"})
	if err != nil {
		t.Fatal(err)
	}
	o := sink.StreamOptions{Shelf: st, Cursors: st, Clock: wall{}, Owner: owner, Every: 5 * time.Millisecond, Batch: 16}
	if change != nil {
		change(&o)
	}
	s = sink.NewStream(spec, to, o)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() { defer close(gone); s.Run(ctx) }()
	stop = func() { cancel(); <-gone }
	t.Cleanup(stop)
	return s, stop
}
