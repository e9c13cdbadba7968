package flows_test

import (
	"slices"
	"testing"
	"time"

	"breakglass/flows"
)

// reviewing is the configuration with reviews; its third version has none any more.
func reviewing(cat *flows.Catalog) *flows.Catalog {
	f := cat.Flows["prod"]
	if f.Hash != "f3" {
		f.Review, f.ReviewWithin = flows.ReviewSelf, 20*time.Minute
	}
	if f.Hash == "f2" { // people are asked one by one
		f.Fallback.Destination = ""
	}
	cat.Auditors = []flows.Principal{"UHANA"}
	return cat
}

// TestHistoriesOfReviews plays histories in which others look back at what people
// approved for themselves.
func TestHistoriesOfReviews(t *testing.T) {
	t.Parallel()
	n := uint64(5_000)
	if raceDetector || testing.Short() {
		n = 200
	}
	histories(t, n, func(h *history) { h.reviews = true })
}

// pressReview has somebody review what is to be reviewed, or was, or was not to be.
func (h *history) pressReview(r flows.Request) bool {
	often := map[flows.ReviewState]int{flows.ReviewNone: 1, flows.ReviewOpen: 15, flows.ReviewClosed: 8}
	if h.Seed.IntN(20) >= often[r.ReviewIs()] {
		return false
	}
	h.press(press{
		ID: r.ID, Verb: flows.VerbReview, By: h.pick(cast),
		Verdict: []flows.Verdict{flows.VerdictOK, flows.VerdictNotOK, "perhaps"}[h.Seed.IntN(3)],
	})
	return true
}

// watchReview holds each change of a review against the table and the rules, in the
// test's own words.
func (h *history) watchReview(was, now flows.Request) {
	i, from, to := &h.inv, was.ReviewIs(), now.ReviewIs()
	if from != to && !slices.ContainsFunc(flows.ReviewSteps(), func(s flows.ReviewStep) bool { return s.From == from && s.To == to }) {
		i.fail("I19", "the review of %s went from %q to %q", now.ID, from, to)
	}
	ended := !was.State.Final() && now.State.Final()
	switch {
	case ended && was.Review != nil && !now.GrantedAt.IsZero() && to != flows.ReviewOpen:
		i.fail("review", "%s has ended, was approved by its requester, and nobody is to look at it", now.ID)
	case to == flows.ReviewOpen && from == flows.ReviewNone && (!ended || !now.SelfMade):
		i.fail("review", "%s is to be reviewed, and it is %s", now.ID, now.State)
	case was.DecidedAt.IsZero() && now.SelfMade && (now.Review != nil) != (h.Catalog.Flows[now.Content.Flow].Review == flows.ReviewSelf):
		i.fail("review", "%s was approved by its requester; that it is reviewed does not follow the flow", now.ID)
	case from == flows.ReviewClosed && (now.Review == nil || *was.Review != *now.Review):
		i.fail("review", "%s was reviewed twice", now.ID)
	case from != to && to == flows.ReviewClosed:
		h.watchReviewer(now)
	}
}

func (h *history) watchReviewer(r flows.Request) {
	i, by := &h.inv, r.Review.By
	may := by == adam || by == hana || by == noor // the admin, the auditor, and the fallback's other one
	switch {
	case by == r.Content.Requester, by == r.Content.Beneficiary, by == r.DecidedBy:
		i.fail("review", "%s was reviewed by %s, who had it", r.ID, by)
	case !may || h.Standings[by] != flows.StandingMember || h.SlackDown:
		i.fail("review", "%s was reviewed by %s, who may not", r.ID, by)
	case r.Review.Verdict != flows.VerdictOK && r.Review.Verdict != flows.VerdictNotOK:
		i.fail("review", "%s was reviewed: %q", r.ID, r.Review.Verdict)
	}
}
