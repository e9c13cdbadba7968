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

// read is a read under way that a test answers.
func reader(answer <-chan string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return <-answer, nil }
}

func testCache() (cache[string], *flows.HandClock) {
	clock := flows.NewHandClock(start)
	return newCache[string](clock, time.Minute), clock
}

// A slow read that began earlier does not replace what was read fresh meanwhile.
func TestASlowReadDoesNotReplaceAFreshOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, clock := testCache()
		slow, fresh := make(chan string, 1), make(chan string, 1)
		done := make(chan string, 1)
		go func() {
			v, _ := c.get(t.Context(), "dana", false, reader(slow))
			done <- v
		}()
		synctest.Wait()
		clock.Push(time.Second)
		fresh <- "deleted"
		if v, err := c.get(t.Context(), "dana", true, reader(fresh)); err != nil || v != "deleted" {
			t.Fatalf("fresh = %q, %v", v, err)
		}
		slow <- "member"
		<-done
		if v, ok := c.peek("dana"); !ok || v != "deleted" {
			t.Errorf("cached = %q, want what was read last", v)
		}
	})
}

// Slack says that a person changed while they are being read: what is read then may
// be from before, so it is not kept, and whoever asks next reads again.
func TestForgetReachesAReadUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := testCache()
		before, after := make(chan string, 1), make(chan string, 1)
		done := make(chan string, 1)
		go func() {
			v, _ := c.get(t.Context(), "dana", false, reader(before))
			done <- v
		}()
		synctest.Wait()
		c.forget("dana")
		after <- "guest"
		if v, err := c.get(t.Context(), "dana", false, reader(after)); err != nil || v != "guest" {
			t.Fatalf("after = %q, %v; want it read again", v, err)
		}
		before <- "member"
		<-done
		if v, ok := c.peek("dana"); !ok || v != "guest" {
			t.Errorf("cached = %q, want what was read last", v)
		}
	})
}

// One who gives up does not end the read for the others.
func TestOneWhoGivesUpDoesNotEndTheRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := testCache()
		answer := make(chan string, 1)
		ctx, cancel := context.WithCancel(t.Context())
		read := func(ctx context.Context) (string, error) {
			select {
			case v := <-answer:
				return v, nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		gaveUp, stayed := make(chan error, 1), make(chan error, 1)
		go func() { _, err := c.get(ctx, "dana", false, read); gaveUp <- err }()
		synctest.Wait()
		go func() { _, err := c.get(t.Context(), "dana", false, read); stayed <- err }()
		synctest.Wait()
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v", err)
		}
		answer <- "member"
		if err := <-stayed; err != nil {
			t.Errorf("who stayed got %v", err)
		}
	})
}

func TestACacheIsBounded(t *testing.T) {
	t.Parallel()
	c, _ := testCache()
	for i := range maxEntries + 10 {
		c.put(fmt.Sprint(i), cached[string]{at: start}, 0)
	}
	if n := len(c.state.entries); n > maxEntries {
		t.Errorf("%d entries", n)
	}
}
