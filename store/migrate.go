package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"breakglass/migrations"
)

// Migrate brings the schema of the database that o names up to date and closes it
// again. Several processes may do so at once: one applies, the others wait.
func Migrate(ctx context.Context, o Options) error {
	o.Migrate, o.ReadOnly = true, false
	s, err := Open(ctx, o)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return s.Close()
}

// schema knows the migrations of one dialect.
func schema(dialect goose.Dialect, pool *sql.DB, files fs.FS) (*goose.Provider, error) {
	all, err := readMigrations(files)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, pool, nil, goose.WithGoMigrations(all...), goose.WithVerbose(false), goose.WithDisableGlobalRegistry(true))
}

// readMigrations finds the files; each is given to the database whole. Both of them know
// where a statement ends, where goose would look at each line with a buffer of 4 MB.
func readMigrations(files fs.FS) ([]*goose.Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	var all []*goose.Migration
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}}, nil))
	}
	return all, nil
}

// fits refuses a schema that is ahead of this program or, unless it is about to be
// brought up to date, behind it.
func fits(ctx context.Context, p *goose.Provider, mayBeBehind bool) error {
	is, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read the version of the schema: %w", err)
	case is > want:
		return fmt.Errorf("%w: it has version %d and this program knows only up to %d; a newer program has migrated it, use that one",
			ErrSchema, is, want)
	case is < want && !mayBeBehind:
		return fmt.Errorf("%w: it has version %d and this program needs %d; run `breakglass migrate` first", ErrSchema, is, want)
	}
	return nil
}

func up(ctx context.Context, p *goose.Provider) error {
	if err := fits(ctx, p, true); err != nil {
		return err
	}
	if fits(ctx, p, false) == nil {
		return nil // the usual start: nothing is read
	}
	var err error
	for range writeTries { // each file is a transaction: what was undone is what is left to do
		if _, err = p.Up(ctx); !lost(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("apply migrations: %w", err)
	}
	return fits(ctx, p, false)
}

func sqliteSchema(pool *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations.SQLite, "sqlite")
	if err != nil {
		return nil, err
	}
	return schema(goose.DialectSQLite3, pool, files)
}

func migrateSQLite(ctx context.Context, pool *sql.DB) error {
	p, err := sqliteSchema(pool)
	if err != nil {
		return err
	}
	return up(ctx, p)
}

// checkSQLite looks at the schema without changing it.
func checkSQLite(ctx context.Context, pool *sql.DB) error {
	var tables int
	err := pool.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'").Scan(&tables)
	if err != nil {
		return err
	}
	if tables == 0 {
		return fmt.Errorf("%w: this is not a Breakglass database", ErrSchema)
	}
	p, err := sqliteSchema(pool)
	if err != nil {
		return err
	}
	return fits(ctx, p, false)
}

// migrationLock is the advisory lock under which a PostgreSQL schema is changed.
const migrationLock = 0x62726561 // "brea"

// migratePostgres applies what is missing, one process at a time.
func migratePostgres(ctx context.Context, pool *pgxpool.Pool) (err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		return fmt.Errorf("wait for other migrations: %w", err)
	}
	defer func() {
		_, unlock := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		err = errors.Join(err, unlock)
	}()
	return withPostgresSchema(pool, func(p *goose.Provider) error { return up(ctx, p) })
}

// checkPostgres looks at the schema without changing it.
func checkPostgres(ctx context.Context, pool *pgxpool.Pool) error {
	var there bool
	if err := pool.QueryRow(ctx, "SELECT to_regclass('goose_db_version') IS NOT NULL").Scan(&there); err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("%w: the database is empty; run `breakglass migrate` first", ErrSchema)
	}
	return withPostgresSchema(pool, func(p *goose.Provider) error { return fits(ctx, p, false) })
}

func withPostgresSchema(pool *pgxpool.Pool, f func(*goose.Provider) error) error {
	files, err := fs.Sub(migrations.Postgres, "postgres")
	if err != nil {
		return err
	}
	return withSchema(pool, files, f)
}

func withSchema(pool *pgxpool.Pool, files fs.FS, f func(*goose.Provider) error) error {
	db := stdlib.OpenDBFromPool(pool)
	p, err := schema(goose.DialectPostgres, db, files)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return errors.Join(f(p), db.Close())
}
