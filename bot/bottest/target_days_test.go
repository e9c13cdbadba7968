package bottest_test

import (
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/target/receiver"
)

// approvedOnly is a request of Sam's that Mara approved while the target gives nothing.
func approvedOnly(s *bottest.Story) {
	s.T.Helper()
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Sam).Sees("You asked for Production database", "Approved by <@U0MARA>", "Access is being given")
	s.As(company.Noor).Sees("Access is being given")
	s.Quiet()
}

// hurriedTargets shortens what is waited for a target.
func hurriedTargets(o *company.Options) {
	o.App = func(a *app.Options) { a.TargetTimeout = 500 * time.Millisecond }
}

// outcomes counts what happened at the database.
func outcomes(s *bottest.Story) map[receiver.Outcome]int {
	n := map[receiver.Outcome]int{}
	for _, e := range s.Database.Ledger() {
		n[e.Outcome]++
	}
	return n
}

// The target does not give the access within ten minutes: it has failed, whatever it
// may have given is taken back, Sam and the operators are told.
func TestTheTargetGivesNothing(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]receiver.Fault{
		"down":           {Status: 503},
		"no answer":      {Drop: true},
		"not yet":        {Pending: true},
		"unauthorized":   {Status: 401},
		"an odd success": {Status: 204},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t)
			fault.Type = "access.grant"
			s.Database.Fail(fault)
			approvedOnly(s)
			s.FastForward(9 * time.Minute)
			if r := s.Only(); r.State != flows.StateGranting {
				t.Errorf("after nine minutes it is %s", r.State)
			}
			s.FastForward(2 * time.Minute)
			s.As(company.Sam).Sees("You were approved for Production database, but the target did not give the access", "taken back")
			failed := s.As(company.Sam).Sees("You asked for Production database", "~Approved by <@U0MARA>~ → *Failed*")
			if !hasButton(failed, "bg:more") {
				t.Error("Sam cannot ask again from his card")
			}
			s.As(company.Mara).Sees("*Failed*")
			s.As(company.Noor).Sees("*Failed*")
			s.In("C0ERRS", "<@U0SAM>’s request for Production database met a fault: the target did not confirm within the wait limit")
			s.Has()
			s.NoButtons()
			if r := s.Only(); r.State != flows.StateFailed {
				t.Errorf("it is %s", r.State)
			}
			s.Database.ClearFaults()
			s.FastForward(time.Hour)
			s.Has()
		})
	}
}

// The target says no: it has failed at once, and the operators read why.
func TestTheTargetRefuses(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.Database.Fail(receiver.Fault{Type: "access.grant", Refuse: "the role is frozen"})
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Sam).Sees("You were approved for Production database, but the target did not give the access")
	s.As(company.Sam).Sees("You asked for Production database", "*Failed*")
	s.As(company.Mara).Sees("*Failed*")
	s.As(company.Noor).Sees("*Failed*")
	s.In("C0ERRS", "refuses", "the role is frozen")
	s.Has()
}

// It comes back after three minutes: the access works from then on, for its whole time.
func TestTheTargetComesBack(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.Database.Fail(receiver.Fault{Type: "access.grant", Status: 503})
	approvedOnly(s)
	s.FastForward(3 * time.Minute)
	s.Database.ClearFaults()
	s.FastForward(3 * time.Minute)
	s.As(company.Sam).Sees("You have access to Production database until")
	s.As(company.Sam).Sees("Access works until")
	s.As(company.Mara).Sees("Access works until")
	s.As(company.Noor).Sees("Access works until")
	s.Has(company.Sam)
	if r := s.Only(); r.EndsAt.Sub(r.GrantedAt) != 30*time.Minute {
		t.Errorf("given %s, it ends %s", r.GrantedAt, r.EndsAt)
	}
}

// The target did it, and its answers get lost: it is asked again by the same key, and
// does it once.
func TestTheTargetsAnswersGetLost(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.Database.Fail(receiver.Fault{Type: "access.grant", Times: 2, Lose: true})
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.FastForward(10 * time.Second)
	s.As(company.Sam).Sees("You have access to Production database until")
	s.Has(company.Sam)
	s.Database.Fail(receiver.Fault{Type: "access.revoke", Times: 2, Lose: true})
	s.FastForward(31 * time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended")
	s.Has()
	if n := outcomes(s); n[receiver.Granted] != 1 || n[receiver.Revoked] != 1 || n[receiver.Stale] != 0 {
		t.Errorf("at the database: %v", n)
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}

// A grant that was slow on the way arrives after the revocation: the fence keeps it out.
func TestALateGrantIsTooLate(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, hurriedTargets)
	s.Database.Fail(receiver.Fault{Type: "access.grant", Times: 1, HoldOrder: true})
	s.Database.Fail(receiver.Fault{Type: "access.grant", Drop: true})
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Mara).Presses(maras, "bg:approve")
	giving := s.As(company.Sam).Sees("You asked for Production database", "Access is being given")
	s.Until("the order to be on its way", func() bool { return len(s.Database.Held()) == 1 })
	s.As(company.Sam).Presses(giving, "bg:cancel")
	s.FastForward(time.Minute)
	s.As(company.Sam).Sees("has ended: cancelled by <@U0SAM>")
	s.Has()
	s.Database.Release()
	s.Until("the order to arrive", func() bool { return outcomes(s)[receiver.Stale]+outcomes(s)[receiver.Granted] > 0 })
	s.Has()
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}

// The target does not end the access: it is never called ended, the operators are told
// once a minute has passed, everybody sees it, and it is tried until it works.
func TestTheTargetDoesNotEndIt(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]receiver.Fault{
		"down":      {Status: 503},
		"no answer": {Drop: true},
		"refusing":  {Refuse: "not now"},
		"not yet":   {Pending: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t)
			givenBy(s, "Production database")
			fault.Type = "access.revoke"
			s.Database.Fail(fault)
			s.FastForward(30*time.Minute + 20*time.Second)
			s.As(company.Sam).Sees("You asked for Production database", "~Active~ → *Ending*")
			if n := s.All(company.Sam, "has ended"); n != 0 {
				t.Error("Sam is told that it has ended")
			}
			if n := len(s.Alarms()); n != 0 {
				t.Errorf("%d alarms within a minute", n)
			}
			s.FastForward(time.Minute + 20*time.Second)
			s.In("C0ERRS", "<@U0SAM>’s access to Production database should have ended", "the target has not confirmed it", "Check the target by hand")
			s.As(company.Sam).Sees("You asked for Production database", "The target has not confirmed the end")
			s.As(company.Mara).Sees("The target has not confirmed the end")
			s.FastForward(time.Hour)
			if r := s.Only(); r.State != flows.StateEnding || !r.Overdue || len(s.Alarms()) != 1 {
				t.Errorf("it is %s, overdue %t, with %d alarms", r.State, r.Overdue, len(s.Alarms()))
			}
			s.Database.ClearFaults()
			s.FastForward(time.Minute + 10*time.Second)
			s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
			s.As(company.Sam).Sees("You asked for Production database", "*Ended*")
			s.Has()
			if r := s.Only(); r.State != flows.StateEnded || r.Overdue {
				t.Errorf("it is %s, overdue %t", r.State, r.Overdue)
			}
			for _, who := range []string{company.Sam, company.Mara, company.Noor} {
				s.All(who, "Production database")
			}
		})
	}
}

// Breakglass does not run when the access is due: it is ended within seconds of the
// start, before any traffic is taken, and also by a clock that is a day ahead.
func TestDownAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]time.Duration{"an hour": time.Hour, "a day": 24 * time.Hour, "a month": 30 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t)
			givenBy(s, "Production database")
			s.Quiet()
			s.Stop()
			s.Clock.Push(away)
			s.Start()
			if n := len(s.Database.Holders()); n != 0 {
				t.Errorf("when traffic is taken %d have access still", n)
			}
			s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
			for _, who := range []string{company.Sam, company.Mara, company.Noor} {
				s.All(who, "Production database")
			}
		})
	}
}

// The target does not answer when Breakglass starts: being ready waits for nobody.
func TestAStartWaitsForNoTarget(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	s.Quiet()
	s.Stop()
	s.Clock.Push(time.Hour)
	s.Database.Fail(receiver.Fault{Type: "access.revoke", Times: 1, HoldAnswer: true})
	started := make(chan struct{})
	go func() { // FirstPass waits two seconds, by the company's clock
		for {
			select {
			case <-started:
				return
			case <-time.After(20 * time.Millisecond):
				s.Clock.Push(200 * time.Millisecond)
			}
		}
	}()
	s.Start()
	close(started)
	s.As(company.Dana).Types("/access help")
	s.As(company.Dana).Told("Access when you are on call")
	s.Database.Release()
	s.FastForward(time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended")
	s.Has()
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}
