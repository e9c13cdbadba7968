package slackfake

import (
	"context"
	"errors"
	"sync"
	"time"
)

// touch tells everybody who waits that something changed. Called with the lock
// held, after the change.
func (ws *Workspace) touch() {
	ws.version++
	close(ws.changed)
	ws.changed = make(chan struct{})
}

// Changed returns a channel that is closed at the next change of anything that
// can be read here: messages, views, people, the ledger, violations. Take the
// channel first and look second, so that no change falls between.
func (ws *Workspace) Changed() <-chan struct{} {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.changed
}

// Version counts the changes so far.
func (ws *Workspace) Version() int64 {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.version
}

// Wait returns when cond holds, looking again at every change; it returns the
// context's error when that ends first. cond may call any method.
func (ws *Workspace) Wait(ctx context.Context, cond func() bool) error {
	for {
		changed := ws.Changed()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ws.life.Done():
			return errClosed
		}
	}
}

// errClosed is what waits and deliveries end with after Close.
var errClosed = errors.New("slackfake: the workspace was closed")

// lifetime is the context of everything the workspace does by itself: it ends
// when the workspace is closed and carries nothing.
type lifetime struct {
	once sync.Once
	done chan struct{}
}

func newLifetime() *lifetime { return &lifetime{done: make(chan struct{})} }

func (l *lifetime) end() { l.once.Do(func() { close(l.done) }) }

// Deadline implements context.Context: there is none.
func (l *lifetime) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (l *lifetime) Done() <-chan struct{} { return l.done }

// Value implements context.Context: there are none.
func (l *lifetime) Value(any) any { return nil }

// Err implements context.Context.
func (l *lifetime) Err() error {
	select {
	case <-l.done:
		return context.Canceled
	default:
		return nil
	}
}
