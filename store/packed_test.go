package store_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/store"
	"breakglass/store/internal/pack"
)

// asBefore writes the entries of some chains over as a version wrote them that packed none.
func asBefore(t *testing.T, driver, dsn string, s *store.Store, chains ...string) {
	t.Helper()
	rules := map[string][2]string{
		"sqlite": {"DROP TRIGGER IF EXISTS entries_keep_update", "SELECT 1"},
		"pgx":    {"SET session_replication_role = replica", "SET session_replication_role = DEFAULT"},
	}[driver]
	text := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	blob := map[string]string{"sqlite": "x'%x'", "pgx": `'\x%x'`}[driver]
	var all strings.Builder
	for _, chain := range chains {
		list, err := s.Entries(t.Context(), chain)
		if err != nil || len(list) == 0 {
			t.Fatalf("%d entries of %s, %v", len(list), chain, err)
		}
		for _, e := range list {
			at := fmt.Sprintf("chain = %s AND seq = %d", text(e.Chain), e.Seq)
			fmt.Fprintf(&all, "UPDATE entries SET packed = NULL, bytes = %s WHERE %s;", text(string(e.Bytes)), at)
			for _, o := range e.Openings {
				fmt.Fprintf(&all, "INSERT INTO openings (entry, path, person, salt, value) SELECT id, %s, %s, "+blob+", %s FROM entries WHERE %s;",
					text(o.Path), text(string(o.About)), o.Salt, text(o.Value), at)
			}
			fmt.Fprintf(&all, "DELETE FROM packed_openings WHERE entry = (SELECT id FROM entries WHERE %s);", at)
		}
	}
	run(t, driver, dsn, rules[0]+";"+all.String()+rules[1])
}

// TestEntriesOfBefore: what an earlier version wrote reads and proves as it did, beside
// what is packed, and is erased with it.
func TestEntriesOfBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		var ids []string
		for i := range 20 {
			if err := decide(t.Context(), s, fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, fmt.Sprint("req_", i))
		}
		if _, err := s.Sequence(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		read := func() (out []any) {
			t.Helper()
			leaves, err := s.Leaves(t.Context(), 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				list, err := s.Entries(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				tail, err := s.Tail(t.Context(), id, 0, 10)
				if d := cmp.Diff(list, tail); err != nil || d != "" || len(list[0].Openings) == 0 {
					t.Fatalf("the tail of %s: %v\n%s", id, err, d)
				}
				out = append(out, list)
			}
			if err := s.VerifyTail(t.Context(), 0); err != nil {
				t.Error(err)
			}
			if r, err := audit.Verify(t.Context(), audit.Live(s), audit.Options{}); err != nil || !r.OK() {
				t.Errorf("%+v, %v", r, err)
			}
			return append(out, leaves)
		}
		packed := read()
		asBefore(t, p.driver, p.raw, s, ids[:10]...)
		var plain int
		if err := opened(t, p.raw).QueryRowContext(t.Context(), "SELECT count(*) FROM entries WHERE bytes LIKE '{%'").Scan(&plain); err != nil || plain != 20 {
			t.Fatalf("%d entries are as before, want those of ten requests; %v", plain, err)
		}
		if d := cmp.Diff(packed, read()); d != "" {
			t.Errorf("what is as before reads otherwise:\n%s", d)
		}
		n, err := s.EraseOpenings(t.Context(), "T/U1")
		if err != nil || n < 2 {
			t.Fatalf("%d openings are destroyed, %v", n, err)
		}
		leaves, err := s.Leaves(t.Context(), 0, 1000)
		for _, l := range leaves {
			for _, o := range l.Entry.Openings {
				if o.About == "T/U1" {
					t.Errorf("%s of %s is left, %v", o.Path, l.Entry.Chain, err)
				}
			}
		}
	})
}

// TestWhatIsPacked: rows have the bytes of entries packed, and no second time.
func TestWhatIsPacked(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		if err := decide(t.Context(), s, "1"); err != nil {
			t.Fatal(err)
		}
		list, err := s.Entries(t.Context(), "req_1")
		if err != nil {
			t.Fatal(err)
		}
		rows, err := opened(t, p.raw).QueryContext(t.Context(), "SELECT bytes, packed FROM entries ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		n := 0
		for ; rows.Next(); n++ {
			var plain string
			var packed []byte
			if err := rows.Scan(&plain, &packed); err != nil {
				t.Fatal(err)
			}
			got, err := new(pack.Unpacker).Entry(nil, []byte(list[n].Chain), list[n].At.UnixMilli(), packed)
			if plain != "-" || err != nil || !bytes.Equal(got, list[n].Bytes) || 2*len(packed) > len(got) {
				t.Errorf("%q and %q, %v", plain, got, err)
			}
		}
		if err := rows.Err(); err != nil || n != len(list) {
			t.Errorf("%d rows, %d entries, %v", n, len(list), err)
		}
	})
}

// TestWhatCannotBePacked: an entry with an opening that has another form than ours is kept
// as it is, openings and all, and reads like the others.
func TestWhatCannotBePacked(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		sealed, _, err := flows.Seal("odd", flows.ChainHead{}, []flows.Entry{{
			Verb: "x", At: noon, Facts: map[string]any{"a\x06b": flows.Personal{About: "T/U1", Value: "v"}, "c": flows.Personal{About: "T/U2", Value: "w"}},
		}}, func([]byte) {})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Apply(t.Context(), flows.Change{Chain: "odd", Entries: sealed}); err != nil {
			t.Fatal(err)
		}
		var packed int
		if err := opened(t, p.raw).QueryRowContext(t.Context(), "SELECT count(packed) FROM entries").Scan(&packed); err != nil || packed != 0 {
			t.Errorf("%d are packed, %v", packed, err)
		}
		all, err := s.Entries(t.Context(), "odd")
		if err != nil || len(all) != 1 || len(all[0].Openings) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		tail, err := s.Tail(t.Context(), "odd", 0, 10)
		if d := cmp.Diff(all, tail); d != "" || err != nil {
			t.Errorf("%v\n%s", err, d)
		}
		if n, err := s.EraseOpenings(t.Context(), "T/U1"); n != 1 || err != nil {
			t.Errorf("%d are destroyed, %v", n, err)
		}
	})
}
