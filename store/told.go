package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// heldAtOnce is how many requests are read at a time to be held to their entries.
const heldAtOnce = 100

// jobLate is how much later than it is due a job may run, having been tried in vain.
const jobLate = 10 * time.Minute

// Contradiction is a request whose row is not what its entries tell.
type Contradiction struct {
	Request flows.RequestID
	Why     string
}

// String is the finding in a line.
func (c Contradiction) String() string {
	return fmt.Sprintf("request %s: %s; somebody has written past the program", c.Request, c.Why)
}

// HoldOpen holds each request that is not over to what its entries tell of it: its state,
// what was asked, approved and given, its columns, its holding and the job that ends it.
func (s *Store) HoldOpen(ctx context.Context) ([]Contradiction, error) {
	var found []Contradiction
	for after := ""; ; {
		var page []postgresdb.Request
		err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
			rows, err := q.OpenRequestsToHold(ctx, postgresdb.OpenRequestsToHoldParams{After: after, Lim: heldAtOnce})
			page = rows
			for i := 0; err == nil && i < len(page); i++ {
				var told []flows.Told
				if told, err = toldOf(ctx, q, page[i].ID); err == nil {
					found, err = s.hold(ctx, q, found, &page[i], told)
				}
			}
			return err
		})
		if err != nil || len(page) < heldAtOnce {
			return found, wrapHold(err)
		}
		after = page[len(page)-1].ID
	}
}

// HoldSome holds the next requests after one, whatever their state, to their entries. It
// returns the last that it looked at; empty when there are no more.
func (s *Store) HoldSome(ctx context.Context, after flows.RequestID) (found []Contradiction, last flows.RequestID, err error) {
	err = s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		found, last = nil, ""
		page, err := q.RequestsToHold(ctx, postgresdb.RequestsToHoldParams{After: string(after), Lim: heldAtOnce})
		if err != nil {
			return err
		}
		rows, err := entriesOf(ctx, q, after, page)
		if err != nil {
			return err
		}
		told, there := map[string][]flows.Told{}, map[string]bool{}
		for i := range page {
			there[page[i].ID] = true
		}
		for _, e := range rows {
			if !there[e.Chain] && e.Verb == string(flows.VerbSubmit) {
				found = append(found, Contradiction{flows.RequestID(e.Chain), "its entries tell of it, and it is gone"})
			}
			told[e.Chain] = append(told[e.Chain], flows.Told{At: fromMillis(e.At), Verb: e.Verb, Bytes: []byte(e.Bytes), By: flows.PersonID(e.ByPerson)})
		}
		for i := range page {
			if found, err = s.hold(ctx, q, found, &page[i], told[page[i].ID]); err != nil {
				return err
			}
		}
		if len(page) == heldAtOnce {
			last = flows.RequestID(page[len(page)-1].ID)
		}
		return nil
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
		why = flows.Contradiction(&r, told)
		return err
	})
	return why, wrapHold(err)
}

// entriesOf reads the entries of a page of requests; of the last page, all that are left.
func entriesOf(ctx context.Context, q queries, after flows.RequestID, page []postgresdb.Request) ([]postgresdb.EntriesBetweenRow, error) {
	if len(page) == heldAtOnce {
		return q.EntriesBetween(ctx, postgresdb.EntriesBetweenParams{After: string(after), Last: page[len(page)-1].ID})
	}
	rest, err := q.EntriesAfter(ctx, string(after))
	rows := make([]postgresdb.EntriesBetweenRow, 0, len(rest))
	for _, e := range rest {
		rows = append(rows, postgresdb.EntriesBetweenRow(e))
	}
	return rows, err
}

func wrapHold(err error) error {
	if err != nil {
		return fmt.Errorf("hold requests to their entries: %w", err)
	}
	return nil
}

func toldOf(ctx context.Context, q queries, chain string) ([]flows.Told, error) {
	rows, err := q.EntriesToHold(ctx, chain)
	told := make([]flows.Told, 0, len(rows))
	for _, e := range rows {
		told = append(told, flows.Told{At: fromMillis(e.At), Verb: e.Verb, Bytes: []byte(e.Bytes), By: flows.PersonID(e.ByPerson)})
	}
	return told, err
}

// hold adds what is wrong with a row.
func (s *Store) hold(ctx context.Context, q queries, found []Contradiction, row *postgresdb.Request, told []flows.Told) ([]Contradiction, error) {
	r, err := decodeRequest(row.Doc)
	if err != nil {
		return append(found, Contradiction{flows.RequestID(row.ID), "it cannot be read"}), nil //nolint:nilerr // that is the finding
	}
	why := flows.Contradiction(&r, told)
	if why == "" && !columnsFit(&r, row) {
		why = "its columns are not what it says itself"
	}
	if why == "" && r.State.Live() {
		if why, err = s.carried(ctx, q, &r); err != nil {
			return found, err
		}
	}
	if why != "" {
		found = append(found, Contradiction{flows.RequestID(row.ID), why})
	}
	return found, nil
}

// columnsFit reports whether what a request is searched by is what it says.
func columnsFit(r *flows.Request, row *postgresdb.Request) bool {
	want, doc := requestRow(r), row.Doc
	want.Doc = doc
	return postgresdb.InsertRequestParams(*row) == want
}

// carried holds live access to what ends it: the job, and who else holds the same.
func (s *Store) carried(ctx context.Context, q queries, r *flows.Request) (string, error) {
	job, err := q.RevokeJobAt(ctx, flows.JobKey(flows.JobRevoke, string(r.ID)))
	switch latest := max(dueMillis(r.EndsAt), millis(s.now())) + jobLate.Milliseconds(); {
	case errors.Is(err, sql.ErrNoRows) && r.State != flows.StateApproved:
		return "nothing ends its access", nil
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return "", err
	case err == nil && job.RunAt > latest:
		return "what ends its access is put off", nil
	}
	h, err := holding(ctx, q, r.Content.Key())
	if err != nil {
		return "", err
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
			return "", err
		}
		if !other.State.Live() || other.Content.Key() != r.Content.Key() || one.Until.After(other.LatestEnd.Add(jobLate)) && !one.Leaving {
			return "the access is held by a request that does not hold it", nil
		}
	}
	return "", nil
}
