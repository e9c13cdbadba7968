package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// links writes what a change says about who is who: what goes first, so that another
// link can take its place.
func (p *change) links(ctx context.Context, q queries) error {
	for _, l := range p.Unlinks {
		n, err := q.DeleteLink(ctx, postgresdb.DeleteLinkParams{Person: string(l.Person), Version: l.Version})
		if err != nil {
			return fmt.Errorf("delete the link of %s: %w", l.Person, err)
		}
		if n == 0 {
			return fmt.Errorf("the link of %s: %w", l.Person, flows.ErrConflict)
		}
	}
	for _, pin := range p.Unpins {
		n, err := q.DeleteSignIn(ctx, postgresdb.DeleteSignInParams{Issuer: pin.Issuer, Subject: pin.Subject, Person: string(pin.Person)})
		if err != nil {
			return fmt.Errorf("delete a pinned sign-in of %s: %w", pin.Person, err)
		}
		if n == 0 {
			return fmt.Errorf("a pinned sign-in of %s: %w", pin.Person, flows.ErrConflict)
		}
	}
	for _, l := range p.Links {
		if err := putLink(ctx, q, l); err != nil {
			return err
		}
	}
	if len(p.Links)+len(p.Unlinks) == 0 {
		return nil
	}
	if err := q.BumpLinks(ctx); err != nil {
		return fmt.Errorf("note that links changed: %w", err)
	}
	return nil
}

func putLink(ctx context.Context, q queries, l flows.StoredLink) error {
	doc, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode the link of %s: %w", l.Person, err)
	}
	row := postgresdb.InsertLinkParams{
		Person: string(l.Person), Version: l.Version, State: string(l.State), Pagerduty: string(l.PagerDuty), Subject: l.Subject, Held: l.Held, Doc: string(doc),
	}
	if l.Version == 1 {
		if err := q.InsertLink(ctx, row); err != nil {
			return fmt.Errorf("write the link of %s: %w", l.Person, err)
		}
		return nil
	}
	n, err := q.SwapLink(ctx, postgresdb.SwapLinkParams{
		Person: row.Person, Version: row.Version, OldVersion: row.Version - 1, State: row.State, Pagerduty: row.Pagerduty, Subject: row.Subject, Held: row.Held, Doc: row.Doc,
	})
	if err != nil {
		return fmt.Errorf("update the link of %s: %w", l.Person, err)
	}
	if n == 0 {
		return fmt.Errorf("the link of %s: %w", l.Person, flows.ErrConflict)
	}
	return nil
}

// Links lists every stored link, by person.
func (s *Store) Links(ctx context.Context) ([]flows.StoredLink, error) {
	rows, err := s.tx.direct().AllLinks(ctx)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	out := make([]flows.StoredLink, 0, len(rows))
	for _, r := range rows {
		var l flows.StoredLink
		if err := json.Unmarshal([]byte(r.Doc), &l); err != nil {
			return nil, fmt.Errorf("decode the link of %s: %w", r.Person, err)
		}
		l.Person, l.Version = flows.PersonID(r.Person), r.Version
		out = append(out, l)
	}
	return out, nil
}

// LinksVersion rises with every change of a link, whichever replica made it.
func (s *Store) LinksVersion(ctx context.Context) (int64, error) {
	value, err := s.tx.direct().GetMeta(ctx, "links")
	if err != nil {
		return 0, fmt.Errorf("look whether links changed: %w", err)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("look whether links changed: %w", err)
	}
	return n, nil
}

// Pins lists every pinned sign-in, by person.
func (s *Store) Pins(ctx context.Context) ([]flows.Pin, error) {
	rows, err := s.tx.direct().AllSignIns(ctx)
	if err != nil {
		return nil, fmt.Errorf("list pinned sign-ins: %w", err)
	}
	out := make([]flows.Pin, 0, len(rows))
	for _, r := range rows {
		out = append(out, flows.Pin{Issuer: r.Issuer, Subject: r.Subject, Person: flows.PersonID(r.Person), At: fromMillis(r.At)})
	}
	return out, nil
}
