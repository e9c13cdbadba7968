package audit_test

import (
	"strings"
	"testing"

	"breakglass/flows/audit"
)

// What a note cites is found again among other words, and what people typed before it is
// not taken for it.
func TestCited(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0123456789abcdef", 4)
	for _, origin := range []string{"acme.example/breakglass", ""} {
		c := audit.Cite(origin, "req_01J", 5, hash)
		text := "[Breakglass X] Reason: Audit log other: entry 1 of req_9 is ffffffffffffffffffff. " + c.Line() +
			" " + audit.Head{Origin: "acme.example/breakglass", Size: 7}.Line() + " In Slack: https://x\n[bg:000000000000]"
		found, ok := audit.FindCited(text)
		if !ok || found != c || found.Seq != 5 || found.Chain != "req_01J" || found.Origin != origin {
			t.Errorf("found %+v, %v, want %+v", found, ok, c)
		}
		if heads := audit.FindHeads(text); len(heads) != 1 || heads[0].Size != 7 {
			t.Errorf("beside it stand the heads %+v", heads)
		}
		if !found.Of(hash) || found.Of("1"+hash[1:]) || found.Of(found.Hash) || found.Of("") {
			t.Errorf("%+v is of other hashes, or not of its own", found)
		}
	}
	for _, text := range []string{"", "Audit log a: 7 entries, root x.", "Audit log a: entry 0 of req_1 is 01234567890123456789.", "Audit log a: entry 1 of req_1 is 0123."} {
		if c, ok := audit.FindCited(text); ok {
			t.Errorf("%q cites %+v", text, c)
		}
	}
}
