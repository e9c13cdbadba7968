package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
)

// rope is a lifeline with what it ended at the targets.
type rope struct {
	*lifeline
	clock *flows.HandClock
	mu    sync.Mutex
	ended []flows.RequestID
	down  bool // the targets do not answer
}

func newRope() *rope {
	r := &rope{clock: flows.NewHandClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))}
	r.lifeline = newLifeline(nil, r.clock, slog.New(slog.DiscardHandler))
	r.end = func(_ context.Context, rec flows.Record) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.down {
			return errors.New("no answer")
		}
		r.ended = append(r.ended, rec.Request.ID)
		return nil
	}
	return r
}

// has gives somebody access to a target for a while, as the store would tell it.
func (r *rope) has(id flows.RequestID, target flows.TargetID, s flows.State, d time.Duration) {
	now := r.clock.Now()
	r.remember(&flows.Request{
		ID: id, Version: 3, State: s, Content: flows.Content{Beneficiary: "T/U1", Target: target}, EndsAt: now.Add(d), GrantBy: now.Add(d),
	}, &flows.Holding{Key: flows.HoldingKey{Person: "T/U1", Target: target}, Version: 5})
}

func (r *rope) pulls(t *testing.T, want ...flows.RequestID) {
	t.Helper()
	r.ended = nil
	r.pull(t.Context())
	slices.Sort(r.ended)
	if !slices.Equal(r.ended, want) {
		t.Errorf("ended at the targets: %v, want %v", r.ended, want)
	}
}

func TestLifelineEndsWhatIsDue(t *testing.T) {
	t.Parallel()
	r := newRope()
	r.has("a", "db", flows.StateActive, time.Minute)
	r.has("b", "web", flows.StateActive, time.Hour)
	r.has("c", "vpn", flows.StateEnding, time.Hour) // it was being ended when the store went away
	r.has("d", "ssh", flows.StateApproved, time.Minute)
	r.pulls(t, "c")
	r.clock.Push(time.Minute)
	r.pulls(t, "a")
	r.pulls(t) // once is enough
	r.has("b", "web", flows.StateEnded, time.Hour)
	r.remember(&flows.Request{ID: "b", Version: 9, State: flows.StateEnded}, nil)
	r.clock.Push(2 * time.Hour)
	r.pulls(t)
}

func TestLifelineLeavesWhatAnotherGrantCarries(t *testing.T) {
	t.Parallel()
	r := newRope()
	r.has("a", "db", flows.StateActive, time.Minute)
	r.has("b", "db", flows.StateActive, time.Hour)
	r.clock.Push(2 * time.Minute)
	r.pulls(t)
	r.clock.Push(time.Hour)
	r.ended = nil
	r.pull(t.Context())
	if len(r.ended) == 0 {
		t.Error("nobody has it any more, and it was not ended")
	}
}

func TestLifelineTriesAgain(t *testing.T) {
	t.Parallel()
	r := newRope()
	r.has("a", "db", flows.StateActive, 0)
	r.down = true
	r.pulls(t)
	r.down = false
	r.pulls(t) // not at once
	r.clock.Push(30 * time.Second)
	r.pulls(t, "a")
}

func TestLifelineAfterAJumpBack(t *testing.T) {
	t.Parallel()
	r := newRope()
	r.has("a", "db", flows.StateActive, 30*time.Minute)
	r.clock.Push(-time.Hour)
	r.jumpedBack(time.Hour)
	r.pulls(t)
	r.clock.Push(30 * time.Minute) // as long as was decided
	r.pulls(t, "a")
	if by := r.owed["a"]; by != time.Hour {
		t.Errorf("the store is told of %s", by)
	}
}
