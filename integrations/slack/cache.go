package slack

import (
	"context"
	"strconv"
	"sync"
	"time"

	"breakglass/flows"

	"golang.org/x/sync/singleflight"
)

// cache remembers answers for a while; callers who miss the same key at the same
// time share one read. Errors are not remembered.
type cache[V any] struct {
	clock flows.Clock
	ttl   time.Duration
	state *cacheState[V]
}

type cacheState[V any] struct {
	flights singleflight.Group
	mu      sync.Mutex
	entries map[string]cached[V]
	emptied int64 // rises when something is forgotten
}

type cached[V any] struct {
	value V
	at    time.Time // when its read began
}

// maxEntries bounds a cache.
const maxEntries = 20_000

func newCache[V any](clock flows.Clock, ttl time.Duration) cache[V] {
	return cache[V]{clock: clock, ttl: ttl, state: &cacheState[V]{entries: map[string]cached[V]{}}}
}

// get returns a value no older than the cache allows, or, when fresh is asked for,
// one that is read now.
func (c cache[V]) get(ctx context.Context, key string, fresh bool, read func(context.Context) (V, error)) (V, error) {
	flight := "fresh "
	if !fresh {
		if v, ok := c.peek(key); ok {
			return v, nil
		}
		flight = "cached "
	}
	// Whoever asks after something was forgotten does not join a read from before.
	generation := c.generation()
	flight += strconv.FormatInt(generation, 10) + " " + key
	// The read outlives a caller who gives up, for those who share it; the client's
	// own limits bound it.
	shared := context.WithoutCancel(ctx)
	done := c.state.flights.DoChan(flight, func() (any, error) {
		if v, ok := c.peek(key); ok && !fresh {
			return v, nil // read while this caller was on the way
		}
		began := c.clock.Now()
		v, err := read(shared)
		if err == nil {
			c.put(key, cached[V]{value: v, at: began}, generation)
		}
		return v, err
	})
	var none V
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(V), nil
	}
}

// peek returns what is remembered, if it is young enough. A clock that was set back
// makes it too old.
func (c cache[V]) peek(key string) (V, bool) {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	e, ok := c.state.entries[key]
	age := c.clock.Now().Sub(e.at)
	if !ok || age < 0 || age >= c.ttl {
		var none V
		return none, false
	}
	return e.value, true
}

func (c cache[V]) generation() int64 {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	return c.state.emptied
}

// put remembers a value, unless a later read was faster or something was forgotten
// meanwhile.
func (c cache[V]) put(key string, e cached[V], generation int64) {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	if generation != c.state.emptied || c.state.entries[key].at.After(e.at) {
		return
	}
	if len(c.state.entries) >= maxEntries {
		clear(c.state.entries)
	}
	c.state.entries[key] = e
}

// forget drops what is remembered under key.
func (c cache[V]) forget(key string) {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	c.state.emptied++
	delete(c.state.entries, key)
}
