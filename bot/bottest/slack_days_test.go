package bottest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// Slack takes no message while Mara approves: the decision counts, the database gives
// the access and ends it, and the cards tell all that when Slack is back. Nobody is
// told then that he has what he no longer has.
func TestSlackTakesNoMessages(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]slackfake.Fault{
		"5xx":              {Status: http.StatusServiceUnavailable},
		"no answer at all": {Drop: true},
		"half an answer":   {Malformed: true},
		"fatal_error":      {Error: "fatal_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t)
			_, maras, noors := askedManagers(s, "Production database", "the ledger is stuck")
			for _, method := range []string{"chat.postMessage", "chat.update", "chat.postEphemeral"} {
				fault.Method = method
				s.Slack.Fail(fault)
			}
			s.As(company.Mara).Presses(maras, "bg:approve")
			s.Until("the access", func() bool { return len(s.Database.Holders()) == 1 })
			s.As(company.Noor).PressesOld(noors, "bg:approve") // she still sees her buttons
			s.FastForward(31 * time.Minute)
			s.Has()
			if r := s.Only(); r.State != flows.StateEnded || r.DecidedBy != company.Person(company.Mara) || len(r.Votes) != 1 {
				t.Errorf("it is %s by %s, votes %v", r.State, r.DecidedBy, r.Votes)
			}
			s.Slack.ClearFaults()
			s.FastForward(7 * time.Minute) // the longest between two tries is five, and a quarter
			s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
			s.As(company.Sam).Sees("You asked for Production database", "Approved by <@U0MARA>", "*Ended*")
			s.As(company.Mara).Sees("asks for Production database", "*Ended*")
			s.As(company.Noor).Sees("asks for Production database", "*Ended*")
			s.As(company.Noor).Told("already decided: approved by <@U0MARA>")
			s.NoButtons()
			if n := s.All(company.Sam, "You have access"); n != 0 {
				t.Error("Sam is told that he has what has ended")
			}
		})
	}
}

// Slack does not answer anything: nobody can be looked up, so no click counts, and says
// so. The request is open still when Slack is back.
func TestSlackKnowsNobody(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.Slack.Fail(slackfake.Fault{Method: "users.info", Status: http.StatusInternalServerError})
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Mara).Told("Slack did not answer who you are, so your click was not counted. Try again in a minute.")
	s.Has()
	s.Slack.ClearFaults()
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.As(company.Sam).Sees("You asked for Production database", "Access works until")
	s.As(company.Noor).Sees("asks for Production database", "Access works until")
	s.Has(company.Sam)
}

// Slack takes a second and a half for every call: clicks are answered at once, and one
// person's wait is not another's.
func TestSlackIsSlow(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.Slack.Fail(slackfake.Fault{Method: "*", Delay: 1500 * time.Millisecond})
	out, err := s.As(company.Mara).ClickStale(maras, "bg:approve")
	must(t, err)
	help := s.As(company.Dana).Types("/access help")
	for what, took := range map[string]time.Duration{"the click": out.Exchange.Took, "the command": help.Exchange.Took} {
		if took > 500*time.Millisecond {
			t.Errorf("%s was answered after %s", what, took)
		}
	}
	s.As(company.Dana).Told("Access when you are on call")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.As(company.Sam).Sees("You asked for Production database", "Access works until")
	s.As(company.Noor).Sees("asks for Production database", "Access works until")
	s.Has(company.Sam)
}

// Slack says that it is too much, and when to come back: nobody calls before.
func TestSlackLimitsUs(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.Slack.Fail(slackfake.Fault{Method: "chat.update", Times: 1, Status: http.StatusTooManyRequests, RetryAfter: 30})
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until") // another method, another limit
	s.Has(company.Sam)
	before := len(s.Slack.Calls("chat.update"))
	s.FastForward(29 * time.Second)
	if n := len(s.Slack.Calls("chat.update")); n != before {
		t.Errorf("Slack was called %d times before it said so", n-before)
	}
	s.FastForward(8 * time.Second)
	s.As(company.Sam).Sees("You asked for Production database", "Access works until")
	s.As(company.Mara).Sees("asks for Production database", "Access works until")
	s.As(company.Noor).Sees("asks for Production database", "Access works until")
}

// Slack's answers get lost though it did what it was told: a card may be there twice,
// but the buttons of one copy only are good, and there is one decision.
func TestSlacksAnswersGetLost(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.Slack.Fail(slackfake.Fault{Method: "chat.postMessage", Times: 3, LoseAnswer: true})
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	s.FastForward(10 * time.Second)
	s.As(company.Mara).Sees("asks for Production database", "Waiting for you")
	cards := s.Slack.User(company.Mara).DM()
	for _, c := range cards {
		s.As(company.Mara).PressesOld(c, "bg:approve")
	}
	s.FastForward(10 * time.Second)
	s.Has(company.Sam)
	granted := 0
	for _, e := range s.Database.Ledger() {
		if e.Outcome == receiver.Granted {
			granted++
		}
	}
	if r := s.Only(); r.State != flows.StateActive || len(r.Votes) != 1 || granted != 1 {
		t.Errorf("it is %s with the votes %v, given %d times", r.State, r.Votes, granted)
	}
	for _, u := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(u, "Production database")
	}
	for range len(cards) - 1 {
		s.As(company.Mara).Told("This card is out of date, so nothing was done")
	}
}

// The same click arrives twice, and again by somebody who recorded it, before and after
// a restart: it counts once.
func TestAClickThatComesAgain(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Set("quorum", "2"))
	_, maras, _ := askedManagers2(s, "Production database")
	s.Slack.FailDelivery(slackfake.DeliveryFault{Kind: "block_actions", Times: 1, Duplicate: true})
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Noor).Sees("1 of 2 approvals so far")
	s.As(company.Mara).Sees("1 of 2 approvals so far")
	s.As(company.Sam).Sees("1 of 2 approvals")
	clicks := s.Slack.Calls("block_actions")
	click := clicks[len(clicks)-1]
	replay := func() {
		t.Helper()
		if status := again(t, s, click); status != http.StatusOK {
			t.Errorf("the replay was answered %d", status)
		}
		s.Quiet()
		s.Expect("submit", "route", "approve")
	}
	replay()
	s.Restart()
	replay()
	s.FastForward(6 * time.Minute)
	if status := again(t, s, click); status != http.StatusUnauthorized {
		t.Errorf("a click six minutes old was answered %d", status)
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "")
	}
	s.Has()
}

// again sends what Slack once sent, byte by byte, to where Breakglass listens now.
func again(t *testing.T, s *bottest.Story, e slackfake.Exchange) int {
	t.Helper()
	was, err := url.Parse(e.URL)
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.App.PublicAddr()+was.Path, strings.NewReader(e.RequestBody))
	must(t, err)
	req.Header = e.RequestHeader.Clone()
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	return resp.StatusCode
}

// A submitted form arrives twice: one request.
func TestAFormThatComesTwice(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.Slack.FailDelivery(slackfake.DeliveryFault{Kind: "view_submission", Times: 1, Duplicate: true})
	askedManagers(s, "Production database", "the ledger is stuck")
	s.Quiet()
	s.Only()
}

// Slack does not hear that the click was taken, and shows an error; Mara presses again.
func TestOurAnswerToAClickGetsLost(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.Slack.FailDelivery(slackfake.DeliveryFault{Kind: "block_actions", Times: 1, LoseAck: true})
	if _, err := s.As(company.Mara).Click(maras, "bg:approve"); err == nil {
		t.Error("Slack heard it")
	}
	s.As(company.Sam).Sees("You have access to Production database until")
	s.As(company.Mara).PressesOld(maras, "bg:approve")
	s.As(company.Mara).Told("already decided: approved by <@U0MARA>")
	s.As(company.Sam).Sees("You asked for Production database", "Access works until")
	s.As(company.Noor).Sees("Access works until")
	s.As(company.Mara).Sees("Access works until")
	s.Has(company.Sam)
}
