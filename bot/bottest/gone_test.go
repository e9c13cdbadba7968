package bottest_test

import (
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// Who leaves the company loses the access within minutes, whatever its time.
func TestADeactivatedHolderLosesTheAccess(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	dana := s.As(company.Dana)
	dana.Asks("Production database", "payments are down", nil)
	dana.Presses(dana.Sees("you may approve this yourself"), "bg:approve")
	dana.Sees("You have access to Production database")
	s.In("C0PROD", "asks for Production database")
	s.Quiet()
	if err := s.Slack.ChangeUser(company.Dana, func(u *slackfake.User) { u.Deleted = true }); err != nil {
		t.Fatal(err)
	}
	s.FastForward(2 * time.Minute)
	s.Until("the access to end", func() bool { return s.Only().State == flows.StateEnded })
	if r := s.Only(); r.EndCause != flows.EndPerson || len(s.Database.Holders()) != 0 {
		t.Errorf("it ended by %s, the database gives access to %v", r.EndCause, s.Database.Holders())
	}
	s.All(company.Dana, "has ended")
	setAside(s, company.Dana, "was deactivated")
}
