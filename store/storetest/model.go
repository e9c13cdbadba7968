package storetest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// Model is the contract said again, as plainly as it can be: a store in memory, one
// mutex, one copy of everything for each change. Property tests hold the real stores
// to it, and it passes the contract itself, so tests of other packages may use it
// where they need a store that takes microseconds. Its zero value is not usable.
type Model struct {
	mu sync.Mutex
	d  data
}

// data is everything the model holds. The values in the maps are never changed in
// place, so a copy of the maps is a copy of the state.
type data struct {
	requests map[flows.RequestID]flows.Request
	holdings map[flows.HoldingKey]flows.Holding
	chains   map[string][]flows.Sealed
	cards    map[string]flows.Card
	jobs     map[string]flows.Job
	inbox    map[string]inboxRow
	lastJob  int64
	frozen   bool
}

type inboxRow struct {
	flows.InboxRow
	handled bool
}

var _ Store = (*Model)(nil)

// NewModel returns an empty model.
func NewModel() *Model {
	return &Model{d: data{
		requests: map[flows.RequestID]flows.Request{}, holdings: map[flows.HoldingKey]flows.Holding{},
		chains: map[string][]flows.Sealed{}, cards: map[string]flows.Card{}, jobs: map[string]flows.Job{},
		inbox: map[string]inboxRow{},
	}}
}

func (d data) copy() data {
	d.requests, d.holdings, d.chains = maps.Clone(d.requests), maps.Clone(d.holdings), maps.Clone(d.chains)
	d.cards, d.jobs, d.inbox = maps.Clone(d.cards), maps.Clone(d.jobs), maps.Clone(d.inbox)
	return d
}

// change runs f on a copy and keeps it if f succeeds.
func (m *Model) change(f func(*data) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.d.copy()
	if err := f(&d); err != nil {
		return err
	}
	m.d = d
	return nil
}

// look runs f on the state.
func (m *Model) look(f func(data)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.d)
}

// Apply applies an outcome.
func (m *Model) Apply(_ context.Context, c flows.Change) ([]flows.Job, error) {
	var stored []flows.Job
	err := m.change(func(d *data) error {
		for _, step := range []func(flows.Change) error{d.done, d.request, d.holding, d.entries, d.putCards, d.cancel} {
			if err := step(c); err != nil {
				return err
			}
		}
		for _, j := range c.Jobs {
			stored = append(stored, d.putJob(j))
		}
		if err := d.handled(c); err != nil {
			return err
		}
		if c.Freeze != nil {
			d.frozen = !c.Freeze.IsZero()
		}
		return d.revokes()
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

// leased finds the job as claimed.
func (d *data) leased(j flows.Job) (flows.Job, error) {
	for _, have := range d.jobs {
		if have.ID == j.ID && have.Lease == j.Lease && have.LeasedTo == j.LeasedTo && j.LeasedTo != "" {
			return have, nil
		}
	}
	return flows.Job{}, flows.ErrLeaseLost
}

func (d *data) done(c flows.Change) error {
	if c.Done == nil {
		return nil
	}
	have, err := d.leased(*c.Done)
	switch {
	case err != nil:
		return err
	case have.Rev == c.Done.Rev:
		delete(d.jobs, have.Key)
	default:
		d.jobs[have.Key] = freed(have)
	}
	return nil
}

func freed(j flows.Job) flows.Job {
	j.LeasedTo, j.LeaseUntil = "", time.Time{}
	return j
}

func (d *data) request(c flows.Change) error {
	r := c.Request
	if r == nil {
		return nil
	}
	have, exists := d.requests[r.ID]
	switch {
	case have.Version != r.Version-1, r.Version == 1 && exists:
		return flows.ErrConflict
	case d.frozen && have.State != r.State && (r.State == flows.StateApproved || r.State == flows.StateGranting):
		return flows.ErrFrozen
	case have.State != r.State && len(c.Entries) == 0:
		return fmt.Errorf("no entry for the step of %s", r.ID)
	case have.State != r.State && !mayStep(have.State, r.State):
		return fmt.Errorf("no such step: %s to %s", have.State, r.State)
	}
	for _, other := range d.requests {
		if other.ID != r.ID && other.State.Undecided() && r.State.Undecided() && other.Content.Key() == r.Content.Key() {
			return flows.ErrDuplicate
		}
	}
	d.requests[r.ID] = *r
	return nil
}

func mayStep(from, to flows.State) bool {
	for _, s := range flows.Lifecycle() {
		if s.From == from && s.To == to {
			return true
		}
	}
	return false
}

func (d *data) holding(c flows.Change) error {
	if c.Holding == nil {
		return nil
	}
	if d.holdings[c.Holding.Key].Version != c.Holding.Version-1 {
		return flows.ErrConflict
	}
	d.holdings[c.Holding.Key] = *c.Holding
	return nil
}

func (d *data) entries(c flows.Change) error {
	chain := c.Chain
	if c.Request != nil {
		chain = string(c.Request.ID)
	}
	list := slices.Clone(d.chains[chain])
	for i, e := range c.Entries {
		head := headOf(list)
		switch sum := flows.LeafHash(e.Bytes); {
		case fmt.Sprintf("%x", sum) != e.Hash, e.Chain != chain:
			return fmt.Errorf("entry %d is not what it says", e.Seq)
		case e.Seq != head.Len+1 || e.Prev != head.Hash:
			if i == 0 {
				return flows.ErrConflict
			}
			return fmt.Errorf("entry %d does not follow", e.Seq)
		}
		list = append(list, e)
	}
	if c.Request != nil && c.Request.Chain != headOf(list) {
		if len(c.Entries) == 0 {
			return flows.ErrConflict
		}
		return fmt.Errorf("request %s does not carry its chain's head", c.Request.ID)
	}
	d.chains[chain] = list
	return nil
}

func headOf(list []flows.Sealed) flows.ChainHead {
	if len(list) == 0 {
		return flows.ChainHead{}
	}
	last := list[len(list)-1]
	return flows.ChainHead{Len: last.Seq, Hash: last.Hash}
}

func (d *data) putCards(c flows.Change) error {
	for _, card := range c.Cards {
		for _, other := range d.cards {
			if other.ID != card.ID && (card.Token != "" && other.Token == card.Token || card.Next != "" && other.Next == card.Next) {
				return fmt.Errorf("card %s has the button value of %s", card.ID, other.ID)
			}
		}
		d.cards[card.ID] = card
	}
	return nil
}

func (d *data) cancel(c flows.Change) error {
	for _, key := range c.Cancel {
		delete(d.jobs, key)
	}
	return nil
}

func (d *data) laneLeased(lane string) bool {
	for _, j := range d.jobs {
		if lane != "" && j.Lane == lane && j.LeasedTo != "" {
			return true
		}
	}
	return false
}

// putJob upserts by key. What it returns says LeasedTo only if it leased the job.
func (d *data) putJob(j flows.Job) flows.Job {
	have, exists := d.jobs[j.Key]
	if !exists {
		d.lastJob++
		j.ID, j.Rev, j.Attempts, j.LastErr, j.Lease = d.lastJob, 1, 0, "", 1
		if j.LeasedTo == "" || d.laneLeased(j.Lane) {
			j, j.Lease = freed(j), 0
		}
		d.jobs[j.Key] = j
		return j
	}
	have.RunAt, have.Args, have.Rev, have.Attempts, have.LastErr = j.RunAt, j.Args, have.Rev+1, 0, ""
	d.jobs[j.Key] = have
	return freed(have)
}

func (d *data) handled(c flows.Change) error {
	if c.Inbox == "" {
		return nil
	}
	row, exists := d.inbox[c.Inbox]
	if !exists || row.handled {
		return flows.ErrLeaseLost
	}
	row.handled = true
	d.inbox[c.Inbox] = row
	return nil
}

// revokes refuses a state in which something live has nothing to revoke it.
func (d *data) revokes() error {
	for id, r := range d.requests {
		if r.State != flows.StateGranting && r.State != flows.StateActive && r.State != flows.StateEnding {
			continue
		}
		if !d.hasJob(string(id), flows.JobRevoke) {
			return fmt.Errorf("request %s would be live without a job to revoke it", id)
		}
	}
	return nil
}

func (d *data) hasJob(subject string, kinds ...flows.JobKind) bool {
	for _, j := range d.jobs {
		if j.Subject == subject && slices.Contains(kinds, j.Kind) {
			return true
		}
	}
	return false
}

// Accept stores a row and its job.
func (m *Model) Accept(_ context.Context, row flows.InboxRow, job flows.Job) (stored flows.Job, fresh bool, err error) {
	err = m.change(func(d *data) error {
		if _, exists := d.inbox[row.Key]; exists {
			return nil
		}
		row.Body = bytes.Clone(row.Body)
		d.inbox[row.Key] = inboxRow{InboxRow: row}
		stored, fresh = d.putJob(job), true
		return nil
	})
	return stored, fresh, err
}

// Claim leases due jobs.
func (m *Model) Claim(_ context.Context, owner string, now time.Time, lease time.Duration, limit int) ([]flows.Job, error) {
	var out []flows.Job
	err := m.change(func(d *data) error {
		var due []flows.Job
		for key, j := range d.jobs {
			if j.LeasedTo != "" && !j.LeaseUntil.After(now) {
				j = freed(j)
				d.jobs[key] = j
			}
			if j.LeasedTo == "" && !j.RunAt.After(now) {
				due = append(due, j)
			}
		}
		sort.Slice(due, func(i, k int) bool {
			return due[i].RunAt.Before(due[k].RunAt) || due[i].RunAt.Equal(due[k].RunAt) && due[i].ID < due[k].ID
		})
		for _, j := range due {
			if len(out) == limit {
				break
			}
			if d.laneLeased(j.Lane) {
				continue
			}
			j.LeasedTo, j.LeaseUntil, j.Lease = owner, now.Add(lease), j.Lease+1
			d.jobs[j.Key] = j
			out = append(out, j)
		}
		return nil
	})
	return out, err
}

// Retry gives a job back.
func (m *Model) Retry(_ context.Context, j flows.Job, runAt time.Time, why string) error {
	return m.change(func(d *data) error {
		have, err := d.leased(j)
		if err != nil {
			return err
		}
		if have.Rev == j.Rev {
			have.RunAt, have.Attempts = runAt, have.Attempts+1
		}
		have.LastErr = why
		d.jobs[have.Key] = freed(have)
		return nil
	})
}

// Extend moves a lease.
func (m *Model) Extend(_ context.Context, j flows.Job, until time.Time) error {
	return m.change(func(d *data) error {
		have, err := d.leased(j)
		if err != nil {
			return err
		}
		have.LeaseUntil = until
		d.jobs[have.Key] = have
		return nil
	})
}

// Job is the stored job with the key, for looking at.
func (m *Model) Job(key string) (j flows.Job, ok bool) {
	m.look(func(d data) { j, ok = d.jobs[key] })
	return j, ok
}

// Jobs lists every stored job by key, for looking at.
func (m *Model) Jobs() (out []flows.Job) {
	m.look(func(d data) {
		for _, key := range slices.Sorted(maps.Keys(d.jobs)) {
			out = append(out, d.jobs[key])
		}
	})
	return out
}

func matches(f flows.RequestFilter, r flows.Request) bool {
	return (f.Person == "" || f.Person == r.Content.Requester || f.Person == r.Content.Beneficiary) &&
		(f.Flow == "" || f.Flow == r.Content.Flow) &&
		(f.Target == "" || f.Target == r.Content.Target) &&
		(f.Incident == "" || f.Incident == r.Incident()) && (!f.Bare || r.Incident() == "") &&
		(len(f.States) == 0 || slices.Contains(f.States, r.State)) &&
		!r.SubmittedAt.Before(f.Since) &&
		(f.Before == "" || strings.Compare(string(r.ID), string(f.Before)) < 0)
}
