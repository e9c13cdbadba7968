package sink_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/sink"
	"breakglass/store"
)

// crowd writes entries to several chains at once.
func crowd(t *testing.T, st *store.Store, chains, each int) {
	t.Helper()
	var all sync.WaitGroup
	for c := range chains {
		all.Go(func() {
			if err := write(t.Context(), st, fmt.Sprintf("req_%d", c), each); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A receiver that fails, loses its answers and takes no large batch gets every entry,
// in order along the tree and along every chain, while others write.
func TestStreamToABadReceiver(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, o store.Options) {
		st := open(t, o)
		r := newReceiver(t, newKey, func(n int) int {
			switch n % 7 {
			case 2:
				return 500
			case 4:
				return 504
			case 5:
				return 413
			}
			return 0
		})
		s, _ := streamTo(t, st, endpoint(r.URL, key(newKey, newKey)), "a", nil)
		crowd(t, st, 4, 20)
		r.places(t, 80)
		if r.places(t, 80) == 0 {
			t.Error("nothing came twice: no answer was lost")
		}
		if s.State().Failed == 0 {
			t.Error("no try failed")
		}
		settled(t, st, s)
	})
}

// settled waits until nothing is behind.
func settled(t *testing.T, st *store.Store, s *sink.Stream) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		lags, err := st.SinkLags(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now := s.State(); len(lags) == 1 && lags[0] == (store.SinkLag{Name: s.Name()}) && now.Behind == 0 && now.Err == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is still behind: %+v, %+v", lags, s.State())
		}
		<-time.After(5 * time.Millisecond)
	}
}

// Replicas take turns: nothing is sent by two of them, and when one goes the other
// goes on.
func TestStreamByReplicas(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, o store.Options) {
		st := open(t, o)
		r := newReceiver(t, newKey, nil)
		spec := endpoint(r.URL, key(newKey, newKey))
		_, stopA := streamTo(t, st, spec, "a", nil)
		b, _ := streamTo(t, st, spec, "b", nil)
		crowd(t, st, 4, 20)
		if repeated := r.places(t, 80); repeated != 0 {
			t.Errorf("%d entries came twice", repeated)
		}
		stopA()
		crowd(t, st, 4, 5)
		r.places(t, 100)
		settled(t, st, b)
	})
}

// A turn that nobody ends runs out, and who had it cannot move the cursor any more.
func TestStreamTurnRunsOut(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, o store.Options) {
		st, ctx := open(t, o), t.Context()
		claim := func(owner string, now time.Time, mine bool) {
			t.Helper()
			next, got, err := st.ClaimSink(ctx, "file.x", owner, 7, now, now.Add(time.Minute))
			if err != nil || got != mine || next != 7 {
				t.Errorf("%s: %d, %v, %v", owner, next, got, err)
			}
		}
		claim("a", noon, true)
		claim("b", noon.Add(59*time.Second), false)
		claim("a", noon.Add(59*time.Second), true)
		claim("b", noon.Add(2*time.Minute), true)
		if err := st.AdvanceSink(ctx, "file.x", "a", 9, noon); err == nil {
			t.Error("who lost the turn moved the cursor")
		}
		if err := st.AdvanceSink(ctx, "file.x", "b", 9, noon.Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if err := st.AdvanceSink(ctx, "file.x", "b", 8, noon.Add(time.Hour)); err == nil {
			t.Error("the cursor moved back")
		}
		if next, taken, err := st.SinkAt(ctx, "file.x", "a", noon.Add(30*time.Minute)); next != 9 || !taken || err != nil {
			t.Errorf("%d, %v, %v", next, taken, err)
		}
	})
}

// counting tells how much was read at once.
type counting struct {
	*store.Store
	most atomic.Int64
}

func (c *counting) Leaves(ctx context.Context, from, to int64) ([]flows.Leaf, error) {
	out, err := c.Store.Leaves(ctx, from, to)
	c.most.Store(max(c.most.Load(), int64(len(out))))
	return out, err
}

// A sink that hangs keeps nobody waiting, holds no more than one batch, and gets all
// of it when it is well again; how far it is behind can be seen all the while.
func TestStreamToADeadSink(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, o store.Options) {
		st := open(t, o)
		shelf := &counting{Store: st}
		stuck, free := make(chan struct{}), make(chan struct{})
		var once sync.Once
		r := newReceiver(t, newKey, func(int) int {
			once.Do(func() { close(stuck) })
			<-free
			return 0
		})
		if err := write(t.Context(), st, "system", 1); err != nil {
			t.Fatal(err)
		}
		s, _ := streamTo(t, st, endpoint(r.URL, key(newKey, newKey)), "a", func(o *sink.StreamOptions) { o.Shelf = shelf })
		<-stuck
		crowd(t, st, 4, 25) // ends, though the sink does not
		lags, err := st.SinkLags(t.Context())
		if err != nil || len(lags) != 1 || lags[0].Entries != 101 || !lags[0].Since.Equal(noon) {
			t.Errorf("%+v, %v", lags, err)
		}
		close(free)
		if repeated := r.places(t, 101); repeated != 0 {
			t.Errorf("%d came twice", repeated)
		}
		if most := shelf.most.Load(); most > 16 {
			t.Errorf("%d entries were held at once", most)
		}
		settled(t, st, s)
	})
}

// alarm is a clock that tells what it is asked to wait for.
type alarm struct {
	*flows.HandClock
	set chan time.Duration
}

func (a alarm) At(t time.Time) (<-chan struct{}, func()) {
	reached, stop := a.HandClock.At(t)
	a.set <- t.Sub(a.Now())
	return reached, stop
}

func TestStreamWaitsLongerAndLonger(t *testing.T) {
	t.Parallel()
	st := open(t, store.Options{DSN: filepath.Join(t.TempDir(), "a.db"), Now: time.Now})
	if err := write(t.Context(), st, "system", 3); err != nil {
		t.Fatal(err)
	}
	clock := alarm{flows.NewHandClock(noon), make(chan time.Duration, 1)}
	answers := []int{500, 500, 500, 500, 500, 500, 500, 500, 503, 0}
	r := newReceiver(t, newKey, func(n int) int { return answers[min(n, len(answers))-1] })
	s, _ := streamTo(t, st, endpoint(r.URL, key(newKey, newKey)), "a", func(o *sink.StreamOptions) { o.Clock, o.Every = clock, time.Second })
	for i, want := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		if got := <-clock.set; got != time.Duration(want)*time.Second {
			t.Errorf("after try %d it waits %s", i, got)
		}
		if state := s.State(); state.Err == "" || !state.Since.Equal(noon) || state.Behind != 3 || state.Failed != int64(i+1) {
			t.Errorf("%+v", state)
		}
		clock.Push(time.Duration(want) * time.Second)
	}
	r.places(t, 3)
	if got := <-clock.set; got != time.Second || s.State().Err != "" {
		t.Errorf("when it is well it looks every %s: %+v", got, s.State())
	}
}

// A new sink may begin with what comes.
func TestStreamFromNow(t *testing.T) {
	t.Parallel()
	st := open(t, store.Options{DSN: filepath.Join(t.TempDir(), "a.db"), Now: time.Now})
	if err := write(t.Context(), st, "system", 5); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	spec := sink.Spec{Name: "file.x", Kind: sink.KindFile, Path: path, FromNow: true}
	s, stop := streamTo(t, st, spec, "a", nil)
	settled(t, st, s)
	if err := write(t.Context(), st, "system", 2); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(60 * time.Second); s.State().Sent < 2 && time.Now().Before(deadline); {
		<-time.After(time.Millisecond)
	}
	stop()
	if lines := linesOf(t, path); len(lines) != 2 || lines[0].Leaf != 5 {
		t.Errorf("%+v", lines)
	}
}
