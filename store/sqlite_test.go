package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/store"
)

func TestSecondServerIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "one.db")
	first := mustOpen(t, store.Options{DSN: path})
	_, err := store.Open(t.Context(), store.Options{DSN: path, Now: time.Now})
	if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Fatalf("a second server: %v, want it refused with the other one's process id", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, store.Options{DSN: path})
}

func TestReadOnlyBesideAServer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "one.db")
	server := mustOpen(t, store.Options{DSN: path})
	if err := decide(t.Context(), server, "1"); err != nil {
		t.Fatal(err)
	}
	reader := mustOpen(t, store.Options{DSN: path, ReadOnly: true})
	if err := decide(t.Context(), server, "2"); err != nil {
		t.Fatal(err)
	}
	list, err := reader.Requests(t.Context(), flows.RequestFilter{})
	if err != nil || len(list) != 2 {
		t.Fatalf("the reader sees %d requests, %v, want 2", len(list), err)
	}
	if _, err := reader.Claim(t.Context(), "me", noon, time.Minute, 1); !errors.Is(err, flows.ErrReadOnly) {
		t.Errorf("the reader writes: %v", err)
	}
	if err := reader.VerifyTail(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if err := reader.Health(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyNeedsAStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.db")
	if _, err := store.Open(t.Context(), store.Options{DSN: missing, ReadOnly: true, Now: time.Now}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking made the file: %v", err)
	}
	other := filepath.Join(dir, "other.db")
	run(t, "sqlite", other, "CREATE TABLE cats (name TEXT)")
	if _, err := store.Open(t.Context(), store.Options{DSN: other, ReadOnly: true, Now: time.Now}); !errors.Is(err, store.ErrSchema) {
		t.Errorf("somebody else's database: %v", err)
	}
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		if _, err := store.Open(t.Context(), store.Options{DSN: text, ReadOnly: readOnly, Now: time.Now}); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("no database at all, read-only %v: %v", readOnly, err)
		}
	}
}

// run runs statements around the store.
func run(t *testing.T, driver, dsn string, statements ...string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []store.Options{
		{DSN: filepath.Join(t.TempDir(), "x.db")},
		{Now: time.Now},
		{Now: time.Now, DSN: filepath.Join(t.TempDir(), "no", "such", "folder", "x.db")},
	} {
		if _, err := store.Open(t.Context(), o); err == nil {
			t.Errorf("opened %+v", o.DSN)
		}
	}
	_, err := store.Open(t.Context(), store.Options{Now: time.Now, DSN: "postgres://me:hunter2@127.0.0.1:1/x?password=hunter2&connect_timeout=1"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows the password, or there is none: %v", err)
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "a?b.db", "a%20b.db", "a#b.db", "é.db", "a&mode=ro.db", ":memory:", "file:x.db"} {
		dir := t.TempDir()
		s := mustOpen(t, store.Options{DSN: "sqlite:" + filepath.Join(dir, name)})
		if err := decide(t.Context(), s, "1"); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%q is not where it was named: %v", name, err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%q may be read by others: %v", name, info.Mode())
		}
	}
}

// TestLeasesOfTheDeadAreFree: nobody else can hold a lease on a file that is ours.
func TestLeasesOfTheDeadAreFree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "one.db")
	s := mustOpen(t, store.Options{DSN: path})
	if err := accept(t.Context(), s, "k"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Claim(t.Context(), "me", noon, time.Minute, 10); err != nil || len(got) != 0 {
		t.Fatalf("claimed %v, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, store.Options{DSN: path})
	if got, err := s.Claim(t.Context(), "me", noon, time.Minute, 10); err != nil || len(got) != 1 {
		t.Fatalf("after the restart claimed %v, %v, want the job", got, err)
	}
}

func TestDurability(t *testing.T) {
	t.Parallel()
	s := openSQLite(t, 0)
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1"} {
		if got, err := s.PragmaValue(t.Context(), name); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
}

// TestGroupCommit holds the number of commits, which no clock can disturb.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	s := openSQLite(t, 0)
	before := mustStats(t, s)
	load(t, 40*callers, func(ctx context.Context, i int) error { return accept(ctx, s, strconv.Itoa(i)) })
	after := mustStats(t, s)
	rows, commits := after.Writes-before.Writes, after.Commits-before.Commits
	if rows != 40*callers {
		t.Errorf("%d writes, want %d", rows, 40*callers)
	}
	if ratio := float64(commits) / float64(rows); ratio > 0.15 {
		t.Errorf("%.3f commits a row with %d callers, want at most 0.15", ratio, callers)
	}
}

func TestGivingUpLeavesNothing(t *testing.T) {
	t.Parallel()
	s := openSQLite(t, 0)
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Write(t.Context(), func(context.Context) error { close(held); <-hold; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	<-held // the writer is busy
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() {
		if err := accept(ctx, s, "k"); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that gave up: %v", err)
		}
	})
	cancel()
	close(hold)
	wg.Wait()
	if _, err := s.InboxRow(t.Context(), "k"); !errors.Is(err, flows.ErrNotFound) {
		t.Errorf("what its caller gave up was written: %v", err)
	}
}

// A write that fails half way leaves nothing of itself, and takes nobody along who
// was to be committed with it.
func TestHalfAWrite(t *testing.T) {
	t.Parallel()
	s := openSQLite(t, 0)
	for round := range 20 {
		hold, held := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = s.Write(t.Context(), func(context.Context) error { close(held); <-hold; return nil })
		})
		<-held // what follows waits, and is then written together
		half := fmt.Sprint("half/", round)
		wg.Go(func() {
			if err := s.WriteHalf(t.Context(), half, flows.ErrConflict); !errors.Is(err, flows.ErrConflict) {
				t.Errorf("a write that fails: %v", err)
			}
		})
		for i := range 5 {
			wg.Go(func() {
				if err := accept(t.Context(), s, fmt.Sprint(round, "/", i)); err != nil {
					t.Errorf("a write beside one that fails: %v", err)
				}
			})
		}
		close(hold)
		wg.Wait()
		if _, err := s.InboxRow(t.Context(), half); !errors.Is(err, flows.ErrNotFound) {
			t.Fatalf("half a write is there: %v", err)
		}
		for i := range 5 {
			if _, err := s.InboxRow(t.Context(), fmt.Sprint(round, "/", i)); err != nil {
				t.Fatalf("a write beside one that failed: %v", err)
			}
		}
	}
	if st := mustStats(t, s); st.Commits >= st.Writes {
		t.Errorf("%d commits of %d writes: nothing was committed together", st.Commits, st.Writes)
	}
}

func TestPanicHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	s := openSQLite(t, 0)
	err := s.Write(t.Context(), func(context.Context) error { panic("boom") })
	if err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("a write that panicked: %v", err)
	}
	if err := accept(t.Context(), s, "k"); err != nil {
		t.Errorf("the write after: %v", err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s := openSQLite(t, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if err := accept(t.Context(), s, "k"); err == nil {
		t.Error("a closed store accepts")
	}
	if _, err := s.Load(t.Context(), "req_1"); err == nil || errors.Is(err, flows.ErrNotFound) {
		t.Errorf("a closed store reads: %v", err)
	}
}
