package store

import (
	"context"
	"slices"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// tracePage is what some requests are found by, read in the order of the requests.
type tracePage struct {
	lists [len(traceQuestions)][]tracedRow
	next  [len(traceQuestions)]int // the row that no request has come for yet
	keep  arena
	strays
	fits []trace // room for what fit compares
}

type tracedRow struct {
	request string
	trace
}

// traceQuestions ask for the rows of a stretch of requests, each list along its own key.
// The incident is the one that a request says it is for: few were ever for another.
var traceQuestions = [...]string{
	people: `SELECT request, person, roles, submitted_at FROM request_people WHERE request > $1 AND request <= $2 ORDER BY request, person`,
	words:  `SELECT request, kind, cast(0 AS bigint), submitted_at, person, text FROM request_words WHERE request > $1 AND request <= $2 ORDER BY request, kind`,
	looks:  `SELECT request, state, due_at, submitted_at FROM reviews WHERE request > $1 AND request <= $2 ORDER BY request`,
	incidents: `SELECT r.id, r.incident, (SELECT i.number FROM request_incidents i
		WHERE i.incident = r.incident AND i.submitted_at = r.submitted_at AND i.request = r.id), r.submitted_at
		FROM requests r WHERE r.id > $1 AND r.id <= $2 AND r.incident <> '' ORDER BY r.id`,
}

// strayMost is how many rows of no request are told of in a page.
const strayMost = 10

// tracesMost is how many rows of one request are kept to be compared: more than any has.
const tracesMost = 500

// read reads the rows of the requests after one and up to another.
func (p *tracePage) read(ctx context.Context, ask asker, after, upTo string, rows []postgresdb.Request) error {
	for l := range list(len(traceQuestions)) {
		at, kept := 0, 0
		err := ask(ctx, traceQuestions[l], []any{after, upTo}, func(r rawRow) error {
			request := r.bytes(0)
			for at < len(rows) && rows[at].ID < string(request) {
				at, kept = at+1, 0
			}
			if at == len(rows) || rows[at].ID != string(request) {
				p.strayed(string(request), l)
				return nil
			}
			if kept++; kept > tracesMost {
				return nil
			}
			row := tracedRow{rows[at].ID, trace{list: l, key: p.keep.text(r.bytes(1)), n: r.int(2), at: r.int(3)}}
			if l == words {
				row.by, row.text = p.keep.text(r.bytes(4)), p.keep.text(r.bytes(5))
			}
			if l == incidents && r.bytes(2) == nil { // no row
				return nil
			}
			p.lists[l] = append(p.lists[l], row)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// strays are the first rows of no request, in no order.
type strays struct{ stray []Contradiction }

func (p *strays) strayed(request string, l list) {
	same := func(c Contradiction) bool { return c.Request == flows.RequestID(request) }
	if len(p.stray) < strayMost && !slices.ContainsFunc(p.stray, same) {
		t := trace{list: l}
		p.stray = append(p.stray, Contradiction{Request: flows.RequestID(request), Why: t.in(showsNone), Lists: true})
	}
}

// fit reports whether a request has the rows that it would have if nothing had passed. What
// has passed is looked at where it has not. Requests come in order.
func (p *tracePage) fit(r *flows.Request) bool {
	have := p.fits[:0]
	for l := range p.lists {
		rows, i := p.lists[l], p.next[l]
		for ; i < len(rows) && rows[i].request <= string(r.ID); i++ {
			if rows[i].request == string(r.ID) {
				have = append(have, rows[i].trace)
			}
		}
		p.next[l] = i
	}
	p.fits = have
	return misfit(tracesOf(r), have) == ""
}

// addStrays adds the rows of no request, up to one, to what was found, except of those that
// are gone: that says it.
func (p *strays) addStrays(found []Contradiction, upTo string) []Contradiction {
	for _, c := range p.stray {
		gone := func(f Contradiction) bool { return f.Request == c.Request }
		if string(c.Request) <= upTo && !slices.ContainsFunc(found, gone) {
			found = append(found, c)
		}
	}
	return found
}
