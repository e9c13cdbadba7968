package httpadapter_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/httpadapter"
)

// streaming is an upstream that says one thing at once, and then what it is told to.
func streaming(more <-chan string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		say := func(s string) {
			_, _ = io.WriteString(rw, s)
			_ = http.NewResponseController(rw).Flush()
		}
		say("data: 1\n")
		for {
			select {
			case s := <-more:
				say(s)
			case <-r.Context().Done():
				return
			}
		}
	}
}

// broken waits until a stream breaks off, and fails if it ends well: the caller must not
// take what came for all of it. The clock goes on meanwhile.
func (w *world) broken(lines *bufio.Reader, within time.Duration) {
	w.t.Helper()
	result := make(chan error, 1)
	go func() { _, err := io.Copy(io.Discard, lines); result <- err }()
	const step = 50 * time.Millisecond
	deadline, passed := time.After(time.Minute), time.Duration(0)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-result:
			if err == nil || errors.Is(err, io.EOF) {
				w.t.Errorf("the stream ended well: %v", err)
			}
			return
		case <-tick.C:
			if passed < within {
				passed += step
				w.clock.Push(step)
			}
		case <-deadline:
			w.t.Fatalf("the stream goes on %v after its end", passed)
		}
	}
}

// What an upstream says arrives when it is said, and a stream ends with the access,
// however that ends.
func TestStreamsEndWithTheAccess(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*world, flows.Request){
		"at its time":        func(w *world, _ flows.Request) { w.clock.Push(time.Hour) },
		"told at once":       func(w *world, r flows.Request) { r.State = flows.StateEnding; w.proxy.Changed(&r) },
		"by another replica": func(w *world, r flows.Request) { r.State = flows.StateEnded; w.grants.set(r) },
		"sooner than it was": func(w *world, r flows.Request) { r.EndsAt = w.clock.Now(); w.grants.set(r) },
		"from memory":        func(w *world, r flows.Request) { w.proxy.Cut(r.ID) },
		"the store is silent": func(w *world, _ flows.Request) {
			w.grants.mu.Lock()
			w.grants.broken = errors.New("gone")
			w.grants.mu.Unlock()
		},
		"the store has no trace": func(w *world, r flows.Request) { w.grants.mu.Lock(); delete(w.grants.all, r.ID); w.grants.mu.Unlock() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := make(chan string)
			w := open(t)
			w.answers(streaming(more))
			r := grant(dana, "write", "P1", start.Add(time.Hour))
			w.grants.set(r)
			lines, stop := w.stream()
			defer stop()
			more <- "data: 2\n"
			if line, err := lines.ReadString('\n'); line != "data: 2\n" || err != nil {
				t.Fatalf("%q, %v", line, err)
			}
			end(w, r)
			w.broken(lines, time.Second)
			all := w.written(httpadapter.ChainOf(r.ID), 2)
			calls, _ := all[1].facts["calls"].([]any)
			if one, _ := calls[0].(map[string]any); one["why"] != "the access ended" || sprint(one["received"]) != "16" {
				t.Errorf("recorded as %v", one)
			}
		})
	}
}

// A stream that is idle, that lasts too long, and an upstream that does not answer.
func TestWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	w := open(t, func(_ *world, a *flows.Adapter, _ *httpadapter.Options) {
		a.Limits.Wait, a.Limits.Idle, a.Limits.Lasts = 2*time.Second, 3*time.Second, 5*time.Second
	})
	w.grants.set(grant(dana, "write", "P1", start.Add(time.Hour)))
	more := make(chan string)
	w.answers(streaming(more))
	idle, stop := w.stream()
	w.broken(idle, 4*time.Second)
	stop()
	long, stop := w.stream()
	defer stop()
	go func() {
		for range 3 {
			more <- strings.Repeat("x", 10)
		}
	}()
	w.broken(long, 6*time.Second)
	silent := make(chan struct{})
	w.answers(func(http.ResponseWriter, *http.Request) { <-silent })
	defer close(silent)
	done := make(chan reply, 1)
	go func() { done <- w.call("GET", "pd/incidents", "") }()
	for {
		select {
		case got := <-done:
			if got.status != 504 || got.problem().Code != httpadapter.CodeSlow {
				t.Errorf("%d %s", got.status, got.body)
			}
			return
		case <-time.After(2 * time.Millisecond):
			w.clock.Push(50 * time.Millisecond)
		}
	}
}

// Five hundred streams at a time take little each, and all are gone when they end.
func TestManySlowStreams(t *testing.T) {
	t.Parallel()
	const many = 500
	w := open(t)
	w.grants.set(grant(dana, "write", "P1", start.Add(time.Hour)))
	more := make(chan string)
	w.answers(streaming(more))
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	all := make([]*bufio.Reader, many)
	for i := range all {
		lines, stop := w.stream()
		defer stop()
		all[i] = lines
	}
	for range many {
		wg.Go(func() { more <- strings.Repeat("y", 1000) + "\n" })
	}
	wg.Wait()
	runtime.GC()
	runtime.ReadMemStats(&during)
	each := (int64(during.HeapInuse+during.StackInuse) - int64(before.HeapInuse+before.StackInuse)) / many
	t.Logf("%d bytes for each of %d streams, both ends and the upstream with it", each, many)
	if each > 400<<10 {
		t.Errorf("each stream takes %d bytes", each)
	}
	w.clock.Push(2 * time.Hour)
	for _, lines := range all {
		if _, err := io.Copy(io.Discard, lines); err == nil {
			t.Error("a stream ended well")
			return
		}
	}
}
