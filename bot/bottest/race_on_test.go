//go:build race

package bottest_test

// raced says that the race detector is on, under which SQLite, which is Go here, takes
// twenty times as long.
const raced = true
