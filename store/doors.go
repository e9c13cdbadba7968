package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// passRow is a pass as its row: what is searched and held by rules, and the whole as doc.
func passRow(p flows.Pass) (postgresdb.InsertPassParams, error) {
	p.UsedAt = time.Time{} // it has a column of its own
	doc, err := json.Marshal(p)
	if err != nil {
		return postgresdb.InsertPassParams{}, fmt.Errorf("encode pass %s: %w", p.ID, err)
	}
	return postgresdb.InsertPassParams{
		ID: p.ID, Version: p.Version, Kind: string(p.Kind), Hash: p.Hash, Code: p.Code, Holder: string(p.Holder),
		CreatedAt: millis(p.CreatedAt), ExpiresAt: millis(p.ExpiresAt), EndedAt: millis(p.EndedAt), Doc: string(doc),
	}, nil
}

func passFrom(doc string, version, used int64) (flows.Pass, error) {
	var p flows.Pass
	if err := json.Unmarshal([]byte(doc), &p); err != nil {
		return flows.Pass{}, fmt.Errorf("decode a stored pass: %w", err)
	}
	p.Version, p.UsedAt = version, fromMillis(used)
	return p, nil
}

// passes writes the passes and pins of a change.
func (p *change) passes(ctx context.Context, q queries) error {
	for _, pass := range p.Passes {
		row, err := passRow(pass)
		if err != nil {
			return err
		}
		if pass.Version == 1 {
			if err := q.InsertPass(ctx, row); err != nil {
				return fmt.Errorf("write pass %s: %w", pass.ID, err)
			}
			continue
		}
		n, err := q.SwapPass(ctx, postgresdb.SwapPassParams{
			ID: row.ID, Version: row.Version, OldVersion: row.Version - 1, Kind: row.Kind, Code: row.Code, Holder: row.Holder,
			ExpiresAt: row.ExpiresAt, EndedAt: row.EndedAt, Doc: row.Doc,
		})
		if err != nil {
			return fmt.Errorf("update pass %s: %w", pass.ID, err)
		}
		if n == 0 {
			return fmt.Errorf("pass %s: %w", pass.ID, flows.ErrConflict)
		}
	}
	for _, pin := range p.Pins {
		err := q.InsertSignIn(ctx, postgresdb.InsertSignInParams{Issuer: pin.Issuer, Subject: pin.Subject, Person: string(pin.Person), At: millis(pin.At)})
		if err != nil {
			return fmt.Errorf("pin a sign-in of %s: %w", pin.Person, err)
		}
	}
	return nil
}

// Pass reads a pass by its id. flows.ErrNotFound.
func (s *Store) Pass(ctx context.Context, id string) (flows.Pass, error) {
	r, err := s.tx.direct().PassByID(ctx, id)
	return onePass(r.Doc, r.Version, r.UsedAt, err)
}

// PassByHash reads the pass whose secret has the hash. flows.ErrNotFound.
func (s *Store) PassByHash(ctx context.Context, hash string) (flows.Pass, error) {
	r, err := s.tx.direct().PassByHash(ctx, hash)
	return onePass(r.Doc, r.Version, r.UsedAt, err)
}

// PassByCode reads the device whose code has the hash. flows.ErrNotFound.
func (s *Store) PassByCode(ctx context.Context, hash string) (flows.Pass, error) {
	r, err := s.tx.direct().PassByCode(ctx, hash)
	return onePass(r.Doc, r.Version, r.UsedAt, err)
}

func onePass(doc string, version, used int64, err error) (flows.Pass, error) {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return flows.Pass{}, flows.ErrNotFound
	case err != nil:
		return flows.Pass{}, fmt.Errorf("read a pass: %w", err)
	}
	return passFrom(doc, version, used)
}

// mostPasses is how many a listing of everybody's shows.
const mostPasses = 500

// Passes lists the passes that are live at now, newest first: all of somebody's, or with
// an empty holder the newest of everybody's.
func (s *Store) Passes(ctx context.Context, holder flows.PersonID, now time.Time) ([]flows.Pass, error) {
	var rows []postgresdb.PassesOfRow
	var err error
	if q := s.tx.direct(); holder != "" {
		rows, err = q.PassesOf(ctx, postgresdb.PassesOfParams{Holder: string(holder), Now: millis(now), Lim: math.MaxInt32})
	} else {
		var all []postgresdb.LivePassesRow
		all, err = q.LivePasses(ctx, postgresdb.LivePassesParams{Now: millis(now), Lim: mostPasses})
		for _, r := range all {
			rows = append(rows, postgresdb.PassesOfRow(r))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list passes: %w", err)
	}
	out := make([]flows.Pass, 0, len(rows))
	for _, r := range rows {
		p, err := passFrom(r.Doc, r.Version, r.UsedAt)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// TouchPass notes that a pass was used.
func (s *Store) TouchPass(ctx context.Context, id string, at time.Time) error {
	err := s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		return q.TouchPass(ctx, postgresdb.TouchPassParams{ID: id, UsedAt: millis(at)})
	})
	if err != nil {
		return fmt.Errorf("note the use of pass %s: %w", id, err)
	}
	return nil
}

// AddDevice keeps a device that waits to be confirmed, if fewer than most do. Those
// whose time is over at now make room.
func (s *Store) AddDevice(ctx context.Context, p flows.Pass, most int, now time.Time) error {
	row, err := passRow(p)
	if err != nil {
		return err
	}
	err = s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		if _, err := q.PurgeDevices(ctx, millis(now)); err != nil {
			return err
		}
		n, err := q.CountDevices(ctx, millis(now))
		if err != nil {
			return err
		}
		if n >= int64(most) {
			return flows.ErrCrowded
		}
		return q.InsertPass(ctx, row)
	})
	if err != nil {
		return fmt.Errorf("keep a device: %w", err)
	}
	return nil
}

// PurgePasses deletes up to most passes whose time was over before then; it returns how
// many. What was over less than 30 days ago by the database's own clock stays.
func (s *Store) PurgePasses(ctx context.Context, before time.Time, most int) (int, error) {
	var n int64
	err := s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		var err error
		n, err = q.PurgePasses(ctx, postgresdb.PurgePassesParams{Before: millis(before), Lim: int64(most)})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge old passes: %w", err)
	}
	return int(n), nil
}

// PinOf reads who a subject of an issuer is pinned to. flows.ErrNotFound.
func (s *Store) PinOf(ctx context.Context, issuer, subject string) (flows.Pin, error) {
	r, err := s.tx.direct().SignInOf(ctx, postgresdb.SignInOfParams{Issuer: issuer, Subject: subject})
	return onePin(r, err)
}

// PinFor reads which subject of an issuer a person is pinned to. flows.ErrNotFound.
func (s *Store) PinFor(ctx context.Context, issuer string, p flows.PersonID) (flows.Pin, error) {
	r, err := s.tx.direct().SignInFor(ctx, postgresdb.SignInForParams{Issuer: issuer, Person: string(p)})
	return onePin(r, err)
}

func onePin(r postgresdb.SignIn, err error) (flows.Pin, error) {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return flows.Pin{}, flows.ErrNotFound
	case err != nil:
		return flows.Pin{}, fmt.Errorf("read a pinned sign-in: %w", err)
	}
	return flows.Pin{Issuer: r.Issuer, Subject: r.Subject, Person: flows.PersonID(r.Person), At: fromMillis(r.At)}, nil
}
