package app

import (
	"time"
)

// SystemClock is the real time: the one place where the program reads it.
type SystemClock struct{}

// Now is the wall clock, UTC, with Go's monotonic reading.
func (SystemClock) Now() time.Time { return time.Now().UTC() }

// At implements flows.Clock.
func (SystemClock) At(t time.Time) (<-chan struct{}, func()) {
	done := make(chan struct{})
	timer := time.AfterFunc(time.Until(t), func() { close(done) })
	return done, func() { timer.Stop() }
}
