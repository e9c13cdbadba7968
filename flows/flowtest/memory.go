// Package flowtest is what tests of the domain run against: a store in memory that
// keeps the store's contract, and a small world of people, a rota, incidents and a
// target with a ledger of its own. It may import flows and the standard library, and
// never testing. Read memory.go, then world.go.
package flowtest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"time"

	"breakglass/flows"
)

// Memory is a store in memory: one mutable world, no goroutines of its own, not safe
// for concurrent use. Races are played by Interleave, faults by Fail.
type Memory struct {
	Requests map[flows.RequestID]flows.Request
	Holdings map[flows.HoldingKey]flows.Holding
	Cards    map[string]flows.Card
	Jobs     map[string]flows.Job
	Inbox    map[string]flows.InboxRow
	Handled  map[string]int
	Chains   map[string][]flows.Sealed
	Frozen   bool

	// Interleave, if set, runs between a Load and what is decided on it.
	Interleave func()
	// Fail, if set, is asked before (committed false) and after (true) each write
	// whether the process dies here.
	Fail func(committed bool) error
	// NoSwap leaves out the comparison of versions: a seeded bug.
	NoSwap bool
	// Alter, if set, changes what is about to be written: seeded bugs.
	Alter func(*flows.Change)
	// Wrote, if set, is told what was written.
	Wrote func(flows.Change)

	nextJob int64
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		Requests: map[flows.RequestID]flows.Request{}, Holdings: map[flows.HoldingKey]flows.Holding{},
		Cards: map[string]flows.Card{}, Jobs: map[string]flows.Job{}, Inbox: map[string]flows.InboxRow{},
		Handled: map[string]int{}, Chains: map[string][]flows.Sealed{},
	}
}

// Load implements flows.Ledger.
func (m *Memory) Load(_ context.Context, id flows.RequestID) (flows.Record, error) {
	r, ok := m.Requests[id]
	if !ok {
		return flows.Record{}, flows.ErrNotFound
	}
	rec := flows.Record{Request: r, Holding: m.Holdings[r.Content.Key()]}
	for _, c := range m.Cards {
		if c.Request == id {
			rec.Cards = append(rec.Cards, c)
		}
	}
	sort.Slice(rec.Cards, func(i, j int) bool { return rec.Cards[i].ID < rec.Cards[j].ID })
	if m.Interleave != nil {
		m.Interleave()
	}
	return rec, nil
}

// Holding implements flows.Ledger.
func (m *Memory) Holding(_ context.Context, key flows.HoldingKey) (flows.Holding, error) {
	return m.Holdings[key], nil
}

// ChainHead implements flows.Chains.
func (m *Memory) ChainHead(_ context.Context, chain string) (flows.ChainHead, error) {
	return m.head(chain), nil
}

func (m *Memory) head(chain string) flows.ChainHead {
	entries := m.Chains[chain]
	if len(entries) == 0 {
		return flows.ChainHead{}
	}
	last := entries[len(entries)-1]
	return flows.ChainHead{Len: last.Seq, Hash: last.Hash}
}

// Apply implements flows.Ledger.
func (m *Memory) Apply(_ context.Context, c flows.Change) ([]flows.Job, error) {
	if m.Fail != nil {
		if err := m.Fail(false); err != nil {
			return nil, err
		}
	}
	if m.Alter != nil {
		m.Alter(&c)
	}
	if err := m.check(c); err != nil {
		return nil, err
	}
	if c.Request != nil {
		m.Requests[c.Request.ID] = *c.Request
	}
	if c.Holding != nil {
		m.Holdings[c.Holding.Key] = *c.Holding
	}
	m.Chains[c.Chain] = append(m.Chains[c.Chain], c.Entries...)
	for _, card := range c.Cards {
		m.Cards[card.ID] = card
	}
	for _, key := range c.Cancel {
		if c.Done == nil || key != c.Done.Key {
			delete(m.Jobs, key)
		}
	}
	var written []flows.Job
	for _, j := range c.Jobs {
		written = append(written, m.put(j))
	}
	if c.Done != nil {
		m.finish(*c.Done)
	}
	if c.Inbox != "" {
		m.Handled[c.Inbox]++
	}
	if c.Freeze != nil {
		m.Frozen = !c.Freeze.IsZero()
	}
	if m.Wrote != nil {
		m.Wrote(c)
	}
	if m.Fail != nil {
		if err := m.Fail(true); err != nil {
			return nil, err
		}
	}
	return written, nil
}

func (m *Memory) check(c flows.Change) error {
	if c.Done != nil {
		if have, ok := m.Jobs[c.Done.Key]; !ok || have.Lease != c.Done.Lease || have.LeasedTo != c.Done.LeasedTo {
			return flows.ErrLeaseLost
		}
	}
	if m.NoSwap {
		return nil
	}
	if c.Request != nil && m.Requests[c.Request.ID].Version != c.Request.Version-1 {
		return flows.ErrConflict
	}
	if r := c.Request; r != nil && m.Frozen && m.Requests[r.ID].State != r.State && (r.State == flows.StateApproved || r.State == flows.StateGranting) {
		return flows.ErrFrozen
	}
	if c.Holding != nil && m.Holdings[c.Holding.Key].Version != c.Holding.Version-1 {
		return flows.ErrConflict
	}
	if len(c.Entries) > 0 {
		head := m.head(c.Chain)
		if c.Entries[0].Seq != head.Len+1 || c.Entries[0].Prev != head.Hash {
			return flows.ErrConflict
		}
	}
	if c.Request != nil && c.Request.Version == 1 {
		for _, r := range m.Requests {
			if r.State.Undecided() && r.Content.Key() == c.Request.Content.Key() {
				return flows.ErrDuplicate
			}
		}
	}
	return nil
}

// put upserts a job by key.
func (m *Memory) put(j flows.Job) flows.Job {
	have, ok := m.Jobs[j.Key]
	if ok {
		have.RunAt, have.Args, have.Attempts, have.LastErr = j.RunAt, j.Args, 0, ""
		have.Rev++
		m.Jobs[j.Key] = have
		have.LeasedTo, have.LeaseUntil = "", time.Time{} // whatever lease it has is not this caller's
		return have
	}
	m.nextJob++
	j.ID, j.Rev = m.nextJob, 1
	if j.LeasedTo != "" {
		j.Lease = 1
		if m.laneBusy(j) {
			j.LeasedTo, j.LeaseUntil, j.Lease = "", time.Time{}, 0
		}
	}
	m.Jobs[j.Key] = j
	return j
}

func (m *Memory) laneBusy(j flows.Job) bool {
	if j.Lane == "" {
		return false
	}
	for _, x := range m.Jobs {
		if x.Key != j.Key && x.Lane == j.Lane && x.LeasedTo != "" {
			return true
		}
	}
	return false
}

func (m *Memory) finish(done flows.Job) {
	have := m.Jobs[done.Key]
	if have.Rev == done.Rev {
		delete(m.Jobs, done.Key)
		return
	}
	have.LeasedTo, have.LeaseUntil = "", time.Time{}
	m.Jobs[done.Key] = have
}

// Accept implements flows.Inbox.
func (m *Memory) Accept(_ context.Context, row flows.InboxRow, j flows.Job) (flows.Job, bool, error) {
	if m.Fail != nil {
		if err := m.Fail(false); err != nil {
			return flows.Job{}, false, err
		}
	}
	if _, ok := m.Inbox[row.Key]; ok {
		return flows.Job{}, false, nil
	}
	m.Inbox[row.Key] = row
	return m.put(j), true, nil
}

// InboxRow implements flows.Inbox.
func (m *Memory) InboxRow(_ context.Context, key string) (flows.InboxRow, error) {
	row, ok := m.Inbox[key]
	if !ok {
		return row, flows.ErrNotFound
	}
	return row, nil
}

// Claim implements flows.Queue.
func (m *Memory) Claim(_ context.Context, owner string, now time.Time, lease time.Duration, limit int) ([]flows.Job, error) {
	var out []flows.Job
	for _, key := range m.due(now) {
		j := m.Jobs[key]
		if len(out) == limit {
			break
		}
		if m.laneBusy(j) {
			continue
		}
		j.LeasedTo, j.LeaseUntil = owner, now.Add(lease)
		j.Lease++
		m.Jobs[key] = j
		out = append(out, j)
	}
	return out, nil
}

// due lists the keys of jobs that may be claimed at now, earliest first.
func (m *Memory) due(now time.Time) []string {
	var keys []string
	for key, j := range m.Jobs {
		if j.LeasedTo != "" && !j.LeaseUntil.After(now) {
			j.LeasedTo = ""
			m.Jobs[key] = j
		}
		if j.LeasedTo == "" && !j.RunAt.After(now) {
			keys = append(keys, key)
		}
	}
	sort.Slice(keys, func(a, b int) bool {
		x, y := m.Jobs[keys[a]], m.Jobs[keys[b]]
		if !x.RunAt.Equal(y.RunAt) {
			return x.RunAt.Before(y.RunAt)
		}
		return x.ID < y.ID
	})
	return keys
}

// Retry implements flows.Queue.
func (m *Memory) Retry(_ context.Context, j flows.Job, runAt time.Time, why string) error {
	have, ok := m.Jobs[j.Key]
	if !ok || have.Lease != j.Lease || have.LeasedTo != j.LeasedTo {
		return flows.ErrLeaseLost
	}
	have.LeasedTo, have.LeaseUntil, have.LastErr = "", time.Time{}, why
	have.Attempts++
	if have.Rev == j.Rev {
		have.RunAt = runAt
	}
	m.Jobs[j.Key] = have
	return nil
}

// Extend implements flows.Queue.
func (m *Memory) Extend(_ context.Context, j flows.Job, until time.Time) error {
	have, ok := m.Jobs[j.Key]
	if !ok || have.Lease != j.Lease || have.LeasedTo != j.LeasedTo {
		return flows.ErrLeaseLost
	}
	have.LeaseUntil = until
	m.Jobs[j.Key] = have
	return nil
}

// NextDue implements flows.Timetable.
func (m *Memory) NextDue(context.Context) (time.Time, bool, error) {
	var best time.Time
	for _, j := range m.Jobs {
		if j.LeasedTo == "" && (best.IsZero() || j.RunAt.Before(best)) {
			best = j.RunAt
		}
	}
	return best, !best.IsZero(), nil
}

// PastDue implements flows.Timetable.
func (m *Memory) PastDue(_ context.Context, now time.Time, limit int) ([]flows.RequestID, error) {
	var out []flows.RequestID
	for id, r := range m.Requests {
		due := r.Due()
		if due.IsZero() || due.After(now) || m.hasDueJob(id) {
			continue
		}
		out = append(out, id)
	}
	slices.Sort(out)
	if len(out) > limit {
		out = out[:limit]
	}
	return out, nil
}

func (m *Memory) hasDueJob(id flows.RequestID) bool {
	for _, kind := range []flows.JobKind{flows.JobLapse, flows.JobGiveUp, flows.JobRevoke} {
		if _, ok := m.Jobs[flows.JobKey(kind, string(id))]; ok {
			return true
		}
	}
	return false
}

// Grants is the memory as a list of requests.
type Grants struct{ *Memory }

// Requests lists requests in the given states, by id; other filters are not needed here.
func (g Grants) Requests(_ context.Context, f flows.RequestFilter) ([]flows.Request, error) {
	var out []flows.Request
	for _, r := range g.Memory.Requests {
		for _, s := range f.States {
			if r.State == s {
				out = append(out, r)
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out, nil
}

// UndecidedFor implements flows.Counts.
func (m *Memory) UndecidedFor(_ context.Context, key flows.HoldingKey) (flows.RequestID, error) {
	for id, r := range m.Requests {
		if r.State.Undecided() && r.Content.Key() == key {
			return id, nil
		}
	}
	return "", nil
}

// Asked implements flows.Counts.
func (m *Memory) Asked(_ context.Context, p flows.PersonID, since time.Time) (int, error) {
	n := 0
	for _, r := range m.Requests {
		if r.Content.Requester == p && !r.SubmittedAt.Before(since) {
			n++
		}
	}
	return n, nil
}

// Open implements flows.Counts.
func (m *Memory) Open(_ context.Context, p flows.PersonID, f flows.FlowID) (int, error) {
	n := 0
	for _, r := range m.Requests {
		if r.Content.Requester == p && r.Content.Flow == f && !r.State.Final() {
			n++
		}
	}
	return n, nil
}

// RecentDenials implements flows.Counts.
func (m *Memory) RecentDenials(_ context.Context, key flows.HoldingKey, since time.Time) ([]flows.Request, error) {
	var out []flows.Request
	for _, r := range m.Requests {
		if r.State == flows.StateDenied && r.Content.Key() == key && !r.DecidedAt.Before(since) {
			out = append(out, r)
		}
	}
	return out, nil
}

// LiveIncidents lists incidents of requests that are not final.
func (m *Memory) LiveIncidents(context.Context) (map[flows.IncidentID][]flows.RequestID, error) {
	out := map[flows.IncidentID][]flows.RequestID{}
	for id, r := range m.Requests {
		if inc := r.Incident(); inc != "" && !r.State.Final() {
			out[inc] = append(out[inc], id)
		}
	}
	for _, ids := range out {
		slices.Sort(ids)
	}
	return out, nil
}

// Restart frees the leases of the process that died.
func (m *Memory) Restart() {
	for key, j := range m.Jobs {
		j.LeasedTo, j.LeaseUntil = "", time.Time{}
		m.Jobs[key] = j
	}
}

// CheckChain verifies one chain from its entry number from on: gapless, linked,
// hashes over the bytes.
func (m *Memory) CheckChain(name string, from int) error {
	entries := m.Chains[name]
	prev := ""
	if from > 0 {
		prev = entries[from-1].Hash
	}
	for i, e := range entries[from:] {
		sum := flows.LeafHash(e.Bytes)
		if hex.EncodeToString(sum[:]) != e.Hash || e.Seq != int64(from+i+1) || e.Prev != prev {
			return fmt.Errorf("chain %s breaks at entry %d", name, e.Seq)
		}
		prev = e.Hash
	}
	return nil
}
