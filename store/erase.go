package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

var _ flows.Eraser = (*Store)(nil)

// JobByKey reads a stored job. flows.ErrNotFound.
func (s *Store) JobByKey(ctx context.Context, key string) (flows.Job, error) {
	row, err := s.tx.direct().JobByKey(ctx, key)
	if errors.Is(err, sql.ErrNoRows) {
		return flows.Job{}, fmt.Errorf("job %s: %w", key, flows.ErrNotFound)
	}
	if err != nil {
		return flows.Job{}, fmt.Errorf("read job %s: %w", key, err)
	}
	return jobFrom(row), nil
}

// Erase destroys what opens the commitments about a person, puts a made-up id in place
// of theirs wherever something is over, and empties what they typed, in one transaction
// with the entries that say so. Entries stay, and every proof with them. What takes long
// was done before: the footprint found the rows, and the requests are rewritten before
// the transaction, which only writes them and looks at what came since.
func (s *Store) Erase(ctx context.Context, x flows.Erasure) ([]flows.Job, error) {
	if n := len(x.Live) + len(x.Reviews); n > 0 {
		return nil, fmt.Errorf("erase: %d requests are not over, or still to be reviewed: %w", n, flows.ErrConflict)
	}
	p, err := prepare(x.Change)
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	p.now = millis(s.now())
	e := erasing{Erasure: x, naming: newNaming(x.Person), now: p.now}
	if err := e.rewrite(ctx, s.tx); err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	if err := e.repack(ctx, s.tx); err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	err = s.tx.write(ctx, p.keys(), func(ctx context.Context, q queries) error {
		for _, step := range []func(context.Context, queries) error{p.run, e.since, e.openings, e.requests, e.words, e.payloads, e.rest} {
			if err := step(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	lite, ok := s.srv.(*sqliteDB) // a server's files are its own
	if !ok {
		return p.stored, nil
	}
	if err := lite.forget(ctx); err != nil {
		return p.stored, fmt.Errorf("erase: it is done, but the log beside the database still has it: %w; it goes with the next checkpoint", err)
	}
	return p.stored, nil
}

// erasing is one erasure.
type erasing struct {
	flows.Erasure
	naming naming
	now    int64
	made   []postgresdb.EraseInRequestParams // the requests as they will stand
	packed []repacked                        // the openings of entries as they will stand
	single []flows.OpeningRef                // openings that are kept one by one
	typed  []postgresdb.EraseIncidentParams  // what somebody typed for an incident of theirs
	came   written                           // since the footprint
}

// rewrite makes what will stand of the requests, a part at a time.
func (e *erasing) rewrite(ctx context.Context, tx transactor) error {
	for ids := range slices.Chunk(e.Requests, 200) {
		made, typed := len(e.made), len(e.typed)
		err := tx.snapshot(ctx, func(ctx context.Context, q queries) error {
			e.made, e.typed = e.made[:made], e.typed[:typed]
			for _, id := range ids {
				r, err := e.rewritten(ctx, q, id)
				if err != nil {
					return fmt.Errorf("rewrite request %s: %w", id, err)
				}
				e.made = append(e.made, r)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rewritten is a request without what the person typed and without their id.
func (e *erasing) rewritten(ctx context.Context, q queries, id flows.RequestID) (out postgresdb.EraseInRequestParams, err error) {
	row, err := q.RequestToErase(ctx, string(id))
	if errors.Is(err, sql.ErrNoRows) || err == nil && row.Version != e.Sight.Versions[id] {
		return out, fmt.Errorf("it is not as it was: %w", flows.ErrConflict)
	}
	if err != nil {
		return out, err
	}
	r, err := decodeRequest(row.Doc)
	if err != nil {
		return out, err
	}
	was := r.Content.Incident.ID
	r.Forget(e.Person)
	if r.Content.Incident.ID != was {
		e.typed = append(e.typed, postgresdb.EraseIncidentParams{Incident: string(was), SubmittedAt: millis(r.SubmittedAt), Request: string(id)})
	}
	r.Version++
	doc, err := encodeRequest(r)
	if err == nil {
		doc, err = eachString(doc, func(s string) string { return e.naming.replaced(s, e.Pseudonym) })
	}
	return postgresdb.EraseInRequestParams{
		ID: string(id), Version: row.Version, Requester: e.mask(row.Requester), Beneficiary: e.mask(row.Beneficiary), Incident: string(r.Incident()), Doc: doc,
	}, err
}

func (e *erasing) mask(id string) string {
	if id == string(e.Person) {
		return string(e.Pseudonym)
	}
	return id
}

// since looks at what was written after the footprint was read. What the entries of the
// erasure do not name, or what is not over any more, stops everything.
func (e *erasing) since(ctx context.Context, q queries) (err error) {
	if e.came, err = e.naming.seeSince(ctx, q, e.Sight.Entries); err != nil {
		return err
	}
	named := map[flows.OpeningRef]bool{}
	if len(e.came.openings) > 0 {
		for _, o := range e.Openings {
			named[o] = true
		}
	}
	for _, o := range e.came.openings {
		if !named[flows.OpeningRef{Chain: o.Chain, Seq: o.Seq, Path: o.Path, Named: o.Person != string(e.Person)}] {
			return fmt.Errorf("there are openings that were not there before: %w", flows.ErrConflict)
		}
	}
	for _, r := range e.came.requests {
		version, known := e.Sight.Versions[flows.RequestID(r.ID)]
		switch {
		case !flows.State(r.State).Final():
			return fmt.Errorf("request %s is not over: %w", r.ID, flows.ErrConflict)
		case r.Reviewed > 0:
			return fmt.Errorf("request %s is still to be reviewed: %w", r.ID, flows.ErrConflict)
		case !known || version != r.Version:
			return fmt.Errorf("request %s is not as it was: %w", r.ID, flows.ErrConflict)
		}
	}
	own := ""
	if e.Change.Done != nil {
		own = e.Change.Done.Key
	}
	waits, err := e.naming.pending(ctx, q, e.Sight.Jobs, own)
	if err == nil && waits > 0 {
		err = fmt.Errorf("%d messages or jobs that name the person came meanwhile: %w", waits, flows.ErrConflict)
	}
	return err
}

// openings destroys the openings, which must be those that the entries name: packed ones
// entry by entry; of the others those about the person all at once, by number, and those
// that name them one by one.
func (e *erasing) openings(ctx context.Context, q queries) error {
	for _, p := range e.packed {
		if err := dropOpenings(ctx, q, p.entry, p.doc, p.rest); err != nil {
			return fmt.Errorf("destroy openings: %w", err)
		}
	}
	var about int64
	for _, o := range e.single {
		if !o.Named {
			about++
			continue
		}
		n, err := q.EraseOpening(ctx, postgresdb.EraseOpeningParams{Chain: o.Chain, Seq: o.Seq, Path: o.Path})
		if err == nil && n == 0 {
			err = fmt.Errorf("it is gone: %w", flows.ErrConflict)
		}
		if err != nil {
			return fmt.Errorf("destroy an opening: %w", err)
		}
	}
	n, err := q.EraseOpenings(ctx, string(e.Person))
	if err == nil && n != about {
		err = fmt.Errorf("%d are about the person and not %d: %w", n, about, flows.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("destroy openings: %w", err)
	}
	return nil
}

// requests writes the requests that are over. What others said about those of the person
// goes from what searches find, too, as it goes from the requests.
func (e *erasing) requests(ctx context.Context, q queries) error {
	for _, typed := range e.typed {
		if _, err := q.EraseIncident(ctx, typed); err != nil {
			return fmt.Errorf("erase what was typed for an incident: %w", err)
		}
	}
	for _, r := range e.made {
		n, err := q.EraseInRequest(ctx, r)
		if err == nil && n == 0 {
			err = flows.ErrConflict
		}
		if err != nil {
			return fmt.Errorf("rewrite request %s: %w", r.ID, err)
		}
		if own := string(e.Pseudonym); r.Requester != own && r.Beneficiary != own {
			continue
		}
		if _, err := q.EraseWordsOf(ctx, r.ID); err != nil {
			return fmt.Errorf("erase the words about request %s: %w", r.ID, err)
		}
	}
	return nil
}

// words empties what searches find.
func (e *erasing) words(ctx context.Context, q queries) error {
	if _, err := q.EraseWords(ctx, string(e.Person)); err != nil {
		return fmt.Errorf("erase the words of reasons: %w", err)
	}
	all := slices.Clone(e.Sight.Words)
	for _, w := range e.came.words {
		all = append(all, flows.WordsRef{Request: flows.RequestID(w.Request), Kind: w.Kind})
	}
	for _, w := range all {
		text, err := q.WordsOf(ctx, postgresdb.WordsOfParams{Request: string(w.Request), Kind: w.Kind})
		if errors.Is(err, sql.ErrNoRows) { // they were the person's
			continue
		}
		if err == nil {
			_, err = q.EraseInWords(ctx, postgresdb.EraseInWordsParams{Request: string(w.Request), Kind: w.Kind, Text: e.naming.replaced(text, e.Pseudonym)})
		}
		if err != nil {
			return fmt.Errorf("rewrite the words of reasons: %w", err)
		}
	}
	return nil
}

// payloads empties the payloads that were handled.
func (e *erasing) payloads(ctx context.Context, q queries) error {
	late, err := q.InboxNamingSince(ctx, postgresdb.InboxNamingSinceParams{Since: e.Sight.Handled, Needle: e.Person.User()})
	if err != nil {
		return fmt.Errorf("look for payloads: %w", err)
	}
	for _, key := range append(slices.Clone(e.Sight.Payloads), late...) {
		if _, err := q.EraseInInbox(ctx, key); err != nil {
			return fmt.Errorf("empty a payload: %w", err)
		}
	}
	return nil
}

// rest does the tables that hold the id alone.
func (e *erasing) rest(ctx context.Context, q queries) error {
	person, pseudonym := string(e.Person), string(e.Pseudonym)
	_, holdings := q.EraseInHoldings(ctx, postgresdb.EraseInHoldingsParams{Person: person, Pseudonym: pseudonym})
	_, cards := q.EraseInCards(ctx, postgresdb.EraseInCardsParams{Person: person, Pseudonym: pseudonym})
	_, people := q.EraseInPeople(ctx, postgresdb.EraseInPeopleParams{Person: person, Pseudonym: pseudonym})
	_, passes := q.EraseInPasses(ctx, postgresdb.EraseInPassesParams{Person: person, Pseudonym: pseudonym, EndedAt: e.now})
	_, pins := q.EraseSignIns(ctx, person)
	_, links := q.EraseLinks(ctx, person)
	return errors.Join(holdings, cards, people, passes, pins, links, q.BumpLinks(ctx))
}
