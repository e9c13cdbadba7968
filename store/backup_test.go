package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/store"
)

// A backup is one moment of a database that is written to meanwhile, and opens as it is.
func TestBackupBesideAServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, copied := filepath.Join(dir, "a.db"), filepath.Join(dir, "copy.db")
	s := mustOpen(t, store.Options{DSN: db})
	live(t, s, "DANA", "Q1", false)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_ = accept(t.Context(), s, time.Duration(i).String())
			}
		}
	})
	err := store.Backup(t.Context(), db, copied)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v", info, err)
	}
	c := mustOpen(t, store.Options{DSN: copied})
	if err := c.VerifyTail(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if r, err := c.Load(t.Context(), "req_DANA"); err != nil || r.Request.State != flows.StateGranting {
		t.Errorf("of the backup: %+v, %v", r.Request, err)
	}
	if err := store.Backup(t.Context(), db, copied); !errors.Is(err, os.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
}

// A restored database says so until somebody accepts it; what was there is kept. It is
// not put under a process that serves.
func TestRestore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, copied := filepath.Join(dir, "a.db"), filepath.Join(dir, "copy.db")
	s := mustOpen(t, store.Options{DSN: db})
	if err := store.Backup(t.Context(), db, copied); err != nil {
		t.Fatal(err)
	}
	live(t, s, "DANA", "Q1", false)
	if _, err := store.Restore(t.Context(), copied, db, noon); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("under a process that serves: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), filepath.Join(dir, "none.db"), db, noon); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a backup that is not there: %v", err)
	}
	kept, err := store.Restore(t.Context(), copied, db, noon)
	if err != nil {
		t.Fatal(err)
	}
	r := mustOpen(t, store.Options{DSN: db})
	if at, restored, err := r.Restored(t.Context()); err != nil || !restored || !at.Equal(noon) {
		t.Errorf("restored: %v %v %v", at, restored, err)
	}
	if _, err := r.Load(t.Context(), "req_DANA"); !errors.Is(err, flows.ErrNotFound) {
		t.Errorf("it knows what happened after the backup: %v", err)
	}
	if err := r.AcceptRestore(t.Context(), "abc"); err != nil {
		t.Fatal(err)
	}
	if _, restored, err := r.Restored(t.Context()); err != nil || restored {
		t.Errorf("after it was accepted: %v %v", restored, err)
	}
	if upTo, err := r.Accepted(t.Context()); err != nil || upTo != "abc" {
		t.Errorf("accepted: %q %v", upTo, err)
	}
	old := mustOpen(t, store.Options{DSN: kept})
	if _, err := old.Load(t.Context(), "req_DANA"); err != nil {
		t.Errorf("what was there: %v", err)
	}
}

func TestBackupOfPostgres(t *testing.T) {
	t.Parallel()
	if err := store.Backup(t.Context(), "postgres://localhost/x", filepath.Join(t.TempDir(), "x")); !errors.Is(err, store.ErrNotHere) {
		t.Error(err)
	}
	if _, err := store.Restore(t.Context(), "x", "postgresql://localhost/x", noon); !errors.Is(err, store.ErrNotHere) {
		t.Error(err)
	}
}
