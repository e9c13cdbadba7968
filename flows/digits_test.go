package flows_test

import (
	"encoding/hex"
	"testing"

	"breakglass/flows"
)

// TestDigits: a hash is written in the digits that it has.
func TestDigits(t *testing.T) {
	t.Parallel()
	for at := range 4 {
		for c := range 256 {
			hash := []byte{0x09, 0xaf, 0xf0, 0x5a, 0, 1, 2, 3}
			hash[at] = byte(c)
			if got, want := string(flows.AppendDigits([]byte("x"), hash)), "x"+hex.EncodeToString(hash); got != want {
				t.Fatalf("%x is written %s, not %s", hash, got, want)
			}
		}
	}
	if got := flows.AppendDigits(nil, nil); len(got) != 0 {
		t.Errorf("nothing is written %s", got)
	}
}
