package pagerdutyfake

import (
	"context"
	"sync"
	"time"
)

// lifetime is the context of everything an account runs in the background:
// it ends with Close, which waits for what was started.
type lifetime struct {
	once sync.Once
	done chan struct{}
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

func (l *lifetime) run(f func()) { l.wg.Go(f) }

func (l *lifetime) end() {
	l.once.Do(func() { close(l.done) })
	l.wg.Wait()
}
