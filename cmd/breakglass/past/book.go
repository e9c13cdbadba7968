package past

import (
	"context"
	"time"

	"breakglass/flows"
	"breakglass/flows/worker"
	"breakglass/store"
)

// book is the store of one request, in memory: what the engine and its jobs ask of a
// store, and the steps that were decided.
type book struct {
	clock   *flows.HandClock
	request flows.Request
	holding flows.Holding
	jobs    map[string]flows.Job
	steps   []store.Step
}

// newBook is the store before the request, whose holding had so many changes before.
func newBook(clock *flows.HandClock, fence int64) *book {
	return &book{clock: clock, holding: flows.Holding{Version: fence}, jobs: map[string]flows.Job{}}
}

// Load implements flows.Ledger. No cards are sent.
func (b *book) Load(context.Context, flows.RequestID) (flows.Record, error) {
	if b.request.ID == "" {
		return flows.Record{}, flows.ErrNotFound
	}
	return flows.Record{Request: b.request, Holding: b.holding}, nil
}

// Holding implements flows.Ledger.
func (b *book) Holding(_ context.Context, key flows.HoldingKey) (flows.Holding, error) {
	if key.Target == "" {
		return flows.Holding{Key: key}, nil
	}
	b.holding.Key = key
	return b.holding, nil
}

// Apply implements flows.Ledger. A made-up past is written with what outlives a request:
// of jobs, only that there is one which ends the access, as the store wants it.
func (b *book) Apply(_ context.Context, c flows.Change) ([]flows.Job, error) {
	if c.Done != nil {
		delete(b.jobs, c.Done.Key)
	}
	for _, key := range c.Cancel {
		delete(b.jobs, key)
	}
	for _, j := range c.Jobs {
		b.jobs[j.Key] = j
	}
	if c.Holding != nil && c.Holding.Key.Target != "" {
		b.holding = *c.Holding
	}
	if c.Request == nil {
		return c.Jobs, nil
	}
	b.request = *c.Request
	kept, revoke := flows.Change{Request: c.Request, Entries: c.Entries}, flows.JobKey(flows.JobRevoke, string(c.Request.ID))
	switch j, there := b.jobs[revoke]; {
	case there && c.Request.State.Live():
		kept.Jobs = []flows.Job{{Kind: j.Kind, Key: revoke, Subject: j.Subject, RunAt: j.RunAt}}
	case c.Request.State.Final():
		kept.Cancel = []string{revoke}
	}
	b.steps = append(b.steps, store.Step{At: b.clock.Now(), Change: kept})
	return c.Jobs, nil
}

// next is the job that is due next, of those that can be done; false when there is none.
func (b *book) next(can map[flows.JobKind]worker.Handler) (next flows.Job, due bool) {
	for _, j := range b.jobs {
		if can[j.Kind] == nil || j.Kind == flows.JobNote { // notes stand at PagerDuty
			continue
		}
		if !due || j.RunAt.Before(next.RunAt) || j.RunAt.Equal(next.RunAt) && j.Key < next.Key {
			next, due = j, true
		}
	}
	return next, due
}

// ChainHead implements flows.Chains.
func (b *book) ChainHead(context.Context, string) (flows.ChainHead, error) {
	return flows.ChainHead{}, nil
}

// UndecidedFor implements flows.Counts, as the others do: nobody asked before.
func (b *book) UndecidedFor(context.Context, flows.HoldingKey) (flows.RequestID, error) {
	return "", nil
}

// Asked implements flows.Counts.
func (b *book) Asked(context.Context, flows.PersonID, time.Time) (int, error) { return 0, nil }

// Open implements flows.Counts.
func (b *book) Open(context.Context, flows.PersonID, flows.FlowID) (int, error) { return 0, nil }

// RecentDenials implements flows.Denials.
func (b *book) RecentDenials(context.Context, flows.HoldingKey, time.Time) ([]flows.Request, error) {
	return nil, nil
}
