package main_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// grants is how many are ended at once.
const grants = 10_000

// BenchmarkKillSwitch ends ten thousand grants at a target over HTTP: how long until
// each is told to end, and until the target has confirmed the last.
func BenchmarkKillSwitch(b *testing.B) {
	w := open(b)
	w.grantMany(grants)
	e := w.App.Engine()
	for b.Loop() {
		began := time.Now()
		order, done, no, err := e.EndMany(b.Context(), flows.EndScope{All: true}, flows.Actor{Door: flows.DoorCLI, Admin: true}, flows.NewText("drill"),
			flows.EndOptions{Find: w.App.Store(), Memory: noMemory{}})
		if err != nil || no != nil || done.Found != grants {
			b.Fatal(done, no, err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s-to-order")
		for {
			left, err := e.Unended(b.Context(), order, w.App.Store(), noMemory{})
			if err != nil {
				b.Fatal(err)
			}
			if len(left) == 0 {
				break
			}
			if time.Since(began) > 5*time.Minute {
				b.Fatalf("%d are left", len(left))
			}
			time.Sleep(100 * time.Millisecond)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s-to-confirmed")
		b.ReportMetric(float64(grants)/time.Since(began).Seconds(), "ends/s")
	}
}

// noMemory is for a store that writes.
type noMemory struct{}

func (noMemory) Cut(flows.RequestID, flows.Actor, flows.Text) {}
func (noMemory) Ended(flows.RequestID) bool                   { return false }

// grantMany writes live grants, as if they had been asked for, each with a scope of its
// own.
func (w *town) grantMany(n int) {
	w.t.Helper()
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for worker := range 64 {
		wg.Go(func() {
			for i := worker; i < n; i += 64 {
				if err := w.grantOne(i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		w.t.Fatal(err)
	}
}

func (w *town) grantOne(i int) error {
	now := w.clock.Now()
	person := company.Person(w.all[i%len(w.all)])
	r := flows.Request{ID: app.RandomIDs{}.RequestID(now), SubmittedAt: now, GrantedAt: now, EndsAt: now.Add(time.Hour), Content: flows.Content{
		Flow: "prod", Target: "prod_database", Scope: flows.Scope(fmt.Sprint("s", i)), Requester: person, Beneficiary: person, Duration: time.Hour,
	}}
	for _, to := range []flows.State{flows.StateSubmitted, flows.StatePending, flows.StateApproved, flows.StateGranting, flows.StateActive} {
		sealed, head, err := flows.Seal(string(r.ID), r.Chain, []flows.Entry{{Verb: "step", From: r.State, To: to, At: now}}, app.RandomIDs{}.Random)
		if err != nil {
			return err
		}
		r.State, r.Chain, r.Version = to, head, r.Version+1
		c := flows.Change{Request: &r, Chain: string(r.ID), Entries: sealed}
		if to == flows.StateApproved {
			c.Jobs = []flows.Job{{Kind: flows.JobRevoke, Key: flows.JobKey(flows.JobRevoke, string(r.ID)), Subject: string(r.ID), RunAt: r.EndsAt}}
			c.Holding = &flows.Holding{Key: r.Content.Key(), Version: 1, Holders: []flows.Holder{{Request: r.ID, Until: r.EndsAt}}}
		}
		if _, err := w.App.Store().Apply(context.WithoutCancel(w.t.Context()), c); err != nil {
			return err
		}
	}
	return nil
}
