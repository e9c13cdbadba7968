package flows

import (
	"strings"
	"testing"
)

// The short way through named says what the long one would.
func FuzzUnremarkable(f *testing.F) {
	for _, s := range []string{"", " ", "mgr_on_call", "a b", "a  b", " a", "a ", "<@U1>", "ü", "a\tb", "a\u202eb", "\x7f", strings.Repeat("a", maxNamed), strings.Repeat("a", maxNamed+1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !unremarkable(s) {
			return
		}
		long := strings.Join(strings.Fields(NewText(s).raw), " ")
		if r := []rune(long); len(r) > maxNamed {
			long = string(r[:maxNamed-1]) + "…"
		}
		if long = brackets.Replace(long); long != s {
			t.Errorf("%q is not unremarkable: %q", s, long)
		}
	})
}
