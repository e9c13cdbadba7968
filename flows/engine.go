package flows

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Options are what an Engine works with. All fields but Refresh, Eraser, Retention, Wake,
// Limits, EndOnly and Lease are required.
type Options struct {
	Ledger Ledger
	Chains Chains
	Counts interface {
		Counts
		Denials
	}
	Reducer   Reducer
	OnCall    OnCall
	Incidents Incidents
	Directory Directory
	Clock     Clock
	IDs       IDs
	Catalog   func() *Catalog       // the configuration in force, with who is who
	Refresh   func(context.Context) // brings who is who up to date before it is decided on; nil: it always is
	Eraser    Eraser                // nil: nobody can be erased
	Retention func() time.Duration  // how long what is kept about people must be kept; nil: no time
	EndOnly   func() string         // why nothing is given right now; nil or empty: all is well
	Wake      Wake
	Limits    Limits
	Owner     string        // this process's name, on leases and in entries
	Version   string        // the program's, in entries
	Lease     time.Duration // of jobs handled at once; 15 s unless set
}

// Counts answers what limits on asking need to know.
type Counts interface {
	// UndecidedFor is the undecided request for a holding; empty when there is none.
	UndecidedFor(ctx context.Context, key HoldingKey) (RequestID, error)
	// Asked counts a person's requests submitted since.
	Asked(ctx context.Context, p PersonID, since time.Time) (int, error)
	// Open counts a person's requests in a flow that are not final.
	Open(ctx context.Context, p PersonID, f FlowID) (int, error)
}

// Denials answers what was said before; the card shows it.
type Denials interface {
	// RecentDenials are the requests for a holding that were denied since.
	RecentDenials(ctx context.Context, key HoldingKey, since time.Time) ([]Request, error)
}

// Engine takes commands: it loads the request, reads the facts, decides, and applies
// the outcome; on a conflict it starts over. It is the only writer of requests.
type Engine struct {
	o      Options
	decide func(*Request, Command, Facts, time.Time) Outcome // Decide; tests seed bugs here
}

// NewEngine returns an engine.
func NewEngine(o Options) *Engine {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if o.EndOnly == nil {
		o.EndOnly = func() string { return "" }
	}
	if o.Lease == 0 {
		o.Lease = 15 * time.Second
	}
	return &Engine{o: o, decide: Decide}
}

// Finish is what is applied together with an outcome: the job whose work this is,
// the inbox row it came from, and messages that depend on the outcome.
type Finish struct {
	Job    *Job
	Inbox  string
	Also   func(Outcome) []Job
	Passes []Pass // with an entry of Record
	Pins   []Pin
}

// Result is what became of a command. With a Refusal nothing was changed that the
// person asked for; Request is as it stands.
type Result struct {
	Request Request
	Refusal *Refusal
}

// conflictTries bounds how often a decision is made again on a conflict; each
// conflict means that somebody else got a step further, so this is never reached by
// chance.
const conflictTries = 20

// Do carries out one command. It returns an error only for faults (the store or the
// context); a no is Result.Refusal.
func (e *Engine) Do(ctx context.Context, cmd Command, fin Finish) (Result, error) {
	return e.try(ctx, cmd.ID, fin, cmd.Verb == VerbSubmit, func(rec *Record, frozen string) (Outcome, error) {
		f, err := e.facts(ctx, rec, &cmd)
		if err != nil {
			return Outcome{}, err
		}
		if frozen != "" {
			f.EndOnly = frozen
		}
		var req *Request
		if rec != nil {
			req = &rec.Request
		}
		out := e.decide(req, cmd, f, e.o.Clock.Now())
		witness(&out, &f)
		return out, nil
	})
}

// Aside applies what is no step of the life cycle (Remind, Overdue, Observed,
// FollowIncident).
func (e *Engine) Aside(ctx context.Context, id RequestID, fin Finish, decide func(Request, Facts, time.Time) Outcome) (Result, error) {
	return e.try(ctx, id, fin, false, func(rec *Record, _ string) (Outcome, error) {
		return decide(rec.Request, e.baseFacts(rec), e.o.Clock.Now()), nil
	})
}

// FollowIncident re-reads nothing by itself: inc is the incident as just read.
func (e *Engine) FollowIncident(ctx context.Context, id RequestID, inc Incident, fin Finish) (Result, error) {
	return e.Aside(ctx, id, fin, func(r Request, f Facts, now time.Time) Outcome {
		f.Incident, f.IncidentIs = &inc, Yes
		out := FollowIncident(r, f, now)
		witness(&out, &f)
		return out
	})
}

// Load reads a request with its holding and cards.
func (e *Engine) Load(ctx context.Context, id RequestID) (Record, error) {
	return e.o.Ledger.Load(ctx, id)
}

// Catalog is the configuration in force.
func (e *Engine) Catalog() *Catalog { return e.o.Catalog() }

// EndOnly says why nothing is given right now; empty when all is well.
func (e *Engine) EndOnly() string { return e.o.EndOnly() }

// Now is the time on the engine's clock.
func (e *Engine) Now() time.Time { return e.o.Clock.Now() }

// NewRequestID makes the id of a request that is about to be submitted.
func (e *Engine) NewRequestID() RequestID { return e.o.IDs.RequestID(e.o.Clock.Now()) }

func (e *Engine) try(ctx context.Context, id RequestID, fin Finish, isNew bool, decide func(*Record, string) (Outcome, error)) (Result, error) {
	frozen := ""
	for range conflictTries {
		var rec *Record
		if !isNew {
			r, err := e.o.Ledger.Load(ctx, id)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return Result{}, fmt.Errorf("load request %s: %w", id, err)
			}
			if err != nil {
				out := Outcome{Refusal: Refuse(RefusedUnknownRequest, "There is no such request.")}
				return Result{Refusal: out.Refusal}, e.finishOnly(ctx, fin, out)
			}
			rec = &r
		}
		out, err := decide(rec, frozen)
		if err != nil {
			return Result{}, err
		}
		switch err := e.apply(ctx, id, rec, out, fin); {
		case err == nil:
			return Result{Request: out.Request, Refusal: out.Refusal}, nil
		case errors.Is(err, ErrConflict), errors.Is(err, ErrDuplicate):
			continue // decide again on what is there now
		case errors.Is(err, ErrFrozen):
			frozen = Frozen // the store knew before this process did
		default:
			return Result{}, fmt.Errorf("apply to request %s: %w", id, err)
		}
	}
	return Result{}, fmt.Errorf("request %s: %w", id, ErrConflict)
}

// Frozen is why nothing is given while an admin has frozen everything.
const Frozen = "an admin has frozen all access"

// apply seals the outcome's entries onto the chain and hands the change to the store.
func (e *Engine) apply(ctx context.Context, id RequestID, rec *Record, out Outcome, fin Finish) error {
	if !out.Changed() {
		return e.finishOnly(ctx, fin, out)
	}
	c := Change{Holding: out.Holding, Chain: string(id), Cards: out.Cards, Cancel: out.Cancel, Done: fin.Job, Inbox: fin.Inbox}
	var head ChainHead
	if rec != nil {
		head = rec.Request.Chain
	} else {
		var err error
		if head, err = e.o.Chains.ChainHead(ctx, string(id)); err != nil {
			return fmt.Errorf("read the chain of %s: %w", id, err)
		}
	}
	var err error
	e.attest(out.Entries, fin.Job)
	if c.Entries, head, err = Seal(string(id), head, out.Entries, e.o.IDs.Random); err != nil {
		return err
	}
	if out.Request.ID != "" {
		req := out.Request
		req.Chain = head
		c.Request = &req
	}
	c.Jobs = e.lease(withAlso(out, fin))
	return e.commit(ctx, c)
}

// finishOnly closes the job and the inbox row of a command that changed nothing.
func (e *Engine) finishOnly(ctx context.Context, fin Finish, out Outcome) error {
	c := Change{Done: fin.Job, Inbox: fin.Inbox, Cancel: out.Cancel, Jobs: e.lease(withAlso(out, fin))}
	if c.Done == nil && c.Inbox == "" && len(c.Jobs) == 0 && len(c.Cancel) == 0 {
		return nil
	}
	return e.commit(ctx, c)
}

func withAlso(out Outcome, fin Finish) []Job {
	if fin.Also == nil {
		return out.Jobs
	}
	return append(append([]Job(nil), out.Jobs...), fin.Also(out)...)
}

// lease marks jobs that are due now as this process's own, to be handled at once.
func (e *Engine) lease(jobs []Job) []Job {
	now := e.o.Clock.Now()
	out := make([]Job, len(jobs))
	for i, j := range jobs {
		if !j.RunAt.After(now) && e.o.Owner != "" {
			j.LeasedTo, j.LeaseUntil = e.o.Owner, now.Add(e.o.Lease)
		}
		out[i] = j
	}
	return out
}

func (e *Engine) commit(ctx context.Context, c Change) error {
	written, err := e.o.Ledger.Apply(ctx, c)
	if err != nil {
		return err
	}
	if e.o.Wake != nil && len(written) > 0 {
		e.o.Wake.Wake(written)
	}
	return nil
}

// Finish applies only a Finish: a job is done and nothing follows from it.
func (e *Engine) Finish(ctx context.Context, fin Finish) error {
	return e.finishOnly(ctx, fin, Outcome{})
}

// Grow applies a Finish together with what was added to the audit tree.
func (e *Engine) Grow(ctx context.Context, g *TreeGrowth, fin Finish) error {
	return e.commit(ctx, Change{Tree: g, Done: fin.Job, Jobs: e.lease(withAlso(Outcome{}, fin))})
}

// Record writes an entry that belongs to no request ("system": start, stop, a
// configuration load, a job given up) onto its chain.
func (e *Engine) Record(ctx context.Context, chain string, entry Entry, fin Finish) error {
	return e.record(ctx, chain, entry, fin, nil)
}

// Append writes entries onto the end of a chain that no request carries, all or none.
// Each has the time of its own At; where that is zero, now.
func (e *Engine) Append(ctx context.Context, chain string, entries []Entry) error {
	return e.append(ctx, chain, entries, Finish{}, nil)
}

func (e *Engine) record(ctx context.Context, chain string, entry Entry, fin Finish, freeze *time.Time) error {
	entry.At = time.Time{}
	return e.append(ctx, chain, []Entry{entry}, fin, freeze)
}

func (e *Engine) append(ctx context.Context, chain string, entries []Entry, fin Finish, freeze *time.Time) error {
	written := slices.Clone(entries)
	now := e.o.Clock.Now()
	for i := range written {
		if written[i].At.IsZero() {
			written[i].At = now
		}
		written[i].Facts = maps.Clone(written[i].Facts)
	}
	e.attest(written, fin.Job)
	for range conflictTries {
		head, err := e.o.Chains.ChainHead(ctx, chain)
		if err != nil {
			return fmt.Errorf("read the chain %s: %w", chain, err)
		}
		sealed, _, err := Seal(chain, head, written, e.o.IDs.Random)
		if err != nil {
			return err
		}
		err = e.commit(ctx, Change{
			Chain: chain, Entries: sealed, Jobs: e.lease(withAlso(Outcome{}, fin)), Done: fin.Job, Inbox: fin.Inbox,
			Passes: fin.Passes, Pins: fin.Pins, Freeze: freeze,
		})
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("chain %s: %w", chain, ErrConflict)
}
