package flows_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets garbage lie until there is a lot of it: to look for it among the few
// megabytes of the histories at hand, again and again, was a quarter of their work.
func TestMain(m *testing.M) {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(300 << 20)
	os.Exit(m.Run())
}
