package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows/audit"
	"breakglass/store"
	"breakglass/store/storetest"
)

// TestPrevStandsInTheBytes: PostgreSQL keeps the hash of the entry before in the bytes only.
// Entries of earlier versions have it beside them too; they stay good among the others, as
// long as it is the one that the bytes say.
func TestPrevStandsInTheBytes(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	s := mustOpen(t, store.Options{DSN: dsn, Migrate: true})
	if err := decide(t.Context(), s, "1"); err != nil {
		t.Fatal(err)
	}
	for _, row := range dump(t, dsn, "(SELECT prev FROM entries) e") {
		if row != `[""]` {
			t.Errorf("an entry keeps %s beside its bytes", row)
		}
	}
	before, err := s.Entries(t.Context(), "req_1")
	if err != nil || len(before) != 2 || before[0].Prev != "" || before[1].Prev != before[0].Hash {
		t.Fatalf("%+v, %v", before, err)
	}
	if _, err := s.Sequence(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	verified := func(what, want string) {
		t.Helper()
		if err := s.VerifyTail(t.Context(), 0); want == "" && err != nil || want != "" && (!errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
		r, err := audit.Verify(t.Context(), audit.Live(s), audit.Options{})
		if err != nil || r.OK() != (want == "") || want != "" && !strings.Contains(r.Findings[0].What, want) {
			t.Errorf("%s: %+v, %v, want %q", what, r, err, want)
		}
	}
	verified("as it was written", "")

	past := func(prev string) {
		t.Helper()
		run(t, "pgx", dsn, "ALTER TABLE entries DISABLE TRIGGER USER; UPDATE entries SET prev = '"+prev+"' WHERE seq = 2; ALTER TABLE entries ENABLE TRIGGER USER")
	}
	past(before[0].Hash)
	verified("as an earlier version wrote it", "")
	after, err := s.Entries(t.Context(), "req_1")
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("it reads otherwise: %v\n%s", err, diff)
	}
	past(before[1].Hash)
	verified("with another before it", "its columns are not what its bytes say")
}
