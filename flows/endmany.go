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
	Number   int        `json:"number,omitempty"` // of the incident, where its id is not known
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

// has reports whether a request that the filter found is in the scope.
func (s EndScope) has(r *Request) bool { return s.Number == 0 || r.IncidentRef().Number == s.Number }

// EndProgress is how far the kill switch is.
type EndProgress struct {
	Found   int // requests that were undecided or live
	Ordered int // of these, withdrawn or told to end
	// FromMemory were ended while the store did not write; it is told later.
	FromMemory int
}

// Unended is a request whose access has not ended yet, and why not.
type Unended struct {
	ID     RequestID `json:"id"`
	Person PersonID  `json:"person"`
	Target TargetID  `json:"target"`
	State  State     `json:"state"`
	Why    string    `json:"why"`
}

// Memory ends access of which the store cannot take the end (end-only mode).
type Memory interface {
	// Cut has access ended as soon as can be, by the order of actor.
	Cut(id RequestID, actor Actor, why Text)
	// Ended reports whether the target has confirmed it.
	Ended(id RequestID) bool
}

// EndOrder is one use of the kill switch, as its report job keeps it.
type EndOrder struct {
	Scope EndScope  `json:"scope"`
	By    PersonID  `json:"by,omitempty"` // empty: the operator, on the machine
	Said  Text      `json:"said"`
	At    time.Time `json:"at"` // what was asked for later is not meant
	Found int       `json:"found"`
}

// EndOptions are what EndMany works with besides the engine.
type EndOptions struct {
	Find   Finder
	Memory Memory
	Tell   func(EndProgress) // after each page; may be nil
	Fin    Finish
}

// endAtOnce is how many requests are ended side by side.
const endAtOnce = 16

// EndMany is the kill switch: it withdraws and ends all that the scope names. Admins
// only. It does not wait for the targets: Unended tells what they have not confirmed,
// and so does a report to the channels, after a minute and again until all is over. It
// works while the store does not write, too. New requests are not held off: Freeze does
// that.
func (e *Engine) EndMany(ctx context.Context, s EndScope, actor Actor, why Text, o EndOptions) (EndOrder, EndProgress, *Refusal, error) {
	order := EndOrder{Scope: s, By: actor.Person, Said: why, At: e.o.Clock.Now()}
	actor, no, err := e.admin(ctx, actor, "end_many", o.Fin)
	if no != nil || err != nil && !errors.Is(err, ErrReadOnly) {
		return order, EndProgress{}, no, err
	}
	if s.Empty() { // which as a filter would be everything
		no := Refuse(RefusedInput, "Nothing was named, so nothing was ended.").Then("Name a person, target, flow or incident, or all.")
		return order, EndProgress{}, no, e.finishOnly(ctx, o.Fin, Outcome{Refusal: no})
	}
	k := &killing{e: e, s: s, actor: actor, why: why, o: o, mine: map[RequestID]fate{}}
	for range 3 { // what was decided while we went through is met the next time
		before := len(k.mine)
		if err := k.order(ctx); err != nil {
			return order, k.progress, nil, err
		}
		if len(k.mine) == before {
			break
		}
	}
	order.Found = k.progress.Found
	err = e.Record(ctx, "system", Entry{Verb: "end_many", Actor: actor, Facts: order.facts(map[string]any{
		"from_memory": int64(k.progress.FromMemory), "ordered": int64(k.progress.Ordered),
	})}, Finish{Job: o.Fin.Job, Inbox: o.Fin.Inbox, Also: func(out Outcome) []Job {
		jobs := append(withAlso(out, o.Fin), e.shout(Notice{About: AboutEndedMany, By: order.By, Said: why, Detail: order.begun()})...)
		if order.Found > 0 {
			jobs = append(jobs, order.report(order.At.Add(reportAfter)))
		}
		return jobs
	}})
	if errors.Is(err, ErrReadOnly) {
		err = nil // it was ended from memory, and is recorded with each request
	}
	return order, k.progress, nil, err
}

// killing is one call of EndMany.
type killing struct {
	e     *Engine
	s     EndScope
	actor Actor
	why   Text
	o     EndOptions

	mu       sync.Mutex
	mine     map[RequestID]fate
	progress EndProgress
}

// fate is how far one request is.
type fate struct{ ordered, memory bool }

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
		if !k.s.has(&page[i]) {
			continue
		}
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
		k.progress.Found++
	}
	if was.ordered {
		return was
	}
	if k.mine[id] = now; now.ordered {
		k.progress.Ordered++
	}
	if now.memory {
		k.progress.FromMemory++
	}
	return was
}

func (k *killing) tell() {
	if k.o.Tell != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.o.Tell(k.progress)
	}
}
