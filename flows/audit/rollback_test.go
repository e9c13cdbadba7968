package audit_test

import (
	"errors"
	"testing"

	"breakglass/flows/audit"
)

// A log that has what was published is the one; one with fewer entries, or others, is
// not. What somebody else signed says nothing.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	earlier, whole := newShelf(t).fill(t, 40, 10), newShelf(t).fill(t, 70, 10) // the same 40 entries
	another := newShelf(t)
	another.write(t, "req_other", "denied", nil)
	another.fill(t, 90, 10)
	stranger := newShelf(t)
	stranger.random = seeded(9)
	private, public, err := audit.MakeKey(stranger.random, "acme.example/breakglass")
	if err != nil {
		t.Fatal(err)
	}
	if stranger.signer, stranger.public, err = audit.Signer(private); err != nil || stranger.public != public {
		t.Fatal(err)
	}
	stranger.fill(t, 500, 100)
	notes := func(s *shelf) (out []string) {
		for _, c := range s.heads {
			out = append(out, c.Note)
		}
		return out
	}
	for name, c := range map[string]struct {
		log     *shelf
		outside []string
		back    bool
	}{
		"nothing was published":       {earlier, nil, false},
		"all of it was published":     {whole, notes(whole), false},
		"it grew since":               {whole, notes(earlier), false},
		"it has lost entries":         {earlier, notes(whole), true},
		"it has lost one checkpoint":  {earlier, append(notes(earlier), notes(whole)[4]), true},
		"its entries are others":      {another, notes(whole), true},
		"a stranger signed something": {whole, append(notes(whole), notes(stranger)...), false},
		"no checkpoint at all":        {whole, []string{"hello", ""}, false},
		"out of order":                {earlier, append(notes(whole), notes(earlier)...), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := audit.RolledBack(t.Context(), c.log, c.outside, c.log.keys(t))
			if errors.Is(err, audit.ErrRolledBack) != c.back || err != nil && !c.back {
				t.Errorf("rolled back: %v, want %v", err, c.back)
			}
		})
	}
}
