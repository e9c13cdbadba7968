package pagerduty

import (
	"fmt"
	"testing"
	"time"

	"breakglass/flows"
)

// Whoever asks for however many policies: the snapshot stays bounded, and what is
// asked for all the time stays in it.
func TestTheSnapshotIsBounded(t *testing.T) {
	t.Parallel()
	clock := flows.NewHandClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	c := &Client{clock: clock, lim: Limits{}.withDefaults(), life: newLifetime()}
	b := newBoard(c)
	favourite := key{ofPolicy, thing{id: "PMGR001"}}
	for i := range 3 * mostKeys {
		clock.Push(time.Millisecond)
		for _, k := range []key{{}, favourite, {ofPolicy, thing{id: fmt.Sprintf("PPOL%04d", i)}}} {
			b.note(k, time.Minute, clock.Now())
			b.readings[k] = &reading{}
		}
	}
	if len(b.demands) > mostKeys || len(b.readings) > mostKeys {
		t.Errorf("%d demands, %d readings; want at most %d", len(b.demands), len(b.readings), mostKeys)
	}
	if b.demands[key{}] == nil || b.readings[favourite] == nil {
		t.Error("what is asked for all the time was forgotten")
	}
	clock.Push(time.Hour)
	b.forget(clock.Now())
	if len(b.demands) != 0 || len(b.readings) != 0 {
		t.Errorf("after an hour: %d demands, %d readings", len(b.demands), len(b.readings))
	}
}
