package bot

import (
	"context"
	"errors"
	"sync"
	"time"

	"breakglass/flows"
)

// warm keeps answers from outside for lists that people choose from. A recent answer
// is given at once; an older one too, while a new one is fetched beside; only who
// asks first waits. Nothing is decided on what is in here: the engine reads again.
type warm[V any] struct {
	clock   flows.Clock
	aside   func(func(context.Context)) bool
	fresh   time.Duration // no new answer is fetched before
	usable  time.Duration // an older answer is not given at all
	mu      sync.Mutex
	entries map[string]*warmEntry[V]
}

type warmEntry[V any] struct {
	value   V
	at      time.Time // zero: there was no answer yet
	err     error     // of the last fetch
	loading chan struct{}
}

// maxWarm bounds the answers kept; past it all are forgotten.
const maxWarm = 2000

var (
	errBusy   = errors.New("too much is being looked up at the moment")
	errBroken = errors.New("looking it up broke")
)

func newWarm[V any](clock flows.Clock, aside func(func(context.Context)) bool, fresh, usable time.Duration) *warm[V] {
	return &warm[V]{clock: clock, aside: aside, fresh: fresh, usable: usable, entries: map[string]*warmEntry[V]{}}
}

// peek gives what is known, without asking anybody.
func (w *warm[V]) peek(key string) (v V, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.entries[key]
	if e == nil || !w.younger(e, w.usable) {
		return v, false
	}
	return e.value, true
}

func (w *warm[V]) younger(e *warmEntry[V], than time.Duration) bool {
	age := w.clock.Now().Sub(e.at)
	return !e.at.IsZero() && age < than && age > -than
}

// get gives the answer for key, fetched by load where it must be.
func (w *warm[V]) get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	var none V
	w.mu.Lock()
	e := w.entries[key]
	if e == nil {
		if len(w.entries) >= maxWarm {
			clear(w.entries)
		}
		e = &warmEntry[V]{}
		w.entries[key] = e
	}
	if w.younger(e, w.fresh) {
		defer w.mu.Unlock()
		return e.value, nil
	}
	if e.loading == nil && !w.fetch(e, load) {
		w.mu.Unlock()
		return none, errBusy
	}
	if w.younger(e, w.usable) {
		defer w.mu.Unlock()
		return e.value, nil
	}
	loading := e.loading
	w.mu.Unlock()
	select {
	case <-loading:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.younger(e, w.usable) {
		return none, e.err
	}
	return e.value, nil
}

// fetch starts one load of an entry. The caller holds the lock.
func (w *warm[V]) fetch(e *warmEntry[V], load func(context.Context) (V, error)) bool {
	done := make(chan struct{})
	started := w.aside(func(ctx context.Context) {
		v, err := *new(V), errBroken
		defer func() { // whatever load does, who waits is told
			w.mu.Lock()
			defer w.mu.Unlock()
			if e.err = err; err == nil {
				e.value, e.at = v, w.clock.Now()
			}
			e.loading = nil
			close(done)
		}()
		v, err = load(ctx)
	})
	if started {
		e.loading = done
	}
	return started
}
