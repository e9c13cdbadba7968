package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/store"
)

// TestLeavesHoweverTheyLie: entries are read many at once, and each is at its place with
// what opens it: also where the order of places is not that of ids, ids are far apart, and
// what somebody took away is missing.
func TestLeavesHoweverTheyLie(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		const n = 150
		for i := range n {
			if err := decide(t.Context(), s, fmt.Sprintf("%03d", i)); err != nil {
				t.Fatal(err)
			}
		}
		if taken, err := s.Sequence(t.Context(), 10_000); taken != 2*n || err != nil {
			t.Fatal(taken, err)
		}
		want := written(t, s, n)
		same := func(what string, from, to int64, want []flows.Leaf) {
			t.Helper()
			got, err := s.Leaves(t.Context(), from, to)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s, %d to %d: %v\n%s", what, from, to, err, diff)
			}
		}
		same("as they were written", 0, 1000, want)
		same("some", 17, 130, want[17:130])
		same("none", 40, 40, nil)

		rules := map[string][2]string{
			"sqlite": {"DROP TRIGGER leaves_keep_update; DROP TRIGGER entries_keep_delete; PRAGMA foreign_keys = 0", "SELECT 1"},
			"pgx":    {"SET session_replication_role = replica", "SET session_replication_role = DEFAULT"},
		}[p.driver]
		shuffled, r := make([]flows.Leaf, 2*n), rand.New(rand.NewPCG(1, 2))
		var moves strings.Builder
		for from, to := range r.Perm(2 * n) {
			if from >= 50 && from < 150 { // a hole of a hundred
				continue
			}
			shuffled[to] = want[from]
			shuffled[to].Index = int64(to)
			fmt.Fprintf(&moves, "UPDATE leaves SET idx = %d WHERE idx = %d;", to, 10_000+from)
		}
		run(t, p.driver, p.raw, rules[0]+"; DELETE FROM packed_openings WHERE entry > 50 AND entry <= 150; DELETE FROM entries WHERE id > 50 AND id <= 150;"+
			"UPDATE leaves SET idx = idx + 10000;"+moves.String()+rules[1])
		left := shuffled[:0]
		for _, l := range shuffled {
			if l.Entry.Chain != "" {
				left = append(left, l)
			}
		}
		same("out of order and with a hole", 0, 1000, left)
		same("what is gone", 10_000, 20_000, nil)
	})
}

// written are the entries of n decisions, in the order in which they were written.
func written(t *testing.T, s *store.Store, n int) (all []flows.Leaf) {
	t.Helper()
	for i := range n {
		list, err := s.Entries(t.Context(), fmt.Sprintf("req_%03d", i))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			all = append(all, flows.Leaf{Index: int64(len(all)), Entry: e})
		}
	}
	return all
}
