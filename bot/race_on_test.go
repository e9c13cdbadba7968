//go:build race

package bot

// RaceEnabled says that the race detector is on.
const RaceEnabled = true
