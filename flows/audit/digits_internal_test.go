package audit

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestDigits: eight digits are the number that they say, and nothing else is one.
func TestDigits(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	check := func(text string) {
		t.Helper()
		n, are := digits(binary.LittleEndian.Uint64([]byte(text)))
		want, err := strconv.ParseUint(text, 10, 63)
		if are != (err == nil) || are && uint64(n) != want {
			t.Errorf("%q is %d, %v; want %d, %v", text, n, are, want, err)
		}
	}
	for range 10_000 {
		check(fmt.Sprintf("%08d", rnd.IntN(100_000_000)))
	}
	for at := range 8 {
		for c := range 256 {
			text := []byte("90817263")
			text[at] = byte(c)
			check(string(text))
		}
	}
}
