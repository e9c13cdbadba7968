package store

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"

	"breakglass/store/storetest"
)

// other is a transaction of a session besides ours, which never gives way: the server
// ends ours when the two wait for each other.
func other(t *testing.T, pool *pgxpool.Pool, first string) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	if _, err := tx.Exec(t.Context(), "SET LOCAL deadlock_timeout = '1h'; "+first); err != nil {
		t.Fatal(err)
	}
	return tx
}

// asks has the other transaction do something for which it has to wait, and returns when
// it waits; the result ends it.
func asks(t *testing.T, pool *pgxpool.Pool, tx pgx.Tx, table, statement string) (over <-chan error) {
	t.Helper()
	pid := tx.Conn().PgConn().PID()
	done := make(chan error, 1)
	go func() {
		_, err := tx.Exec(t.Context(), statement)
		if err == nil {
			err = tx.Commit(t.Context())
		}
		done <- err
	}()
	until(t, pool, "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted AND relation = $2::text::regclass)", pid, table)
	return done
}

// until waits until the database says that it is so.
func until(t *testing.T, pool *pgxpool.Pool, question string, args ...any) {
	t.Helper()
	for so := false; !so; {
		if err := pool.QueryRow(t.Context(), question, args...).Scan(&so); err != nil {
			t.Fatal(err)
		}
	}
}

func pooled(t *testing.T) (pool *pgxpool.Pool, dsn string) {
	t.Helper()
	dsn = storetest.Postgres(t)
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool, dsn
}

// TestMigrationDeadlock: a migration changes one table after the other while replicas of
// the version before, or a backup, use them in another order. It starts over.
func TestMigrationDeadlock(t *testing.T) {
	t.Parallel()
	pool, _ := pooled(t)
	const gate = 4711
	files := fstest.MapFS{"00001_two.sql": {Data: []byte("CREATE TABLE one (n bigint); CREATE TABLE two (n bigint);")}}
	migrate := func() error {
		return withSchema(pool, files, func(p *goose.Provider) error { return up(t.Context(), p) })
	}
	if err := migrate(); err != nil {
		t.Fatal(err)
	}
	files["00002_both.sql"] = &fstest.MapFile{Data: []byte(
		"ALTER TABLE one ADD COLUMN more bigint; SELECT pg_advisory_xact_lock(4711); ALTER TABLE two ADD COLUMN more bigint;")}
	gated, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gated.Exec(t.Context(), "SELECT pg_advisory_xact_lock($1)", gate); err != nil {
		t.Fatal(err)
	}
	reader := other(t, pool, "SELECT FROM two")
	migrated := make(chan error, 1)
	go func() { migrated <- migrate() }()
	until(t, pool, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid = $1)", gate)
	read := asks(t, pool, reader, "one", "SELECT FROM one")
	if err := gated.Rollback(t.Context()); err != nil { // now they wait for each other
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Errorf("the reader: %v", err)
	}
	if err := <-migrated; err != nil {
		t.Errorf("the migration: %v", err)
	}
	if _, err := pool.Exec(t.Context(), "SELECT one.more, two.more FROM one, two"); err != nil {
		t.Error(err)
	}
}

// TestReadDeadlock: who only reads can meet a migration as well, and reads again.
func TestReadDeadlock(t *testing.T) {
	t.Parallel()
	pool, dsn := pooled(t)
	s, err := Open(t.Context(), Options{DSN: dsn, Migrate: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for name, look := range map[string]func(context.Context, func(context.Context, queries) error) error{
		"snapshot": s.srv.(*postgresDB).snapshot, "walk": s.srv.(*postgresDB).walk, "sift": s.srv.(*postgresDB).sift,
	} {
		changer, tries := other(t, pool, "LOCK TABLE jobs"), 0
		var changed <-chan error
		err := look(t.Context(), func(ctx context.Context, q queries) error {
			if _, err := q.GetMeta(ctx, "store_id"); err != nil {
				return err
			}
			if tries++; tries == 1 {
				changed = asks(t, pool, changer, "meta", "LOCK TABLE meta")
			}
			_, err := q.LastJob(ctx)
			return err
		})
		if err != nil || tries != 2 {
			t.Errorf("%s: %v after %d tries", name, err, tries)
		}
		if err := <-changed; err != nil {
			t.Errorf("%s: the change: %v", name, err)
		}
	}
}
