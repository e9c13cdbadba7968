package audit_test

import (
	"bytes"
	"context"
	"testing"

	"breakglass/flows"
	"breakglass/flows/audit"
)

// growing is a log that gets entries and a checkpoint each time that somebody has asked how
// long it is, as beside a server that runs.
type growing struct {
	*shelf
	t *testing.T
}

func (g growing) TreeSize(ctx context.Context) (int64, error) {
	n, err := g.shelf.TreeSize(ctx)
	for range 3 {
		g.write(g.t, "req_meanwhile", "approved", nil)
	}
	g.grow(g.t)
	return n, err
}

// TestReadMeanwhile: a log is read as it was at the beginning. What comes meanwhile is
// nothing against it, whether it was empty before, ended within a page or with one; that it
// was cut off before is found.
func TestReadMeanwhile(t *testing.T) {
	t.Parallel()
	for _, entries := range []int{0, 1, 28, 2000, 2100} {
		s := newShelf(t).fill(t, entries, 100)
		if r := s.verify(t, audit.Live(growing{s, t})); !r.OK() || r.Entries != int64(entries) || r.Signed != int64(entries) {
			t.Errorf("%d entries, and more meanwhile: %d were read and %d signed, %v", entries, r.Entries, r.Signed, r.Findings)
		}
		var file bytes.Buffer
		if _, err := audit.Export(t.Context(), &file, audit.Live(growing{s, t}), nil); err != nil {
			t.Fatal(err)
		}
		if r := s.verify(t, audit.Exported(&file)); !r.OK() || r.Entries != int64(entries)+3 || r.Signed != r.Entries {
			t.Errorf("an export of %d entries, and more meanwhile: %d were read and %d signed, %v", entries+3, r.Entries, r.Signed, r.Findings)
		}
	}
	s := newShelf(t).fill(t, 28, 100)
	s.leaves = s.leaves[:20]
	if r := s.verify(t, audit.Live(s)); r.OK() || r.First().From != 0 || r.First().To != 20 {
		t.Errorf("a log that was cut off: %v", r.Findings)
	}
	s.leaves, s.nodes = nil, map[[2]int64][32]byte{}
	if r := s.verify(t, audit.Live(s)); r.OK() {
		t.Error("a log of which only the checkpoint is left is as it was")
	}
	s.heads = []flows.Checkpoint{}
	if r := s.verify(t, audit.Live(s)); !r.OK() {
		t.Errorf("an empty log: %v", r.Findings)
	}
}
