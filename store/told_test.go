package store_test

import (
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
