package audit_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"breakglass/flows"
	"breakglass/flows/audit"
)

// TestKeptHashes: the hashes that a store keeps are held to the leaves, whichever is gone or
// another. A tree that grows meanwhile does not have those of its last blocks yet.
func TestKeptHashes(t *testing.T) {
	t.Parallel()
	const blocks = 7 // levels 8 (0 to 6), 9 (0 to 2), 10 (0)
	whole := newShelf(t).fill(t, blocks*flows.TreeBlock+10, 500)
	for name, c := range map[string]struct {
		gone, other [][2]int64
		unsigned    bool // there is no checkpoint of the last blocks
		late        int  // what is gone is there when it was asked for so often; 0: never
		long        bool // what is another is too long
		found       []string
	}{
		"all there":                              {},
		"one gone":                               {gone: [][2]int64{{8, 3}}, found: []string{"places 768 to 1023: the stored hash over these entries is gone"}},
		"the one above gone":                     {gone: [][2]int64{{9, 1}}, found: []string{"places 512 to 1023: the stored hash over these entries is gone"}},
		"another":                                {other: [][2]int64{{10, 0}}, found: []string{"places 0 to 1023: the stored hash over these entries is another: they, or it, were altered"}},
		"of the wrong length":                    {other: [][2]int64{{8, 6}}, long: true, found: []string{"places 1536 to 1791: the stored hash over these entries is another: they, or it, were altered"}},
		"the last gone, and signed":              {gone: [][2]int64{{8, 6}}, found: []string{"places 1536 to 1791: the stored hash over these entries is gone"}},
		"the last not there yet":                 {gone: [][2]int64{{8, 5}, {9, 2}, {8, 6}}, unsigned: true},
		"one gone, not signed, and later there":  {gone: [][2]int64{{8, 5}}, unsigned: true, found: []string{"places 1280 to 1535: the stored hash over these entries is gone"}},
		"one above the last gone, not signed":    {gone: [][2]int64{{9, 2}, {8, 6}}, unsigned: true, found: []string{"places 1024 to 1535: the stored hash over these entries is gone"}},
		"stored while those after it are read":   {gone: [][2]int64{{8, 3}, {9, 1}, {8, 6}}, late: 2},
		"stored while they were read":            {gone: [][2]int64{{8, 3}, {9, 1}, {8, 6}}, late: 1},
		"another that was stored while they are": {gone: [][2]int64{{8, 3}}, other: [][2]int64{{8, 3}}, late: 1, found: []string{"places 768 to 1023: the stored hash over these entries is another: they, or it, were altered"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := *whole
			if c.unsigned {
				s.heads = slices.DeleteFunc(slices.Clone(s.heads), func(h flows.Checkpoint) bool { return h.Size > 5*flows.TreeBlock })
			}
			asked := map[[2]int64]int{}
			kept := func(_ context.Context, level int, from, to int64, each func(int64, []byte)) error {
				for n := from; n < to; n++ {
					at := [2]int64{int64(level), n}
					h, there := s.nodes[at]
					asked[at]++
					if slices.Contains(c.gone, at) && (c.late == 0 || asked[at] <= c.late) || !there {
						continue
					}
					switch other := slices.Contains(c.other, at); {
					case other && c.long:
						each(n, append(h[:], 0))
						continue
					case other:
						h[7] ^= 1
					}
					each(n, h[:])
				}
				return nil
			}
			r, err := audit.Verify(t.Context(), audit.Live(&s), audit.Options{Keys: s.keys(t), Kept: kept})
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, f := range r.Findings {
				found = append(found, f.String())
			}
			if !slices.Equal(found, c.found) {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(c.found, "\n"))
			}
		})
	}
	t.Run("cannot be read", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("the disk is on fire")
		kept := func(context.Context, int, int64, int64, func(int64, []byte)) error { return broken }
		if _, err := audit.Verify(t.Context(), audit.Live(whole), audit.Options{Kept: kept}); !errors.Is(err, broken) {
			t.Errorf("a store that cannot be read is %v", err)
		}
	})
}
