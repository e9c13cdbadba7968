package bottest_test

import (
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// askedManagers is Sam's request in the hands of both managers: his card and theirs.
func askedManagers(s *bottest.Story, target, reason string) (his, maras, noors slackfake.Message) {
	s.T.Helper()
	s.As(company.Sam).Asks(target, reason, nil)
	his = s.As(company.Sam).Sees("You asked for "+target, "Waiting for", "<@U0MARA>, <@U0NOOR>", reason)
	maras = s.As(company.Mara).Sees("<@U0SAM> asks for "+target, "Waiting for you", reason)
	noors = s.As(company.Noor).Sees("<@U0SAM> asks for "+target, "Waiting for you", reason)
	return his, maras, noors
}

// givenBy is a grant of Sam's that Mara approved.
func givenBy(s *bottest.Story, target string) (his, maras slackfake.Message) {
	s.T.Helper()
	_, card, _ := askedManagers(s, target, "the ledger is stuck")
	s.As(company.Mara).Presses(card, "bg:approve")
	s.As(company.Sam).Sees("You have access to " + target + " until")
	his = s.As(company.Sam).Sees("You asked for "+target, "Approved by <@U0MARA>", "Access works until")
	maras = s.As(company.Mara).Sees("asks for "+target, "Approved by <@U0MARA>", "Access works until")
	s.As(company.Noor).Sees("asks for "+target, "Approved by <@U0MARA>", "Access works until")
	return his, maras
}

// Noor denies, with a reason that Sam reads; nothing is given, and no copy can be
// clicked any more.
func TestDenied(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, _, card := askedManagers(s, "Production database", "curious about the logs")
	s.As(company.Noor).Denies(card, "use the read-only replica")
	s.As(company.Sam).Sees("Production database was not granted: denied by <@U0NOOR>, “use the read-only replica”")
	s.As(company.Sam).Sees("You asked for Production database", "*Denied* by <@U0NOOR>", "Nothing was granted")
	s.As(company.Mara).Sees("<@U0SAM> asks for Production database", "*Denied* by <@U0NOOR>", "use the read-only replica")
	s.Has()
	s.NoButtons()
	s.Expect("submit", "route", "deny")
	if r := s.Only(); r.State != flows.StateDenied || r.DecidedBy != company.Person(company.Noor) {
		t.Errorf("it is %s by %s", r.State, r.DecidedBy)
	}
	// The next card for the same tells that it was denied before.
	_, maras, _ := askedManagers(s, "Production database", "really needed now")
	s.As(company.Mara).Sees("really needed now", "The same was denied once in the day before")
	s.As(company.Mara).Denies(maras, "no")
	s.As(company.Sam).Sees("was not granted: denied by <@U0MARA>")
	s.As(company.Noor).Sees("really needed now", "*Denied* by <@U0MARA>")
}

// Sam needs it no longer: his request is taken back everywhere.
func TestCancelledBeforeTheDecision(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	his, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Sam).Presses(his, "bg:cancel")
	s.As(company.Sam).Sees("You asked for Production database", "*Cancelled* by <@U0SAM>", "Nothing was granted")
	s.As(company.Mara).Sees("asks for Production database", "*Cancelled* by <@U0SAM>")
	s.As(company.Noor).Sees("asks for Production database", "*Cancelled* by <@U0SAM>")
	s.NoButtons()
	s.As(company.Mara).PressesOld(maras, "bg:approve")
	s.As(company.Mara).Told("This request was withdrawn. Nothing was changed.")
	s.Has()
	s.Expect("submit", "route", "cancel")
}

// Approved, but the target is slow: Sam cancels, and the grant that is under way ends.
func TestCancelledAfterTheDecision(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.Database.Fail(pending())
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Mara).Presses(maras, "bg:approve")
	giving := s.As(company.Sam).Sees("You asked for Production database", "Approved by <@U0MARA>", "Access is being given")
	s.As(company.Sam).Presses(giving, "bg:cancel")
	s.As(company.Sam).Sees("You asked for Production database", "*Cancelled* by <@U0SAM>", "There is no access")
	s.As(company.Sam).Sees("Your access to Production database has ended: cancelled by <@U0SAM>")
	s.As(company.Mara).Sees("asks for Production database", "Approved by <@U0MARA>", "*Cancelled* by <@U0SAM>")
	s.As(company.Noor).Sees("asks for Production database", "*Cancelled* by <@U0SAM>")
	s.NoButtons()
	s.Has()
	if r := s.Only(); r.State != flows.StateCancelled {
		t.Errorf("it is %s", r.State)
	}
}

// Mara is an admin: she may cancel Sam's request, and he is told.
func TestCancelledByAnAdmin(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`return slack.group(["U0NOOR"])`))
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	s.As(company.Noor).Sees("<@U0SAM> asks for Production database", "Waiting for you")
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	s.Quiet()
	s.As(company.Mara).Types("/access cancel " + s.Only().ID.Short())
	s.As(company.Mara).Told("On it")
	s.As(company.Mara).Told("You have no open request or access")
	s.Cancels(company.Mara)
	s.As(company.Sam).Sees("<@U0MARA> cancelled your request for Production database. Nothing was granted.")
	s.As(company.Sam).Sees("You asked for Production database", "*Cancelled* by <@U0MARA>")
	s.As(company.Noor).Sees("<@U0SAM> asks for Production database", "*Cancelled* by <@U0MARA>")
	s.NoButtons()
}

// Sam says that he is done, by the command.
func TestDoneByCommand(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	s.Has(company.Sam)
	s.As(company.Sam).Types("/access done " + s.Only().ID.Short())
	s.As(company.Sam).Told("On it")
	s.As(company.Sam).Sees("Your access to Production database has ended: <@U0SAM> is done")
	s.As(company.Sam).Sees("You asked for Production database", "*Ended*: <@U0SAM> is done")
	s.As(company.Mara).Sees("asks for Production database", "Approved by <@U0MARA>", "*Ended*: <@U0SAM> is done")
	s.As(company.Noor).Sees("asks for Production database", "Ended")
	s.Has()
	s.NoButtons()
	s.As(company.Sam).Types("/access done " + s.Only().ID.Short())
	s.As(company.Sam).Told("On it")
	s.As(company.Sam).Told("You have no open request or access")
}

// Who approved may revoke, with a reason that the holder reads. The target ends it first.
func TestRevokedByTheApprover(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras := givenBy(s, "Production database")
	s.As(company.Mara).Revokes(maras, "wrong cluster")
	s.As(company.Sam).Sees("Your access to Production database has ended: revoked by <@U0MARA>, “wrong cluster”")
	s.As(company.Sam).Sees("You asked for Production database", "*Ended*: revoked by <@U0MARA>")
	s.As(company.Noor).Sees("asks for Production database", "*Ended*: revoked by <@U0MARA>")
	s.Has()
	s.NoButtons()
	s.Expect("submit", "route", "approve", "activate", "observed", "granted", "revoke", "revoked")
}

// Noor could have decided, so she may revoke what Mara approved.
func TestRevokedByWhoCouldHaveDecided(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	noors := s.As(company.Noor).Sees("asks for Production database", "Access works until")
	s.As(company.Noor).Revokes(noors, "the deploy freeze began")
	s.As(company.Sam).Sees("Your access to Production database has ended: revoked by <@U0NOOR>")
	s.As(company.Mara).Sees("asks for Production database", "*Ended*: revoked by <@U0NOOR>")
	s.As(company.Sam).Sees("You asked for Production database", "Ended")
	s.Has()
}

// Dana approved herself; the flow's channel sees it. Lena may not revoke it, Mara, an
// admin, may.
func TestASelfApprovalIsRevokedByAnAdmin(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	dana := s.As(company.Dana)
	dana.Asks("Production database", "payments are down", nil)
	dana.Presses(dana.Sees("You asked for Production database", "you may approve this yourself"), "bg:approve")
	dana.Sees("You have access to Production database until")
	fyi := s.In("C0PROD", "<@U0DANA> asks for Production database", "Approved by <@U0DANA> for themselves, on call for primary, level 1", "Access works until")
	s.As(company.Lena).Revokes(fyi, "looks odd")
	s.As(company.Lena).Sees("This can be revoked by who decided it, who could decide it now, or an admin. Nothing was changed.")
	s.Has(company.Dana)
	s.As(company.Mara).Revokes(fyi, "Dana is on holiday")
	dana.Sees("Your access to Production database has ended: revoked by <@U0MARA>, “Dana is on holiday”")
	dana.Sees("You asked for Production database", "*Ended*: revoked by <@U0MARA>")
	s.In("C0PROD", "<@U0DANA> asks for Production database", "*Ended*: revoked by <@U0MARA>")
	s.Has()
	s.NoButtons()
	if f := s.Facts(s.Only().ID, "refused"); f["code"] != string(flows.RefusedNotEligible) {
		t.Errorf("recorded was %v", f)
	}
}

// Nobody answers: a reminder, Sam asks the next people himself, they do not answer
// either, and the request lapses. He is told each time.
func TestForwardedAndLapsed(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	sam := s.As(company.Sam)
	his, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	if hasButton(his, "bg:forward") {
		t.Error("the next people can be asked before the reminder")
	}
	s.FastForward(5 * time.Minute)
	sam.Sees("Nobody has answered about Production database for 5 min", "<@U0MARA>, <@U0NOOR> were reminded", "You can ask the next people now")
	for _, who := range []string{company.Mara, company.Noor} {
		s.As(who).Sees("<@U0SAM> has waited 5 min for your decision about Production database")
	}
	his = sam.Sees("You asked for Production database", "Waiting for")
	sam.Presses(his, "bg:forward")
	sam.Sees("more people are asked now: <@U0MARA>, <@U0NOOR>, <@U0LENA>")
	s.In("C0SREM", "<@U0SAM> asks for Production database", "Waiting for you", "Nobody answered before")
	s.As(company.Mara).Sees("<@U0SAM> asks for Production database", "Waiting for you")
	s.FastForward(5 * time.Minute)
	sam.Sees("Nobody has answered about Production database for 5 min", "<@U0LENA> were reminded")
	s.In("C0SREM", "this still waits for one of you", "<@U0LENA>")
	s.FastForward(10 * time.Minute)
	sam.Sees("Nobody decided about Production database in time, so your request lapsed. Nothing was granted.")
	lapsed := sam.Sees("You asked for Production database", "Lapsed")
	if !hasButton(lapsed, "bg:more") {
		t.Error("Sam cannot ask again from his card")
	}
	s.In("C0SREM", "<@U0SAM> asks for Production database", "Lapsed")
	s.As(company.Mara).Sees("asks for Production database", "Lapsed")
	s.As(company.Noor).Sees("asks for Production database", "Lapsed")
	s.NoButtons()
	s.As(company.Mara).PressesOld(maras, "bg:approve")
	s.As(company.Mara).Told("This request lapsed")
	s.Has()
	s.Expect("submit", "route", "remind", "forward", "remind", "lapse")
}

// The fallback decides late, and the managers' old cards still count.
func TestTheFirstStageMayStillDecideAfterTheForward(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production console", "the ledger is stuck")
	s.FastForward(15 * time.Minute)
	s.As(company.Sam).Sees("more people are asked now")
	s.As(company.Sam).Sees("Nobody has answered about Production console for 5 min")
	s.In("C0SREM", "asks for Production console")
	for _, who := range []string{company.Mara, company.Noor} {
		s.As(who).Sees("has waited 5 min")
	}
	s.As(company.Mara).PressesOld(maras, "bg:approve") // her card was redrawn; she sees it anew
	s.Quiet()
	now := s.As(company.Mara).Sees("asks for Production console")
	if hasButton(now, "bg:approve") {
		s.As(company.Mara).Told("out of date")
		s.As(company.Mara).Presses(now, "bg:approve")
	}
	s.As(company.Sam).Sees("You have access to Production console until")
	s.In("C0SREM", "asks for Production console", "Approved by <@U0MARA>")
	s.As(company.Sam).Sees("You asked for Production console", "Approved by <@U0MARA>")
	s.As(company.Noor).Sees("asks for Production console", "Approved by <@U0MARA>")
}

// Access that ends is told some minutes before, ends at the target, and is called
// ended only then.
func TestExpiry(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	s.Has(company.Sam)
	s.FastForward(29*time.Minute + 50*time.Second)
	s.As(company.Sam).Sees("Your access to Production database ends", "press “Extend” before then")
	s.Has(company.Sam)
	s.FastForward(15 * time.Second)
	s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
	s.As(company.Sam).Sees("You asked for Production database", "*Ended*: its time was up")
	s.Has()
	s.NoButtons()
	s.As(company.Mara).Sees("Ended")
	s.As(company.Noor).Sees("Ended")
}

func hasButton(m slackfake.Message, action string) bool {
	for _, e := range m.Elements() {
		if e.ActionID == action {
			return true
		}
	}
	return false
}
