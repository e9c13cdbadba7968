package app

import (
	"context"
	"errors"
	"sync"

	"breakglass/store"
)

// again is how a program that could not write to its store when it started finds out
// that it could now: it must then be started again.
type again struct {
	opts store.Options
	once sync.Once
	done chan struct{}
}

// openToEnd opens a store that cannot be written, to read what is live: it is ended on
// time, and nothing is given.
func (a *App) openToEnd(ctx context.Context, o store.Options, cause error) (*store.Store, error) {
	readable := o
	readable.ReadOnly = true
	st, err := store.Open(ctx, readable)
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	a.log.ErrorContext(ctx, "the store cannot be written: end-only until the program is started again", "error", cause)
	a.again = &again{opts: o, done: make(chan struct{})}
	return st, nil
}

// Again is closed when the program should be started again: its store could only be
// read when it started, and can be written now. Nil when there is no such need.
func (a *App) Again() <-chan struct{} {
	if a.again == nil {
		return nil
	}
	return a.again.done
}

// try looks whether the store can be written by now.
func (a *again) try(ctx context.Context) {
	st, err := store.Open(ctx, a.opts)
	if err != nil {
		return
	}
	if st.Close() == nil {
		a.once.Do(func() { close(a.done) })
	}
}
