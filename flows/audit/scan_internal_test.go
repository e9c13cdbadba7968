package audit

import (
	"encoding/binary"
	"testing"
)

// TestOrdinary: what is stepped over at once is nothing that has to be looked at, and goes as far as that.
func TestOrdinary(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		want := c >= 0x20 && c < 0x80 && c != '"' && c != '\\'
		for at := range 8 {
			for _, beside := range []byte{' ', 'a', '~', 0x7f, '!', '#', '[', ']'} {
				b := [8]byte{beside, beside, beside, beside, beside, beside, beside, beside}
				b[at] = byte(c)
				n := 8
				if !want {
					n = at
				}
				if got := ordinary(binary.LittleEndian.Uint64(b[:])); got != n {
					t.Fatalf("%q: %d, want %d", b, got, n)
				}
			}
		}
	}
}
