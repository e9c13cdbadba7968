package audit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reading is what a scan of an entry comes to.
type reading struct {
	Said    string
	Commits []string
	Err     error
}

func readWith(scan func(*scanner) error, b []byte) reading {
	var of said
	s := scanner{b: b, said: &of}
	err := scan(&s)
	if err != nil {
		return reading{Err: err}
	}
	r := reading{Said: fmt.Sprintf("%+v", of)}
	for _, c := range s.commits {
		r.Commits = append(r.Commits, string(c.path)+" "+string(c.hash))
	}
	return r
}

// sameReading reads an entry by its shape and by itself, and fails if these are not one.
func sameReading(t *testing.T, in shapes, b []byte) reading {
	t.Helper()
	want, got := readWith((*scanner).scan, bytes.Clone(b)), readWith(in.scan, bytes.Clone(b))
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b error) bool { return (a == nil) == (b == nil) })); diff != "" {
		t.Fatalf("%s is read otherwise by its shape (-by itself +by its shape):\n%s", b, diff)
	}
	return want
}

const (
	aa = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	bb = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	cc = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

	one = `{"actor":{"display":{"commit":"` + aa + `"},"kind":"person"},"at":5,"chain":"req_1","facts":{"list":[{"commit":"` + bb + `"},7,null,[],{}],` +
		`"reason":{"commit":"` + cc + `"},"self":true},"prev":"","seq":1,"v":2,"verb":"a:b"}`
)

// TestShapes: what is learned from one entry reads others like it, and nothing more.
func TestShapes(t *testing.T) {
	t.Parallel()
	in := shapes{}
	sameReading(t, in, []byte(one))
	for _, c := range []struct {
		old, other string
		is         bool // an entry
	}{
		{"person", "é \\n", true},
		{":5", ":-5", true},
		{"req_1", `req_\"`, true},
		{",7,", `,"7",`, true},
		{"true", "false", true},
		{"cc", "c\\n", true},
		{"sha256:cc", "sha512:cc", true},
		{"sha256:cc", "sha256:", true},
		{`{"commit":"` + cc + `"}`, `{"commit":5}`, true},
		{`{"commit":"` + cc + `"}`, `{"commit":"` + cc + `","more":1}`, true},
		{`{"commit":"` + cc + `"}`, `"` + cc + `"`, true},
		{",7,", ",07,", false},
		{",7,", ",7 ,", false},
		{"person", "per\nson", false},
		{"person", "per\xffson", false},
		{"cccc", "cc\ncc"[:4], false},
		{"cccc", `c"cc`, false},
		{"cccc", `c\cc`, false},
		{`"seq":1`, `"seq":0`, false},
		{`"v":2`, `"v":-2`, false},
		{`"prev":"",`, ``, false},
		{`"chain":"req_1",`, ``, false},
		{`"at":5,`, ``, false},
		{`"facts"`, `"aacts"`, false},
		{`"verb":"a:b"`, `"verb":"a","x:b"`, false},
		{`b"}`, `b"} `, false},
		{`b"}`, `b"`, false},
		{one, "", false},
		{one, "{}", false},
	} {
		text := strings.Replace(one, c.old, c.other, 1)
		if got := sameReading(t, in, []byte(text)); (got.Err == nil) != c.is || text == one {
			t.Errorf("%s: %+v", text, got)
		}
		sameReading(t, in, []byte(one))
	}
	// A text that is no commitment, where others have one, hides none of theirs.
	in = shapes{}
	sameReading(t, in, []byte(strings.Replace(one, "sha256:cc", "sha512:cc", 1)))
	if got := sameReading(t, in, []byte(one)); len(got.Commits) != 3 {
		t.Errorf("the commitments are %v", got.Commits)
	}
}

// TestShapesAreBounded: whoever writes entries of ever new shapes is read as before, and fills no memory.
func TestShapesAreBounded(t *testing.T) {
	t.Parallel()
	in := shapes{}
	for i := range 5000 {
		odd := strings.Replace(one, `"kind"`, fmt.Sprintf(`"kind%05d"`, i), 1)
		if i%2 == 0 {
			odd = strings.Replace(odd, `"a:b"`, fmt.Sprintf(`"a:%d"`, i), 1)
		}
		sameReading(t, in, []byte(odd))
	}
	for end, known := range in {
		if len(in) > mostEnds || len(known.shapes) > mostShapes {
			t.Errorf("%d shapes that end with %s are kept, and %d ends", len(known.shapes), end, len(in))
		}
	}
	sameReading(t, in, []byte(one))
}

// TestShapesOfAlteredEntries: whatever byte of an entry is another, it is read by the shapes of
// others as by itself.
func TestShapesOfAlteredEntries(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(4711, 11))
	in := shapes{}
	good := 0
	for i := range 10_000 {
		if i%3000 == 0 {
			in = shapes{}
		}
		b := []byte(one)
		for range 1 + rnd.IntN(2) {
			at, odd := rnd.IntN(len(b)), `",:{}[]\0n5 a`
			switch rnd.IntN(3) {
			case 0:
				b[at] = odd[rnd.IntN(len(odd))]
			case 1:
				b = append(b[:at], b[at+1:]...)
			default:
				b = append(b[:at], append([]byte{odd[rnd.IntN(len(odd))]}, b[at:]...)...)
			}
		}
		if sameReading(t, in, b).Err == nil {
			good++
		}
		if i%10 == 0 {
			sameReading(t, in, []byte(one))
		}
	}
	if good < 250 {
		t.Errorf("only %d altered entries were entries still", good)
	}
}
