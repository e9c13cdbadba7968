package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"breakglass/flows"
)

// callers is how many goroutines race.
const callers = 64

func raceCases() []contractCase {
	return []contractCase{
		{"Race/OneDecision", raceOneDecision},
		{"Race/OneRequest", raceOneRequest},
		{"Race/OneHolding", raceOneHolding},
		{"Race/OneDelivery", raceOneDelivery},
		{"Race/OneChain", raceOneChain},
		{"Race/EachJobOnce", raceEachJobOnce},
		{"Race/OneALane", raceOneALane},
		{"Race/NeighboursOfAFailure", raceNeighbours},
		{"Race/CrossingOrders", raceCrossingOrders},
	}
}

// race runs f in many goroutines that start together, and returns how often each
// outcome happened.
func (f *fixture) race(do func(i int) error) map[string]int {
	f.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	outcomes := make([]error, callers)
	for i := range callers {
		wg.Go(func() {
			<-start
			outcomes[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	count := map[string]int{}
	for _, err := range outcomes {
		switch {
		case err == nil:
			count["ok"]++
		case errors.Is(err, flows.ErrConflict):
			count["conflict"]++
		case errors.Is(err, flows.ErrDuplicate):
			count["duplicate"]++
		case errors.Is(err, flows.ErrLeaseLost):
			count["lease lost"]++
		default:
			count[err.Error()]++
		}
	}
	return count
}

func raceOneDecision(f *fixture) {
	r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted, flows.StatePending)
	changes := make([]flows.Change, callers)
	for i := range changes {
		to := []flows.State{flows.StateApproved, flows.StateDenied, flows.StateCancelled, flows.StateLapsed}[i%4]
		changes[i] = f.step(r, to)
		changes[i].Jobs = append(changes[i].Jobs, job(flows.JobNotice, fmt.Sprint(i), noon))
	}
	got := f.race(func(i int) error { _, err := f.s.Apply(f.ctx, changes[i]); return err })
	f.same(map[string]int{"ok": 1, "conflict": callers - 1}, got)
	f.same(3, len(f.entries("req_1")))
	f.same(1, len(f.claim("x", noon, callers)))
}

func raceOneRequest(f *fixture) {
	changes := make([]flows.Change, callers)
	for i := range changes {
		changes[i] = f.step(asks(flows.RequestID(fmt.Sprintf("req_%02d", i)), "T/UDANA", "db"), flows.StateSubmitted)
	}
	got := f.race(func(i int) error { _, err := f.s.Apply(f.ctx, changes[i]); return err })
	f.same(map[string]int{"ok": 1, "duplicate": callers - 1}, got)
}

// raceOneHolding is the write skew: two ends that each see the other as active.
func raceOneHolding(f *fixture) {
	key := flows.HoldingKey{Person: "T/UDANA", Target: "db"}
	for version := int64(1); version <= 3; version++ {
		got := f.race(func(i int) error {
			_, err := f.s.Apply(f.ctx, flows.Change{
				Holding: &flows.Holding{Key: key, Version: version, Holders: []flows.Holder{{Request: flows.RequestID(fmt.Sprint(i))}}},
				Jobs:    []flows.Job{job(flows.JobNotice, fmt.Sprint(version, "/", i), noon)},
			})
			return err
		})
		f.same(map[string]int{"ok": 1, "conflict": callers - 1}, got)
	}
	f.same(3, len(f.claim("x", noon, callers)))
}

func raceOneDelivery(f *fixture) {
	var fresh atomic.Int64
	got := f.race(func(i int) error {
		_, first, err := f.s.Accept(f.ctx, flows.InboxRow{Key: "k", At: noon}, leasedTo(fmt.Sprint(i), job(flows.JobInbox, "k", noon)))
		if first {
			fresh.Add(1)
		}
		return err
	})
	f.same(map[string]int{"ok": callers}, got)
	f.same(int64(1), fresh.Load())
}

func raceOneChain(f *fixture) {
	lists := make([][]flows.Sealed, callers)
	for i := range lists {
		lists[i], _ = f.seal("system", flows.ChainHead{}, 1+i%3)
	}
	got := f.race(func(i int) error {
		_, err := f.s.Apply(f.ctx, flows.Change{Chain: "system", Entries: lists[i]})
		return err
	})
	f.same(map[string]int{"ok": 1, "conflict": callers - 1}, got)
}

func raceEachJobOnce(f *fixture) {
	const n = 500
	var jobs []flows.Job
	for i := range n {
		jobs = append(jobs, job("a", fmt.Sprint(i), noon))
	}
	f.write(jobs...)
	var mu sync.Mutex
	times := map[string]int{}
	got := f.race(func(i int) error {
		for {
			mine, err := f.s.Claim(f.ctx, fmt.Sprint(i), noon, time.Minute, 7)
			if err != nil || len(mine) == 0 {
				return err
			}
			for _, j := range mine {
				mu.Lock()
				times[j.Key]++
				mu.Unlock()
				if _, err := f.s.Apply(f.ctx, flows.Change{Done: &j}); err != nil {
					return err
				}
			}
		}
	})
	f.same(map[string]int{"ok": callers}, got)
	f.same(n, len(times))
	for key, k := range times {
		if k != 1 {
			f.Errorf("job %s was claimed %d times", key, k)
		}
	}
}

// raceOneALane has jobs of a few lanes written leased, claimed and finished all at
// once; nobody may ever hold two of a lane.
func raceOneALane(f *fixture) {
	const lanes, rounds = 3, 6
	var held [lanes]atomic.Int64
	work := func(j flows.Job) error {
		var lane int
		if _, err := fmt.Sscanf(j.Lane, "lane%d", &lane); err != nil {
			return err
		}
		if held[lane].Add(1) != 1 {
			return fmt.Errorf("two jobs of lane %d side by side", lane)
		}
		held[lane].Add(-1)
		_, err := f.s.Apply(f.ctx, flows.Change{Done: &j})
		return err
	}
	got := f.race(func(i int) error {
		owner := fmt.Sprint("owner", i)
		for k := range rounds {
			lane := fmt.Sprint("lane", (i+k)%lanes)
			stored, err := f.s.Apply(f.ctx, flows.Change{Jobs: []flows.Job{
				leasedTo(owner, in(lane, job("a", fmt.Sprint(i, ".", k), noon))),
			}})
			if err != nil {
				return err
			}
			claimed, err := f.s.Claim(f.ctx, owner, noon, time.Hour, 2)
			if err != nil {
				return err
			}
			for _, j := range append(stored, claimed...) {
				if j.LeasedTo != owner {
					continue
				}
				if err := work(j); err != nil {
					return err
				}
			}
		}
		return nil
	})
	f.same(map[string]int{"ok": callers}, got)
}

// raceNeighbours commits good and bad changes together: each has its own fate.
func raceNeighbours(f *fixture) {
	for round := range 5 {
		good := func(i int) bool { return i%3 != 0 }
		changes := make([]flows.Change, callers)
		for i := range changes {
			changes[i] = f.step(asks(flows.RequestID(fmt.Sprintf("req_%d_%02d", round, i)), flows.PersonID(fmt.Sprintf("T/U%d_%d", round, i)), "db"), flows.StateSubmitted)
			changes[i].Jobs = []flows.Job{job(flows.JobNotice, fmt.Sprint(round, "/", i), noon)}
			if !good(i) {
				changes[i].Inbox = "not there" // fails at the very end
			}
		}
		got := f.race(func(i int) error { _, err := f.s.Apply(f.ctx, changes[i]); return err })
		bad := (callers + 2) / 3
		f.same(map[string]int{"ok": callers - bad, "lease lost": bad}, got)
		for i, c := range changes {
			_, err := f.s.Load(f.ctx, c.Request.ID)
			if (err == nil) != good(i) {
				f.Errorf("request %s after the batch: %v", c.Request.ID, err)
			}
		}
		f.same(callers-bad, len(f.claim(fmt.Sprint(round), noon, callers)))
	}
}

// raceCrossingOrders writes the same jobs in opposite orders: a database that locks
// rows as they come must not leave anybody with its deadlock.
func raceCrossingOrders(f *fixture) {
	for range 3 {
		got := f.race(func(i int) error {
			var jobs []flows.Job
			for k := range 12 {
				jobs = append(jobs, job("a", fmt.Sprint(k), noon))
			}
			if i%2 == 0 {
				slices.Reverse(jobs)
			}
			_, err := f.s.Apply(f.ctx, flows.Change{Jobs: jobs})
			return err
		})
		f.same(map[string]int{"ok": callers}, got)
		got = f.race(func(i int) error {
			here, there := "here", "there"
			if i%2 == 0 {
				here, there = there, here
			}
			_, err := f.s.Apply(f.ctx, flows.Change{
				Cancel: []string{flows.JobKey("b", here)}, Jobs: []flows.Job{job("b", there, noon.Add(time.Hour))},
			})
			return err
		})
		f.same(map[string]int{"ok": callers}, got)
	}
	if got := f.claim("x", noon, 100); len(got) != 12 || got[0].Rev != 3*callers {
		f.Errorf("claimed %v, want 12 jobs that were written %d times", got, 3*callers)
	}
}
