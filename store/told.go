package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/pack"
	"breakglass/store/internal/postgresdb"
)

// heldAtOnce is how many requests are read at a time to be held to their entries.
const heldAtOnce = 100

// jobLate is how much later than it is due a job may run, having been tried in vain.
const jobLate = 10 * time.Minute

// Contradiction is a request whose row is not what its entries tell, or whose rows that it
// is found by are not what it says.
type Contradiction struct {
	Request flows.RequestID
	Why     string
	Lists   bool // the request itself is as its entries tell: it is not found, or found as something else
}

// String is the finding in a line.
func (c Contradiction) String() string {
	if c.Lists {
		return fmt.Sprintf("request %s: %s; somebody has written past the program. The entries stand: put the rows of the table back from a backup", c.Request, c.Why)
	}
	return fmt.Sprintf("request %s: %s; somebody has written past the program", c.Request, c.Why)
}

// HoldOpen holds the next requests after one that are not over to what their entries
// tell of them: state, what was asked, approved and given, columns, holding, the job
// that ends the access, and what they are found by. It returns the last that it looked at; empty when there are no more.
func (s *Store) HoldOpen(ctx context.Context, after flows.RequestID) (found []Contradiction, last flows.RequestID, err error) {
	err = s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		found, last = nil, ""
		page, err := q.OpenRequestsToHold(ctx, postgresdb.OpenRequestsToHoldParams{After: string(after), Lim: heldAtOnce})
		for i := 0; err == nil && i < len(page); i++ {
			var told []flows.Told
			if told, err = toldOf(ctx, q, page[i].ID); err == nil {
				found, err = s.hold(ctx, q, found, &page[i], told)
			}
		}
		if len(page) == heldAtOnce {
			last = flows.RequestID(page[len(page)-1].ID)
		}
		return err
	})
	return found, last, wrapHold(err)
}

// HoldOne holds one request to its entries; flows.ErrNotFound where there is none.
func (s *Store) HoldOne(ctx context.Context, id flows.RequestID) (why string, err error) {
	err = s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		doc, err := q.RequestDoc(ctx, string(id))
		if errors.Is(err, sql.ErrNoRows) {
			return flows.ErrNotFound
		}
		if err != nil {
			return err
		}
		r, err := decodeRequest(doc)
		if err != nil {
			return err
		}
		told, err := toldOf(ctx, q, string(id))
		if err != nil {
			return err
		}
		var h *flows.Holding
		if h, why, err = heldBy(ctx, q, &r); why == "" && err == nil {
			why, err = contradicted(ctx, q, &r, h, told)
		}
		return err
	})
	return why, wrapHold(err)
}

func wrapHold(err error) error {
	if err != nil {
		return fmt.Errorf("hold requests to their entries: %w", err)
	}
	return nil
}

func toldOf(ctx context.Context, q queries, chain string) ([]flows.Told, error) {
	rows, err := q.EntriesToHold(ctx, chain)
	if err != nil {
		return nil, err
	}
	packed, err := q.ChainPackedOpenings(ctx, chain)
	if err != nil {
		return nil, err
	}
	docs := make(map[int64][]byte, len(packed))
	for _, p := range packed {
		docs[p.Entry] = p.Doc
	}
	var u pack.Unpacker
	told := make([]flows.Told, 0, len(rows))
	for _, e := range rows {
		t := flows.Told{
			At: fromMillis(e.At), Verb: e.Verb, Bytes: unpacked(&u, nil, []byte(chain), e.At, []byte(e.Bytes), e.Packed),
			By: flows.PersonID(e.ByPerson), Said: e.Said,
		}
		tell(&u, &t, docs[e.ID])
		told = append(told, t)
	}
	return told, nil
}

// tell puts in what is told from the openings that are packed together: who did it, and why.
func tell(u *pack.Unpacker, t *flows.Told, doc []byte) {
	reason, tells := saidAt(t.Verb)
	if !tells || len(doc) == 0 {
		return
	}
	all, err := u.Each(doc)
	if err != nil { // nobody is told of: the request names somebody, and does not fit
		return
	}
	for i := range all {
		switch o := &all[i]; string(o.Path()) {
		case "actor.person":
			t.By = flows.PersonID(o.Value())
		case reason:
			t.Said = string(o.Value())
		}
	}
}

// saidAt is where an entry says why, if its verb is one of which that counts, and who did
// it.
func saidAt(verb string) (reason string, tells bool) {
	switch flows.Verb(verb) {
	case flows.VerbApprove:
		return "", true
	case flows.VerbReview:
		return "facts.note", true
	case flows.VerbDeny, flows.VerbCancel, flows.VerbDone, flows.VerbRevoke, flows.VerbEnd:
		return "facts.reason", true
	}
	return "", false
}

// hold adds what is wrong with a row.
func (s *Store) hold(ctx context.Context, q queries, found []Contradiction, row *postgresdb.Request, told []flows.Told) ([]Contradiction, error) {
	r, err := decodeRequest(row.Doc)
	if err != nil {
		return append(found, Contradiction{Request: flows.RequestID(row.ID), Why: "it cannot be read"}), nil //nolint:nilerr // that is the finding
	}
	h, why, err := heldBy(ctx, q, &r)
	if err != nil {
		return found, err
	}
	if why == "" {
		if why, err = contradicted(ctx, q, &r, h, told); err != nil {
			return found, err
		}
	}
	if why == "" && !columnsFit(&r, row) {
		why = "its columns are not what it says itself"
	}
	if why == "" && h != nil {
		if why, err = s.carried(ctx, q, &r, h); err != nil {
			return found, err
		}
	}
	if why != "" {
		return append(found, Contradiction{Request: r.ID, Why: why}), nil
	}
	return traced(ctx, q, found, &r, told)
}

// contradicted holds a request to its entries. One that says that it was changed by an
// erasure was not, where all of what they say about people is there.
func contradicted(ctx context.Context, q queries, r *flows.Request, h *flows.Holding, told []flows.Told) (string, error) {
	if why := flows.Contradiction(r, h, told); why != "" || !flows.Forgotten(r) {
		return why, nil
	}
	gone, err := openingsGone(ctx, q, r.ID, told)
	if err == nil && !gone {
		return "what is asked is not what was submitted, and nobody was erased from it", nil
	}
	return "", err
}

// openingsGone reports whether some of what the entries of a request say about people
// cannot be opened any more: somebody was erased.
func openingsGone(ctx context.Context, q queries, id flows.RequestID, told []flows.Told) (bool, error) {
	commitments := 0
	for i := range told {
		commitments += bytes.Count(told[i].Bytes, []byte(`{"commit":"sha256:`))
	}
	openings, err := countOpenings(ctx, q, string(id))
	return commitments > openings, err
}

// countOpenings counts what is left of the openings of a chain.
func countOpenings(ctx context.Context, q queries, chain string) (int, error) {
	one, err := q.CountOpeningsOfChain(ctx, chain)
	if err != nil {
		return 0, err
	}
	packed, err := q.ChainPackedOpenings(ctx, chain)
	if err != nil {
		return 0, err
	}
	n := int(one)
	var u pack.Unpacker
	for _, p := range packed {
		n += len(openingsFrom(&u, p.Doc))
	}
	return n, nil
}

// columnsFit reports whether what a request is searched by is what it says.
func columnsFit(r *flows.Request, row *postgresdb.Request) bool {
	want, doc := requestRow(r), row.Doc
	want.Doc = doc
	return postgresdb.InsertRequestParams(*row) == want
}

// heldBy reads who holds the access of a live request; nil of one that is not. What cannot
// be read is a finding, and keeps nobody from looking at the others.
func heldBy(ctx context.Context, q queries, r *flows.Request) (h *flows.Holding, why string, err error) {
	if !r.State.Live() {
		return nil, "", nil
	}
	key := r.Content.Key()
	row, err := q.GetHolding(ctx, postgresdb.GetHoldingParams{Person: string(key.Person), Target: string(key.Target), Scope: string(key.Scope)})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return &flows.Holding{Key: key}, "", nil
	case err != nil:
		return nil, "", err
	}
	read, err := decodeHolding(key, row.Version, row.Doc)
	if err != nil {
		return nil, "who holds its access cannot be read", nil //nolint:nilerr // that is the finding
	}
	return &read, "", nil
}

// carried holds live access to what ends it: the job, and who else holds the same.
func (s *Store) carried(ctx context.Context, q queries, r *flows.Request, h *flows.Holding) (string, error) {
	if why, err := s.ended(ctx, q, r); why != "" || err != nil {
		return why, err
	}
	for _, one := range h.Holders {
		if one.Request == r.ID {
			continue
		}
		doc, err := q.RequestDoc(ctx, string(one.Request))
		if errors.Is(err, sql.ErrNoRows) {
			return "the access is held by a request that there is not", nil
		}
		if err != nil {
			return "", err
		}
		other, err := decodeRequest(doc)
		if err != nil {
			return "the access is held by a request that cannot be read", nil //nolint:nilerr // that is the finding
		}
		if !other.State.Live() || other.Content.Key() != r.Content.Key() || one.Until.After(other.LatestEnd.Add(jobLate)) && !one.Leaving {
			return "the access is held by a request that does not hold it", nil
		}
	}
	return "", nil
}

// ended holds live access to the job that ends it: that it is there, does that, is due,
// and is not kept back as if somebody had it in hand.
func (s *Store) ended(ctx context.Context, q queries, r *flows.Request) (string, error) {
	lane := r.Content.Key().Lane()
	at, err := q.RevokeJobAt(ctx, postgresdb.RevokeJobAtParams{Key: flows.JobKey(flows.JobRevoke, string(r.ID)), Subject: string(r.ID), Lane: lane})
	latest := max(dueMillis(r.EndsAt), millis(s.now())) + jobLate.Milliseconds()
	switch {
	case errors.Is(err, sql.ErrNoRows) && r.State == flows.StateApproved:
		return "", nil // it was never given, and lapses
	case errors.Is(err, sql.ErrNoRows):
		return "nothing ends its access", nil
	case err != nil:
		return "", err
	case at > latest:
		return "what ends its access is put off", nil
	}
	leased, err := q.LaneLeasedUntil(ctx, lane)
	if err == nil && leased > latest { // a clock that jumped back leaves a lease in the future, too, but none after the end
		return "what ends its access is put off: its lane is kept", nil
	}
	return "", err
}
