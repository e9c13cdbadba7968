package store

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"breakglass/flows"
	"breakglass/store/internal/pack"
	"breakglass/store/internal/postgresdb"
)

// HoldSome holds the next requests after one, whatever their state, to their entries. It
// returns the last that it looked at; empty when there are no more.
func (s *Store) HoldSome(ctx context.Context, after flows.RequestID) (found []Contradiction, last flows.RequestID, err error) {
	return s.holdPage(ctx, after, heldAtOnce, nil)
}

// HoldAll holds all requests to their entries, and what questions about the past go by to
// the requests and entries that it follows from. It tells each of what does not fit.
func (s *Store) HoldAll(ctx context.Context, each func(what string)) error {
	counts := newCounts(&wordList{at: map[string]int32{}})
	if err := counts.kept(ctx, s, func(n int64) counting { return counting{least: n} }); err != nil {
		return wrapHold(err)
	}
	return errors.Join(s.holdRequests(ctx, counts, each), s.HoldBeside(ctx, each))
}

// HoldBeside is the part of HoldAll that a Holder leaves to others: counted calls.
func (s *Store) HoldBeside(ctx context.Context, each func(what string)) error {
	return wrapHold(s.holdCalls(ctx, callsAtOnce, func(c Contradiction) { each(c.String()) }))
}

// holdRequests holds all requests to their entries, one after the other, and to the requests
// the list by incident and the totals, these as they were kept before.
func (s *Store) holdRequests(ctx context.Context, all *counts, each func(what string)) error {
	page := newCounts(all.wordList)
	for after, more := flows.RequestID(""), true; more; more = after != "" {
		found, last, err := s.holdPage(ctx, after, 10*heldAtOnce, page)
		if err != nil {
			return err
		}
		for _, c := range found {
			each(c.String())
		}
		all.addAll(page)
		after = last
	}
	if err := s.holdIncidents(ctx, func(c Contradiction) { each(c.String()) }); err != nil {
		return wrapHold(err)
	}
	return s.holdTotals(ctx, all, each)
}

// holdTotals holds the totals to what requests came to.
func (s *Store) holdTotals(ctx context.Context, all *counts, each func(what string)) error {
	if err := all.kept(ctx, s, func(n int64) counting { return counting{most: n} }); err != nil {
		return wrapHold(err)
	}
	all.misfits(each)
	return wrapHold(s.holdMonths(ctx, each))
}

// holdPage reads requests and entries past what makes values of each of their columns. That
// settles those that are over and as their entries tell: most. The others are held once
// more, each with what else it has to be held to, on one state of the database. In come is
// then what the requests add to totals, unless it is nil.
func (s *Store) holdPage(ctx context.Context, after flows.RequestID, requests int64, come *counts) (found []Contradiction, last flows.RequestID, err error) {
	p := heldPage{after: after, requests: requests, entries: entriesAtOnce, counts: come}
	if err := s.raw.raw(ctx, p.read); err != nil {
		return nil, "", wrapHold(err)
	}
	found = p.found
	for _, id := range p.doubtful {
		err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
			row, err := q.RequestToHold(ctx, string(id))
			if errors.Is(err, sql.ErrNoRows) {
				found = append(found, Contradiction{Request: id, Why: goneWhy})
				return nil
			}
			if err != nil {
				return err
			}
			told, err := toldOf(ctx, q, row.ID)
			if err == nil {
				found, err = s.hold(ctx, q, found, &row, told)
			}
			return err
		})
		if err != nil {
			return nil, "", wrapHold(err)
		}
	}
	return found, p.last, nil
}

// goneWhy is what is wrong where there is no request.
const goneWhy = "its entries tell of it, and it is gone"

// The chains of requests sort between these; the calls by grants, as many as somebody
// makes, and the system's lie outside.
const (
	beforeRequests = "req_"
	afterRequests  = "req`"
)

// entriesAtOnce is how many entries are read at a time: deleted requests may be many.
const entriesAtOnce = 20_000

// heldPage is some requests, held to what their entries tell.
type heldPage struct {
	after    flows.RequestID
	requests int64                             // at most
	entries  int64                             // at most, unless a chain has more
	each     func(chain string, entries int64) // is told what was held; nil: nobody
	counts   *counts                           // what the requests come to; nil: nobody asks

	found    []Contradiction
	doubtful []flows.RequestID
	last     flows.RequestID // that was looked at; empty: there are no more

	rows    []postgresdb.Request
	traces  tracePage // what they are found by
	keep    arena
	unpack  pack.Unpacker
	bytes   []byte          // of the entry that is held
	next    int             // the row that no entry has come for yet
	chain   string          // of which entries come
	n       int64           // how many have come of it
	gone    bool            // they tell of a request that there is not
	held    flows.Request   // that they tell of
	told    *flows.Telling  // what they have told so far; nil: of nothing that is there
	done    flows.RequestID // the last chain that has ended
	certain int             // how many were doubtful when it had
}

func (p *heldPage) read(ctx context.Context, ask asker) error {
	*p = heldPage{after: p.after, requests: p.requests, entries: p.entries, each: p.each, counts: p.counts} // afresh
	p.forget()
	if err := p.readRequests(ctx, ask); err != nil {
		return err
	}
	upTo, last := afterRequests, lastID
	if int64(len(p.rows)) == p.requests {
		upTo = p.rows[len(p.rows)-1].ID
		last = upTo
	}
	if err := p.traces.read(ctx, ask, string(p.after), last, p.rows); err != nil {
		return err
	}
	for limit := p.entries; ; limit = math.MaxInt64 {
		all, err := p.readEntries(ctx, ask, upTo, limit)
		if err != nil {
			return err
		}
		if all < limit {
			break
		}
		if p.done != "" { // the last chain may go on: it is held next time
			p.last, p.doubtful = p.done, p.doubtful[:p.certain]
			p.found = p.traces.addStrays(p.found, string(p.last))
			return nil
		}
		upTo = p.chain // all of them are of one chain, and it may have more
		p.startOver()
	}
	p.end()
	p.without(upTo + "\x00")
	if upTo != afterRequests {
		p.last, last = flows.RequestID(upTo), upTo
	}
	p.found = p.traces.addStrays(p.found, last)
	return nil
}

func (p *heldPage) readEntries(ctx context.Context, ask asker, upTo string, limit int64) (all int64, err error) {
	// Most ends are the engine's: their entries name nobody, and give no reason.
	const question = `SELECT e.chain, e.at, e.verb, e.bytes, e.packed,
		CASE WHEN e.verb IN ('approve', 'deny', 'cancel', 'done', 'revoke', 'review', 'end') THEN (
			SELECT p.doc FROM packed_openings p WHERE p.entry = e.id) END,
		CASE WHEN e.packed IS NULL AND (e.verb IN ('approve', 'deny', 'cancel', 'done', 'revoke', 'review') OR e.verb = 'end' AND substr(e.bytes, 1, 27) <> '{"actor":{"door":"engine"},') THEN (
			SELECT o.value FROM openings o WHERE o.entry = e.id AND o.path = 'actor.person') END,
		CASE WHEN e.packed IS NULL AND (e.verb IN ('deny', 'cancel', 'done', 'revoke', 'review') OR e.verb = 'end' AND substr(e.bytes, 1, 27) <> '{"actor":{"door":"engine"},') THEN (
			SELECT o.value FROM openings o WHERE o.entry = e.id AND o.path = CASE e.verb WHEN 'review' THEN 'facts.note' ELSE 'facts.reason' END) END
		FROM entries e WHERE e.chain > $1 AND e.chain <= $2 ORDER BY e.chain, e.seq LIMIT $3`
	err = ask(ctx, question, []any{max(string(p.after), beforeRequests), upTo, limit}, func(r rawRow) error {
		if chain := r.bytes(0); string(chain) != p.chain {
			p.end()
			p.begin(string(chain))
		}
		all++
		p.entry(r)
		return nil
	})
	return all, err
}

func (p *heldPage) startOver() {
	p.found, p.doubtful, p.next, p.chain, p.done = nil, nil, 0, "", ""
	p.traces.next = [len(p.traces.next)]int{}
	p.forget()
}

func (p *heldPage) readRequests(ctx context.Context, ask asker) error {
	return ask(ctx, requestsInOrder, []any{string(p.after), p.requests}, func(r rawRow) error {
		text := func(col int32) string { return p.keep.text(r.bytes(col)) }
		p.rows = append(p.rows, postgresdb.Request{
			ID: text(0), Version: r.int(1), State: text(2), Flow: text(3), Target: text(4), Scope: text(5), Requester: text(6),
			Beneficiary: text(7), Incident: text(8), Hash: text(9), SubmittedAt: r.int(10), DecidedAt: r.int(11), DueAt: r.int(12),
			Overdue: r.int(13), Doc: text(14),
		})
		return nil
	})
}

// forget forgets what requests came to, to begin afresh.
func (p *heldPage) forget() {
	if p.counts != nil {
		p.counts.clear()
	}
}

// begin is called before the first entry of a chain.
func (p *heldPage) begin(chain string) {
	p.certain = len(p.doubtful)
	p.without(chain)
	p.chain, p.n, p.gone, p.told = chain, 0, false, nil
	if p.next == len(p.rows) || p.rows[p.next].ID != chain {
		return
	}
	row := &p.rows[p.next]
	p.next++
	p.held = flows.Request{}
	if decodeOne(row.Doc, &p.held) != nil {
		p.doubtful = append(p.doubtful, flows.RequestID(row.ID))
		return
	}
	p.told = flows.Tell(&p.held)
}

// without passes over the requests before a chain: they have no entry.
func (p *heldPage) without(chain string) {
	for ; p.next < len(p.rows) && p.rows[p.next].ID < chain; p.next++ {
		p.doubtful = append(p.doubtful, flows.RequestID(p.rows[p.next].ID))
	}
}

func (p *heldPage) entry(r rawRow) {
	p.n++
	verb := r.bytes(2)
	if p.told == nil {
		there := p.next > 0 && p.rows[p.next-1].ID == p.chain // and cannot be read
		p.gone = p.gone || !there && string(verb) == string(flows.VerbSubmit)
		return
	}
	at := r.int(1)
	p.bytes = unpacked(&p.unpack, p.bytes[:0], r.bytes(0), at, r.bytes(3), r.bytes(4))
	t := flows.Told{At: fromMillis(at), Verb: string(verb), Bytes: p.bytes, By: flows.PersonID(r.bytes(6)), Said: string(r.bytes(7))}
	tell(&p.unpack, &t, r.bytes(5))
	p.told.Entry(&t)
}

// end is called after the last entry of a chain.
func (p *heldPage) end() {
	if p.chain == "" {
		return
	}
	id := flows.RequestID(p.chain)
	p.done = id
	if p.each != nil {
		p.each(p.chain, p.n)
	}
	if p.gone {
		p.found = append(p.found, Contradiction{Request: id, Why: goneWhy})
	}
	if p.told == nil {
		return
	}
	if p.counts != nil {
		p.counts.count(p.held.Content.Flow, p.told)
	}
	if p.held.State.Live() || flows.Forgotten(&p.held) || p.told.Contradiction(nil) != "" || !columnsFit(&p.held, &p.rows[p.next-1]) ||
		!p.traces.fit(&p.held) {
		p.doubtful = append(p.doubtful, id)
	}
}
