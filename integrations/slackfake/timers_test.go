package slackfake_test

import (
	"sync"
	"testing"
	"time"
)

// timers are the workspace's timers under a test's control: nothing runs out
// until fire is called.
type timers struct {
	mu    sync.Mutex
	next  int
	armed map[int]timer
	news  chan struct{}
}

type timer struct {
	after time.Duration
	f     func()
}

func newTimers() *timers { return &timers{armed: map[int]timer{}, news: make(chan struct{}, 1000)} }

// After is what Options.After takes.
func (ts *timers) After(d time.Duration, f func()) func() bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.next++
	id := ts.next
	ts.armed[id] = timer{d, f}
	ts.news <- struct{}{}
	return func() bool {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		_, was := ts.armed[id]
		delete(ts.armed, id)
		return was
	}
}

// fire waits for a timer of this length and lets it run out.
func (ts *timers) fire(t *testing.T, d time.Duration) {
	t.Helper()
	for {
		ts.mu.Lock()
		for id, tm := range ts.armed {
			if tm.after == d {
				delete(ts.armed, id)
				ts.mu.Unlock()
				tm.f()
				return
			}
		}
		ts.mu.Unlock()
		select {
		case <-ts.news:
		case <-t.Context().Done():
			t.Fatalf("no timer of %s was armed", d)
		}
	}
}
