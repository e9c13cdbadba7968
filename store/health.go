package store

import (
	"context"
	"fmt"

	"breakglass/store/internal/postgresdb"
)

// probe writes a row of no meaning.
func probe(ctx context.Context, q queries) error {
	return q.PutMeta(ctx, postgresdb.PutMetaParams{Name: "probe", Value: ""})
}

// health reads one row, and tries to write one if the last write failed.
func (db *sqliteDB) health(ctx context.Context) error {
	if _, err := db.reads.GetMeta(ctx, "store_id"); err != nil {
		return fmt.Errorf("read the store: %w", liteMeaning(err))
	}
	if db.failed.err() == nil {
		return nil
	}
	if err := db.write(ctx, nil, probe); err != nil {
		return fmt.Errorf("the store does not write: %w", err)
	}
	return nil
}
