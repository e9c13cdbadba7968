package audit_test

import (
	"strings"
	"testing"

	"breakglass/flows"
	"breakglass/flows/audit"
)

// TestInclude: every entry is proved to be in the first checkpoint after it; one that
// waits says so, and one that was altered, or whose checkpoint was, does not verify.
func TestInclude(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 700, 97)
	var all []flows.Sealed
	for _, l := range s.leaves {
		all = append(all, l.Entry)
	}
	got, err := audit.Include(t.Context(), s, all)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		want := min(int64((i/97+1)*97), 700)
		if in := &got[i]; !in.Proven() || in.Index != int64(i) || in.Checkpoint.Size != want {
			t.Fatalf("entry %d: at %d, in %d, %v", i, in.Index, in.Checkpoint.Size, in.Broken)
		}
	}
	s.write(t, "req_new", "asked", nil)
	fresh := s.waiting[0].Entry
	for i, want := range []int64{-1, 700} { // without a place, then with one and no checkpoint
		if i == 1 {
			if _, err := s.Sequence(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		in, err := audit.Include(t.Context(), s, []flows.Sealed{fresh})
		if err != nil || in[0].Index != want || in[0].Proven() || in[0].Broken != nil {
			t.Errorf("an entry that waits: %+v, %v", in, err)
		}
	}
	broken := func(why string, e flows.Sealed) {
		t.Helper()
		in, err := audit.Include(t.Context(), s, []flows.Sealed{e})
		if err != nil || in[0].Broken == nil || in[0].Proven() {
			t.Errorf("%s: %+v, %v", why, in, err)
		}
	}
	altered := all[300]
	altered.Bytes = []byte(strings.Replace(string(altered.Bytes), "approved", "denied", 1))
	broken("an altered entry", altered)
	moved := all[300]
	moved.Chain, moved.Seq = all[301].Chain, all[301].Seq
	broken("an entry in another's place", moved)
	was := s.heads[3].Root
	s.heads[3].Root[5]++
	broken("a checkpoint that was altered", all[300])
	s.heads[3].Root = was
	s.heads[3].Note = s.heads[2].Note
	broken("another's note", all[300])
}
