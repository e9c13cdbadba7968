package bottest_test

import (
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// Two grants for the same person and target overlap: when the first ends, the access
// stays at the target, and Sam is told through which grant, until when; with the last
// it ends.
func TestOverlappingGrants(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	s.FastForward(10 * time.Minute)
	sam, mara := s.As(company.Sam), s.As(company.Mara)
	sam.Asks("Production database", "and the replica", slackfake.Values{"duration": "1h"})
	sam.Sees("You asked for Production database", "and the replica", "Waiting for")
	card := mara.Sees("and the replica", "Waiting for you")
	s.As(company.Noor).Sees("and the replica", "Waiting for you")
	mara.Presses(card, "bg:approve")
	sam.Sees("and the replica", "Access works until")
	second := s.Requests()[0]
	if n := s.All(company.Sam, "You have access to Production database until"); n != 2 {
		t.Errorf("Sam was told %d times that he has access", n)
	}

	s.FastForward(20 * time.Minute)
	sam.Sees("One of your grants for Production database has ended: its time was up", "You have *still access* through `"+second.ID.Short()+"` until")
	sam.Sees("the ledger is stuck", "*Ended*: its time was up", "There is *still access* through `"+second.ID.Short()+"` until")
	s.Has(company.Sam)
	revoked := 0
	for _, e := range s.Database.Ledger() {
		if e.Outcome == receiver.Revoked {
			revoked++
		}
	}
	if revoked != 0 {
		t.Errorf("the database was told %d times to end what goes on", revoked)
	}

	s.FastForward(41 * time.Minute)
	s.All(company.Sam, "Your access to Production database ends")
	sam.Sees("Your access to Production database has ended: its time was up")
	sam.Sees("and the replica", "*Ended*: its time was up")
	s.Has()
	s.NoButtons()
	for _, who := range []string{company.Mara, company.Noor} {
		s.All(who, "asks for Production database")
	}
}

// The second is handed back first: the access stays until the first ends.
func TestTheLongerGrantIsHandedBackFirst(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	s.FastForward(time.Minute)
	sam, mara := s.As(company.Sam), s.As(company.Mara)
	sam.Asks("Production database", "and the replica", slackfake.Values{"duration": "1h"})
	mara.Presses(mara.Sees("and the replica", "Waiting for you"), "bg:approve")
	mine := sam.Sees("and the replica", "Access works until")
	s.Quiet()
	s.All(company.Sam, "You have access to Production database until")
	sam.Presses(mine, "bg:done")
	sam.Sees("One of your grants for Production database has ended: <@U0SAM> is done", "You have *still access*")
	s.Has(company.Sam)
	s.FastForward(30 * time.Minute)
	s.All(company.Sam, "Your access to Production database ends")
	sam.Sees("Your access to Production database has ended: its time was up")
	s.Has()
	for _, who := range []string{company.Mara, company.Noor, company.Sam} {
		s.All(who, "Production database")
	}
}

// Sam had the access before Breakglass gave it: it is never taken away.
func TestAccessOfBeforeStays(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.Database.Give(receiver.Holder{SlackTeam: company.Team, Slack: company.Sam, Target: "prod_database"})
	givenBy(s, "Production database")
	s.As(company.Sam).Types("/access done " + s.Only().ID.Short())
	s.As(company.Sam).Told("On it")
	s.As(company.Sam).Sees("Your access to Production database has ended: <@U0SAM> is done")
	s.As(company.Sam).Sees("You asked for Production database", "Ended")
	s.As(company.Mara).Sees("Ended")
	s.As(company.Noor).Sees("Ended")
	s.Has(company.Sam)
	r := s.Only()
	if f := s.Facts(r.ID, "revoked"); r.State != flows.StateEnded || f["left_as_it_was"] != true {
		t.Errorf("it is %s, recorded as %v", r.State, f)
	}
	if f := s.Facts(r.ID, "observed"); f["had_before"] != "yes" {
		t.Errorf("observed was %v", f)
	}
}

// One open request for the same is enough.
func TestAskingTwice(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Sam).Asks("Production database", "once more", nil)
	s.As(company.Sam).Sees("You already have an open request for this (" + s.Only().ID.Short() + "). Nothing was submitted.")
	s.Only()
}
