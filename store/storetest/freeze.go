package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"breakglass/flows"
)

func freezeCases() []contractCase {
	return []contractCase{
		{"Freeze/NothingIsGiven", freezeStops},
		{"Freeze/AfterReopen", func(f *fixture) {
			r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted, flows.StatePending)
			f.freeze(noon)
			f.reopen()
			f.refused(f.step(r, flows.StateApproved), flows.ErrFrozen)
		}},
		{"Freeze/Race", freezeRace},
	}
}

// freeze freezes everything; with the zero time it lifts the freeze.
func (f *fixture) freeze(since time.Time) { f.apply(flows.Change{Freeze: &since}) }

// freezeStops: what gives is refused while it lasts; what ends, or says no, is not.
func freezeStops(f *fixture) {
	pending := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted, flows.StatePending)
	routed := f.walk(asks("req_2", "T/USAM", "db"), flows.StateSubmitted)
	approved := f.walk(asks("req_3", "T/UMARA", "db"), flows.StateSubmitted, flows.StatePending, flows.StateApproved)
	active := f.walk(asks("req_4", "T/UNOOR", "db"), flows.StateSubmitted, flows.StatePending, flows.StateApproved, flows.StateGranting)
	f.freeze(noon)
	f.refused(f.step(pending, flows.StateApproved), flows.ErrFrozen)
	f.refused(f.step(routed, flows.StateApproved), flows.ErrFrozen)
	f.refused(f.step(approved, flows.StateGranting), flows.ErrFrozen)
	active = f.walk(active, flows.StateActive, flows.StateEnding, flows.StateEnded) // the target had been asked before
	f.same(flows.StateEnded, active.State)
	f.walk(routed, flows.StatePending, flows.StateDenied)
	f.freeze(noon.Add(time.Minute)) // again is no other thing
	f.refused(f.step(pending, flows.StateApproved), flows.ErrFrozen)
	f.freeze(time.Time{})
	f.walk(pending, flows.StateApproved, flows.StateGranting)
	f.walk(approved, flows.StateGranting)
}

// freezeRace: what is not approved when the freeze is in force never will be.
func freezeRace(f *fixture) {
	changes := make([]flows.Change, callers)
	for i := range changes {
		r := asks(flows.RequestID(fmt.Sprintf("req_%02d", i)), flows.PersonID(fmt.Sprintf("T/U%02d", i)), "db")
		changes[i] = f.step(f.walk(r, flows.StateSubmitted, flows.StatePending), flows.StateApproved)
	}
	approved := func() (n int) {
		list, err := f.s.Requests(f.ctx, flows.RequestFilter{States: []flows.State{flows.StateApproved}, Limit: callers})
		f.is(err, nil)
		return len(list)
	}
	var then atomic.Int64
	at := noon
	got := f.race(func(i int) error {
		if i != callers/2 {
			_, err := f.s.Apply(f.ctx, changes[i])
			if errors.Is(err, flows.ErrFrozen) {
				return flows.ErrFrozen
			}
			return err
		}
		if _, err := f.s.Apply(f.ctx, flows.Change{Freeze: &at}); err != nil {
			return err
		}
		then.Store(int64(approved()))
		return nil
	})
	f.same(callers, got["ok"]+got[flows.ErrFrozen.Error()])
	f.same(int(then.Load()), approved())
	f.same(got["ok"]-1, approved())
}
