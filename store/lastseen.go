package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"breakglass/store/internal/postgresdb"
)

// LastSeen is the time of the newest audit entry; zero when there is none. A clock
// that shows less has jumped back while nobody looked.
func (s *Store) LastSeen(ctx context.Context) (time.Time, error) {
	rows, err := s.tx.direct().TailEntries(ctx, postgresdb.TailEntriesParams{Before: math.MaxInt64, Lim: 1})
	if err != nil {
		return time.Time{}, fmt.Errorf("read the newest entry: %w", err)
	}
	if len(rows) == 0 {
		return time.Time{}, nil
	}
	return fromMillis(rows[0].At), nil
}
