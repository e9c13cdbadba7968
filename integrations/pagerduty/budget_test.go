package pagerduty

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"breakglass/flows"
)

// Whatever is asked, by whom and when, and wherever the clock goes forward to: no
// minute holds more requests than the limits, and what is not a click leaves the
// reserve alone.
func TestBudgetIsNeverExceeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		clock := flows.NewHandClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
		lim := Limits{
			PerMinute:        rapid.IntRange(1, 30).Draw(t, "per minute"),
			OnCallsPerMinute: rapid.IntRange(1, 30).Draw(t, "on-calls per minute"),
			ClickReserve:     rapid.IntRange(1, 10).Draw(t, "reserve"),
		}.withDefaults()
		b := newBudget(clock.Now, lim)
		type sent struct {
			at time.Time
			spend
		}
		var ledger []sent
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				clock.Push(time.Duration(rapid.Int64Range(0, int64(90*time.Second)).Draw(t, "push")))
			case 1:
				b.pause(time.Duration(rapid.IntRange(0, 30).Draw(t, "pause")) * time.Second)
			default:
				s := spend{rapid.Bool().Draw(t, "on-call"), rapid.Bool().Draw(t, "click"), rapid.Bool().Draw(t, "again")}
				err := b.take(s)
				var over *overBudget
				if err == nil {
					ledger = append(ledger, sent{clock.Now(), s})
				} else if !errors.As(err, &over) || over.after <= 0 {
					t.Fatalf("%v says no time to come back", err)
				}
			}
			all, onCalls, quiet := 0, 0, 0
			for _, e := range ledger {
				if clock.Now().Sub(e.at) <= time.Minute {
					all++
					if e.onCall {
						onCalls++
					}
					if !e.click {
						quiet++
					}
				}
			}
			if all > lim.PerMinute || onCalls > lim.OnCallsPerMinute || quiet > lim.PerMinute-lim.ClickReserve {
				t.Fatalf("in the last minute: %d of %d, on-calls %d of %d, not clicks %d of %d", all, lim.PerMinute,
					onCalls, lim.OnCallsPerMinute, quiet, lim.PerMinute-lim.ClickReserve)
			}
		}
	})
}

// A refusal names the time at which the next request fits, neither more nor less.
func TestBudgetSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	clock := flows.NewHandClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	b := newBudget(clock.Now, Limits{PerMinute: 3, OnCallsPerMinute: 3, ClickReserve: 1}.withDefaults())
	for range 2 {
		if err := b.take(spend{}); err != nil {
			t.Fatal(err)
		}
		clock.Push(10 * time.Second)
	}
	var over *overBudget
	if err := b.take(spend{}); !errors.As(err, &over) {
		t.Fatalf("the reserve was spent: %v", err)
	}
	clock.Push(over.after - 2)
	if b.take(spend{}) == nil {
		t.Error("it fitted before the time that was named")
	}
	clock.Push(2)
	if err := b.take(spend{}); err != nil {
		t.Errorf("it did not fit at the time that was named: %v", err)
	}
}

func TestBudgetAfterTheClockWentBack(t *testing.T) {
	t.Parallel()
	clock := flows.NewHandClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	b := newBudget(clock.Now, Limits{PerMinute: 4, OnCallsPerMinute: 4, ClickReserve: 1}.withDefaults())
	for range 3 {
		if err := b.take(spend{}); err != nil {
			t.Fatal(err)
		}
	}
	b.pause(30 * time.Second)
	clock.Push(-24 * time.Hour)
	if b.take(spend{}) == nil {
		t.Error("setting the clock back gave a fresh budget")
	}
	clock.Push(62 * time.Second)
	if err := b.take(spend{}); err != nil {
		t.Errorf("setting the clock back shut the budget for longer than a minute: %v", err)
	}
}

// Replicas that share a key share what PagerDuty allows it: together they never ask more.
func TestShare(t *testing.T) {
	t.Parallel()
	whole := Limits{}.Share(1)
	if whole.PerMinute != 900 || whole.OnCallsPerMinute != 300 || whole.ClickReserve != 90 {
		t.Errorf("one process may ask %+v", whole)
	}
	for n := range 21 {
		l := Limits{}.Share(n)
		if k := max(n, 1); l.PerMinute*k > 900 || l.OnCallsPerMinute*k > 300 || l.ClickReserve*k > 90 || l.PerMinute < 1 || l.Tries != whole.Tries {
			t.Errorf("one of %d may ask %+v", n, l)
		}
	}
}
