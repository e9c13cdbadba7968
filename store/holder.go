package store

import (
	"context"
	"database/sql"
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"breakglass/flows"
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
	asked    *incidentSums // what requests want of the list by incident
	listed   <-chan listed
	told     flows.Told
	verbs    map[string]string
	coming   <-chan *ahead // the requests after these, as they are read; nil: they are not
	spare    []*passing
	requests int64 // that are read at a time
	most     int   // requests that are open at once
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
		asked: newIncidentSums(maphash.MakeSeed()),
	}
	h.listed = s.addUpListed(ctx, h.asked.seed)
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

// more takes the next requests, and has those after them read.
func (h *Holder) more() error {
	if h.coming == nil {
		h.readOn()
	}
	p := <-h.coming
	h.coming = nil
	if p.err != nil {
		return p.err
	}
	h.upTo, h.all = p.upTo, p.upTo == lastID
	h.stray = append(h.stray, p.stray...)
	for _, one := range p.begun {
		if one.later {
			h.open[one.id], h.doubt[one.id] = nil, doubt{uncounted: true}
			h.spare = append(h.spare, one)
			continue
		}
		h.open[one.id] = one
		h.some++
	}
	h.spare = append(h.spare, p.spare...)
	if !h.all {
		h.readOn()
	}
	return nil
}

func (h *Holder) readOn() {
	h.coming = h.s.readAhead(h.ctx, &ahead{after: h.upTo, requests: h.requests, spare: h.spare, listed: h.asked})
	h.spare = nil
}

// passed is called after the last entry of a request.
func (h *Holder) passed(one *passing) {
	h.counts.count(one.request.Content.Flow, &one.told)
	if one.misfit || one.told.Contradiction(nil) != "" {
		h.doubt[strings.Clone(one.id)] = doubt{}
	}
	delete(h.open, one.id)
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
	if h.coming != nil { // nobody takes these
		<-h.coming
	}
	there := <-h.listed
	if there.err != nil {
		return wrapHold(there.err)
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
	shelves, err := h.listedOther(there.sums)
	if err != nil {
		return wrapHold(err)
	}
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
	if err := h.s.holdListed(h.ctx, h.asked, shelves, func(c Contradiction) { h.each(c.String()) }); err != nil {
		return wrapHold(err)
	}
	return h.s.holdTotals(h.ctx, h.counts, h.each)
}

// listedOther are the shelves on which the list by incident is not what requests want. These
// are held once more.
func (h *Holder) listedOther(there *incidentSums) (map[int]bool, error) {
	shelves := h.asked.otherThan(there)
	if len(shelves) == 0 {
		return nil, nil
	}
	return shelves, h.s.requestsOn(h.ctx, h.asked, shelves, func(id string) {
		if _, is := h.doubt[id]; !is {
			h.doubt[id] = doubt{}
		}
	})
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
