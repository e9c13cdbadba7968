package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// Apply applies an outcome in one transaction; see flows.Change for what it promises.
// In what it returns, LeasedTo is set only for jobs that this very call leased: a job
// that was already being worked on, even by this process, comes back with it empty.
func (s *Store) Apply(ctx context.Context, c flows.Change) ([]flows.Job, error) {
	p, err := prepare(c)
	if err != nil {
		return nil, fmt.Errorf("apply: %w", err)
	}
	p.now, p.shards = millis(s.now()), s.shards
	err = s.tx.write(ctx, p.keys(), p.run)
	if err != nil {
		return nil, err
	}
	return p.stored, nil
}

// change is a flows.Change made ready outside of the transaction.
type change struct {
	flows.Change
	chain   string
	request postgresdb.InsertRequestParams
	holding string // doc
	jobs    []postgresdb.UpsertJobParams
	now     int64
	shards  int64

	was    postgresdb.RequestStandingRow // of a request that was there
	stored []flows.Job
	orphan []string // requests whose revoke job was deleted
}

// prepare checks what can be checked without the database and encodes.
func prepare(c flows.Change) (*change, error) {
	p, err := ready(c)
	if err != nil {
		return nil, err
	}
	return p, p.encode()
}

// encode makes the document of the request.
func (p *change) encode() (err error) {
	if p.Request != nil {
		p.request.Doc, err = encodeRequest(*p.Request)
	}
	return err
}

// ready is prepare without the document of the request.
func ready(c flows.Change) (*change, error) {
	p := &change{Change: c, chain: c.Chain}
	var err error
	if c.Request != nil {
		if c.Chain != "" && c.Chain != string(c.Request.ID) {
			return nil, fmt.Errorf("the entries of request %s are on chain %q", c.Request.ID, c.Chain)
		}
		p.chain = string(c.Request.ID)
		p.request = requestRow(c.Request)
	}
	if c.Holding != nil {
		if p.holding, err = encodeHolding(*c.Holding); err != nil {
			return nil, err
		}
	}
	for _, j := range c.Jobs {
		row, err := jobRow(j)
		if err != nil {
			return nil, err
		}
		p.jobs = append(p.jobs, row)
	}
	p.Cards = slices.SortedStableFunc(slices.Values(c.Cards), func(a, b flows.Card) int { return strings.Compare(a.ID, b.ID) })
	return p, p.checkEntries()
}

// keys are the jobs the change touches, by key.
func (p *change) keys() []string {
	keys := slices.Clone(p.Cancel)
	for _, j := range p.jobs {
		keys = append(keys, j.Key)
	}
	if p.Done != nil {
		keys = append(keys, p.Done.Key)
	}
	return keys
}

// checkEntries holds the entries to their hashes and to each other.
func (p *change) checkEntries() error {
	for i, e := range p.Entries {
		sum := flows.LeafHash(e.Bytes)
		switch {
		case e.Chain != p.chain:
			return fmt.Errorf("an entry of chain %q is to be written to chain %q", e.Chain, p.chain)
		case hex.EncodeToString(sum[:]) != e.Hash:
			return fmt.Errorf("entry %d of chain %s does not have the hash it says", e.Seq, e.Chain)
		case i > 0 && (e.Seq != p.Entries[i-1].Seq+1 || e.Prev != p.Entries[i-1].Hash):
			return fmt.Errorf("entry %d of chain %s does not follow the one before it", e.Seq, e.Chain)
		}
	}
	if n := len(p.Entries); n > 0 && p.Request != nil {
		last := p.Entries[n-1]
		if p.Request.Chain != (flows.ChainHead{Len: last.Seq, Hash: last.Hash}) {
			return fmt.Errorf("request %s does not carry the chain head after its entries", p.Request.ID)
		}
	}
	return nil
}

// run is the transaction. Done comes first, so that a lost lease is said before a
// conflict and so that the job's lane is free for what follows.
func (p *change) run(ctx context.Context, q queries) error {
	p.stored, p.orphan = nil, nil
	for _, step := range []func(context.Context, queries) error{
		p.done, p.swapRequest, p.swapHolding, p.append, p.calls, p.traces, p.followed, p.review, p.cards, p.links, p.passes, p.cancel, p.upsertJobs, p.handled, p.grow, p.checkRevokes,
		p.count, p.freeze,
	} {
		if err := step(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (p *change) done(ctx context.Context, q queries) error {
	j := p.Done
	if j == nil {
		return nil
	}
	n, err := q.DeleteDoneJob(ctx, postgresdb.DeleteDoneJobParams{ID: j.ID, Lease: j.Lease, LeasedTo: j.LeasedTo, Rev: j.Rev})
	if err != nil {
		return fmt.Errorf("finish job %s: %w", j.Key, err)
	}
	if n == 1 {
		if j.Kind == flows.JobRevoke {
			p.orphan = append(p.orphan, j.Subject)
		}
		return nil
	}
	n, err = q.FreeDoneJob(ctx, postgresdb.FreeDoneJobParams{ID: j.ID, Lease: j.Lease, LeasedTo: j.LeasedTo})
	if err != nil {
		return fmt.Errorf("free job %s: %w", j.Key, err)
	}
	if n == 0 || j.LeasedTo == "" {
		return fmt.Errorf("finish job %s: %w", j.Key, flows.ErrLeaseLost)
	}
	return nil
}

func (p *change) swapRequest(ctx context.Context, q queries) error {
	r := p.Request
	if r == nil {
		return nil
	}
	if r.Version == 1 {
		return p.insertRequest(ctx, q)
	}
	was, err := q.RequestStanding(ctx, p.request.ID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("request %s: %w", r.ID, flows.ErrConflict)
	case err != nil:
		return fmt.Errorf("read request %s: %w", r.ID, err)
	case was.Version != r.Version-1:
		return fmt.Errorf("request %s is at version %d, not %d: %w", r.ID, was.Version, r.Version-1, flows.ErrConflict)
	case was.State != p.request.State && len(p.Entries) == 0:
		return fmt.Errorf("request %s from %s to %s: %w", r.ID, was.State, r.State, errNoEntry)
	}
	p.was = was
	n, err := q.SwapRequest(ctx, swapRow(p.request))
	if err != nil {
		return fmt.Errorf("update request %s: %w", r.ID, err)
	}
	if n == 0 {
		return fmt.Errorf("request %s: %w", r.ID, flows.ErrConflict)
	}
	return nil
}

func (p *change) insertRequest(ctx context.Context, q queries) error {
	id := p.request.ID
	if len(p.Entries) == 0 {
		return fmt.Errorf("new request %s: %w", id, errNoEntry)
	}
	if _, err := q.RequestStanding(ctx, id); err == nil {
		return fmt.Errorf("request %s exists: %w", id, flows.ErrConflict)
	}
	if err := q.InsertRequest(ctx, p.request); err != nil {
		return fmt.Errorf("insert request %s: %w", id, err)
	}
	return nil
}

var errNoEntry = errors.New("a change of state without its audit entry; nothing was written")

func (p *change) swapHolding(ctx context.Context, q queries) error {
	h := p.Holding
	if h == nil {
		return nil
	}
	person, target, scope := string(h.Key.Person), string(h.Key.Target), string(h.Key.Scope)
	if h.Version == 1 {
		err := q.InsertHolding(ctx, postgresdb.InsertHoldingParams{
			Person: person, Target: target, Scope: scope, Version: 1, Doc: p.holding,
		})
		if err != nil {
			return fmt.Errorf("insert the holding of %s: %w", h.Key.Lane(), err)
		}
		return nil
	}
	n, err := q.SwapHolding(ctx, postgresdb.SwapHoldingParams{
		Person: person, Target: target, Scope: scope, Version: h.Version, OldVersion: h.Version - 1, Doc: p.holding,
	})
	if err != nil {
		return fmt.Errorf("update the holding of %s: %w", h.Key.Lane(), err)
	}
	if n == 0 {
		return fmt.Errorf("the holding of %s: %w", h.Key.Lane(), flows.ErrConflict)
	}
	return nil
}

func (p *change) cards(ctx context.Context, q queries) error {
	for _, c := range p.Cards {
		if err := q.UpsertCard(ctx, cardRow(c)); err != nil {
			return fmt.Errorf("write card %s: %w", c.ID, err)
		}
	}
	return nil
}

// freeze sets or lifts the freeze.
func (p *change) freeze(ctx context.Context, q queries) error {
	if p.Freeze == nil {
		return nil
	}
	value := ""
	if !p.Freeze.IsZero() {
		value = strconv.FormatInt(p.Freeze.UnixMilli(), 10)
	}
	if err := q.PutMeta(ctx, postgresdb.PutMetaParams{Name: "frozen", Value: value}); err != nil {
		return fmt.Errorf("freeze: %w", err)
	}
	return nil
}

func (p *change) handled(ctx context.Context, q queries) error {
	if p.Inbox == "" {
		return nil
	}
	mark := postgresdb.MarkHandledParams{Key: p.Inbox, HandledAt: p.now, Attempts: 1}
	if p.Done != nil {
		mark.Attempts += int64(p.Done.Attempts)
	}
	n, err := q.MarkHandled(ctx, mark)
	if err != nil {
		return fmt.Errorf("mark inbox row %s: %w", p.Inbox, err)
	}
	if n == 0 {
		return fmt.Errorf("inbox row %s was handled already: %w", p.Inbox, flows.ErrLeaseLost)
	}
	return nil
}

// checkRevokes refuses what would leave access that nothing ends: a request that is
// live now, or was left live, without a job to revoke it.
func (p *change) checkRevokes(ctx context.Context, q queries) error {
	ids := p.orphan
	if p.Request != nil && p.Request.State.Live() {
		ids = append(ids, string(p.Request.ID))
	}
	for _, id := range ids {
		n, err := q.UnrevokedRequest(ctx, id)
		if err != nil {
			return fmt.Errorf("look for the revoke job of %s: %w", id, err)
		}
		if n > 0 {
			return fmt.Errorf("request %s would be live without a job to revoke it; nothing was written", id)
		}
	}
	return nil
}
