package store

import (
	"context"

	"breakglass/flows"
)

// ahead is the next requests of a Holder. They are read, beside whoever takes the entries
// before theirs, and held to what needs no entry: that they can be read, that their columns
// are what they say, and the rows that they are found by; those of the list by incident are
// added up.
type ahead struct {
	after    string
	requests int64 // at most
	spare    []*passing
	listed   *incidentSums // to which the rows that these want are added

	begun []*passing // in the order of their ids
	upTo  string     // lastID: there are no more
	err   error
	strays
	keep arena
	room routeRoom
	wanted
}

// passing is a request of which entries come.
type passing struct {
	id      string // of its row
	request flows.Request
	told    flows.Telling
	later   bool // End holds it: it cannot be read, or what ends its access has to be looked at, too
	misfit  bool // its columns, or what it is found by, do not fit; or somebody was erased from it
}

// requestsInOrder asks for requests after one.
const requestsInOrder = `SELECT id, version, state, flow, target, scope, requester, beneficiary, incident, hash,
	submitted_at, decided_at, due_at, overdue, doc FROM requests WHERE id > $1 ORDER BY id LIMIT $2`

// readAhead reads them on a goroutine of its own.
func (s *Store) readAhead(ctx context.Context, p *ahead) <-chan *ahead {
	out := make(chan *ahead, 1)
	go func() {
		p.err = s.raw.raw(ctx, p.read)
		if p.err == nil {
			p.tell()
		}
		out <- p
	}()
	return out
}

// tell begins to hold what was read to its entries. Where a request was ever for another
// incident than it is for now, all of them are looked up.
func (p *ahead) tell() {
	var refs []flows.IncidentRef
	for _, one := range p.begun {
		refs = one.request.AppendIncidents(refs[:0])
		p.listed.want(&one.request, refs)
		if !one.later {
			one.told.Begin(&one.request)
			one.misfit = one.misfit || one.told.Forgotten() || len(refs) > 1
		}
	}
}

func (p *ahead) read(ctx context.Context, ask asker) error {
	p.spare, p.begun = append(p.spare, p.begun...), nil // afresh
	p.stray = nil
	err := ask(ctx, requestsInOrder, []any{p.after, p.requests}, func(r rawRow) error {
		p.begun = append(p.begun, p.begin(r))
		return nil
	})
	if err != nil {
		return err
	}
	p.upTo = lastID
	if n := len(p.begun); int64(n) == p.requests {
		p.upTo = p.begun[n-1].id
	}
	for l := range incidents { // those are added up
		if err := p.readList(ctx, ask, l); err != nil {
			return err
		}
	}
	return nil
}

// begin begins to hold a request.
func (p *ahead) begin(row rawRow) *passing {
	one := &passing{}
	if n := len(p.spare); n > 0 {
		one, p.spare = p.spare[n-1], p.spare[:n-1]
		*one = passing{told: one.told} // which is begun again
	}
	err := decodeBut(p.keep.text(row.bytes(14)), &one.request, &p.room)
	if err != nil || one.request.State.Live() || string(row.bytes(0)) != string(one.request.ID) {
		one.id, one.later = string(row.bytes(0)), true
		return one
	}
	one.id = string(one.request.ID)
	one.misfit = !columnsAre(&one.request, row)
	return one
}

// columnsAre is columnsFit of a row where the database has it.
func columnsAre(r *flows.Request, row rawRow) bool {
	c := &r.Content
	is := func(col int32, text string) bool { return string(row.bytes(col)) == text }
	return is(0, string(r.ID)) && row.int(1) == r.Version && is(2, string(r.State)) && is(3, string(c.Flow)) && is(4, string(c.Target)) &&
		is(5, string(c.Scope)) && is(6, string(c.Requester)) && is(7, string(c.Beneficiary)) && is(8, string(r.Incident())) && is(9, r.Hash) &&
		row.int(10) == millis(r.SubmittedAt) && row.int(11) == millis(r.DecidedAt) && row.int(12) == dueMillis(r.Due()) && row.int(13) == flag(r.Overdue)
}

// readList holds the requests to one of the lists, which comes in the order of the requests.
func (p *ahead) readList(ctx context.Context, ask asker, l list) error {
	at := 0
	p.list, p.of = l, nil
	upTo := func(request []byte) {
		for ; at < len(p.begun) && p.begun[at].id < string(request); at++ {
			p.end(p.begun[at])
		}
	}
	err := ask(ctx, traceQuestions[l], []any{p.after, p.upTo}, func(r rawRow) error {
		request := r.bytes(0)
		upTo(request)
		if at == len(p.begun) || p.begun[at].id != string(request) {
			p.strayed(string(request), l)
			return nil
		}
		p.row(p.begun[at], r)
		return nil
	})
	for ; at < len(p.begun); at++ {
		p.end(p.begun[at])
	}
	return err
}

// wanted is the rows that a request is to have in a list if nothing has passed, and which
// of them came. It makes nothing of a row: there are millions.
type wanted struct {
	list  list
	of    *passing // nil: the next that comes
	found uint64   // a bit for each that came
	n     int

	parts   []flows.Involved
	reasons []reason
}

// beginList notes what a request wants.
func (w *wanted) beginList(one *passing) {
	w.of, w.found, w.n = one, 0, 0
	switch r := &one.request; w.list {
	case people:
		w.parts = r.AppendParts(w.parts[:0])
		w.n = len(w.parts)
	case words:
		w.reasons = appendReasons(w.reasons[:0], r)
		w.n = len(w.reasons)
	case looks:
		if r.ReviewIs() != flows.ReviewNone {
			w.n = 1
		}
	}
}

// row takes a row of a request.
func (w *wanted) row(one *passing, r rawRow) {
	if one.later || one.misfit {
		return
	}
	if w.of != one {
		w.beginList(one)
	}
	i := w.find(r)
	if i < 0 || i >= 64 || w.found&(1<<i) != 0 {
		one.misfit = true
		return
	}
	w.found |= 1 << i
}

// find is which of those that are wanted a row is; -1: none of them.
func (w *wanted) find(row rawRow) int {
	r := &w.of.request
	if row.int(3) != millis(r.SubmittedAt) {
		return -1
	}
	switch key := row.bytes(1); w.list {
	case people:
		for i := range w.parts {
			if string(w.parts[i].Person) == string(key) && int64(w.parts[i].Part) == row.int(2) {
				return i
			}
		}
	case words:
		for i := range w.reasons {
			if is := &w.reasons[i]; is.kind == string(key) && string(is.by) == string(row.bytes(4)) && isSearched(row.bytes(5), is.text.Raw()) {
				return i
			}
		}
	case looks:
		if w.n == 1 && string(r.ReviewIs()) == string(key) && row.int(2) == millis(r.Review.DueAt) {
			return 0
		}
	}
	return -1
}

// end is called after the last row of a request.
func (w *wanted) end(one *passing) {
	if one.later || one.misfit {
		return
	}
	if w.of != one {
		w.beginList(one)
	}
	one.misfit = w.n >= 64 || w.found != 1<<w.n-1
}
