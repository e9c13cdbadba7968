package app

import (
	"context"
	"fmt"

	"breakglass/flows"
	"breakglass/flows/handler"
)

// Rehearsal routes made-up requests through the real engine, the real handlers and
// the real vendors, onto a ledger that keeps nothing: what would happen if somebody
// asked right now. Nobody is asked and nothing is recorded.
type Rehearsal struct {
	vendors Vendors
	catalog *flows.Catalog
	clock   flows.Clock
	runner  *handler.Runner
}

// Rehearsed is the outcome of one rehearsal.
type Rehearsed struct {
	Request    flows.Request    // as it would be after routing; Route is nil where nobody could decide
	Evaluation flows.Evaluation // what the handler asked, and gave
}

// NewRehearsal prepares rehearsals under a catalog.
func NewRehearsal(v Vendors, c *flows.Catalog, clock flows.Clock) *Rehearsal {
	return &Rehearsal{vendors: v, catalog: c, clock: clock, runner: handler.New(handler.Options{
		OnCall: v.PagerDuty, Incidents: v.PagerDuty, Directory: v.Slack, Now: clock.Now,
	})}
}

// Route says who would be asked for the content, if it were submitted now.
func (r *Rehearsal) Route(ctx context.Context, content flows.Content) (Rehearsed, error) {
	now := r.clock.Now()
	id := RandomIDs{}.RequestID(now)
	paper := rehearsalLedger{flows.Request{
		ID: id, Version: 1, Content: content, Hash: content.Hash(id), State: flows.StateSubmitted, SubmittedAt: now, Door: flows.DoorCLI,
		LapsesAt: now.Add(flows.DefaultLimits().RouteWithin),
	}}
	kept := &keptEvaluation{reducer: r.runner}
	engine := flows.NewEngine(flows.Options{
		Ledger: paper, Reducer: kept, OnCall: r.vendors.PagerDuty, Incidents: r.vendors.PagerDuty, Directory: r.vendors.Slack,
		Clock: r.clock, IDs: RandomIDs{}, Catalog: func() *flows.Catalog { return r.catalog },
	})
	res, err := engine.Do(ctx, flows.Command{Verb: flows.VerbRoute, ID: id, Actor: flows.ByEngine()}, flows.Finish{})
	if err == nil && res.Refusal != nil {
		err = res.Refusal
	}
	if err != nil {
		return Rehearsed{}, fmt.Errorf("rehearse a request in flow %s: %w", content.Flow, err)
	}
	return Rehearsed{Request: res.Request, Evaluation: kept.last}, nil
}

// rehearsalLedger has one request and forgets what becomes of it.
type rehearsalLedger struct{ request flows.Request }

// Load implements flows.Ledger.
func (l rehearsalLedger) Load(context.Context, flows.RequestID) (flows.Record, error) {
	return flows.Record{Request: l.request}, nil
}

// Holding implements flows.Ledger.
func (l rehearsalLedger) Holding(_ context.Context, key flows.HoldingKey) (flows.Holding, error) {
	return flows.Holding{Key: key}, nil
}

// Apply implements flows.Ledger.
func (l rehearsalLedger) Apply(context.Context, flows.Change) ([]flows.Job, error) { return nil, nil }

// keptEvaluation remembers what the reducer gave; an engine runs one at a time.
type keptEvaluation struct {
	reducer flows.Reducer
	last    flows.Evaluation
}

// Reduce implements flows.Reducer.
func (k *keptEvaluation) Reduce(ctx context.Context, in flows.ReduceInput) flows.Evaluation {
	k.last = k.reducer.Reduce(ctx, in)
	return k.last
}
