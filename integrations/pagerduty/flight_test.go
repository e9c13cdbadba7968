package pagerduty

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"breakglass/flows"
)

type oneValue string

func (v oneValue) Value(context.Context, flows.SecretVersion) (string, error) { return string(v), nil }

// A reading that is old when it comes (clocks differ, or PagerDuty still gives a shift
// that has ended) is due at once, but not again at once.
func TestReadingsThatComeOldAreNotDueAgainAtOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	b := newBoard(&Client{lim: Limits{}.withDefaults()})
	k := key{ofPolicy, thing{id: "PMGR001"}}
	for name, c := range map[string]struct {
		r    reading
		d    demand
		want time.Duration
	}{
		"young":               {reading{listing: listing{asked: now}}, demand{age: time.Minute}, 48 * time.Second},
		"old":                 {reading{listing: listing{asked: now.Add(-50 * time.Second)}}, demand{age: time.Minute}, 0},
		"comes old":           {reading{listing: listing{asked: now.Add(-50 * time.Second)}}, demand{age: time.Minute, tried: now}, 6 * time.Second},
		"ends":                {reading{listing: listing{asked: now}, until: now.Add(time.Second)}, demand{age: time.Minute}, time.Second},
		"has ended":           {reading{listing: listing{asked: now}, until: now}, demand{age: 10 * time.Second, tried: now}, 2 * time.Second},
		"could not be read":   {reading{listing: listing{asked: now.Add(-time.Hour)}}, demand{age: time.Minute, tried: now, failed: true}, 5 * time.Second},
		"the clock went back": {reading{listing: listing{asked: now.Add(time.Hour)}}, demand{age: time.Minute, tried: now.Add(time.Hour)}, 0},
	} {
		b.readings[k], c.d.last = &c.r, now
		if at := b.dueAt(k, &c.d, now); at.Sub(now) > c.want || at.Sub(now) < c.want && c.want > 0 {
			t.Errorf("%s: due in %s, want %s", name, at.Sub(now), c.want)
		}
	}
	if at := b.dueAt(k, &demand{age: time.Minute, last: now.Add(-time.Hour)}, now); !at.IsZero() {
		t.Error("nobody asks any more, but it is due")
	}
}

// A click that joined a refresh in the background, which our own limits then kept
// back, is read once more from the reserve.
func TestAClickIsNotKeptBackWithTheOthers(t *testing.T) {
	t.Parallel()
	clock := flows.NewHandClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", clock.Now().Format(http.TimeFormat))
		_, _ = w.Write([]byte(`{"oncalls":[],"more":false}`))
	}))
	defer s.Close()
	c, err := New(Options{BaseURL: s.URL, APIToken: flows.NewSecret("key", oneValue("token")), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	k := key{ofPolicy, thing{id: "PMGR001"}}
	kept := newFlight()
	kept.keys[k], kept.began = true, clock.Now()
	c.board.running = kept
	for _, click := range []bool{false, true} {
		if f, r := c.board.join(t.Context(), k, time.Minute, click); f != kept || r != nil {
			t.Fatal("it did not join the flight under way")
		}
	}
	kept.errs[k] = &overBudget{time.Minute, "test"}
	joined := make(chan error, 2)
	go func() { _, err := c.board.read(t.Context(), k, time.Minute, false); joined <- err }()
	for c.stats.waits.Load() < 1 {
		runtime.Gosched()
	}
	go func() { _, err := c.board.read(t.Context(), k, time.Minute, true); joined <- err }()
	for c.stats.waits.Load() < 2 {
		runtime.Gosched()
	}
	c.board.mu.Lock()
	c.board.running = nil
	c.board.mu.Unlock()
	close(kept.done)
	first, second := <-joined, <-joined
	if (first == nil) == (second == nil) {
		t.Errorf("one was a click and must be answered, one was not and must not: %v, %v", first, second)
	}
}
