package audit

import (
	"encoding/binary"
	"testing"
)

// TestOrdinary: what is stepped over eight at a time is nothing that has to be looked at.
func TestOrdinary(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		want := c >= 0x20 && c < 0x80 && c != '"' && c != '\\'
		for at := range 8 {
			for _, beside := range []byte{' ', 'a', '~', 0x7f, '!', '#', '[', ']'} {
				b := [8]byte{beside, beside, beside, beside, beside, beside, beside, beside}
				b[at] = byte(c)
				if got := ordinary(binary.LittleEndian.Uint64(b[:])); got != want {
					t.Fatalf("%q: %v", b, got)
				}
			}
		}
	}
}
