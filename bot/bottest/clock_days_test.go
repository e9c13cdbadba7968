package bottest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// The clock jumps back by an hour: nothing is given until it has come round, everybody
// is told why, and nobody keeps access for longer than was decided.
func TestTheClockJumpsBack(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	s.FastForward(10 * time.Minute)
	_, maras, _ := askedManagers(s, "Production console", "restart the importer")
	s.Quiet()
	s.Clock.Push(-time.Hour)
	s.As(company.Mara).PressesOld(maras, "bg:approve")
	s.As(company.Mara).Told("Nothing can be granted right now: the clock of the server jumped back. Your approval was not counted.")
	var left time.Duration // as the clock goes on while the ends are brought forward
	tick(s, "the ends to be brought forward", func() bool {
		for _, r := range s.Requests() {
			if r.Content.Target == "prod_database" {
				left = r.EndsAt.Sub(s.Clock.Now())
			}
		}
		return left < 21*time.Minute
	})
	s.FastForward(left - time.Minute)
	s.HasNow(company.Sam)
	s.FastForward(2 * time.Minute) // 30 minutes of his own time
	s.Has()
	s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
	s.As(company.Dana).Asks("Production console", "payments are down", nil)
	s.As(company.Dana).Sees("Nothing can be granted right now: the clock of the server jumped back. Nothing was submitted.")
	s.FastForward(40 * time.Minute) // the clock has come round
	s.As(company.Dana).Asks("Production console", "payments are down", nil)
	card := s.As(company.Dana).Sees("You asked for Production console", "you may approve this yourself")
	s.As(company.Dana).Presses(card, "bg:approve")
	s.As(company.Dana).Sees("You have access to Production console until")
	for _, where := range []string{company.Dana, company.Sam, company.Mara, company.Noor, "C0SREM", "C0PROD"} {
		s.All(where, "Production")
	}
}

// The clock jumped back while Breakglass did not run: it knows by the newest entry.
func TestTheClockJumpedBackWhileAway(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	s.FastForward(10 * time.Minute)
	_, maras, _ := askedManagers(s, "Production console", "restart the importer")
	s.Quiet()
	s.Stop()
	s.Clock.Push(-time.Hour)
	s.Start()
	s.As(company.Mara).PressesOld(maras, "bg:approve")
	s.As(company.Mara).Told("Nothing can be granted right now: the clock of the server jumped back")
	s.FastForward(21 * time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
	s.Has()
	for _, where := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(where, "Production")
	}
}

// The clock jumps a day ahead: everything that is due by it ends, nothing is given for
// what lapsed meanwhile.
func TestTheClockJumpsAhead(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	_, maras, _ := askedManagers(s, "Production console", "restart the importer")
	s.Jump(24 * time.Hour)
	s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
	s.As(company.Sam).Sees("Nobody decided about Production console in time")
	s.Has()
	s.As(company.Mara).PressesOld(maras, "bg:approve")
	s.As(company.Mara).Told("This request lapsed")
	for _, where := range []string{company.Sam, company.Mara, company.Noor, "C0SREM"} {
		s.All(where, "Production")
	}
}

// Somebody changed an audit entry in the database while Breakglass was away: it starts,
// gives nothing, says so, and ends what is due.
func TestTheStoreDoesNotVerify(t *testing.T) {
	t.Parallel()
	var dir string
	s := bottest.Open(t, func(o *company.Options) { dir = o.Dir })
	givenBy(s, "Production database")
	_, maras, _ := askedManagers(s, "Production console", "restart the importer")
	s.Quiet()
	s.Stop()
	path := filepath.Join(dir, "breakglass.db")
	file, err := os.ReadFile(path)
	must(t, err)
	at := regexp.MustCompile(`granted[0-9a-f]{128}-\x01`).FindIndex(file) // its verb, two hashes, and packed bytes begin
	if at == nil {
		t.Fatal("there is no such entry in the file")
	}
	file[at[1]+1] ^= 1 // the first of the hashes in it
	must(t, os.WriteFile(path, file, 0o600))
	s.Start()
	s.As(company.Mara).PressesOld(maras, "bg:approve")
	s.As(company.Mara).Told("Nothing can be granted right now: the audit entries at the end of the database do not verify")
	s.FastForward(31 * time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
	s.Has()
	if why := s.Log.String(); !strings.Contains(why, "the audit tail does not verify: end-only") {
		t.Error("the log does not say so")
	}
	for _, where := range []string{company.Sam, company.Mara, company.Noor, "C0SREM"} {
		s.All(where)
	}
}

// A handler that never ends, that fails, that asks for what is not there: the fallback
// decides, and the operators are told.
func TestAHandlerGoesWrong(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"it loops":              "while True:\n        pass",
		"it eats memory":        `x = ["a" * 1000 for i in range(10000000)]`,
		"it divides by zero":    `return slack.user(1 / 0)`,
		"it stops by itself":    `fail("not in the mood")`,
		"it returns a number":   `return 42`,
		"it asks for no policy": `return slack.group(pagerduty.users_on_call(escalation_policy_name="nowhere"))`,
		"it names a stranger":   `return slack.user("nobody@nowhere.example")`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t, bottest.Handler(body))
			sam := s.As(company.Sam)
			sam.Asks("Production console", "the ledger is stuck", nil)
			sam.Sees("Asked about Production console instead: <@U0MARA>, <@U0NOOR>, <@U0LENA>")
			sam.Sees("You asked for Production console", "Waiting for")
			card := s.In("C0SREM", "<@U0SAM> asks for Production console", "The flow's fallback decides")
			s.In("C0ERRS", "<@U0SAM>’s request for Production console met a fault")
			s.Quiet()
			f := s.Facts(s.Only().ID, "route")
			if evidence, _ := f["evidence"].(map[string]any); evidence["fault"] == nil && evidence["tainted"] != true {
				t.Errorf("recorded is %v", evidence)
			}
			s.As(company.Lena).Presses(card, "bg:approve")
			sam.Sees("You have access to Production console until")
			sam.Sees("You asked for Production console", "Approved by <@U0LENA>")
			s.In("C0SREM", "Approved by <@U0LENA>")
		})
	}
}

// The handler breaks between routing and click: nobody is approved by it, the fallback is.
func TestAHandlerGoesWrongAtTheClick(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`if evt.vars["manager_policy"] == "broken":`, `    fail("not in the mood")`, `return slack.group(["U0NOOR"])`))
	s.As(company.Sam).Asks("Production console", "the ledger is stuck", slackfake.Values{})
	s.As(company.Sam).Sees("You asked for Production console", "Waiting for", "<@U0NOOR>")
	card := s.As(company.Noor).Sees("asks for Production console")
	s.Quiet()
	s.Restart(bottest.Set("vars", `{ manager_policy = "broken" }`))
	s.As(company.Noor).PressesOld(card, "bg:approve")
	s.As(company.Noor).Told("The flow's rules were changed since you were asked")
	s.As(company.Sam).Sees("Asked about Production console instead")
	s.In("C0SREM", "asks for Production console")
	s.Quiet()
	if r := s.Only(); r.State != flows.StatePending || r.Route.Origin != flows.FromFallback {
		t.Errorf("it is %s, routed by %s", r.State, r.Route.Origin)
	}
	for _, where := range []string{company.Sam, company.Noor, "C0SREM"} {
		s.All(where, "Production")
	}
}
