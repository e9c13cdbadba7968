package store_test

import (
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/store"
	"breakglass/store/storetest"
)

func TestPostgresNeedsMigrating(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	_, err := store.Open(t.Context(), store.Options{DSN: dsn, Now: time.Now})
	if !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "breakglass migrate") {
		t.Fatalf("an empty database: %v, want to be told to migrate", err)
	}
	// Every replica of a fresh installation migrates at once.
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := store.Migrate(t.Context(), store.Options{DSN: dsn, Now: time.Now}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := mustOpen(t, store.Options{DSN: dsn})
	if err := decide(t.Context(), s, "1"); err != nil {
		t.Error(err)
	}
}

// TestReplicas: two stores on one database are one store.
func TestReplicas(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	a := mustOpen(t, store.Options{DSN: dsn, Migrate: true})
	if err := accept(t.Context(), a, "k"); err != nil {
		t.Fatal(err)
	}
	b := mustOpen(t, store.Options{DSN: dsn})
	if got, err := b.Claim(t.Context(), "b", noon, time.Minute, 10); err != nil || len(got) != 0 {
		t.Errorf("the other replica claimed %v, %v, though the first one has the lease", got, err)
	}
	got, err := b.Claim(t.Context(), "b", noon.Add(time.Minute), time.Minute, 10)
	if err != nil || len(got) != 1 {
		t.Fatalf("when the lease ran out the other replica claimed %v, %v", got, err)
	}
	if _, err := a.Apply(t.Context(), flows.Change{Done: &got[0], Inbox: "k"}); err != nil {
		t.Error(err)
	}
}

func TestPostgresReadOnly(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	mustOpen(t, store.Options{DSN: dsn, Migrate: true})
	reader := mustOpen(t, store.Options{DSN: dsn, ReadOnly: true})
	if err := accept(t.Context(), reader, "k"); !errors.Is(err, flows.ErrReadOnly) {
		t.Errorf("a reader writes: %v", err)
	}
	// A server that turned read-only (a standby after a failover, a full disk).
	standby := mustOpen(t, store.Options{DSN: dsn + "&default_transaction_read_only=on"})
	if err := accept(t.Context(), standby, "k"); !errors.Is(err, flows.ErrReadOnly) {
		t.Errorf("a server that does not write: %v", err)
	}
	if err := standby.Health(t.Context()); !errors.Is(err, flows.ErrReadOnly) {
		t.Errorf("its health: %v", err)
	}
}

// TestPostgresComesBack: the server ends every connection; the next question gets one.
func TestPostgresComesBack(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	s := mustOpen(t, store.Options{DSN: dsn + "&application_name=ended", Migrate: true})
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range 3 {
		if err := decide(t.Context(), s, string(rune('a'+i))); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'ended'"); err != nil {
			t.Fatal(err)
		}
		worked := false
		for try := 0; try < 20 && !worked; try++ { // each dead connection of the pool fails once at most
			_, err := s.Requests(t.Context(), flows.RequestFilter{})
			worked = err == nil
		}
		if !worked {
			t.Fatal("the store does not come back")
		}
	}
}

func TestPostgresInsistsOnDurability(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"off": "on", "local": "local", "on": "on"} {
		s := mustOpen(t, store.Options{DSN: storetest.Postgres(t) + "&synchronous_commit=" + given, Migrate: true})
		got, err := s.Setting(t.Context(), "synchronous_commit")
		if err != nil || got != want {
			t.Errorf("synchronous_commit %s became %s, %v, want %s", given, got, err, want)
		}
	}
}

// TestPostgresRevokeStays: what SQLite's store checks by itself, PostgreSQL checks at
// commit, whoever writes.
func TestPostgresRevokeStays(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	s := mustOpen(t, store.Options{DSN: dsn, Migrate: true})
	if err := decide(t.Context(), s, "1"); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const live = "INSERT INTO transitions (from_state, to_state) VALUES ('denied', 'active'); UPDATE requests SET version = version + 1, state = 'active'; "
	const job = "INSERT INTO jobs (kind, key, subject, lane, run_at, args, attempts, last_err, rev, leased_to, lease_until, lease) VALUES ('revoke', 'revoke:1', 'req_1', '', 0, '', 0, '', 1, '', 0, 0)"
	for _, step := range []struct {
		statements string
		fits       bool
	}{
		{live, false},
		{live + job, true},
		{"DELETE FROM jobs WHERE kind = 'revoke'", false},
		{"DELETE FROM jobs WHERE kind = 'revoke'; " + job, true},
		{"DELETE FROM jobs WHERE kind <> 'revoke'", true},
	} {
		_, err := db.ExecContext(t.Context(), "BEGIN; "+step.statements+"; COMMIT")
		if (err == nil) != step.fits || err != nil && !strings.Contains(err.Error(), "without a job to revoke it") {
			t.Errorf("%s\n\t%v", step.statements, err)
		}
		if _, err := db.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPostgresDeadlock makes the store the victim of a deadlock; it starts over.
func TestPostgresDeadlock(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	s := mustOpen(t, store.Options{DSN: dsn + "&deadlock_timeout=300ms&application_name=locker", Migrate: true})
	live(t, s, "1", "Q1", false)
	key := flows.HoldingKey{Person: "T/U1", Target: "db"}
	if _, err := s.Apply(t.Context(), flows.Change{Holding: &flows.Holding{Key: key, Version: 1}}); err != nil {
		t.Fatal(err)
	}
	rec, err := s.Load(t.Context(), "req_1")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", dsn+"&deadlock_timeout=60s")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "UPDATE holdings SET version = version + 1"); err != nil {
		t.Fatal(err)
	}
	applied := make(chan error)
	go func() {
		r := rec.Request
		r.Version++
		_, err := s.Apply(t.Context(), flows.Change{Request: &r, Holding: &flows.Holding{Key: key, Version: 2}})
		applied <- err
	}()
	for waiting := 0; waiting == 0; {
		const waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'locker' AND wait_event_type = 'Lock'"
		if err := db.QueryRowContext(t.Context(), waits).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.ExecContext(t.Context(), "UPDATE requests SET version = version + 1"); err != nil {
		t.Fatalf("the test's own transaction was chosen: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-applied; err != nil {
		t.Errorf("after the deadlock: %v", err)
	}
}
