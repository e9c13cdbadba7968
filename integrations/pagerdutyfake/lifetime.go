package pagerdutyfake

import (
	"context"
	"sync"
	"time"
)

// lifetime is the context of everything an account runs in the background:
// it ends with Close, which waits for what was started.
type lifetime struct {
	done chan struct{}
	mu   sync.Mutex
	over bool
	wg   sync.WaitGroup
}

func newLifetime() *lifetime { return &lifetime{done: make(chan struct{})} }

// Deadline is never set.
func (l *lifetime) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when the account closes.
func (l *lifetime) Done() <-chan struct{} { return l.done }

// Err is context.Canceled after the account closed.
func (l *lifetime) Err() error {
	select {
	case <-l.done:
		return context.Canceled
	default:
		return nil
	}
}

// Value carries nothing.
func (l *lifetime) Value(any) any { return nil }

// run starts f, unless the account was closed already.
func (l *lifetime) run(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.wg.Go(f)
	}
}

func (l *lifetime) end() {
	l.mu.Lock()
	if !l.over {
		l.over = true
		close(l.done)
	}
	l.mu.Unlock()
	l.wg.Wait()
}
