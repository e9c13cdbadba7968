package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
)

// TestHeldInParts: however few entries are read at a time, each request is held to all of
// its own, once, and to nobody else's: not to the calls by its grant, not to the system's.
func TestHeldInParts(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := simulated(t, p.Options)
		want := map[string]int{}
		for i := range 230 { // three pages
			for _, step := range madeUp(t, i) {
				if _, err := s.Apply(t.Context(), step.Change); err != nil {
					t.Fatal(err)
				}
				want[string(step.Change.Request.ID)] += len(step.Change.Entries)
			}
		}
		for _, chain := range []string{"system", flows.CallsChain("req_00000001")} {
			sealed, _, err := flows.Seal(chain, flows.ChainHead{}, []flows.Entry{{Verb: "note", At: noon, Actor: flows.ByEngine()}}, func([]byte) {})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Apply(t.Context(), flows.Change{Chain: chain, Entries: sealed}); err != nil {
				t.Fatal(err)
			}
		}
		for _, most := range []int64{1, 2, 3, 10, 37, 1000, 20_000} {
			held, err := s.HeldChains(t.Context(), most)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, held); diff != "" {
				t.Errorf("%d at a time (-want +got):\n%s", most, diff)
			}
		}
	})
}

// TestHeldTogetherAsOneByOne: what is found in pages is what is found request by request,
// whatever somebody wrote past the program.
func TestHeldTogetherAsOneByOne(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := simulated(t, p.Options)
		var ids []flows.RequestID
		for i := range 230 {
			life := madeUp(t, i)
			for _, step := range life {
				if _, err := s.Apply(t.Context(), step.Change); err != nil {
					t.Fatal(err)
				}
				if i%10 == 4 && step.Change.Request.State.Live() {
					break
				}
			}
			ids = append(ids, life[0].Change.Request.ID)
		}
		var said string
		hold := func(what string, least int) {
			t.Helper()
			want, got := map[flows.RequestID]string{}, map[flows.RequestID]string{}
			for _, id := range ids {
				why, err := s.HoldOne(t.Context(), id)
				switch {
				case errors.Is(err, flows.ErrNotFound):
					why = "its entries tell of it, and it is gone"
				case err != nil:
					why = "it cannot be read"
				}
				if why != "" {
					want[id] = why
				}
			}
			for after, more := flows.RequestID(""), true; more; more = after != "" {
				found, last, err := s.HoldSome(t.Context(), after)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range found {
					got[c.Request] = c.Why
				}
				after = last
			}
			said = fmt.Sprint(got)
			heldAll(t, s)
			if diff := cmp.Diff(want, got); diff != "" || len(want) < least || len(want) > len(ids)/2 {
				t.Errorf("%s, %d of %d are found one by one (-want +got):\n%s", what, len(want), len(ids), diff)
			}
		}
		hold("as it was written", 0)
		var old []string
		for _, id := range ids[:len(ids)/2] {
			old = append(old, string(id))
		}
		asBefore(t, p.driver, p.raw, s, old...)
		hold("half of it as a version wrote it that packed nothing", 0)
		rules := map[string][2]string{
			"sqlite": {"DROP TRIGGER entries_keep_delete; DROP TRIGGER requests_stay; DROP TRIGGER requests_step; DROP TRIGGER requests_version; DROP TRIGGER requests_keep; PRAGMA foreign_keys = 0", "SELECT 1"},
			"pgx":    {"SET session_replication_role = replica", "SET session_replication_role = DEFAULT"},
		}[p.driver]
		run(t, p.driver, p.raw, rules[0]+"; DELETE FROM requests WHERE id LIKE '%7'; DELETE FROM entries WHERE chain LIKE '%13' AND seq = 2; DELETE FROM entries WHERE chain LIKE '%24';"+
			"UPDATE entries SET verb = 'deny' WHERE chain LIKE '%5' AND verb = 'lapse'; UPDATE requests SET doc = replace(doc, 'STUCK', 'fine') WHERE id LIKE '%1';"+
			"UPDATE requests SET doc = substr(doc, 3) WHERE id LIKE '%42';"+rules[1])
		hold("written over", 50)
		run(t, p.driver, p.raw, strings.ReplaceAll(rules[0], "DROP TRIGGER", "DROP TRIGGER IF EXISTS")+`; UPDATE requests SET doc = replace(doc, 'done already', 'not yet') WHERE id LIKE '%3';
			UPDATE requests SET doc = replace(doc, '"EndedBy":"T/U', '"EndedBy":"T/V') WHERE id LIKE '%9';
			UPDATE requests SET doc = replace(doc, 'STUCK', 'erased/01') WHERE id LIKE '%28';`+rules[1])
		hold("who and why, too", 50)
		run(t, p.driver, p.raw, "DELETE FROM jobs; DELETE FROM holdings")
		hold("and nothing ends access", 50)
		for _, why := range []string{"ended for another reason", "somebody else ended it", "nobody was erased from it"} {
			if !strings.Contains(said, why) {
				t.Errorf("it is not found that %q: %s", why, said)
			}
		}
	})
}
