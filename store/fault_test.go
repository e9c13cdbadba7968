package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"breakglass/flows"
	"breakglass/store"
)

// TestDiskFull fills a store until it does not take more, makes room, and goes on. What
// was acknowledged is there, what was not is not, and nothing is damaged.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := openSQLite(t, 0)
	if err := s.Pragma(t.Context(), "PRAGMA max_page_count = 150"); err != nil {
		t.Fatal(err)
	}
	full(t, s, func() {
		if err := s.Pragma(t.Context(), "PRAGMA max_page_count = 100000"); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDiskReallyFull does the same on a file system that has no more room.
func TestDiskReallyFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	full(t, mustOpen(t, store.Options{DSN: filepath.Join(dir, "full.db")}), func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
}

func full(t *testing.T, s *store.Store, makeRoom func()) {
	t.Helper()
	acked := 0
	var err error
	for ; err == nil && acked < 100_000; acked++ {
		err = accept(t.Context(), s, strconv.Itoa(acked))
	}
	acked--
	if !errors.Is(err, flows.ErrReadOnly) {
		t.Fatalf("after %d rows: %v, want it to mean that the store does not write", acked, err)
	}
	if err := s.Health(t.Context()); err != nil && !errors.Is(err, flows.ErrReadOnly) {
		t.Errorf("health of a full store: %v", err)
	}
	if err := decide(t.Context(), s, "1"); err == nil {
		t.Log("a small write still went through")
	} else if !errors.Is(err, flows.ErrReadOnly) {
		t.Errorf("a decision on a full store: %v", err)
	}
	for i := range acked {
		if _, err := s.InboxRow(t.Context(), strconv.Itoa(i)); err != nil {
			t.Fatalf("row %d of %d acknowledged ones: %v", i, acked, err)
		}
	}
	if _, err := s.InboxRow(t.Context(), strconv.Itoa(acked)); !errors.Is(err, flows.ErrNotFound) {
		t.Errorf("the row that was refused is there: %v", err)
	}
	makeRoom()
	if err := s.Health(t.Context()); err != nil {
		t.Errorf("health when there is room again: %v", err)
	}
	if err := decide(t.Context(), s, "2"); err != nil {
		t.Errorf("a decision when there is room again: %v", err)
	}
	if err := s.VerifyTail(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// TestDamage flips bytes of a database file. Either the store says so, or what it
// reads is what was written: it never reads a changed entry as a good one.
func TestDamage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "good.db")
	s := mustOpen(t, store.Options{DSN: path})
	const requests = 20
	var want [][]flows.Sealed
	for i := range requests {
		if err := decide(t.Context(), s, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
		list, err := s.Entries(t.Context(), fmt.Sprint("req_", i))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, list)
	}
	if err := s.Close(); err != nil { // the last one out moves the log into the file
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rounds := 150
	if raceDetector || testing.Short() { // it is slow, and looks for something else
		rounds = 30
	}
	random := rand.New(rand.NewPCG(1, 2))
	said := 0
	for range rounds {
		bad := append([]byte(nil), good...)
		for range 1 + random.IntN(3) {
			bad[random.IntN(len(bad))] ^= byte(1 << random.IntN(8))
		}
		if damaged(t, bad, want) {
			said++
		}
	}
	t.Logf("%d of %d damaged files were refused; the rest read as they were written", said, rounds)
	if said == 0 {
		t.Error("no damage was noticed at all")
	}
}

// damaged reads a file and reports whether the store said that it is bad.
func damaged(t *testing.T, file []byte, want [][]flows.Sealed) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bad.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{DSN: path, ReadOnly: true, Now: time.Now})
	if err != nil {
		return true
	}
	defer s.Close()
	if err := s.VerifyTail(t.Context(), 0); err != nil {
		return true
	}
	for i, list := range want {
		got, err := s.Entries(t.Context(), fmt.Sprint("req_", i))
		if err != nil {
			return true
		}
		if d := cmp.Diff(list, got, cmpopts.IgnoreFields(flows.Sealed{}, "Openings")); d != "" {
			t.Fatalf("a damaged file passes and reads as something else:\n%s", d)
		}
	}
	return false
}

// TestForgedEntries changes entries as somebody with the database's password could,
// triggers dropped, in every way that keeps the file itself in order.
func TestForgedEntries(t *testing.T) {
	t.Parallel()
	for what, statement := range map[string]string{
		"bytes":            "UPDATE entries SET ",
		"packed":           "UPDATE entries SET packed = substr(packed, 2) WHERE chain = 'req_3' AND seq = 1",
		"not packed":       "UPDATE entries SET packed = NULL WHERE chain = 'req_3' AND seq = 1",
		"verb":             "UPDATE entries SET verb = 'other' WHERE chain = 'req_3' AND seq = 1",
		"time":             "UPDATE entries SET at = at + 1 WHERE chain = 'req_3' AND seq = 2",
		"a hash":           "UPDATE entries SET hash = 'x' WHERE chain = 'req_3' AND seq = 1",
		"first is missing": "DELETE FROM packed_openings; DELETE FROM entries WHERE chain = 'req_3' AND seq = 1",
		"last is missing":  "DELETE FROM packed_openings; DELETE FROM entries WHERE chain = 'req_3' AND seq = 2",
		"head moved back":  "DELETE FROM packed_openings; DELETE FROM entries WHERE chain = 'req_3' AND seq = 2; UPDATE chains SET len = 1, hash = (SELECT hash FROM entries WHERE chain = 'req_3' AND seq = 1) WHERE chain = 'req_3'",
		"rewritten":        "UPDATE entries SET ",
		"all missing":      "DELETE FROM packed_openings; DELETE FROM entries WHERE chain = 'req_3'; DELETE FROM chains WHERE chain = 'req_3'",
		"moved":            "UPDATE entries SET chain = 'req_3x' WHERE chain = 'req_3'; UPDATE chains SET chain = 'req_3x' WHERE chain = 'req_3'",
		"request's head":   "UPDATE requests SET doc = replace(doc, '\"Len\":2', '\"Len\":3') WHERE id = 'req_3'",
		"no request":       "UPDATE requests SET doc = '{' WHERE id = 'req_3'",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "forged.db")
			s := mustOpen(t, store.Options{DSN: path})
			for i := range 5 {
				if err := decide(t.Context(), s, strconv.Itoa(i)); err != nil {
					t.Fatal(err)
				}
			}
			for _, n := range []int{0, 1, 2, 100} {
				if err := s.VerifyTail(t.Context(), n); err != nil {
					t.Fatalf("before: %v", err)
				}
			}
			var drop []string
			for _, trigger := range []string{"entries_keep_update", "entries_keep_delete", "chains_step", "chains_stay", "requests_version"} {
				drop = append(drop, "DROP TRIGGER "+trigger)
			}
			switch what {
			case "bytes":
				statement += rewritten(t, s, "bytes = '%s' WHERE chain = 'req_3' AND seq = 1")
			case "rewritten":
				statement += rewritten(t, s, "verb = 'stop', bytes = '%s', hash = '%x' WHERE chain = 'req_3' AND seq = 1")
			}
			run(t, "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)", append(drop, statement)...)
			if err := s.VerifyTail(t.Context(), 0); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%v, want damage", err)
			}
			if err := s.VerifyTail(t.Context(), 100); !errors.Is(err, store.ErrDamaged) && what != "all missing" {
				t.Errorf("the last 100: %v, want damage", err)
			}
			if err := s.VerifyTail(t.Context(), 1); err != nil {
				t.Errorf("the last entry is as it was: %v", err)
			}
		})
	}
}

// rewritten is an entry made anew, with a hash that fits; only the one after it knows.
func rewritten(t *testing.T, s *store.Store, set string) string {
	t.Helper()
	list, err := s.Entries(t.Context(), "req_3")
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(string(list[0].Bytes), `"verb":"step"`, `"verb":"stop"`, 1)
	return strings.NewReplacer("%s", forged, "%x", fmt.Sprintf("%x", flows.LeafHash([]byte(forged)))).Replace(set)
}
