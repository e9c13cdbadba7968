package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// Holder does what HoldAll does along the tree: whoever proves a log reads all entries, and
// gives them to Take as they pass by. Requests are read when the first entry comes that may
// be one of theirs; their ids come in nearly that order. One goroutine uses it.
//
// What is as its entries tell is settled in passing. What is not, or not yet, or could not
// be told, is held once more by End, each on one state of the database.
type Holder struct {
	s    *Store
	ctx  context.Context //nolint:containedctx // of one verification
	each func(what string)
	err  error

	upTo  string              // requests up to this id were read
	all   bool                // there are no more
	open  map[string]*passing // whose entries have not all come; nil: that will be held by End
	some  int                 // of these that are not nil
	doubt map[string]doubt
	stray []Contradiction // rows of no request
	lost  bool            // they come in no order: End reads everything by request

	counts   *counts
	told     flows.Told
	verbs    map[string]string
	spare    []*passing
	requests int64 // that are read at a time
	most     int   // requests that are open at once
}

// passing is a request of which entries come.
type passing struct {
	request flows.Request
	told    *flows.Telling
	misfit  bool // its columns, or what it is found by, do not fit
}

// doubt is why a chain is held once more.
type doubt struct {
	submitted bool // its entries tell of a request
	uncounted bool // what it comes to was not counted
}

// How many requests are read at a time, and are open at once, before it is not worth it.
const (
	requestsAtOnce = 1000
	mostOpen       = 50_000
)

// BeginHolding begins to hold requests to their entries, and what lists and charts go by to
// the requests. each is told what does not fit.
func (s *Store) BeginHolding(ctx context.Context, each func(what string)) (*Holder, error) {
	h := &Holder{
		s: s, ctx: ctx, each: each, open: map[string]*passing{}, doubt: map[string]doubt{}, verbs: map[string]string{},
		counts: newCounts(&wordList{at: map[string]int32{}}), requests: requestsAtOnce, most: mostOpen,
	}
	err := h.counts.kept(ctx, s, func(n int64) counting { return counting{least: n} })
	return h, wrapHold(err)
}

// Take takes the next entry in the order of the tree. It keeps nothing of it.
func (h *Holder) Take(row *flows.LeafRow) {
	if h.lost || h.err != nil || string(row.Chain) <= beforeRequests || string(row.Chain) >= afterRequests {
		return
	}
	one, known := h.open[string(row.Chain)]
	for !known && !h.all && string(row.Chain) > h.upTo {
		if h.err = h.more(); h.err != nil {
			return
		}
		if h.lost = h.some > h.most; h.lost {
			h.open, h.doubt, h.stray, h.spare = nil, nil, nil, nil
			h.counts.uncount()
			return
		}
		one, known = h.open[string(row.Chain)]
	}
	switch {
	case one != nil:
		one.told.Entry(h.tell(row))
		if row.Seq >= one.request.Chain.Len {
			h.passed(one)
		}
	case !known && (row.Seq > 1 || string(row.Verb) == string(flows.VerbSubmit)):
		d := h.doubt[string(row.Chain)] // it was written meanwhile, or there is no such request
		h.doubt[string(row.Chain)] = doubt{submitted: d.submitted || string(row.Verb) == string(flows.VerbSubmit), uncounted: d.uncounted}
	}
}

// tell is what an entry tells.
func (h *Holder) tell(row *flows.LeafRow) *flows.Told {
	verb, known := h.verbs[string(row.Verb)]
	if !known {
		verb = string(row.Verb)
		if len(h.verbs) < 100 { // there are fewer, unless somebody makes them up
			h.verbs[verb] = verb
		}
	}
	h.told = flows.Told{At: fromMillis(row.At), Verb: verb, Bytes: row.Bytes}
	reason, tells := saidAt(verb)
	if !tells {
		return &h.told
	}
	for i := range row.Openings {
		switch o := &row.Openings[i]; string(o.Path) {
		case "actor.person":
			h.told.By = flows.PersonID(o.Value)
		case reason:
			h.told.Said = string(o.Value)
		}
	}
	return &h.told
}

// more reads the next requests, and what they are found by.
func (h *Holder) more() error {
	p := heldPage{after: flows.RequestID(h.upTo), requests: h.requests}
	upTo := ""
	err := h.s.raw.raw(h.ctx, func(ctx context.Context, ask asker) error {
		p = heldPage{after: p.after, requests: p.requests} // afresh
		if err := p.readRequests(ctx, ask); err != nil {
			return err
		}
		upTo = lastID
		if int64(len(p.rows)) == p.requests {
			upTo = p.rows[len(p.rows)-1].ID
		}
		return p.traces.read(ctx, ask, string(p.after), upTo, p.rows)
	})
	if err != nil {
		return err
	}
	h.all = upTo == lastID
	h.upTo = upTo
	h.stray = append(h.stray, p.traces.stray...)
	for i := range p.rows {
		h.begin(&p.rows[i], &p.traces)
	}
	return nil
}

// begin begins to hold a request. One that may give access is held to what ends that, too,
// which is done by End.
func (h *Holder) begin(row *postgresdb.Request, traces *tracePage) {
	one := &passing{}
	if n := len(h.spare); n > 0 {
		one, h.spare = h.spare[n-1], h.spare[:n-1]
		*one = passing{}
	}
	if decodeOne(row.Doc, &one.request) != nil || one.request.State.Live() || string(one.request.ID) != row.ID {
		id := strings.Clone(row.ID) // what else was read with it need not stay
		h.open[id], h.doubt[id] = nil, doubt{uncounted: true}
		return
	}
	one.misfit = !columnsFit(&one.request, row) || !traces.fit(&one.request)
	one.told = flows.Tell(&one.request)
	h.open[row.ID] = one
	h.some++
}

// passed is called after the last entry of a request.
func (h *Holder) passed(one *passing) {
	id := string(one.request.ID)
	h.counts.count(one.request.Content.Flow, one.told)
	if one.misfit || flows.Forgotten(&one.request) || one.told.Contradiction(nil) != "" {
		h.doubt[strings.Clone(id)] = doubt{}
	}
	delete(h.open, id)
	h.some--
	h.spare = append(h.spare, one)
}

// End holds what is left, after the last entry. It tells in the order of requests.
func (h *Holder) End() error {
	for !h.lost && !h.all && h.err == nil { // no entry came for these
		h.err = h.more()
	}
	if h.err != nil {
		return wrapHold(h.err)
	}
	if h.lost {
		return h.s.holdRequests(h.ctx, h.counts, h.each)
	}
	for id, one := range h.open {
		if one != nil {
			h.doubt[id] = doubt{uncounted: true}
		}
	}
	h.open, h.spare = nil, nil
	for _, id := range slices.Sorted(maps.Keys(h.doubt)) {
		found, err := h.again(flows.RequestID(id), h.doubt[id])
		if err != nil {
			return wrapHold(err)
		}
		for _, c := range found {
			h.each(c.String())
		}
	}
	for _, c := range h.stray {
		if !h.doubt[string(c.Request)].submitted { // that it is gone says it
			h.each(c.String())
		}
	}
	return h.s.holdTotals(h.ctx, h.counts, h.each)
}

// again holds a request to its entries as they are by now.
func (h *Holder) again(id flows.RequestID, d doubt) (found []Contradiction, err error) {
	var counted *flows.Telling
	var flow flows.FlowID
	err = h.s.tx.snapshot(h.ctx, func(ctx context.Context, q queries) error {
		row, err := q.RequestToHold(ctx, string(id))
		if errors.Is(err, sql.ErrNoRows) {
			if d.submitted {
				found = []Contradiction{{Request: id, Why: goneWhy}}
			}
			return nil
		}
		if err != nil {
			return err
		}
		told, err := toldOf(ctx, q, row.ID)
		if err != nil {
			return err
		}
		counted = nil
		if r, err := decodeRequest(row.Doc); err == nil && d.uncounted {
			counted = flows.Tell(&r)
			for i := range told {
				counted.Entry(&told[i])
			}
			flow = r.Content.Flow
		}
		found, err = h.s.hold(ctx, q, nil, &row, told)
		return err
	})
	if err == nil && counted != nil {
		h.counts.count(flow, counted)
	}
	return found, err
}
