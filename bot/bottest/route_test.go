package bottest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// Two approvals are needed, from two people; the same person counts once, the next
// card says how many there are, and one denial is enough for a no.
func TestQuorumOfTwo(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Set("quorum", "2"))
	_, maras, _ := askedManagers2(s, "Production database")
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Noor).Sees("asks for Production database", "1 of 2 approvals so far")
	s.As(company.Sam).Sees("You asked for Production database", "1 of 2 approvals")
	s.Has()
	again := s.As(company.Mara).Sees("asks for Production database", "1 of 2 approvals so far")
	s.Quiet()
	s.As(company.Mara).Presses(again, "bg:approve")
	s.As(company.Mara).Told("You approved this already; it needs 2 approvals, from different people.")
	s.Has()
	noors := s.As(company.Noor).Sees("asks for Production database", "1 of 2 approvals so far")
	s.As(company.Noor).Presses(noors, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.As(company.Sam).Sees("You asked for Production database", "Approved by <@U0MARA>, <@U0NOOR>")
	s.Has(company.Sam)
	s.Expect("submit", "route", "approve", "refused", "approve", "activate", "observed", "granted")
	if r := s.Only(); len(r.Votes) != 2 || r.Votes[0].By == r.Votes[1].By {
		t.Errorf("the votes are %+v", r.Votes)
	}
}

// Where two approved, both are named: on the incident at each decision, in Slack's answer
// about the past, in the console, and in what is exported.
func TestBothWhoApprovedAreNamed(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Set("quorum", "2"))
	inc := opened(s, "Ledger stuck")
	_, maras, _ := askedManagers2(s, "Production database", slackfake.Values{"incident": inc.ID})
	s.As(company.Mara).Presses(maras, "bg:approve")
	noors := s.As(company.Noor).Sees("asks for Production database", "1 of 2 approvals so far")
	notes(s, inc.ID, "mara@demo.example approved access to Production database for sam@demo.example: 1 of 2 approvals.")
	s.As(company.Noor).Presses(noors, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	notes(s, inc.ID, "1 of 2 approvals", "approved by mara@demo.example and noor@demo.example. Reason: the ledger is stuck")
	s.Jump(2 * time.Hour)
	s.FastForward(2 * time.Minute)
	s.Overlook()
	s.As(company.Audi).Types("/access audit approved-by:@mara approved-by:@noor")
	s.As(company.Audi).Told("approved by <@U0MARA>, <@U0NOOR>, ended")
	mara := s.Browser() // an admin, who sees everything
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	s.Overlook()
	shows(t, mara.Get("/audit"), "Approved by mara and noor, ended")
	day := s.Clock.Now().Format(time.DateOnly)
	shows(t, mara.Get("/audit/evidence?n=5&seed=s&since="+day+"&until="+day), "by mara and noor , 2026-11-22 03:00 UTC")
	for form, want := range map[string]string{"jsonl": `"approvals":[{"by":"T0DEMO01/U0MARA",`, "csv": "T0DEMO01/U0MARA T0DEMO01/U0NOOR\n", "sym": "U0MARA"} {
		if page := mara.Get("/v1/audit/export?format=" + form); page.Status != http.StatusOK || !strings.Contains(page.Body, want) || !strings.Contains(page.Body, "U0NOOR") {
			t.Errorf("%s: %d %s", form, page.Status, page.Body)
		}
	}
	if left := s.Mirrored(3, 2); len(left) > 0 {
		t.Errorf("not compared: %q", left)
	}
}

// askedManagers2 is askedManagers where two approvals are needed.
func askedManagers2(s *bottest.Story, target string, with ...slackfake.Values) (his, maras, noors msg) {
	s.T.Helper()
	s.As(company.Sam).Asks(target, "the ledger is stuck", append(with, nil)[0])
	his = s.As(company.Sam).Sees("You asked for "+target, "Waiting for", "0 of 2 approvals")
	maras = s.As(company.Mara).Sees("asks for "+target, "0 of 2 approvals so far")
	noors = s.As(company.Noor).Sees("asks for "+target, "0 of 2 approvals so far")
	return his, maras, noors
}

// One approval, then a denial: nothing is given.
func TestQuorumOfTwoDenied(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Set("quorum", "2"))
	_, maras, _ := askedManagers2(s, "Production database")
	s.As(company.Mara).Presses(maras, "bg:approve")
	noors := s.As(company.Noor).Sees("asks for Production database", "1 of 2 approvals so far")
	s.As(company.Noor).Denies(noors, "not in the freeze")
	s.As(company.Sam).Sees("was not granted: denied by <@U0NOOR>")
	s.As(company.Sam).Sees("You asked for Production database", "*Denied* by <@U0NOOR>")
	s.As(company.Mara).Sees("asks for Production database", "*Denied* by <@U0NOOR>")
	s.Has()
	s.NoButtons()
	if left := s.Mirrored(0, 1); len(left) != 1 || !strings.Contains(left[0], "does not show approve") {
		t.Errorf("not compared: %q", left)
	}
}

// Mara asks while she is a manager on call: she is not asked about her own request.
func TestTheRequesterIsNotAskedInAGroup(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`return slack.group(pagerduty.users_on_call(escalation_policy_name="mgr_on_call"))`))
	s.As(company.Mara).Asks("Production console", "a report is late", nil)
	s.As(company.Mara).Sees("You asked for Production console", "Waiting for", "<@U0NOOR>")
	noors := s.As(company.Noor).Sees("<@U0MARA> asks for Production console")
	s.Quiet()
	if r := s.Only(); r.Route.Stages[0].Has(company.Person(company.Mara)) {
		t.Error("Mara is asked about her own request")
	}
	s.As(company.Noor).Presses(noors, "bg:approve")
	s.As(company.Mara).Sees("You have access to Production console until")
	s.As(company.Mara).Sees("You asked for Production console", "Approved by <@U0NOOR>")
}

// The handler names a group of nobody but the requester: the fallback decides, and
// says why, in its own channel.
func TestAGroupOfTheRequesterAloneIsTheFallback(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`return slack.group([evt.user])`))
	sam := s.As(company.Sam)
	sam.Asks("Production database", "the ledger is stuck", nil)
	sam.Sees("Only the requester would have been asked", "Asked about Production database instead: <@U0MARA>, <@U0NOOR>, <@U0LENA>")
	sam.Sees("You asked for Production database", "Waiting for")
	card := s.In("C0SREM", "<@U0SAM> asks for Production database", "Only the requester would have been asked", "The flow's fallback decides")
	s.As(company.Lena).Presses(card, "bg:approve")
	sam.Sees("You have access to Production database until")
	sam.Sees("You asked for Production database", "Approved by <@U0LENA>")
	s.In("C0SREM", "<@U0SAM> asks for Production database", "Approved by <@U0LENA>")
	if r := s.Only(); r.Route.Origin != flows.FromFallback {
		t.Errorf("the route is %+v", r.Route)
	}
}

// No route, an empty group, an unlinked person: each is the fallback, and says so.
func TestNoRouteIsTheFallback(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ handler, why string }{
		"None":                 {`return None`, "The flow's handler named nobody"},
		"nothing":              {`pagerduty.is_on_call(evt.user)`, "The flow's handler named nobody"},
		"an empty group":       {`return slack.group([])`, "The flow's handler named nobody"},
		"more than there are":  {`return slack.group(["U0NOOR"], quorum=2)`, "2 approvals are needed and only 1 could be asked"},
		"a shift of strangers": {`return slack.group(pagerduty.users_on_call(escalation_policy_name="primary"))`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t, bottest.Handler(c.handler))
			if c.why == "" {
				_, err := s.PagerDuty.AddUser(pdUser("PNOBODY", "Nobody"))
				must(t, err)
				must(t, s.PagerDuty.SetOnCall(company.PolicyPrimary, 1, "PNOBODY"))
				c.why = "not linked to anyone in Slack"
			}
			s.As(company.Sam).Asks("Production console", "the ledger is stuck", nil)
			s.As(company.Sam).Sees(c.why, "Asked about Production console instead")
			s.As(company.Sam).Sees("You asked for Production console", "Waiting for")
			s.In("C0SREM", "<@U0SAM> asks for Production console", c.why)
		})
	}
}

// A channel shows the card; who decides is said by the flow. Audi stands in the channel
// and may not decide.
func TestAChannelGivesNobodyASay(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`return slack.channel("#general", approvers=["U0NOOR"])`))
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for", "<@U0NOOR>")
	card := s.In("C0GENERAL", "<@U0SAM> asks for Production database")
	s.As(company.Audi).Presses(card, "bg:approve")
	s.As(company.Audi).Told("You may not decide this now", "<@U0NOOR>", "Your click was not counted")
	s.As(company.Sam).Presses(card, "bg:approve")
	s.As(company.Sam).Told("This is your own request", "Your click was not counted")
	s.Has()
	s.Expect("submit", "route", "refused", "refused")
	if f := s.Facts(s.Only().ID, "refused"); f["code"] != string(flows.RefusedOwnRequest) || f["asked_for"] != "approve" {
		t.Errorf("recorded was %v", f)
	}
	s.As(company.Noor).Presses(card, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.As(company.Sam).Sees("You asked for Production database", "Approved by <@U0NOOR>")
	s.In("C0GENERAL", "Approved by <@U0NOOR>")
}

// Breakglass starts again with another handler between routing and click: the request
// is routed again, and only who is asked now may decide.
func TestTheHandlerChangesBeforeTheClick(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.Restart(bottest.Handler(`return slack.group(["U0LENA"])`))
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Mara).Told("The flow's rules were changed since you were asked", "The request was routed again")
	lenas := s.As(company.Lena).Sees("<@U0SAM> asks for Production database", "Waiting for you")
	s.As(company.Mara).Sees("<@U0SAM> asks for Production database", "Others decide now", "<@U0LENA>")
	s.As(company.Noor).Sees("<@U0SAM> asks for Production database", "Others decide now")
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for", "<@U0LENA>")
	s.Has()
	s.Expect("submit", "route", "refused", "reroute")
	s.As(company.Lena).Presses(lenas, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.As(company.Mara).Sees("asks for Production database", "Approved by <@U0LENA>")
	s.As(company.Noor).Sees("asks for Production database", "Approved by <@U0LENA>")
	s.Has(company.Sam)
}

// A limit of the flow changes between routing and click: approvals so far are dropped.
func TestTheFlowChangesBetweenTwoApprovals(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Set("quorum", "2"))
	_, maras, _ := askedManagers2(s, "Production console")
	s.As(company.Mara).Presses(maras, "bg:approve")
	noors := s.As(company.Noor).Sees("asks for Production console", "1 of 2 approvals so far")
	s.Quiet()
	s.Restart(bottest.Set("max_duration", `"2h"`), bottest.Set("durations", `["30m", "1h"]`))
	s.As(company.Noor).Presses(noors, "bg:approve")
	s.As(company.Noor).Told("The flow's rules were changed since you were asked")
	s.As(company.Noor).Sees("asks for Production console", "0 of 2 approvals so far")
	s.As(company.Mara).Sees("asks for Production console", "0 of 2 approvals so far")
	s.As(company.Sam).Sees("You asked for Production console", "0 of 2 approvals")
	s.Quiet()
	if r := s.Only(); len(r.Votes) != 0 || r.State != flows.StatePending {
		t.Errorf("it is %s with the votes %v", r.State, r.Votes)
	}
}

// The handler's own stages: first Noor for five minutes, then Lena in a channel.
func TestStages(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(
		`return slack.fallback(slack.user("U0NOOR", timeout="5m"), slack.channel("#general", approvers=["U0LENA"], timeout="10m"))`))
	s.As(company.Sam).Asks("Production console", "the ledger is stuck", nil)
	s.As(company.Sam).Sees("You asked for Production console", "Waiting for", "<@U0NOOR>")
	s.As(company.Noor).Sees("<@U0SAM> asks for Production console")
	s.FastForward(5 * time.Minute)
	s.As(company.Sam).Sees("more people are asked now: <@U0LENA>")
	card := s.In("C0GENERAL", "<@U0SAM> asks for Production console", "Waiting for you")
	s.As(company.Lena).Presses(card, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production console until")
	s.As(company.Sam).Sees("You asked for Production console", "Approved by <@U0LENA>")
	s.As(company.Noor).Sees("asks for Production console", "Approved by <@U0LENA>")
	s.In("C0GENERAL", "Approved by <@U0LENA>")
	if left := s.Mirrored(0, 1); len(left) > 0 {
		t.Errorf("not compared: %q", left)
	}
}
