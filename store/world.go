package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// ErrOtherWorld says that the store holds requests of the other world.
var ErrOtherWorld = errors.New("real and simulated never mix in one store")

// World is the world the store belongs to; empty while none has claimed it.
func (s *Store) World(ctx context.Context) (flows.World, error) {
	v, err := s.tx.direct().GetMeta(ctx, "world")
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the world of the store: %w", err)
	}
	return flows.World(v), nil
}

// ClaimWorld ties the store to a world, for good, before anything else is written. A
// store that belongs to the other one is refused with ErrOtherWorld.
func (s *Store) ClaimWorld(ctx context.Context, w flows.World) error {
	is, err := s.World(ctx)
	if err == nil && is == "" {
		err = s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
			_, err := q.ClaimMeta(ctx, postgresdb.ClaimMetaParams{Name: "world", Value: string(w)})
			return err
		})
		if err == nil {
			is, err = s.World(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("claim the store for the %s world: %w", w, err)
	}
	if is != w {
		return fmt.Errorf("this store belongs to the %s world, not the %s one; use another database: %w", is, w, ErrOtherWorld)
	}
	return nil
}

// Frozen is since when an admin has frozen everything; false while nobody has.
func (s *Store) Frozen(ctx context.Context) (time.Time, bool, error) {
	v, err := s.tx.direct().GetMeta(ctx, "frozen")
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read whether everything is frozen: %w", err)
	}
	if v == "" {
		return time.Time{}, false, nil
	}
	ms, err := strconv.ParseInt(v, 10, 64)
	return time.UnixMilli(ms).UTC(), true, err
}

// ID is the store's own id, made when its schema was.
func (s *Store) ID(ctx context.Context) (string, error) {
	v, err := s.tx.direct().GetMeta(ctx, "store_id")
	if err != nil {
		return "", fmt.Errorf("read the id of the store: %w", err)
	}
	return v, nil
}
