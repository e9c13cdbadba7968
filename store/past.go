package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// Past fills an empty store of the simulated world with requests that are over, to
// measure on: many times as fast as one decision after the other, and what lies in the
// store afterwards is the same. Each change goes through the write path of apply.go, on
// a sheet in memory; the rows are then written as they are, many at a time, past the
// rules of the database, which hold again after each batch, and beside its indexes. Nothing may be applied to
// the store meanwhile.
type Past struct {
	s    *Store
	fill filler

	mu      sync.Mutex // for batch
	batch   *rows
	writing sync.Mutex // for next and totals, and one batch after the other
	next    int64      // the id of the entry that comes next
	totals  running
}

// Step is a change of a made-up request, and when it was decided.
type Step struct {
	At     time.Time
	Change flows.Change
}

// rows are what is written together: of each request what is left after its last step.
type rows struct {
	requests  []postgresdb.InsertRequestParams
	entries   []postgresdb.InsertEntryParams
	heads     []postgresdb.Chain
	openings  []postgresdb.InsertOpeningParams // entry counts within the batch, from 0
	packed    []postgresdb.PackOpeningsParams  // likewise
	people    []postgresdb.AddPersonParams
	incidents []postgresdb.AddIncidentParams
	words     []postgresdb.AddWordsParams
	totals    running
	sums      []postgresdb.AddSumsParams // of everything, at the end
	parts     []partSum                  // likewise
}

// fillable is a database that can be filled. What only makes questions quick is dropped
// from its tables until the filler settles: who breaks off throws the database away.
type fillable interface {
	filler(ctx context.Context) (filler, error)
}

// filler writes rows, the first entry under the id first and in the leaf before that.
type filler interface {
	fill(ctx context.Context, r *rows, first int64) error
	// settle is called once, after everything.
	settle(ctx context.Context) error
}

// pastBatch is how many entries are written together.
const pastBatch = 50_000

// Past begins to fill the store. It is refused unless the store is empty and simulated.
func (s *Store) Past(ctx context.Context) (*Past, error) {
	world, err := s.World(ctx)
	if err != nil {
		return nil, err
	}
	if world != flows.WorldSimulated {
		return nil, fmt.Errorf("fill the store: %w; a made-up past needs a database of its own", ErrOtherWorld)
	}
	all, err := s.tx.direct().TailEntries(ctx, postgresdb.TailEntriesParams{Before: 1 << 62, Lim: 1})
	if err != nil {
		return nil, fmt.Errorf("fill the store: %w", err)
	}
	if len(all) > 0 {
		return nil, errors.New("fill the store: it has entries already; a made-up past needs an empty database")
	}
	f, err := s.srv.(fillable).filler(ctx)
	if err != nil {
		return nil, fmt.Errorf("fill the store: %w", err)
	}
	return &Past{s: s, fill: f, batch: newRows(), next: 1, totals: newRunning()}, nil
}

func newRows() *rows { return &rows{totals: newRunning()} }

// Add adds the whole life of one request. Many may be added side by side.
func (p *Past) Add(ctx context.Context, life []Step) error {
	sh := &sheet{rows: newRows(), jobs: map[string]postgresdb.Job{}}
	for i, step := range life {
		c, err := ready(step.Change)
		if err == nil && i == len(life)-1 { // what earlier ones leave of the request is gone by then
			err = c.encode()
		}
		if err != nil {
			return fmt.Errorf("make up a request: %w", err)
		}
		c.now, c.shards = millis(step.At), p.s.shards
		if err := c.run(ctx, sh); err != nil {
			return fmt.Errorf("make up a request: %w", err)
		}
	}
	if len(sh.jobs) > 0 || len(sh.rows.requests) != 1 || !flows.State(sh.rows.requests[0].State).Final() {
		return errors.New("make up a request: it is not one that is over")
	}
	p.mu.Lock()
	p.batch.add(sh.rows)
	var full *rows
	if len(p.batch.entries) >= pastBatch {
		full, p.batch = p.batch, newRows()
	}
	p.mu.Unlock()
	return p.write(ctx, full)
}

// write writes a batch, if there is one; who adds more meanwhile waits with the next.
func (p *Past) write(ctx context.Context, full *rows) error {
	if full == nil || len(full.entries) == 0 {
		return nil
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := p.fill.fill(ctx, full, p.next); err != nil {
		return fmt.Errorf("write made-up requests: %w", err)
	}
	p.next += int64(len(full.entries))
	p.totals.add(full.totals)
	return nil
}

// Finish writes what is left. The hashes of the tree are still to be made, as they are
// for entries that wait.
func (p *Past) Finish(ctx context.Context) error {
	if err := p.write(ctx, p.batch); err != nil {
		return err
	}
	sums := newRows()
	sums.sums, sums.parts = p.totals.rows()
	if err := p.fill.fill(ctx, sums, p.next); err != nil {
		return fmt.Errorf("write the totals of made-up requests: %w", err)
	}
	return p.fill.settle(ctx)
}

// add puts a request's rows behind the others.
func (r *rows) add(one *rows) {
	for _, o := range one.openings {
		o.Entry += int64(len(r.entries))
		r.openings = append(r.openings, o)
	}
	for _, o := range one.packed {
		o.Entry += int64(len(r.entries))
		r.packed = append(r.packed, o)
	}
	last := one.entries[len(one.entries)-1]
	r.heads = append(r.heads, postgresdb.Chain{Chain: last.Chain, Len: last.Seq, Hash: last.Hash})
	r.requests = append(r.requests, one.requests...)
	r.entries = append(r.entries, one.entries...)
	r.people = append(r.people, one.people...)
	r.incidents = append(r.incidents, one.incidents...)
	r.words = append(r.words, one.words...)
	r.totals.add(one.totals)
}

// sheet is where the life of one request is written: it answers, from memory, the
// queries that apply.go makes for it. What no made-up life asks panics.
type sheet struct {
	queries
	rows *rows
	jobs map[string]postgresdb.Job
}

// Follow does nothing: of what is made up, nothing becomes of its incidents.
func (sh *sheet) Follow(context.Context, postgresdb.FollowParams) error { return nil }

// FollowStill likewise.
func (sh *sheet) FollowStill(context.Context, postgresdb.FollowStillParams) error { return nil }

func (sh *sheet) RequestStanding(context.Context, string) (postgresdb.RequestStandingRow, error) {
	if len(sh.rows.requests) == 0 {
		return postgresdb.RequestStandingRow{}, sql.ErrNoRows
	}
	r := sh.rows.requests[0]
	return postgresdb.RequestStandingRow{Version: r.Version, State: r.State, Incident: r.Incident}, nil
}

func (sh *sheet) InsertRequest(_ context.Context, r postgresdb.InsertRequestParams) error {
	sh.rows.requests = append(sh.rows.requests, r)
	return nil
}

func (sh *sheet) SwapRequest(_ context.Context, r postgresdb.SwapRequestParams) (int64, error) {
	sh.rows.requests[0] = postgresdb.InsertRequestParams{
		ID: r.ID, Version: r.Version, State: r.State, Flow: r.Flow, Target: r.Target, Scope: r.Scope, Requester: r.Requester,
		Beneficiary: r.Beneficiary, Incident: r.Incident, Hash: r.Hash, SubmittedAt: r.SubmittedAt, DecidedAt: r.DecidedAt,
		DueAt: r.DueAt, Overdue: r.Overdue, Doc: r.Doc,
	}
	return 1, nil
}

func (sh *sheet) ChainHead(context.Context, string) (postgresdb.ChainHeadRow, error) {
	if n := len(sh.rows.entries); n > 0 {
		return postgresdb.ChainHeadRow{Len: int64(n), Hash: sh.rows.entries[n-1].Hash}, nil
	}
	return postgresdb.ChainHeadRow{}, sql.ErrNoRows
}

func (sh *sheet) InsertEntry(_ context.Context, e postgresdb.InsertEntryParams) (int64, error) {
	sh.rows.entries = append(sh.rows.entries, e)
	return int64(len(sh.rows.entries)) - 1, nil
}

func (sh *sheet) InsertOpening(_ context.Context, o postgresdb.InsertOpeningParams) error {
	sh.rows.openings = append(sh.rows.openings, o)
	return nil
}

func (sh *sheet) PackOpenings(_ context.Context, o postgresdb.PackOpeningsParams) error {
	sh.rows.packed = append(sh.rows.packed, o)
	return nil
}

func (sh *sheet) AddPerson(_ context.Context, p postgresdb.AddPersonParams) error {
	for i := range sh.rows.people {
		if sh.rows.people[i].Person == p.Person {
			sh.rows.people[i].Roles |= p.Roles
			return nil
		}
	}
	sh.rows.people = append(sh.rows.people, p)
	return nil
}

func (sh *sheet) AddIncident(_ context.Context, inc postgresdb.AddIncidentParams) error {
	for i := range sh.rows.incidents {
		if sh.rows.incidents[i].Incident == inc.Incident {
			if inc.Number > 0 {
				sh.rows.incidents[i].Number = inc.Number
			}
			return nil
		}
	}
	sh.rows.incidents = append(sh.rows.incidents, inc)
	return nil
}

func (sh *sheet) AddWords(_ context.Context, w postgresdb.AddWordsParams) error {
	if !slices.ContainsFunc(sh.rows.words, func(o postgresdb.AddWordsParams) bool { return o.Kind == w.Kind }) {
		sh.rows.words = append(sh.rows.words, w)
	}
	return nil
}

func (sh *sheet) UpsertJob(_ context.Context, j postgresdb.UpsertJobParams) (postgresdb.Job, error) {
	stored := postgresdb.Job{Kind: j.Kind, Key: j.Key, Subject: j.Subject, RunAt: j.RunAt, Rev: 1}
	sh.jobs[j.Key] = stored
	return stored, nil
}

func (sh *sheet) CancelJob(_ context.Context, key string) ([]postgresdb.CancelJobRow, error) {
	j, there := sh.jobs[key]
	if !there {
		return nil, nil
	}
	delete(sh.jobs, key)
	return []postgresdb.CancelJobRow{{Kind: j.Kind, Subject: j.Subject}}, nil
}

func (sh *sheet) UnrevokedRequest(_ context.Context, id string) (int64, error) {
	switch flows.State(sh.rows.requests[0].State) {
	case flows.StateGranting, flows.StateActive, flows.StateEnding:
	default:
		return 0, nil
	}
	for _, j := range sh.jobs {
		if j.Kind == string(flows.JobRevoke) && j.Subject == id {
			return 0, nil
		}
	}
	return 1, nil
}

func (sh *sheet) AddSums(_ context.Context, p postgresdb.AddSumsParams) error {
	sh.rows.totals.sum(&p)
	return nil
}

func (sh *sheet) AddPart(_ context.Context, p postgresdb.AddPartParams) error {
	sh.rows.totals.part(&p)
	return nil
}
