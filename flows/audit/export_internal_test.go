package audit

import (
	"strings"
	"testing"

	"breakglass/flows"
)

// TestAppendText: what is written without a second look is in the canonical form.
func TestAppendText(t *testing.T) {
	t.Parallel()
	texts := []string{"", "plain", "a <b> & c", `"quoted"`, `back\slash`, "\n", "\x1f", "\x7f", "é", "\u2028", "\xff", "🔥", strings.Repeat("long ", 1000)}
	for c := range 256 {
		texts = append(texts, "a"+string([]byte{byte(c)})+"b")
	}
	for _, s := range texts {
		want, err := flows.Canonical(strings.ToValidUTF8(s, "\ufffd"))
		if err != nil {
			t.Fatal(err)
		}
		if got := appendText([]byte("x"), s); string(got) != "x"+string(want) {
			t.Errorf("%q is written %s, not %s", s, got[1:], want)
		}
	}
}

// TestRoomKeepsNoText: what was read of one page of an export does not outlive it in the room
// for the next: a whole export would stay in memory so.
func TestRoomKeepsNoText(t *testing.T) {
	t.Parallel()
	leaf := func(openings string) Record {
		return Record{Line: []byte(`{"leaf":0,"openings":[` + openings + `],"entry":{}}`)}
	}
	const one, two = `{"path":"a","salt":"00","value":"x"}`, `,{"path":"b","salt":"00","value":"y"}`
	b := &batch{records: []Record{leaf(one + two), leaf(one), leaf(one)}}
	b.check(nil)
	if len(b.items[0].row.Openings) != 2 {
		t.Fatalf("read as %+v", b.items[0].row)
	}
	b.room.Leaves.Clear()
	b.records = []Record{leaf(one), leaf("")}
	b.check(nil)
	for i, it := range b.items[:cap(b.items)] {
		if i >= len(b.items) && (it.Line != nil || it.row.Openings != nil) {
			t.Errorf("item %d of a longer page is left", i)
		}
		for n, o := range it.row.Openings[:cap(it.row.Openings)] {
			if n >= len(it.row.Openings) && o.Path != nil {
				t.Errorf("item %d has an opening of another page left: %s", i, o.Path)
			}
		}
	}
}
