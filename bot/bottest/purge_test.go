package bottest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// Sessions that were over long ago are deleted, a part at a time; one that is good stays.
func TestOldSessionsAreDeleted(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	long := time.Date(2001, time.May, 1, 12, 0, 0, 0, time.UTC)
	keep := func(from int, made, over time.Time) string {
		passes := make([]flows.Pass, 300)
		for i := range passes {
			passes[i] = flows.Pass{
				ID: fmt.Sprintf("ses_%d", from+i), Version: 1, Kind: flows.PassSession, Hash: fmt.Sprintf("%064d", from+i),
				Holder: company.Person(company.Sam), CreatedAt: made, UsedAt: made, ExpiresAt: over,
			}
		}
		must(t, s.App.Engine().Record(t.Context(), "system", flows.Entry{Verb: "signed_in", Actor: flows.ByEngine()}, flows.Finish{Passes: passes}))
		return passes[0].ID
	}
	first, second := keep(1000, long, long.Add(time.Hour)), keep(2000, long, long.Add(2*time.Hour))
	good := keep(3000, s.Clock.Now(), s.Clock.Now().Add(40*24*time.Hour))
	there := func(id string) bool {
		_, err := s.App.Store().Pass(t.Context(), id)
		if err != nil && !errors.Is(err, flows.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	s.FastForward(10 * time.Minute)
	if there(first) || !there("ses_2299") {
		t.Error("the first time does not delete a part")
	}
	s.FastForward(time.Minute)
	if there(second) || there("ses_2299") || !there(good) {
		t.Error("what was over stayed, or what is good went")
	}
}
