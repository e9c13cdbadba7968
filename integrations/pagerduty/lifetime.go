package pagerduty

import (
	"context"
	"sync"
	"time"
)

// lifetime ends what runs in the background: refreshes that outlive the question
// that began them, and the loop that keeps the snapshot fresh.
type lifetime struct {
	mu   sync.Mutex
	over bool
	done chan struct{}
	wg   sync.WaitGroup
}

func newLifetime() *lifetime { return &lifetime{done: make(chan struct{})} }

// run starts f on a context that keeps ctx's values but not its end: it ends after d
// or at Stop. It reports false when the client has been stopped.
func (l *lifetime) run(ctx context.Context, d time.Duration, f func(context.Context)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), d)
	finished := make(chan struct{})
	l.wg.Go(func() {
		defer cancel()
		select {
		case <-l.done:
		case <-finished:
		}
	})
	l.wg.Go(func() {
		defer close(finished)
		f(own)
	})
	return true
}

// loop starts f on a context that ends with ctx or at Stop.
func (l *lifetime) loop(ctx context.Context, f func(context.Context)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	own, cancel := context.WithCancel(ctx)
	l.wg.Go(func() {
		defer cancel()
		select {
		case <-l.done:
		case <-own.Done():
		}
	})
	l.wg.Go(func() {
		defer cancel()
		f(own)
	})
	return true
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

// Start keeps the snapshot fresh in the background, while there is demand, until ctx
// ends or Stop, and checks From once. It waits for nothing: a PagerDuty that is down
// does not keep a start back.
func (c *Client) Start(ctx context.Context) error {
	if !c.life.loop(ctx, c.board.keep) {
		return errStopped
	}
	if c.from != "" {
		c.life.run(ctx, c.lim.ReadTimeout, func(ctx context.Context) {
			if _, err := c.author.user(ctx, false); err != nil {
				c.log.Error("pagerduty: notes and incidents cannot be written", "err", err)
			}
		})
	}
	return nil
}

// Stop ends what runs in the background and waits for it. Questions that need a read
// are unknown afterwards.
func (c *Client) Stop() { c.life.end() }
