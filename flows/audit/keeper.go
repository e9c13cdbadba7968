package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"breakglass/flows"
)

// GrowEvery is how often what waits is taken in: an entry waits half a minute, and with
// a try that fails and comes again less than a whole one.
const GrowEvery = 30 * time.Second

// MaxLag is how long an entry may wait before something is wrong.
const MaxLag = time.Minute

// GrowJob is the job that keeps taking in what was written; it is written at start and
// writes itself again each time.
func GrowJob(at time.Time) flows.Job {
	return flows.Job{Kind: flows.JobTree, Key: flows.JobKey(flows.JobTree, "audit"), Subject: "audit", RunAt: at}
}

// Stock is the store as the keeper sees it.
type Stock interface {
	Ground
	// LastWitness is the newest checkpoint that a kind of place has. flows.ErrNotFound.
	LastWitness(ctx context.Context, kind string) (flows.Witness, error)
}

// Ledger applies what came of a job; the engine implements it.
type Ledger interface {
	// Grow applies a Finish together with what was added to the tree.
	Grow(ctx context.Context, g *flows.TreeGrowth, fin flows.Finish) error
	// Now is the time on our clock.
	Now() time.Time
}

// Outlet is a kind of place outside the database that gets checkpoints.
type Outlet struct {
	Kind  string
	Every time.Duration // at most one in this time, the newest; zero: every one, in order
	// Send publishes a checkpoint and says where it is. A repeat does no harm.
	Send func(ctx context.Context, c flows.Checkpoint) (place string, err error)
}

// Keeper does the jobs of the tree.
type Keeper struct {
	Stock  Stock
	Ledger Ledger
	// Signer reads the key; nil where there is none. It is asked each time: keys rotate.
	Signer func(ctx context.Context) (note.Signer, error)
	// Keys are those that may have signed the last checkpoint; nil where that is not known.
	Keys func(origin string) note.Verifiers
	// Outlets are the places outside, as they are configured now.
	Outlets func() []Outlet
	// Broken is told when the tree is not what was signed before.
	Broken func(error)

	mu   sync.Mutex
	seen Head // the newest head that was there, and good
}

// Grow is the job that takes in what was written, signs, and has it published.
func (k *Keeper) Grow(ctx context.Context, j flows.Job) error {
	now := k.Ledger.Now()
	waiting, _, err := k.Stock.Waiting(ctx)
	if err != nil {
		return err
	}
	fin := flows.Finish{Job: &j}
	next := []flows.Job{GrowJob(now.Add(GrowEvery))}
	fin.Also = func(flows.Outcome) []flows.Job { return next }
	if waiting == 0 && j.Attempts == 0 && len(j.Args) == 0 {
		return k.Ledger.Grow(ctx, nil, fin)
	}
	signer, unsigned := k.signer(ctx)
	var g *flows.TreeGrowth
	err = k.stands(ctx)
	if err == nil {
		g, err = Growth(ctx, k.Stock, signer, now)
	}
	if errors.Is(err, ErrBroken) && k.Broken != nil {
		k.Broken(err)
	}
	if err != nil {
		return err
	}
	if len(g.Nodes) >= hashAtOnce { // a log that was long before there was a tree
		next[0].RunAt, next[0].Args = now, []byte(`{"more":true}`)
	}
	if g.Checkpoint != nil {
		if next, err = k.publish(ctx, next, now); err != nil {
			return err
		}
	}
	if unsigned != nil { // the entries have their places; signing is tried again
		fin = flows.Finish{}
	}
	if err = k.Ledger.Grow(ctx, g, fin); err == nil && g.Checkpoint != nil {
		k.saw(Head{Size: g.Checkpoint.Size, Root: g.Checkpoint.Root})
	}
	return errors.Join(unsigned, err)
}

func (k *Keeper) saw(h Head) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if h.Size > k.seen.Size {
		k.seen = h
	}
}

// stands holds the log to the newest head that was seen, and the one in the store to its
// signature, before another is signed: who can write into the database and has not the key
// must not have it sign what they made of the log.
func (k *Keeper) stands(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	last, err := k.Stock.LastCheckpoint(ctx)
	if err != nil && !errors.Is(err, flows.ErrNotFound) {
		return err
	}
	if last.Size < k.seen.Size {
		return fmt.Errorf("%w: the checkpoint of %d entries was there and is gone", ErrBroken, k.seen.Size)
	}
	if last.Size == 0 {
		return nil
	}
	head, err := Peek(last.Note)
	if err == nil && k.Keys != nil {
		if keys := k.Keys(head.Origin); keys != nil {
			head, err = Open(last.Note, keys)
		}
	}
	if err == nil && (head.Size != last.Size || head.Root != last.Root) {
		err = errors.New("its row says something else")
	}
	if err != nil {
		return fmt.Errorf("%w: the checkpoint of %d entries: %w", ErrBroken, last.Size, err)
	}
	if k.seen.Size > 0 {
		root, err := Root(ctx, k.Stock, k.seen.Size)
		if err != nil {
			return err
		}
		if root != k.seen.Root {
			return fmt.Errorf("%w: its first %d entries are others", ErrBroken, k.seen.Size)
		}
	}
	k.seen = head
	return nil
}

func (k *Keeper) signer(ctx context.Context) (note.Signer, error) {
	if k.Signer == nil {
		return nil, nil
	}
	s, err := k.Signer(ctx)
	if err != nil {
		return nil, fmt.Errorf("the audit tree is not signed: %w", err)
	}
	return s, nil
}

// publish adds the jobs that publish what was just signed.
func (k *Keeper) publish(ctx context.Context, jobs []flows.Job, now time.Time) ([]flows.Job, error) {
	for _, o := range k.Outlets() {
		at := now
		if o.Every > 0 {
			last, err := k.Stock.LastWitness(ctx, o.Kind)
			if err != nil && !errors.Is(err, flows.ErrNotFound) {
				return nil, err
			}
			if soonest := last.At.Add(o.Every); err == nil && soonest.After(now) {
				at = soonest
			}
		}
		jobs = append(jobs, flows.Job{Kind: flows.JobWitness, Key: flows.JobKey(flows.JobWitness, o.Kind), Subject: o.Kind, RunAt: at})
	}
	return jobs, nil
}

// Publish is the job that sends checkpoints to one kind of place.
func (k *Keeper) Publish(ctx context.Context, j flows.Job) error {
	for _, o := range k.Outlets() {
		if o.Kind == j.Subject {
			return k.send(ctx, j, o)
		}
	}
	return k.Ledger.Grow(ctx, nil, flows.Finish{Job: &j}) // it is not configured any more
}

// perRun is how many checkpoints one run of a job publishes.
const perRun = 100

func (k *Keeper) send(ctx context.Context, j flows.Job, o Outlet) error {
	due, err := k.due(ctx, o)
	if err != nil {
		return err
	}
	for i, c := range due {
		place, err := o.Send(ctx, c)
		if err != nil { // never given up: the next one would say the same, and each is recorded
			return fmt.Errorf("publish the checkpoint of %d entries (%s): %v; it will be tried again", c.Size, o.Kind, err) //nolint:errorlint // not permanent
		}
		fin := flows.Finish{}
		if i == len(due)-1 && len(due) < perRun {
			fin.Job = &j
		}
		w := flows.Witness{Kind: o.Kind, Size: c.Size, Place: place, At: k.Ledger.Now()}
		if err := k.Ledger.Grow(ctx, &flows.TreeGrowth{Witness: &w}, fin); err != nil {
			return err
		}
	}
	switch len(due) {
	case 0:
		return k.Ledger.Grow(ctx, nil, flows.Finish{Job: &j})
	case perRun:
		again := j
		again.RunAt, again.LeasedTo = k.Ledger.Now(), ""
		return k.Ledger.Grow(ctx, nil, flows.Finish{Job: &j, Also: func(flows.Outcome) []flows.Job { return []flows.Job{again} }})
	}
	return nil
}

// due are the checkpoints that a kind of place has not got. One that is new here begins
// with the newest.
func (k *Keeper) due(ctx context.Context, o Outlet) ([]flows.Checkpoint, error) {
	newest, err := k.Stock.LastCheckpoint(ctx)
	if errors.Is(err, flows.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	last, err := k.Stock.LastWitness(ctx, o.Kind)
	fresh := errors.Is(err, flows.ErrNotFound)
	if err != nil && !fresh {
		return nil, err
	}
	switch {
	case last.Size >= newest.Size:
		return nil, nil
	case fresh || o.Every > 0:
		return []flows.Checkpoint{newest}, nil
	}
	return k.Stock.Checkpoints(ctx, last.Size, perRun)
}
