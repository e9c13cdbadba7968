package bot

import (
	"context"
	"errors"
	"testing"
	"time"

	"breakglass/flows"
)

// source is an outside that answers when it is told to.
type source struct {
	asked   chan struct{}
	answers chan any
}

func (s source) load(ctx context.Context) (int, error) {
	s.asked <- struct{}{}
	select {
	case a := <-s.answers:
		if err, bad := a.(error); bad {
			return 0, err
		}
		return a.(int), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// warmed is a cache in front of a source, on a clock that is pushed.
func warmed(t *testing.T) (*warm[int], source, *flows.HandClock) {
	clock := flows.NewHandClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	aside := func(do func(context.Context)) bool { go do(t.Context()); return true }
	s := source{asked: make(chan struct{}, 10), answers: make(chan any, 10)}
	return newWarm[int](clock, aside, time.Minute, 10*time.Minute), s, clock
}

func mustGet(t *testing.T, w *warm[int], s source, want int) {
	t.Helper()
	if got, err := w.get(t.Context(), "k", s.load); err != nil || got != want {
		t.Fatalf("got %d, %v; want %d", got, err, want)
	}
}

func TestWarm(t *testing.T) {
	t.Parallel()
	w, s, clock := warmed(t)
	if _, ok := w.peek("k"); ok {
		t.Error("something is known before anybody asked")
	}
	s.answers <- 1
	mustGet(t, w, s, 1)
	mustGet(t, w, s, 1) // from memory: the source has no second answer
	if len(s.asked) != 1 {
		t.Errorf("asked %d times", len(s.asked))
	}
	<-s.asked

	clock.Push(2 * time.Minute)
	mustGet(t, w, s, 1) // the old answer at once, while a new one is fetched
	<-s.asked
	mustGet(t, w, s, 1) // nobody is asked twice at a time
	if len(s.asked) != 0 {
		t.Error("asked again while the answer was on its way")
	}
	s.answers <- 2
	eventually(t, func() bool { v, _ := w.peek("k"); return v == 2 })
	mustGet(t, w, s, 2)

	clock.Push(time.Hour) // too old to be given
	s.answers <- errors.New("down")
	if got, err := w.get(t.Context(), "k", s.load); err == nil {
		t.Errorf("an answer of an hour ago was given: %d", got)
	}
}

// TestWarmGivesUp: who waits does so no longer than they want to.
func TestWarmGivesUp(t *testing.T) {
	t.Parallel()
	w, s, _ := warmed(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-s.asked; cancel() }()
	if _, err := w.get(ctx, "k", s.load); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

func TestWarmIsBounded(t *testing.T) {
	t.Parallel()
	w, s, _ := warmed(t)
	w.aside = func(func(context.Context)) bool { return false }
	for i := range maxWarm + 10 {
		if _, err := w.get(t.Context(), string(rune(i+1000)), s.load); !errors.Is(err, errBusy) {
			t.Fatalf("err = %v", err)
		}
	}
	if len(w.entries) > maxWarm {
		t.Errorf("%d entries", len(w.entries))
	}
}

func eventually(t *testing.T, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}
