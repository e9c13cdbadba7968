package storetest

import (
	"context"
	"maps"
	"slices"
	"sort"
	"time"

	"breakglass/flows"
)

// Load reads a request with its holding and cards.
func (m *Model) Load(_ context.Context, id flows.RequestID) (rec flows.Record, err error) {
	m.look(func(d data) {
		r, ok := d.requests[id]
		if !ok {
			err = flows.ErrNotFound
			return
		}
		rec = flows.Record{Request: r, Holding: d.holdingOf(r.Content.Key())}
		for _, cid := range slices.Sorted(maps.Keys(d.cards)) {
			if c := d.cards[cid]; c.Request == id {
				rec.Cards = append(rec.Cards, c)
			}
		}
	})
	return rec, err
}

// Holding reads a holding.
func (m *Model) Holding(_ context.Context, key flows.HoldingKey) (h flows.Holding, err error) {
	m.look(func(d data) { h = d.holdingOf(key) })
	return h, nil
}

func (d data) holdingOf(key flows.HoldingKey) flows.Holding {
	h := d.holdings[key]
	h.Key = key
	return h
}

// ChainHead is the end of a chain.
func (m *Model) ChainHead(_ context.Context, chain string) (head flows.ChainHead, err error) {
	m.look(func(d data) { head = headOf(d.chains[chain]) })
	return head, nil
}

// InboxRow reads a row back.
func (m *Model) InboxRow(_ context.Context, key string) (row flows.InboxRow, err error) {
	m.look(func(d data) {
		r, ok := d.inbox[key]
		if !ok {
			err = flows.ErrNotFound
		}
		row = r.InboxRow
	})
	return row, err
}

// NextDue is when the earliest job that could be claimed is due.
func (m *Model) NextDue(context.Context) (at time.Time, ok bool, err error) {
	m.look(func(d data) {
		for _, j := range d.jobs {
			if j.LeasedTo == "" && !d.laneLeased(j.Lane) && (!ok || j.RunAt.Before(at)) {
				at, ok = j.RunAt, true
			}
		}
	})
	return at, ok, nil
}

// PastDue lists requests that are past due and that no job will end.
func (m *Model) PastDue(_ context.Context, now time.Time, limit int) (out []flows.RequestID, err error) {
	m.look(func(d data) {
		var due []flows.Request
		for id, r := range d.requests {
			at := r.Due()
			if !at.IsZero() && !at.After(now) && !d.hasJob(string(id), flows.JobLapse, flows.JobGiveUp, flows.JobRevoke) {
				due = append(due, r)
			}
		}
		sort.Slice(due, func(i, k int) bool {
			a, b := due[i].Due(), due[k].Due()
			return a.Before(b) || a.Equal(b) && due[i].ID < due[k].ID
		})
		for _, r := range due[:min(limit, len(due))] {
			out = append(out, r.ID)
		}
	})
	return out, nil
}

// Requests lists requests, newest first.
func (m *Model) Requests(_ context.Context, f flows.RequestFilter) (out []flows.Request, err error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	m.look(func(d data) {
		ids := slices.Sorted(maps.Keys(d.requests))
		slices.Reverse(ids)
		for _, id := range ids {
			if r := d.requests[id]; matches(f, r) && len(out) < limit {
				out = append(out, r)
			}
		}
	})
	return out, nil
}

// CardByToken finds the card with the button value.
func (m *Model) CardByToken(_ context.Context, hash string) (card flows.Card, err error) {
	err = flows.ErrNotFound
	m.look(func(d data) {
		for _, c := range d.cards {
			if hash != "" && (c.Token == hash || c.Next == hash) {
				card, err = c, nil
			}
		}
	})
	return card, err
}

// Entries reads a chain in order.
func (m *Model) Entries(_ context.Context, chain string) (out []flows.Sealed, err error) {
	m.look(func(d data) { out = slices.Clone(d.chains[chain]) })
	return out, nil
}

// UndecidedFor is the undecided request for a holding.
func (m *Model) UndecidedFor(_ context.Context, key flows.HoldingKey) (id flows.RequestID, err error) {
	m.look(func(d data) {
		for _, r := range d.requests {
			if r.State.Undecided() && r.Content.Key() == key {
				id = r.ID
			}
		}
	})
	return id, nil
}

// Asked counts a person's requests submitted since.
func (m *Model) Asked(_ context.Context, p flows.PersonID, since time.Time) (n int, err error) {
	m.look(func(d data) {
		for _, r := range d.requests {
			if r.Content.Requester == p && !r.SubmittedAt.Before(since) {
				n++
			}
		}
	})
	return n, nil
}

// Open counts a person's requests in a flow that are not final.
func (m *Model) Open(_ context.Context, p flows.PersonID, f flows.FlowID) (n int, err error) {
	m.look(func(d data) {
		for _, r := range d.requests {
			if r.Content.Requester == p && r.Content.Flow == f && !r.State.Final() {
				n++
			}
		}
	})
	return n, nil
}

// RecentDenials are the requests for a holding that were denied since.
func (m *Model) RecentDenials(_ context.Context, key flows.HoldingKey, since time.Time) (out []flows.Request, err error) {
	m.look(func(d data) {
		for _, r := range d.requests {
			if r.State == flows.StateDenied && r.Content.Key() == key && !r.DecidedAt.Before(since) {
				out = append(out, r)
			}
		}
		sort.Slice(out, func(i, k int) bool { return out[i].ID > out[k].ID })
	})
	return out, nil
}
