//go:build !race

package bottest_test

// raced says that the race detector is on.
const raced = false
