package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// EachGranted calls each with the requests whose access began from a time on and before
// another, in no order, some perhaps more than once. No request is read: they come from an
// index of the entries that say so.
func (s *Store) EachGranted(ctx context.Context, from, to time.Time, each func(flows.RequestID)) error {
	err := s.eachMoment(ctx, each, func(q queries) error {
		_, err := q.GrantedBetween(ctx, postgresdb.GrantedBetweenParams{FromAt: millis(from), ToAt: millis(to)})
		return err
	})
	if err != nil {
		return fmt.Errorf("look for access that began: %w", err)
	}
	return nil
}

// EachRevoked is EachGranted for requests whose end the target confirmed, also where it
// had never confirmed that the access began.
func (s *Store) EachRevoked(ctx context.Context, from, to time.Time, each func(flows.RequestID)) error {
	err := s.eachMoment(ctx, each, func(q queries) error {
		_, err := q.RevokedBetween(ctx, postgresdb.RevokedBetweenParams{FromAt: millis(from), ToAt: millis(to)})
		return err
	})
	if err != nil {
		return fmt.Errorf("look for access that was over: %w", err)
	}
	return nil
}

func (s *Store) eachMoment(ctx context.Context, each func(flows.RequestID), asks func(queries) error) error {
	n := &note{}
	if err := asks(s.raw.compiled(n)); !errors.Is(err, errNoted) {
		return errors.Join(errors.New("the question asks nothing"), err)
	}
	return s.raw.along(ctx, func(ctx context.Context, ask asker) error {
		return ask(ctx, n.question, n.args, func(r rawRow) error {
			each(flows.RequestID(r.bytes(0)))
			return nil
		})
	})
}
