// Package past makes up the past of a company, to measure on: requests that are over,
// each decided from first to last by the engine, the handlers and the jobs that decide
// real ones, in memory, so that its entries and what it leaves are those of real
// requests. Only whom they ask is made up: the directory, the rota, the incidents, the
// targets and the configuration, which changes with the years. The same number makes
// the same request.
//
// It may import the domain and the store's Step. Read life.go first, then company.go.
package past

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"breakglass/flows"
	"breakglass/flows/handler"
	"breakglass/store"
)

// PerRequest is how many entries a request has, on the average.
const PerRequest = 7.65

// Past is what a company asked for in a time. It is safe for concurrent use.
type Past struct {
	from    time.Time
	span    time.Duration
	n       int
	company *company
}

// New is a past of n requests between two times.
func New(from, until time.Time, n int) *Past {
	from = from.UTC()
	return &Past{from: from, span: until.Sub(from), n: n, company: newCompany(from)}
}

// Teller tells requests, one after the other.
type Teller struct {
	p       *Past
	clock   *flows.HandClock
	rota    *rota
	reducer *handler.Runner
}

// Teller makes a teller. Each works by itself.
func (p *Past) Teller() *Teller {
	t := &Teller{p: p, clock: flows.NewHandClock(p.from)}
	t.rota = &rota{company: p.company, clock: t.clock}
	t.reducer = handler.New(handler.Options{OnCall: t.rota, Directory: p.company})
	return t
}

// Life is the whole life of request i, from 0, as the steps that it was decided in.
func (t *Teller) Life(ctx context.Context, i int) ([]store.Step, error) {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	at := t.p.from.Add(time.Duration(float64(i) / float64(t.p.n) * float64(t.p.span))).Truncate(time.Millisecond)
	t.clock.Push(at.Sub(t.clock.Now()))
	t.rota.age = time.Duration(r.IntN(30_000)) * time.Millisecond
	l := newLife(t, r, i)
	if err := l.run(ctx); err != nil {
		return nil, fmt.Errorf("make up request %d: %w", i, err)
	}
	return l.book.steps, nil
}
