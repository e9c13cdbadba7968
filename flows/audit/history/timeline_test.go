package history_test

import (
	"errors"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
)

// crowd is a time-line of n entries, one a second but for each tenth, which is of the same
// moment as the one before; every third is of "req_own".
func crowd(n int) history.LinePager {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return func(after flows.Mark, limit int) (out flows.Timeline, err error) {
		for i := range n {
			e := flows.Sealed{Chain: "req_other", Seq: int64(i), At: noon.Add(time.Duration(i) * time.Second)}
			if i%3 == 0 {
				e.Chain = "req_own"
			}
			if i%10 == 9 {
				e.At = noon.Add(time.Duration(i-1) * time.Second)
			}
			if e.At.Before(after.At) || e.At.Equal(after.At) && int64(i+1) <= after.Entry {
				continue
			}
			if len(out.Entries) == limit {
				last := out.Entries[limit-1]
				out.Next = flows.Mark{At: last.At, Entry: last.Seq + 1}
				return out, nil
			}
			out.Entries = append(out.Entries, e)
		}
		return out, nil
	}
}

// TestOwnLine: whatever the length of the pages, each own entry is on one of them, and the
// pages are as many as if there were no others.
func TestOwnLine(t *testing.T) {
	t.Parallel()
	own := func(id flows.RequestID) (bool, error) { return id == "req_own", nil }
	for _, limit := range []int{1, 2, 3, 7, 10, 100} {
		var seen []int64
		pages, after := 0, flows.Mark{}
		for {
			line, err := history.OwnLine(crowd(100), own, after, limit)
			if err != nil || len(line.Entries) > limit {
				t.Fatalf("%d at a time: %d entries, %v", limit, len(line.Entries), err)
			}
			for _, e := range line.Entries {
				seen = append(seen, e.Seq)
			}
			pages++
			if after = line.Next; after.Entry == 0 {
				break
			}
		}
		for i, seq := range seen {
			if seq != int64(3*i) {
				t.Fatalf("%d at a time: %v", limit, seen)
			}
		}
		if want := (34 + limit - 1) / limit; len(seen) != 34 || pages != want {
			t.Errorf("%d at a time: %d entries on %d pages, want %d", limit, len(seen), pages, want)
		}
	}
	if line, err := history.OwnLine(crowd(100), func(flows.RequestID) (bool, error) { return false, nil }, flows.Mark{}, 5); err != nil || len(line.Entries) != 0 || line.Next != (flows.Mark{}) {
		t.Errorf("of nothing: %+v, %v", line, err)
	}
	broken := errors.New("the disk is gone")
	if _, err := history.OwnLine(crowd(9), func(flows.RequestID) (bool, error) { return false, broken }, flows.Mark{}, 5); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := history.OwnLine(func(flows.Mark, int) (flows.Timeline, error) { return flows.Timeline{}, broken }, own, flows.Mark{}, 5); !errors.Is(err, broken) {
		t.Error(err)
	}
}
