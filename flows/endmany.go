package flows

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// EndScope says what the kill switch ends: what fits everything that is set. All says
// that nothing set means everything.
type EndScope struct {
	Person   PersonID   `json:"person,omitempty"` // who asked, or holds it
	Target   TargetID   `json:"target,omitempty"`
	Flow     FlowID     `json:"flow,omitempty"`
	Incident IncidentID `json:"incident,omitempty"`
	All      bool       `json:"all,omitempty"`
}

// Empty reports whether nothing is named, not even All.
func (s EndScope) Empty() bool { return s == EndScope{} }

// filter selects what is undecided or live in the scope.
func (s EndScope) filter() RequestFilter {
	return RequestFilter{
		Person: s.Person, Target: s.Target, Flow: s.Flow, Incident: s.Incident, Limit: 500,
		States: []State{StateSubmitted, StatePending, StateApproved, StateGranting, StateActive, StateEnding},
	}
}

// EndProgress is how far the kill switch is.
type EndProgress struct {
	Found   int // requests that were undecided or live
	Ordered int // of these, withdrawn or told to end
	Over    int // of these, confirmed by their targets
}

// Unended is a request whose access has not ended yet, and why not.
type Unended struct {
	ID     RequestID `json:"id"`
	Person PersonID  `json:"person"`
	Target TargetID  `json:"target"`
	State  State     `json:"state"`
	Why    string    `json:"why"`
}

// EndReport is what the kill switch did. What is left is tried again by itself.
type EndReport struct {
	EndProgress
	FromMemory int // of these, ended while the store did not write; recorded later
	Left       []Unended
}

// Memory ends access of which the store cannot take the end (end-only mode).
type Memory interface {
	// Cut has access ended as soon as can be, by the order of actor.
	Cut(id RequestID, actor Actor, why Text)
	// Ended reports whether the target has confirmed it.
	Ended(id RequestID) bool
}

// EndOptions are what EndMany works with besides the engine.
type EndOptions struct {
	Find   Finder
	Memory Memory
	Tell   func(EndProgress) // about every second; may be nil
	Wait   time.Duration     // for the targets
	Fin    Finish
}

// endAtOnce is how many requests are ended side by side.
const endAtOnce = 16

// EndMany is the kill switch: it withdraws and ends all that the scope names, waits
// for the targets and reports what they have not confirmed. Admins only. It works while
// the store does not write, too. New requests are not held off: Freeze does that.
func (e *Engine) EndMany(ctx context.Context, s EndScope, actor Actor, why Text, o EndOptions) (EndReport, *Refusal, error) {
	actor, no, err := e.admin(ctx, actor, "end_many", o.Fin)
	if no != nil || err != nil && !errors.Is(err, ErrReadOnly) {
		return EndReport{}, no, err
	}
	if s.Empty() {
		return EndReport{}, Refuse(RefusedInput, "Nothing was named, so nothing was ended.").Then("Name a person, target, flow or incident, or all."), nil
	}
	k := &killing{e: e, s: s, actor: actor, why: why, o: o, mine: map[RequestID]fate{}}
	if err := k.entry(ctx, "end_many", nil, Finish{}); err != nil {
		return EndReport{}, nil, err
	}
	for pass := 0; pass < 3; pass++ { // what was decided while we went through is met the next time
		before := len(k.mine)
		if err := k.order(ctx); err != nil {
			return k.report, nil, err
		}
		if len(k.mine) == before {
			break
		}
	}
	if err := k.wait(ctx); err != nil {
		return k.report, nil, err
	}
	return k.report, nil, k.entry(context.WithoutCancel(ctx), "end_many_done", map[string]any{
		"found": int64(k.report.Found), "over": int64(k.report.Over), "from_memory": int64(k.report.FromMemory), "left": int64(len(k.report.Left)),
	}, Finish{Job: o.Fin.Job, Inbox: o.Fin.Inbox, Also: func(out Outcome) []Job {
		jobs := e.shout(Notice{
			About: AboutEndedMany, By: actor.Person, Said: why,
			Detail: fmt.Sprintf("%d of %d", k.report.Over, k.report.Found),
		})
		if o.Fin.Also != nil {
			jobs = append(jobs, o.Fin.Also(out)...)
		}
		return jobs
	}})
}

// killing is one call of EndMany.
type killing struct {
	e     *Engine
	s     EndScope
	actor Actor
	why   Text
	o     EndOptions

	mu     sync.Mutex
	mine   map[RequestID]fate
	report EndReport
}

// fate is how far one request is.
type fate struct{ ordered, memory bool }

// entry records the call; a store that does not write holds nothing up.
func (k *killing) entry(ctx context.Context, verb string, facts map[string]any, fin Finish) error {
	all := said(k.actor, k.why)
	for name, v := range facts {
		all[name] = v
	}
	if k.s.Person != "" {
		all["person"] = Personal{About: k.s.Person, Value: string(k.s.Person)}
	}
	all["target"], all["flow"], all["incident"], all["all"] = string(k.s.Target), string(k.s.Flow), string(k.s.Incident), k.s.All
	err := k.e.Record(ctx, "system", Entry{Verb: verb, Actor: k.actor, Facts: all}, fin)
	if errors.Is(err, ErrReadOnly) {
		return nil
	}
	return err
}

// order goes through the scope once and has each request withdrawn or ended.
func (k *killing) order(ctx context.Context) error {
	filter := k.s.filter()
	for {
		page, err := k.o.Find.Requests(ctx, filter)
		if err != nil {
			return fmt.Errorf("find what is to be ended: %w", err)
		}
		if err := k.endAll(ctx, page); err != nil {
			return err
		}
		k.tell()
		if len(page) < filter.Limit {
			return nil
		}
		filter.Before = page[len(page)-1].ID
	}
}

// endAll orders the end of a page, some side by side; one that fails is said and does
// not hold up the others.
func (k *killing) endAll(ctx context.Context, page []Request) error {
	slots, errs := make(chan struct{}, endAtOnce), make([]error, len(page))
	var wg sync.WaitGroup
	for i := range page {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = k.end(ctx, page[i])
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (k *killing) end(ctx context.Context, r Request) error {
	if k.note(r.ID, fate{}).ordered {
		return nil // in a pass before
	}
	for range 3 { // it may be decided while we withdraw it
		verb := VerbEnd
		switch {
		case r.State.Undecided():
			verb = VerbCancel
		case r.State == StateEnding, r.State.Final():
			k.note(r.ID, fate{ordered: true})
			return nil
		}
		res, err := k.e.Do(ctx, Command{Verb: verb, ID: r.ID, Cause: EndRevoked, Reason: k.why, Actor: k.actor}, Finish{})
		switch {
		case errors.Is(err, ErrReadOnly):
			k.o.Memory.Cut(r.ID, k.actor, k.why)
			k.note(r.ID, fate{ordered: true, memory: true})
			return nil
		case err != nil:
			return fmt.Errorf("end %s: %w", r.ID, err)
		case res.Refusal == nil:
			k.note(r.ID, fate{ordered: true})
			return nil
		}
		rec, err := k.e.Load(ctx, r.ID)
		if err != nil {
			return fmt.Errorf("end %s: %w", r.ID, err)
		}
		r = rec.Request
	}
	return nil // it stays among what is left, with its state
}

// note counts a request that was found, or got further, and says how far it was.
func (k *killing) note(id RequestID, now fate) (was fate) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was, known := k.mine[id]
	if !known {
		k.report.Found++
	}
	if was.ordered {
		return was
	}
	if k.mine[id] = now; now.ordered {
		k.report.Ordered++
	}
	if now.memory {
		k.report.FromMemory++
	}
	return was
}

func (k *killing) tell() {
	if k.o.Tell != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.o.Tell(k.report.EndProgress)
	}
}

// wait looks every second at what the targets have confirmed.
func (k *killing) wait(ctx context.Context) error {
	until := k.e.o.Clock.Now().Add(k.o.Wait)
	for {
		left, err := k.left(ctx)
		if err != nil {
			return err
		}
		k.report.Left, k.report.Over = left, k.report.Found-len(left)
		k.tell()
		if len(left) == 0 || !k.e.o.Clock.Now().Before(until) {
			return nil
		}
		tick, stop := After(k.e.o.Clock, time.Second)
		select {
		case <-tick:
		case <-ctx.Done():
			stop()
			return ctx.Err()
		}
	}
}

// left lists what is not over.
func (k *killing) left(ctx context.Context) ([]Unended, error) {
	filter := k.s.filter()
	var left []Unended
	for {
		page, err := k.o.Find.Requests(ctx, filter)
		if err != nil {
			return nil, fmt.Errorf("look for what has not ended: %w", err)
		}
		for _, r := range page {
			is, mine := k.mine[r.ID]
			if mine && (!is.memory || !k.o.Memory.Ended(r.ID)) {
				left = append(left, Unended{ID: r.ID, Person: r.Content.Beneficiary, Target: r.Content.Target, State: r.State, Why: unended(&r)})
			}
		}
		if len(page) < filter.Limit {
			return left, nil
		}
		filter.Before = page[len(page)-1].ID
	}
}

func unended(r *Request) string {
	switch {
	case r.Overdue:
		return "the target does not confirm the end; it is tried again every half minute"
	case r.State == StateEnding:
		return "the target has not confirmed the end yet"
	}
	return "it could not be told to end"
}
