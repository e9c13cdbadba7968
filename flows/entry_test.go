package flows_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
)

// zeros is randomness that is none: salts of zeros.
func zeros(b []byte) { clear(b) }

// The byte form of entries is final: these bytes and this hash never change. Whoever
// must change the form raises flows.EntrySchema and keeps this test.
func TestEntryBytesAreFinal(t *testing.T) {
	t.Parallel()
	entry := flows.Entry{
		Verb: "approve", From: flows.StatePending, To: flows.StateApproved, At: time.UnixMilli(1772330400123),
		Actor: flows.Actor{Person: "T1/UDANA", Door: flows.DoorSlack, Standing: flows.StandingMember, Trace: "action_ts=1.2"},
		Facts: map[string]any{"reason": flows.Personal{About: "T1/UDANA", Value: "it \"burns\"\n"}, "seconds": int64(3600), "list": []any{true, nil, "ü<"}},
	}
	sealed, head, err := flows.Seal("req_1", flows.ChainHead{Len: 2, Hash: "aa"}, []flows.Entry{entry}, zeros)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"actor":{"door":"slack","person":{"commit":"` + flows.Commit("actor.person", make([]byte, 16), "T1/UDANA") + `"},"standing":"member","trace":"action_ts=1.2"},` +
		`"at":1772330400123,"chain":"req_1","code":"","facts":{"list":[true,null,"ü<"],"reason":{"commit":"` + flows.Commit("facts.reason", make([]byte, 16), "it \"burns\"\n") + `"},"seconds":3600},` +
		`"from":"pending","prev":"aa","seq":3,"to":"approved","v":1,"verb":"approve"}`
	if diff := cmp.Diff(want, string(sealed[0].Bytes)); diff != "" {
		t.Errorf("bytes (-want +got):\n%s", diff)
	}
	const hash = "730c9222880a1e9fd52d19b27a904dd5f08747a048e2d421817e4af30897184d"
	if sealed[0].Hash != hash || head != (flows.ChainHead{Len: 3, Hash: sealed[0].Hash}) {
		t.Errorf("hash %s, head %+v", sealed[0].Hash, head)
	}
	if got := flows.Commit("p", []byte("salt"), "v"); got != "sha256:cfe801289ab70cb7b2cef4414a8b7e65be59a9701a3f0b8b655c397d47b04c0f" {
		t.Errorf("commitment %s", got)
	}
	if !json.Valid(sealed[0].Bytes) {
		t.Error("the bytes are not JSON")
	}
}

// A destroyed opening leaves the chain whole; one that is there opens its commitment,
// and nothing else does.
func TestOpenings(t *testing.T) {
	t.Parallel()
	sealed, _, err := flows.Seal("c", flows.ChainHead{}, []flows.Entry{{Verb: "note", At: start, Facts: map[string]any{
		"a": flows.Personal{About: dana, Value: "x"}, "deep": []any{map[string]any{"b": flows.Personal{About: sam, Value: "x"}}},
	}}}, newHistory(4).Random)
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed[0].Openings) != 2 || sealed[0].Openings[0].Path != "facts.a" || sealed[0].Openings[1].Path != "facts.deep.0.b" {
		t.Fatalf("openings %+v", sealed[0].Openings)
	}
	a, b := sealed[0].Openings[0], sealed[0].Openings[1]
	if flows.Commit(a.Path, a.Salt, a.Value) == flows.Commit(b.Path, b.Salt, b.Value) {
		t.Error("the same value twice has the same commitment: it could be recognised")
	}
	if !a.Opens(flows.Commit(a.Path, a.Salt, "x")) || a.Opens(flows.Commit(a.Path, a.Salt, "y")) || a.Opens(flows.Commit(b.Path, a.Salt, "x")) {
		t.Error("an opening opens something else, or not its own")
	}
	if strings.Contains(string(sealed[0].Bytes), `"x"`) {
		t.Error("a personal value stands in the bytes")
	}
}

func TestCanonicalRefusesWhatHasTwoForms(t *testing.T) {
	t.Parallel()
	for _, v := range []any{1, 1.5, float32(2), []string{"a"}, map[string]string{}, struct{}{}, "\xff", []any{map[string]any{"a": 3}}} {
		if b, err := flows.Canonical(v); err == nil {
			t.Errorf("%#v has the canonical form %s", v, b)
		}
	}
}

// What Canonical writes of a string, any JSON reader reads back as that string.
func FuzzCanonicalString(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\\b\f\n\r\t\x00\x1f\x7f", "ü\u2028\U0001F600", "</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := flows.Canonical(map[string]any{"k": s})
		if !utf8.ValidString(s) {
			if err == nil {
				t.Fatalf("%q has the canonical form %s", s, b)
			}
			return
		}
		var back map[string]string
		if err := json.Unmarshal(b, &back); err != nil || back["k"] != s {
			t.Fatalf("%q became %s: %v, %q", s, b, err, back["k"])
		}
	})
}

func TestLeafHashIsRFC6962(t *testing.T) {
	t.Parallel()
	sum := flows.LeafHash(nil) // the RFC's hash of an empty leaf
	if got := hex.EncodeToString(sum[:]); got != "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" {
		t.Errorf("got %s", got)
	}
}

// Typed text loses what could mislead a reader, and prints nothing by accident.
func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  a\r\nb\t ": "a\nb", "x\u202Egpj.exe": "xgpj.exe", "z\u200Bw\u2066q": "zwq", "n\x00u\x1bl": "nul", "\xff": "\uFFFD",
		strings.Repeat("é", flows.MaxText+9): strings.Repeat("é", flows.MaxText),
	} {
		if got := flows.NewText(in).Raw(); got != want {
			t.Errorf("%.20q became %.20q", in, got)
		}
	}
	if s := flows.NewText("secret plan").String(); strings.Contains(s, "plan") {
		t.Errorf("it prints %q", s)
	}
}
