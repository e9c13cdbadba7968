package pagerduty

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"breakglass/flows"
)

// shared reads a value once for all who ask for it at the same time. The read goes on
// when the one who began it gives up.
type shared[K comparable, V any] struct {
	life    *lifetime
	timeout time.Duration
	waits   *atomic.Int64

	mu      sync.Mutex
	running map[K]*sharedRead[V]
}

type sharedRead[V any] struct {
	done  chan struct{}
	value V // once done is closed
}

func newShared[K comparable, V any](c *Client) *shared[K, V] {
	return &shared[K, V]{life: c.life, timeout: c.lim.ReadTimeout, waits: &c.stats.waits, running: map[K]*sharedRead[V]{}}
}

// get waits for a read of k, its own or one that is under way.
func (s *shared[K, V]) get(ctx context.Context, k K, read func(context.Context) V) (v V, err error) {
	s.waits.Add(1)
	r := s.begin(ctx, k, read)
	if r == nil {
		return v, errStopped
	}
	select {
	case <-r.done:
		return r.value, nil
	case <-ctx.Done():
		return v, waiting(ctx)
	}
}

// begin starts a read of k unless one is under way; nil when the client has stopped.
func (s *shared[K, V]) begin(ctx context.Context, k K, read func(context.Context) V) *sharedRead[V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.running[k]; r != nil {
		return r
	}
	r := &sharedRead[V]{done: make(chan struct{})}
	started := s.life.run(ctx, s.timeout, func(ctx context.Context) {
		r.value = read(ctx)
		s.mu.Lock()
		delete(s.running, k)
		s.mu.Unlock()
		close(r.done)
	})
	if !started {
		return nil
	}
	s.running[k] = r
	return r
}

// recent keeps the last values of keys, up to a number: then it forgets all.
type recent[K comparable, V any] struct {
	most int

	mu     sync.Mutex
	values map[K]V
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, values: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[k]
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.values) >= r.most {
		clear(r.values)
	}
	r.values[k] = v
}

// clickAge is how old a fact may be for a click, whatever is asked for.
const clickAge = time.Minute

// ageOf is how old the answer to q may be.
func ageOf(q flows.OnCallQuery) time.Duration {
	if q.Click {
		return min(q.MaxAge, clickAge)
	}
	return q.MaxAge
}

// fresh reports whether something asked for at asked is at most age old. What comes
// from the future, as after a clock was set back, is not.
func fresh(asked, now time.Time, age time.Duration) bool {
	return !asked.After(now) && now.Sub(asked) <= age
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
