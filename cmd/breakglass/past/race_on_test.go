//go:build race

package past_test

const raceDetector = true
