package store

import (
	"context"

	"breakglass/flows"
	"breakglass/store/internal/pack"
	"breakglass/store/internal/postgresdb"
)

// callsAtOnce is how many entries about calls are read at a time.
const callsAtOnce = 20_000

// callPage is a stretch of the entries about calls, counted, beside what is kept as counted.
// A chain may go on in the next: nobody takes entries out, so what was counted stays right,
// and it is compared in the state of the database in which its end is seen.
type callPage struct {
	atOnce int64

	chain string // the last entry that was read
	seq   int64
	open  tally // the calls of that chain so far
	more  bool

	ended []postgresdb.AddCallsParams // in the order of requests and rules
	found []Contradiction
}

const (
	callEntries = `SELECT chain, seq, at, bytes, packed FROM entries
		WHERE (chain, seq) > ($1, $2) AND chain < $3 AND verb = 'call_sent' ORDER BY chain, seq LIMIT $4`
	callRows = `SELECT request, rule, n, first_at, last_at FROM calls WHERE request >= $1 AND request < $2 ORDER BY request, rule`
)

// afterCalls sorts after every chain of calls.
const afterCalls = "calls0"

func (p *callPage) read(ctx context.Context, ask asker) error {
	n, from := int64(0), p.open.request
	var unpack pack.Unpacker
	var bytes []byte
	err := ask(ctx, callEntries, []any{max(p.chain, flows.CallsChain("")), p.seq, afterCalls, p.atOnce}, func(r rawRow) error {
		n++
		if chain := r.bytes(0); string(chain) != p.chain {
			p.end()
			p.chain = string(chain)
			p.open.request, _ = countedCalls(p.chain)
		}
		p.seq = r.int(1)
		at := r.int(2)
		bytes = unpacked(&unpack, bytes[:0], r.bytes(0), at, r.bytes(3), r.bytes(4))
		if _, counted := countedCalls(p.chain); counted && p.open.add(bytes, at) != nil {
			p.wrong(p.open.request, "an entry about a call by it cannot be read")
		}
		return nil
	})
	if err != nil {
		return err
	}
	upTo := p.open.request
	if p.more = n == p.atOnce; !p.more {
		p.end()
		upTo = lastID
	}
	return p.compare(ctx, ask, from, upTo)
}

// end is called after the last entry of a chain.
func (p *callPage) end() {
	p.ended = append(p.ended, p.open.sorted()...)
	p.open = tally{}
}

// compare holds what is kept of the requests from one to before another to what was counted.
func (p *callPage) compare(ctx context.Context, ask asker, from, upTo string) error {
	next := 0
	before := func(request, rule string) bool {
		return next < len(p.ended) && (p.ended[next].Request < request || p.ended[next].Request == request && p.ended[next].Rule < rule)
	}
	missing := func() {
		p.wrong(p.ended[next].Request, "calls by it that its entries tell of are not counted")
		next++
	}
	err := ask(ctx, callRows, []any{from, upTo}, func(r rawRow) error {
		have := postgresdb.AddCallsParams{Request: string(r.bytes(0)), Rule: string(r.bytes(1)), N: r.int(2), FirstAt: r.int(3), LastAt: r.int(4)}
		for before(have.Request, have.Rule) {
			missing()
		}
		switch {
		case next == len(p.ended) || p.ended[next].Request != have.Request || p.ended[next].Rule != have.Rule:
			p.wrong(have.Request, "calls are counted that no entry tells of")
		case p.ended[next] != have:
			p.wrong(have.Request, "calls by it are counted otherwise than its entries tell")
			next++
		default:
			next++
		}
		return nil
	})
	for err == nil && next < len(p.ended) {
		missing()
	}
	p.ended = nil
	return err
}

// wrong notes the first thing that is wrong with the calls by a request.
func (p *callPage) wrong(request, why string) {
	if n := len(p.found); n == 0 || p.found[n-1].Request != flows.RequestID(request) {
		p.found = append(p.found, Contradiction{Request: flows.RequestID(request), Why: why + " (table calls)", Lists: true})
	}
}

// holdCalls holds the calls that are counted to the entries about them.
func (s *Store) holdCalls(ctx context.Context, atOnce int64, each func(Contradiction)) error {
	for was := (callPage{atOnce: atOnce, more: true}); was.more; {
		var p callPage
		err := s.raw.along(ctx, func(ctx context.Context, ask asker) error {
			p = was.copied()
			return p.read(ctx, ask)
		})
		if err != nil {
			return err
		}
		for _, c := range p.found {
			each(c)
		}
		p.found = nil
		was = p
	}
	return nil
}

// copied is a page to read, which may be read more than once.
func (p *callPage) copied() callPage {
	c := *p
	c.open.rows = append([]postgresdb.AddCallsParams(nil), p.open.rows...)
	return c
}
