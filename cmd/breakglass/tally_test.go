package main_test

import (
	"bytes"
	"testing"
	"time"

	main "breakglass/cmd/breakglass"
)

// Long work says how far it is, now and then; short work says nothing.
func TestTally(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tty  bool
		step time.Duration
		want string
	}{
		"short":         {false, time.Millisecond, ""},
		"in a file":     {false, time.Second, "3000 requests written, 1000 a second\n6000 requests written, 1000 a second\n"},
		"on a terminal": {true, 200 * time.Millisecond, "\r2000 requests written, 5000 a second\x1b[K\r4000 requests written, 5000 a second\x1b[K\r6000 requests written, 5000 a second\x1b[K"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			at := time.Unix(0, 0)
			tell := main.Tally(&said, c.tty, func() time.Time { return at })
			for n := 1000; n <= 7000; n += 1000 {
				at = at.Add(c.step)
				tell(n)
			}
			if said.String() != c.want {
				t.Errorf("it says %q", said.String())
			}
		})
	}
}
