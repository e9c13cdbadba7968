package pack_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/store/internal/pack"
)

const (
	chain = "req_01M80NDQM0SE4ACHN4ANN46S81"
	at    = 1795318800000
)

// hash is as a hash that nobody can guess.
func hash(n int) string {
	sum := sha256.Sum256(fmt.Append(nil, n))
	return hex.EncodeToString(sum[:])
}

// submitted is an entry as the engine writes it.
func submitted(t testing.TB) []byte {
	t.Helper()
	about := func(what string) flows.Personal { return flows.Personal{About: "T/UDANA", Value: what} }
	sealed, _, err := flows.Seal(chain, flows.ChainHead{Len: 4, Hash: hash(1)}, []flows.Entry{{
		Verb: string(flows.VerbSubmit), At: time.UnixMilli(at).UTC(), Facts: map[string]any{
			"beneficiary": about("T/UDANA"), "config": hash(2), "flow": "prod", "reason": about("looking"), "request": hash(3), "submitted_at": int64(at),
			"target": "prod_database", "job": "route:" + chain, "ends_at": int64(at + 1_800_000),
		},
	}}, func(b []byte) { copy(b, hash(len(b))) })
	if err != nil {
		t.Fatal(err)
	}
	return sealed[0].Bytes
}

// TestEntry: what was packed is had back, byte by byte, or it is not packed.
func TestEntry(t *testing.T) {
	t.Parallel()
	var u pack.Unpacker
	for what, entry := range map[string]string{
		"an entry":                    string(submitted(t)),
		"none":                        "",
		"nothing known":               "πάντα ῥεῖ",
		"65 digits":                   `"` + hash(1) + `0"`,
		"a hash at the end":           `"` + hash(1),
		"two hashes without anything": hash(1) + " " + hash(2),
		"digits in capitals":          strings.ToUpper(hash(1)),
		"the chain in a word":         "x" + chain + chain + "y",
		"the time in a number":        fmt.Sprintf("1%d2%d", int64(at), int64(at)),
		"times before and after":      `[1795318799000,1795318800001,1000000000000,1999999999999,17953187990001,91795318799000,179531879900]`,
		"all bytes from a space on":   string(bytes.Repeat([]byte{' ', '~', 0x7f, 0x80, 0xff}, 999)),
	} {
		packed := pack.Entry(chain, at, []byte(entry))
		got, err := u.Entry([]byte("before "), []byte(chain), at, packed)
		if packed == nil || err != nil || string(got) != "before "+entry {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	for what, entry := range map[string]string{"a mark of our own": "a\x01b", "a line feed": "a\nb", "too long": strings.Repeat("x", 1<<20+1)} {
		if pack.Entry(chain, at, []byte(entry)) != nil {
			t.Errorf("%s: it is packed", what)
		}
	}
	entry := submitted(t)
	if n := len(pack.Entry(chain, at, entry)); n > len(entry)/2 {
		t.Errorf("an entry of %d bytes is packed in %d", len(entry), n)
	}
	if got, err := u.Entry(nil, []byte("req_other"), at, pack.Entry(chain, at, entry)); err != nil || bytes.Equal(got, entry) {
		t.Errorf("in another chain it is the same: %v", err)
	}
}

func TestOpenings(t *testing.T) {
	t.Parallel()
	salt := func(n int) []byte { return []byte(hash(n)[:16]) }
	all := []flows.Opening{
		{Path: "actor.person", About: "T/UDANA", Salt: salt(1), Value: "T/UDANA"},
		{Path: "facts.fields.0.value", About: "T/UDANA", Salt: salt(2), Value: ""},
		{Path: "facts.reason", About: "T/USAM", Salt: salt(3), Value: "two\nlines\x00\x01\x06\x07"},
		{Path: "facts.receipt", About: "", Salt: salt(4), Value: ""},
		{Path: "", About: "", Salt: salt(5), Value: strings.Repeat("long ", 999)},
		{Path: "facts.why", About: "T/UDANA", Salt: salt(6), Value: "T/USAM"},
	}
	var u pack.Unpacker
	for n := 1; n <= len(all); n++ {
		got, err := u.Openings(pack.Openings(all[:n]))
		if d := cmp.Diff(all[:n], got); d != "" || err != nil {
			t.Errorf("%d of them: %v\n%s", n, err, d)
		}
	}
	for what, one := range map[string]flows.Opening{
		"a short salt":    {Path: "x", Salt: salt(1)[:15]},
		"a mark in paths": {Path: "x\x06y", Salt: salt(1)},
		"and in people":   {Path: "x", About: "T/U\x06", Salt: salt(1)},
		"our own mark":    {Path: "x", About: "\x07", Salt: salt(1)},
	} {
		if pack.Openings([]flows.Opening{all[0], one}) != nil && what != "our own mark" {
			t.Errorf("%s: they are packed", what)
		}
		if got, err := u.Openings(pack.Openings([]flows.Opening{one})); pack.Openings([]flows.Opening{one}) != nil && (err != nil || got[0].About != one.About) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	if pack.Openings(nil) != nil {
		t.Error("there are none, and they are packed")
	}
}

// TestFinal: the dictionary and the form are those in which audits are kept already.
func TestFinal(t *testing.T) {
	t.Parallel()
	words, err := os.ReadFile("dictionary.txt")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(words); hex.EncodeToString(sum[:]) != dictionarySum {
		t.Errorf("the dictionary is another one (%x): what was packed with the one before cannot be read", sum)
	}
	kept, err := hex.DecodeString(keptEntry)
	if err != nil {
		t.Fatal(err)
	}
	var u pack.Unpacker
	got, err := u.Entry(nil, []byte(chain), at, kept)
	if d := cmp.Diff(string(submitted(t)), string(got)); err != nil || d != "" {
		t.Errorf("an entry that was packed once: %v\n%s\nit is packed as %x now", err, d, pack.Entry(chain, at, submitted(t)))
	}
}

// FuzzUnpack: what somebody wrote into the database is unpacked or refused.
func FuzzUnpack(f *testing.F) {
	f.Add(pack.Entry(chain, at, submitted(f)))
	f.Add(pack.Openings([]flows.Opening{{Path: "facts.reason", About: "T/UDANA", Salt: make([]byte, 16), Value: "looking"}}))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1})
	f.Add([]byte{1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		var u pack.Unpacker
		if got, err := u.Entry(nil, []byte(chain), at, b); err != nil && (!errors.Is(err, pack.ErrForm) || len(got) > 0) {
			t.Errorf("%v and %d bytes", err, len(got))
		}
		all, err := u.Openings(b)
		if err != nil {
			if !errors.Is(err, pack.ErrForm) {
				t.Error(err)
			}
			return
		}
		again, err := u.Openings(pack.Openings(all))
		if d := cmp.Diff(all, again); err != nil || d != "" {
			t.Errorf("packed again: %v\n%s", err, d)
		}
	})
}

func BenchmarkUnpack(b *testing.B) {
	entry := submitted(b)
	packed := pack.Entry(chain, at, entry)
	var u pack.Unpacker
	var dst []byte
	for b.Loop() {
		dst, _ = u.Entry(dst[:0], []byte(chain), at, packed)
	}
	b.ReportMetric(float64(len(packed))/float64(len(entry)), "packed/bytes")
}

func BenchmarkPack(b *testing.B) {
	entry := submitted(b)
	for b.Loop() {
		pack.Entry(chain, at, entry)
	}
}
