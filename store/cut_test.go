package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	"breakglass/flows"
	"breakglass/store"
	"breakglass/store/storetest"
)

// When the database goes away for a moment, or hands over to another server, every
// connection of the pool is dead and nobody knows. Nothing was written on them, so
// nobody has to hear of it.
func TestCutConnectionsAreFoundOutSilently(t *testing.T) {
	t.Parallel()
	s, raw := cuttable(t, "cut")
	for round := range 5 {
		many(t, func(i int) error { return accept(t.Context(), s, fmt.Sprintf("%d/%d", round, i)) }) // opens the whole pool
		if n := cutAll(t, raw, "cut"); n < 2 {
			t.Fatalf("only %d connections were there to be cut", n)
		}
		many(t, func(i int) error { return accept(t.Context(), s, fmt.Sprintf("%d/%d again", round, i)) })
		cutAll(t, raw, "cut")
		many(t, func(i int) error {
			_, err := s.Load(t.Context(), flows.RequestID(fmt.Sprint(i)))
			if errors.Is(err, flows.ErrNotFound) {
				return nil
			}
			return fmt.Errorf("load: %w", err)
		})
	}
}

// A connection that is lost in the middle of a transaction takes it along, and the
// transaction is made again.
func TestAWriteIsMadeAgainWhenItsConnectionIsCut(t *testing.T) {
	t.Parallel()
	s, raw := cuttable(t, "cut2")
	tries := 0
	err := s.WriteAround(t.Context(), func() {
		if tries++; tries == 1 {
			cutAll(t, raw, "cut2")
		}
	})
	if err != nil || tries != 2 {
		t.Errorf("%d tries, error %v", tries, err)
	}
}

// cuttable opens a store whose connections have a name, and a way around it.
func cuttable(t *testing.T, name string) (*store.Store, *sql.DB) {
	t.Helper()
	dsn := storetest.Postgres(t)
	raw, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return mustOpen(t, store.Options{DSN: dsn + "&application_name=" + name, Migrate: true}), raw
}

func cutAll(t *testing.T, raw *sql.DB, name string) int {
	t.Helper()
	n := 0
	err := raw.QueryRowContext(t.Context(), "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1", name).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func many(t *testing.T, do func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, 24)
	for i := range errs {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
