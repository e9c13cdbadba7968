package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"breakglass/flows"
	"breakglass/flows/audit"
)

var errTorn = errors.New("the disk is torn")

// torn is a shelf that cannot be read from one place on.
type torn struct {
	*shelf
	from int64
}

func (s torn) ReadLeaves(ctx context.Context, from, to int64, into *flows.LeafPage) error {
	if to > s.from {
		return errTorn
	}
	return s.shelf.ReadLeaves(ctx, from, to, into)
}

// TestLogThatCannotBeRead: whoever reads a log is told that it ends with an error, whether
// that comes at once or far in, and never that what was read is all.
func TestLogThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 9000, 1500)
	for _, from := range []int64{0, 1500, 8999} {
		log := audit.Live(torn{s, from})
		if r, err := audit.Verify(t.Context(), log, audit.Options{Keys: s.keys(t)}); !errors.Is(err, errTorn) {
			t.Errorf("torn at %d: %v, %v", from, r, err)
		}
		var file bytes.Buffer
		if _, err := audit.Export(t.Context(), &file, log, nil); !errors.Is(err, errTorn) || bytes.Contains(file.Bytes(), []byte(`{"end":true`)) {
			t.Errorf("exported, torn at %d: %v", from, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := audit.Verify(ended, audit.Live(s), audit.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	full := errors.New("full")
	if _, err := audit.Export(t.Context(), writer(func([]byte) (int, error) { return 0, full }), audit.Live(s), nil); !errors.Is(err, full) {
		t.Errorf("to a full disk: %v", err)
	}
}

// TestPagesAreReadAgain: what one page was read into is used for others, and what is found
// in many of them is named as it stands there.
func TestPagesAreReadAgain(t *testing.T) {
	t.Parallel()
	s := newShelf(t).fill(t, 9000, 700)
	altered := []int{3, 999, 1000, 4321, 8999}
	for _, i := range altered {
		s.leaves[i].Entry.Openings = append([]flows.Opening{}, s.leaves[i].Entry.Openings...)
		s.leaves[i].Entry.Openings[0].Value += "x"
	}
	var file bytes.Buffer
	if _, err := audit.Export(t.Context(), &file, audit.Live(s), nil); err != nil {
		t.Fatal(err)
	}
	for name, log := range map[string]audit.Log{"store": audit.Live(s), "export": audit.Exported(&file)} {
		r := s.verify(t, log)
		if len(r.Findings) != len(altered) {
			t.Fatalf("%s: %v", name, r.Findings)
		}
		for n, i := range altered {
			e := &s.leaves[i].Entry
			want := audit.Finding{From: int64(i), To: int64(i), Entry: fmt.Sprintf("entry %d of %s", e.Seq, e.Chain), What: "an opening was altered: " + e.Openings[0].Path}
			if r.Findings[n] != want {
				t.Errorf("%s: %v, want %v", name, r.Findings[n], want)
			}
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

var _ io.Writer = writer(nil)
