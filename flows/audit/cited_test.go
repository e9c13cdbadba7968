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
		text := "[Breakglass X] Reason: Audit log other: entry 1 of req_9 is ffffffffffffffffffff. " + audit.Head{Origin: "acme.example/breakglass", Size: 9}.Line()
		none := text + " " + c.Line() + " In Slack: https://x\n[bg:000000000000]"
		text += " " + c.Line() + " " + audit.Head{Origin: "acme.example/breakglass", Size: 7}.Line() + " In Slack: https://x\n[bg:000000000000]"
		found, ok := audit.FindCited(text)
		if !ok || found != c || found.Seq != 5 || found.Chain != "req_01J" || found.Origin != origin {
			t.Errorf("found %+v, %v, want %+v", found, ok, c)
		}
		if head, ok := audit.FindNoted(text); !ok || head.Size != 7 {
			t.Errorf("beside it stands the head %+v, %v", head, ok)
		}
		if head, ok := audit.FindNoted(none); ok {
			t.Errorf("what somebody typed is taken for the head %+v", head)
		}
		if head, ok := audit.FindNoted("as an earlier version wrote: " + audit.Head{Origin: "a", Size: 5}.Line()); !ok || head.Size != 5 {
			t.Errorf("of an earlier version's note the head is %+v, %v", head, ok)
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
