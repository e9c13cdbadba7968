package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var _ filler = (*postgresDB)(nil)

func (db *postgresDB) fill(ctx context.Context, r *rows, first int64) error {
	tx, err := db.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after the commit
	for _, t := range tables {
		if _, err := tx.Exec(ctx, "ALTER TABLE "+t.name+" DISABLE TRIGGER USER"); err != nil {
			return err
		}
		source := pgx.CopyFromSlice(t.len(r), func(i int) ([]any, error) { return t.row(r, first, i), nil })
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, source); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	// The checks of foreign keys are done before a table can be altered again.
	if _, err := tx.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := tx.Exec(ctx, "ALTER TABLE "+t.name+" ENABLE TRIGGER USER"); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "SELECT setval(pg_get_serial_sequence('entries', 'id'), $1)", first+int64(len(r.entries))-1); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// settle does what the server does by itself after a while.
func (db *postgresDB) settle(ctx context.Context) error {
	for _, t := range tables {
		if _, err := db.pool.Exec(ctx, "VACUUM (ANALYZE) "+t.name); err != nil {
			return err
		}
	}
	return nil
}
