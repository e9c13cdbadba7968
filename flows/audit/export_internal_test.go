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
