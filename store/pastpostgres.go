package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// pgPast fills a PostgreSQL schema.
type pgPast struct {
	db      *postgresDB
	indexes []string // that are made at the end
}

func (db *postgresDB) filler(ctx context.Context) (filler, error) {
	p := &pgPast{db: db}
	found, err := db.pool.Query(ctx, `SELECT indexname, indexdef FROM pg_indexes
		WHERE schemaname = current_schema() AND indexdef NOT LIKE 'CREATE UNIQUE%' AND tablename IN (`+tableNames()+`)`)
	if err != nil {
		return nil, err
	}
	var name, makes string
	var drops []string
	_, err = pgx.ForEachRow(found, []any{&name, &makes}, func() error {
		drops, p.indexes = append(drops, "DROP INDEX "+pgx.Identifier{name}.Sanitize()), append(p.indexes, makes)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, db.each(ctx, drops)
}

// each runs statements.
func (db *postgresDB) each(ctx context.Context, statements []string) error {
	for _, s := range statements {
		if _, err := db.pool.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (p *pgPast) fill(ctx context.Context, r *rows, first int64) error {
	tx, err := p.db.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after the commit
	for i := range r.entries {
		r.entries[i].Prev = "" // as the trigger keeps it
	}
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
	if len(r.entries) == 0 {
		return tx.Commit(ctx)
	}
	if _, err := tx.Exec(ctx, "SELECT setval(pg_get_serial_sequence('entries', 'id'), $1)", first+int64(len(r.entries))-1); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// settle makes the indexes and does what the server does by itself after a while.
func (p *pgPast) settle(ctx context.Context) error {
	if err := p.db.each(ctx, p.indexes); err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := p.db.pool.Exec(ctx, "VACUUM (ANALYZE) "+t.name); err != nil {
			return err
		}
	}
	return nil
}
