package flows

import "time"

// Counted tells each of the totals that a request has added to by now: as it came to be in
// each state that counts, and when its entries say that was. Whoever holds totals to
// requests asks for it after the last entry. The names are good until each returns.
func (t *Telling) Counted(each func(at time.Time, names []TotalName)) {
	as := func(s State, at time.Time) {
		if !at.IsZero() {
			t.counts = t.r.appendCounts(t.counts[:0], s)
			each(at, t.counts)
		}
	}
	as(StateSubmitted, t.submitted)
	if t.state != StateDenied {
		as(StateApproved, t.decided)
	}
	as(StateActive, t.granted)
	switch {
	case t.state == StateDenied:
		as(StateDenied, t.decided)
	case t.state.Final():
		as(t.state, t.over)
	}
}
