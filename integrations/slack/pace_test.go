package slack

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"breakglass/flows"
)

func testPacer(maxWait time.Duration) (*pacer, *flows.HandClock) {
	clock := flows.NewHandClock(start)
	return newPacer(clock, newMethods(), maxWait, false), clock
}

// In no minute more calls than Slack's tier, whatever is asked for.
func TestPaceStaysUnderEveryTier(t *testing.T) {
	t.Parallel()
	for name, m := range newMethods() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, clock := testPacer(time.Nanosecond)
			var calls []time.Time
			for range 5 * 60 * 4 {
				for p.wait(t.Context(), name, "") == nil {
					calls = append(calls, clock.Now())
				}
				clock.Push(250 * time.Millisecond)
			}
			for i, from := range calls {
				n := 0
				for _, c := range calls[i:] {
					if c.Sub(from) >= time.Minute {
						break
					}
					n++
				}
				if n > m.perMinute {
					t.Fatalf("%d calls in the minute from %s, Slack allows %d", n, from.Sub(start), m.perMinute)
				}
			}
			if least := m.perMinute*3/5*5 - 5; len(calls) < least {
				t.Errorf("%d calls in five minutes, want at least %d", len(calls), least)
			}
		})
	}
}

// Twenty cards that change by one decision go out at once.
func TestAStormOfUpdatesGoesOutAtOnce(t *testing.T) {
	t.Parallel()
	p, _ := testPacer(time.Nanosecond)
	for i := range 20 {
		if err := p.wait(t.Context(), "chat.update", ""); err != nil {
			t.Fatalf("update %d: %v", i, err)
		}
	}
}

func TestOneMessageASecondAndChannel(t *testing.T) {
	t.Parallel()
	p, clock := testPacer(time.Nanosecond)
	post := func(ch string) error { return p.wait(t.Context(), "chat.postMessage", ch) }
	for range placeBurst {
		if err := post("C1"); err != nil {
			t.Fatal(err)
		}
	}
	err := post("C1")
	if temp := wantTemporary(t, err); temp.After != 1 {
		t.Errorf("After = %d, want 1", temp.After)
	}
	if err := post("C2"); err != nil {
		t.Errorf("another channel waits too: %v", err)
	}
	clock.Push(time.Second)
	if err := post("C1"); err != nil {
		t.Errorf("a second later: %v", err)
	}
	if err := post("C1"); err == nil {
		t.Error("two messages in one second")
	}
}

func TestPlacesAreForgotten(t *testing.T) {
	t.Parallel()
	p, clock := testPacer(time.Nanosecond)
	for i := range 3 * maxPlaces {
		p.reserve("chat.postMessage", fmt.Sprint("C", i))
		clock.Push(time.Second)
	}
	if n := len(p.places); n > maxPlaces {
		t.Errorf("%d channels remembered", n)
	}
}

func TestAWaitEndsWhenItsTurnComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, clock := testPacer(time.Minute)
		for range placeBurst {
			p.reserve("chat.postMessage", "C1")
		}
		done := make(chan error, 1)
		go func() { done <- p.wait(t.Context(), "chat.postMessage", "C1") }()
		synctest.Wait()
		clock.Push(900 * time.Millisecond)
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("the wait ended early: %v", err)
		default:
		}
		clock.Push(200 * time.Millisecond)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// A caller who gives up hands the turn to the next.
func TestAWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, clock := testPacer(time.Minute)
		for range placeBurst {
			p.reserve("chat.postMessage", "C1")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.wait(ctx, "chat.postMessage", "C1") }()
		synctest.Wait()
		cancel()
		err := <-done
		wantTemporary(t, err)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want context.Canceled inside", err)
		}
		clock.Push(time.Second)
		if err := p.wait(t.Context(), "chat.postMessage", "C1"); err != nil {
			t.Errorf("the turn was not given back: %v", err)
		}
	})
}

func TestPaceSurvivesAClockThatJumpsBack(t *testing.T) {
	t.Parallel()
	p, clock := testPacer(time.Nanosecond)
	p.reserve("views.open", "")
	clock.Push(-24 * time.Hour)
	if err := p.wait(t.Context(), "views.open", ""); err != nil {
		t.Errorf("a day back: %v", err)
	}
}
