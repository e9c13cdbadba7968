package flows

import (
	"strings"
	"testing"
	"time"
)

// TestFactsOf: the quick way and encoding/json read the same, and what the quick way does
// not expect is left to the other.
func TestFactsOf(t *testing.T) {
	t.Parallel()
	all := map[string]any{
		"ends_at": int64(1795276544989), "grace_seconds": int64(600), "as": "failed", "cause": "time", "into": "Q2", "incident": "Q1", "had_before": "yes",
		"else": map[string]any{"as": "x", "list": []any{"a,b", "}]", int64(-1), true}}, "reason": Personal{About: "T/U1", Value: "down"},
	}
	want := toldFacts{EndsAt: 1795276544989, Grace: 600, As: "failed", Cause: EndTime, Into: "Q2", Opened: "Q1", Before: "yes"}
	sealed := func(facts map[string]any) []byte {
		list, _, err := Seal("req_1", ChainHead{}, []Entry{{
			Verb: "granted", From: StateGranting, To: StateActive, At: time.UnixMilli(1), Facts: facts,
			Actor: Actor{Person: "T/U1", Door: DoorSlack, Trace: "facts as \"as\""},
		}}, func([]byte) {})
		if err != nil {
			t.Fatal(err)
		}
		return list[0].Bytes
	}
	odd := map[string]any{"ends_at": int64(1795276544989), "grace_seconds": int64(600), "as": "failed", "cause": "time", "into": "Q2", "incident": "Q1", "had_before": "yes", "words": `{"as":"x"} \"`}
	for what, facts := range map[string]map[string]any{"all": all, "with an escape": odd} {
		if got, ok := factsOf(sealed(facts)); got != want || !ok {
			t.Errorf("%s: %+v, %v", what, got, ok)
		}
	}
	within := `{"actor":{"a":1,"facts":{"as":"x"}},"facts":{"as":"failed"},"from":"a"}`
	if got, ok := factsOf([]byte(within)); got.As != StateFailed || !ok {
		t.Errorf("of %s: %+v, %v", within, got, ok)
	}
	for entry, want := range map[string]bool{
		`{"at":1,"facts":{"as":1},"from":"a"}`: false, `{"at":1,"facts":{"as":"x"`: false,
		`{"facts":{}}`: true, `{"a":1}`: true, `{"facts":null}`: true, `{"facts":{"as":null}}`: true, `{"facts":{"ends_at":"soon"}}`: false,
		`{"facts":{"as":1}}`: false, `{"facts":{"incident":{"commit":"x"}}}`: false, `{"facts":{"as":"x"}`: false, ``: false, `[]`: false, `{"facts":[]}`: false,
	} {
		if got, ok := factsOf([]byte(entry)); ok != want || got != (toldFacts{}) && want {
			t.Errorf("%s: %+v, %v", entry, got, ok)
		}
	}
}

// TestLastIndex: it is what bytes.LastIndex is.
func TestLastIndex(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	for _, b := range []string{"", "ab", "xab", "abab", "abx", "b", "bb", "aab ab a", "ba", long + "ab", "ab" + long, "ab" + long + "ab" + long} {
		for _, s := range []string{"ab", "b", "abx", "bab"} {
			if got, want := lastIndex([]byte(b), s), strings.LastIndex(b, s); got != want {
				t.Errorf("%q in %q: %d, want %d", s, b, got, want)
			}
		}
	}
}

// TestBothStates reads them from the end of an entry.
func TestBothStates(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string][2]State{
		`{"at":1,"from":"","prev":"","seq":1,"to":"submitted","v":1}`:                                   {"", StateSubmitted},
		`{"facts":{"a":1,"from":"x","to":"y"},"from":"granting","prev":"","seq":1,"to":"active","v":1}`: {StateGranting, StateActive},
		`{"facts":{"a":"\",\"from\":\"x\""},"from":"resting","prev":"","seq":1,"to":"elsewhere","v":1}`: {"resting", "elsewhere"},
	} {
		if from, to, ok := bothStates([]byte(entry)); from != want[0] || to != want[1] || !ok {
			t.Errorf("%s: %q, %q, %v", entry, from, to, ok)
		}
	}
	for _, entry := range []string{``, `{"a":1}`, `{"at":1,"from":"`, `{"at":1,"from":"pending","seq":1}`, `{"at":1,"from":"pending","to":"x`} {
		if from, to, ok := bothStates([]byte(entry)); ok {
			t.Errorf("%s: %q, %q", entry, from, to)
		}
	}
	for _, e := range []Entry{
		{Verb: "granted", From: StateGranting, To: StateActive, Facts: map[string]any{"from": "x", "to": "y"}},
		{Verb: "odd \",\"from\":\"x", From: `a"b`, To: `,"v":1`},
		{Verb: `}`, From: StatePending, To: `\`, Facts: map[string]any{"words": `","prev":"","seq":1,"to":"x","v":1,"verb":"x"}`}},
		{},
	} {
		list, _, err := Seal("req_1", ChainHead{}, []Entry{e, e}, func([]byte) {})
		if err != nil {
			t.Fatal(err)
		}
		for _, sealed := range list {
			from, to, ok := bothStates(sealed.Bytes)
			if wantFrom, wantTo, wantOK := statesWithin(sealed.Bytes); from != wantFrom || to != wantTo || ok != wantOK {
				t.Errorf("%s: %q, %q, %v; within it %q, %q, %v", sealed.Bytes, from, to, ok, wantFrom, wantTo, wantOK)
			}
			for i := range sealed.Bytes { // whatever is cut off or out
				bothStates(sealed.Bytes[:i])
				cut := append(append([]byte{}, sealed.Bytes[:i]...), sealed.Bytes[i+1:]...)
				from, to, ok := bothStates(cut)
				if wantFrom, wantTo, wantOK := statesWithin(cut); ok && wantOK && (from != wantFrom || to != wantTo) {
					t.Errorf("%s: %q, %q; within it %q, %q", cut, from, to, wantFrom, wantTo)
				}
			}
		}
	}
}
