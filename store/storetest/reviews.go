package storetest

import (
	"context"
	"fmt"
	"time"

	"breakglass/flows"
)

func reviewCases() []contractCase {
	return []contractCase{
		{"Review/OpenedAndClosed", reviewOpenedAndClosed},
		{"Review/NeverTakenBack", reviewNeverTakenBack},
		{"Review/StepsHold", reviewStepsHold},
		{"Review/NotErasedMeanwhile", reviewNotErased},
	}
}

// reviews is the store as lists of what is to be reviewed see it.
func (f *fixture) reviews() (ids []flows.RequestID) {
	f.Helper()
	s, ok := f.s.(interface {
		OpenReviews(ctx context.Context, n int) ([]flows.Request, error)
	})
	if !ok {
		f.Skip("this store lists no reviews")
	}
	all, err := s.OpenReviews(f.ctx, 10)
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	return ids
}

// ended is a request whose access has ended, with a review in the state.
func (f *fixture) ended(id flows.RequestID, p flows.PersonID, is flows.ReviewState, due time.Duration) flows.Request {
	f.Helper()
	r := f.walk(asks(id, p, "db"), pathTo(flows.StateEnding)...)
	c := f.step(r, flows.StateEnded)
	c.Request.Review = &flows.Review{State: is, Within: due, DueAt: noon.Add(due)}
	f.apply(c)
	return *c.Request
}

// reviewed is the change that brings the review of a request that is over into a state.
func (f *fixture) reviewed(r flows.Request, is flows.ReviewState) flows.Change {
	f.Helper()
	c := f.step(r, r.State)
	v := *r.Review
	v.State, v.By, v.Verdict, v.Note = is, "T/UMARA", flows.VerdictNotOK, flows.NewText("no ticket")
	c.Request.Review = &v
	return c
}

func reviewOpenedAndClosed(f *fixture) {
	late := f.ended("req_1", "T/UDANA", flows.ReviewOpen, 2*time.Hour)
	soon := f.ended("req_2", "T/USAM", flows.ReviewOpen, time.Hour)
	f.ended("req_3", "T/UMARA", flows.ReviewNone, time.Hour)
	f.same([]flows.RequestID{"req_2", "req_1"}, f.reviews())
	closed := f.reviewed(soon, flows.ReviewClosed)
	f.apply(closed)
	f.same([]flows.RequestID{"req_1"}, f.reviews())
	f.same(*closed.Request, f.load("req_2").Request)
	f.apply(f.step(late, late.State)) // another step leaves it open
	f.same([]flows.RequestID{"req_1"}, f.reviews())
}

func reviewNeverTakenBack(f *fixture) {
	f.same(0, len(f.reviews()))
	r := f.ended("req_1", "T/UDANA", flows.ReviewOpen, time.Hour)
	closed := f.reviewed(r, flows.ReviewClosed)
	f.apply(closed)
	f.refused(f.reviewed(*closed.Request, flows.ReviewOpen), nil)
	f.refused(f.reviewed(*closed.Request, "postponed"), nil)
	f.same(0, len(f.reviews()))
	live := f.walk(asks("req_2", "T/USAM", "db"), pathTo(flows.StateActive)...)
	live.Review = &flows.Review{State: flows.ReviewOpen, DueAt: noon.Add(time.Hour)}
	f.refused(f.step(live, flows.StateEnding), nil) // it has not ended
}

// reviewStepsHold tries every pair of states around the store: those of the domain's
// table are taken, no other.
func reviewStepsHold(f *fixture) {
	db := f.raw()
	f.ended("req_open", "T/UDANA", flows.ReviewOpen, time.Hour)
	f.apply(f.reviewed(f.ended("req_closed", "T/USAM", flows.ReviewOpen, time.Hour), flows.ReviewClosed))
	f.ended("req_", "T/UMARA", flows.ReviewNone, time.Hour)
	for _, from := range []flows.ReviewState{flows.ReviewNone, flows.ReviewOpen, flows.ReviewClosed} {
		for _, to := range []flows.ReviewState{flows.ReviewNone, flows.ReviewOpen, flows.ReviewClosed} {
			statement := fmt.Sprintf("UPDATE reviews SET state = '%s' WHERE request = 'req_%s'", to, from)
			switch {
			case from == flows.ReviewNone:
				statement = fmt.Sprintf("INSERT INTO reviews (request, state, due_at) VALUES ('req_', '%s', 1)", to)
			case to == flows.ReviewNone:
				statement = fmt.Sprintf("DELETE FROM reviews WHERE request = 'req_%s'", from)
			}
			allowed := false
			for _, s := range flows.ReviewSteps() {
				allowed = allowed || s.From == from && s.To == to
			}
			if err := undone(f, db, statement); allowed != (err == nil) {
				f.Errorf("%q to %q: %v", from, to, err)
			}
		}
	}
	if err := undone(f, db, "UPDATE reviews SET due_at = due_at + 1 WHERE state = 'open'"); err == nil {
		f.Error("a review can be put off")
	}
}

func reviewNotErased(f *fixture) {
	f.eraser()
	r := f.ended("req_1", leaver, flows.ReviewOpen, time.Hour)
	foot := f.footprint()
	f.same([]flows.RequestID{"req_1"}, foot.Reviews)
	_, err := f.eraser().Erase(f.ctx, f.erasure(foot))
	f.is(err, flows.ErrConflict)
	f.sameFootprint(foot)
	f.apply(f.reviewed(r, flows.ReviewClosed))
	if foot = f.footprint(); len(foot.Reviews) != 0 {
		f.Errorf("it was reviewed: %v", foot.Reviews)
	}
	if _, err := f.eraser().Erase(f.ctx, f.erasure(foot)); err != nil {
		f.Fatal(err)
	}
	if v := f.load("req_1").Request.Review; !v.Note.Empty() || v.By != "T/UMARA" {
		f.Errorf("what is left of the review: %+v", v)
	}
	f.sameFootprint(flows.Footprint{})
}
