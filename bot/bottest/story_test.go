package bottest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// Dana is on call: she approves herself, uses the access, and it ends by itself.
func TestOnCallApprovesHerself(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	dana := s.As(company.Dana)

	dana.Asks("Production console", "payments are down", nil)
	card := dana.Sees("You asked for Production console", "you may approve this yourself", "on call for primary, level 1")
	dana.Presses(card, "bg:approve")
	dana.Sees("You asked for Production console", "Access works until")
	dana.Sees("You have access to Production console until", "How to use it")
	s.In("C0PROD", "asks for Production console", "for themselves, on call")

	s.FastForward(26 * time.Minute)
	dana.Sees("Your access to Production console ends")
	s.FastForward(5 * time.Minute)
	dana.Sees("Your access to Production console has ended: its time was up")
	dana.Sees("You asked for Production console", "Ended")

	r := s.Only()
	if r.State != flows.StateEnded || !r.SelfMade || r.Proof == nil || r.Proof.Entry.PolicyName != "primary" {
		t.Errorf("the request is %+v", r)
	}
	want := []string{"submit", "route", "approve", "activate", "granted", "expiring", "end", "revoked"}
	if diff := cmp.Diff(want, s.Entries(r.ID)); diff != "" {
		t.Errorf("audit entries (-want +got):\n%s", diff)
	}
}

// Sam is not on call: both managers get the card, the first decision counts.
func TestManagersDecide(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	sam, mara, noor := s.As(company.Sam), s.As(company.Mara), s.As(company.Noor)

	sam.Asks("Production database", "the ledger is stuck", nil)
	sam.Sees("You asked for Production database", "Waiting for", "<@U0MARA>, <@U0NOOR>")
	card := mara.Sees("<@U0SAM> asks for Production database", "the ledger is stuck", "Why you:", "on call for mgr_on_call")
	late := noor.Sees("<@U0SAM> asks for Production database")
	mara.Presses(card, "bg:approve")
	sam.Sees("You have access to Production database until", "psql prod")
	sam.Sees("You asked for Production database", "Approved by <@U0MARA>")
	noor.Sees("<@U0SAM> asks for Production database", "Approved by <@U0MARA>", "Access works until")
	if _, err := noor.ClickStale(late, "bg:approve"); err != nil {
		t.Fatal(err)
	}
	noor.Told("already decided: approved by <@U0MARA>")
	if a := s.Database.Holders(); len(a) != 1 || a[0].Slack != company.Sam {
		t.Errorf("the database gives access to %v", a)
	}
	mine := sam.Sees("You asked for Production database", "Access works until")
	sam.Presses(mine, "bg:done")
	sam.Sees("Your access to Production database has ended: <@U0SAM> is done")
	if a := s.Database.Holders(); len(a) != 0 {
		t.Errorf("the database still gives access to %v", a)
	}
}
