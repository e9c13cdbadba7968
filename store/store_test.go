package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"breakglass/store"
	"breakglass/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		path := filepath.Join(t.TempDir(), "breakglass.db")
		return subject(t, store.Options{DSN: "sqlite:" + path}, "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	})
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		dsn := storetest.Postgres(t)
		return subject(t, store.Options{DSN: dsn, Migrate: true}, "pgx", dsn)
	})
}

func TestModel(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Subject { return storetest.Subject{Store: storetest.NewModel()} })
}

// subject opens a store for the contract and a way around it.
func subject(t *testing.T, o store.Options, driver, dsn string) storetest.Subject {
	t.Helper()
	s := mustOpen(t, o)
	raw, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := raw.Close(); err != nil {
			t.Error(err)
		}
	})
	return storetest.Subject{Store: s, Raw: raw, Reopen: func() storetest.Store {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, o)
		return s
	}}
}

func mustOpen(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
