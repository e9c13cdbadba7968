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

// Load reads a request with its holding and cards. flows.ErrNotFound.
func (s *Store) Load(ctx context.Context, id flows.RequestID) (flows.Record, error) {
	var rec flows.Record
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) error {
		doc, err := q.RequestDoc(ctx, string(id))
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("request %s: %w", id, flows.ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("read request %s: %w", id, err)
		}
		if rec.Request, err = decodeRequest(doc); err != nil {
			return err
		}
		if rec.Holding, err = holding(ctx, q, rec.Request.Content.Key()); err != nil {
			return err
		}
		rec.Cards, err = cards(ctx, q, id)
		return err
	})
	if err != nil {
		return flows.Record{}, err
	}
	return rec, nil
}

// Request reads a request alone. flows.ErrNotFound.
func (s *Store) Request(ctx context.Context, id flows.RequestID) (flows.Request, error) {
	doc, err := s.tx.direct().RequestDoc(ctx, string(id))
	if errors.Is(err, sql.ErrNoRows) {
		return flows.Request{}, fmt.Errorf("request %s: %w", id, flows.ErrNotFound)
	}
	if err != nil {
		return flows.Request{}, fmt.Errorf("read request %s: %w", id, err)
	}
	return decodeRequest(doc)
}

// Holding reads a holding; a zero Version when there is none yet.
func (s *Store) Holding(ctx context.Context, key flows.HoldingKey) (flows.Holding, error) {
	return holding(ctx, s.tx.direct(), key)
}

func holding(ctx context.Context, q queries, key flows.HoldingKey) (flows.Holding, error) {
	row, err := q.GetHolding(ctx, postgresdb.GetHoldingParams{
		Person: string(key.Person), Target: string(key.Target), Scope: string(key.Scope),
	})
	if errors.Is(err, sql.ErrNoRows) {
		return flows.Holding{Key: key}, nil
	}
	if err != nil {
		return flows.Holding{}, fmt.Errorf("read the holding of %s: %w", key.Lane(), err)
	}
	return decodeHolding(key, row.Version, row.Doc)
}

func cards(ctx context.Context, q queries, id flows.RequestID) ([]flows.Card, error) {
	rows, err := q.RequestCards(ctx, string(id))
	if err != nil {
		return nil, fmt.Errorf("read the cards of %s: %w", id, err)
	}
	var out []flows.Card
	for _, r := range rows {
		out = append(out, cardFrom(r))
	}
	return out, nil
}

// CardByToken finds the card whose current or next button value has the hash.
// flows.ErrNotFound.
func (s *Store) CardByToken(ctx context.Context, hash string) (flows.Card, error) {
	q := s.tx.direct()
	row, err := q.CardByToken(ctx, hash)
	if errors.Is(err, sql.ErrNoRows) {
		row, err = q.CardByNext(ctx, hash)
	}
	if errors.Is(err, sql.ErrNoRows) { // it may have become the current one between the two
		row, err = q.CardByToken(ctx, hash)
	}
	return oneCard(row, err, "the button")
}

// Card reads one card by its id. flows.ErrNotFound.
func (s *Store) Card(ctx context.Context, id string) (flows.Card, error) {
	row, err := s.tx.direct().CardByID(ctx, id)
	return oneCard(row, err, id)
}

func oneCard(row postgresdb.Card, err error, which string) (flows.Card, error) {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return flows.Card{}, fmt.Errorf("the card of %s: %w", which, flows.ErrNotFound)
	case err != nil:
		return flows.Card{}, fmt.Errorf("read the card of %s: %w", which, err)
	}
	return cardFrom(row), nil
}

// lastID sorts after every request id.
const lastID = "\U0010FFFF"

// Requests lists requests, newest first.
func (s *Store) Requests(ctx context.Context, f flows.RequestFilter) ([]flows.Request, error) {
	if f.Bare {
		return s.bare(ctx, f)
	}
	p := postgresdb.ListRequestsOfPersonParams{
		Person: string(f.Person), Flow: string(f.Flow), Target: string(f.Target),
		Before: string(f.Before), Since: dueMillis(f.Since), Lim: int64(f.Limit),
	}
	if p.Before == "" {
		p.Before = lastID
	}
	if p.Lim <= 0 {
		p.Lim = 50
	}
	for _, st := range f.States {
		p.States += "," + string(st)
	}
	if p.States != "" {
		p.States += ","
	}
	docs, err := s.list(ctx, f, p)
	if err != nil {
		return nil, fmt.Errorf("list requests: %w", err)
	}
	return decodeRequests(docs)
}

// bare lists requests without an incident: a question about the past, which knows the way.
func (s *Store) bare(ctx context.Context, f flows.RequestFilter) ([]flows.Request, error) {
	if f.Incident != "" { // none has one
		return nil, nil
	}
	ask := flows.Search{Bare: true, Flow: f.Flow, Target: f.Target, States: f.States, Since: f.Since, Limit: f.Limit}
	if f.Person != "" {
		ask.People = []flows.Involved{{Person: f.Person, Part: flows.PartRequester | flows.PartHolder}}
	}
	if f.Before != "" {
		last, err := s.Request(ctx, f.Before)
		if err != nil {
			return nil, fmt.Errorf("list requests before %s: %w", f.Before, err)
		}
		ask.After = flows.Place{At: last.SubmittedAt, ID: last.ID}
	}
	found, err := s.Search(ctx, ask)
	return found.Requests, err
}

// list asks by the index that narrows most.
func (s *Store) list(ctx context.Context, f flows.RequestFilter, p postgresdb.ListRequestsOfPersonParams) ([]string, error) {
	q := s.tx.direct()
	switch {
	case f.Incident != "":
		return q.ListRequestsOfIncident(ctx, postgresdb.ListRequestsOfIncidentParams{
			Incident: string(f.Incident), Before: p.Before, Since: p.Since, Person: p.Person,
			Flow: p.Flow, Target: p.Target, States: p.States, Lim: p.Lim,
		})
	case f.Person != "":
		return q.ListRequestsOfPerson(ctx, p)
	case open(f.States):
		return q.ListOpenRequests(ctx, postgresdb.ListOpenRequestsParams{
			Before: p.Before, Since: p.Since, Flow: p.Flow, Target: p.Target, States: p.States, Lim: p.Lim,
		})
	case f.Target != "":
		return q.ListRequestsOfTarget(ctx, postgresdb.ListRequestsOfTargetParams{
			Target: p.Target, Before: p.Before, Since: p.Since, Flow: p.Flow, States: p.States, Lim: p.Lim,
		})
	}
	return q.ListRequests(ctx, postgresdb.ListRequestsParams{
		Before: p.Before, Since: p.Since, Flow: p.Flow, Target: p.Target, States: p.States, Lim: p.Lim,
	})
}

// open reports whether only undecided or live requests are asked for.
func open(states []flows.State) bool {
	for _, s := range states {
		if s.Final() || !s.Undecided() && !s.Live() {
			return false
		}
	}
	return len(states) > 0
}

// RecentDenials are the requests for the same person, target and scope that were
// denied at or after since, newest first, at most 20.
func (s *Store) RecentDenials(ctx context.Context, key flows.HoldingKey, since time.Time) ([]flows.Request, error) {
	docs, err := s.tx.direct().Denials(ctx, postgresdb.DenialsParams{
		Beneficiary: string(key.Person), Target: string(key.Target), Scope: string(key.Scope),
		Since: dueMillis(since), Lim: 20,
	})
	if err != nil {
		return nil, fmt.Errorf("read the denials of %s: %w", key.Lane(), err)
	}
	return decodeRequests(docs)
}

// LiveByIncident lists the incidents that undecided or live requests belong to.
func (s *Store) LiveByIncident(ctx context.Context) ([]flows.IncidentID, error) {
	rows, err := s.tx.direct().LiveIncidents(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the incidents of live requests: %w", err)
	}
	return typed[flows.IncidentID](rows), nil
}

// LiveWithIncident lists the undecided or live requests that belong to an incident.
func (s *Store) LiveWithIncident(ctx context.Context, id flows.IncidentID) ([]flows.RequestID, error) {
	rows, err := s.tx.direct().LiveWithIncident(ctx, string(id))
	if err != nil {
		return nil, fmt.Errorf("list the live requests of incident %s: %w", id, err)
	}
	return typed[flows.RequestID](rows), nil
}

func typed[T ~string](rows []string) []T {
	var out []T
	for _, r := range rows {
		out = append(out, T(r))
	}
	return out
}

// UndecidedFor is the undecided request for a holding; empty when there is none.
func (s *Store) UndecidedFor(ctx context.Context, key flows.HoldingKey) (flows.RequestID, error) {
	id, err := s.tx.direct().OpenRequest(ctx, postgresdb.OpenRequestParams{
		Beneficiary: string(key.Person), Target: string(key.Target), Scope: string(key.Scope),
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for an open request of %s: %w", key.Lane(), err)
	}
	return flows.RequestID(id), nil
}

// Asked counts a person's requests submitted since.
func (s *Store) Asked(ctx context.Context, p flows.PersonID, since time.Time) (int, error) {
	n, err := s.tx.direct().CountAsked(ctx, postgresdb.CountAskedParams{Person: string(p), Since: dueMillis(since)})
	if err != nil {
		return 0, fmt.Errorf("count the requests of %s: %w", p, err)
	}
	return int(n), nil
}

// Open counts a person's requests in a flow that are not final.
func (s *Store) Open(ctx context.Context, p flows.PersonID, f flows.FlowID) (int, error) {
	n, err := s.tx.direct().CountOpen(ctx, postgresdb.CountOpenParams{Person: string(p), Flow: string(f)})
	if err != nil {
		return 0, fmt.Errorf("count the open requests of %s: %w", p, err)
	}
	return int(n), nil
}
