package bottest_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// The checklist of what a person at 3 am needs, as far as it shows only in the running
// program; what a card looks like is held by bot/testdata.

// Every copy has a button value of its own: random, and nothing in it.
func TestButtonsHoldNothing(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	his, maras, noors := askedManagers(s, "Production database", "the ledger is stuck")
	seen := map[string]bool{}
	for _, m := range []slackfake.Message{his, maras, noors} {
		values := map[string]bool{}
		for _, e := range m.Elements() {
			if e.Type == "button" {
				values[e.Value] = true
			}
		}
		if len(values) != 1 {
			t.Errorf("a card's buttons have the values %v", values)
		}
		for v := range values {
			if seen[v] || !regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`).MatchString(v) {
				t.Errorf("the button value %q", v)
			}
			seen[v] = true
		}
	}
}

// The form is there at once, whatever PagerDuty does; and it says who will be asked
// before anything is submitted, and who was asked afterwards.
func TestTheFormDoesNotWaitForPagerDuty(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultDelay, Delay: 5 * time.Second, Times: 4})
	sam := s.As(company.Sam)
	sam.Types("/access")
	s.Until("the form", func() bool { _, open := sam.Front(); return open })
	if v, _ := sam.Front(); !strings.Contains(v.Shown(), "Looking up your PagerDuty incidents") {
		t.Errorf("the form shows %s", v.Shown())
	}
	sam.Form("incident")
}

func TestTheReceiptSaysWhoIsAskedAndWhy(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	askedManagers(s, "Production database", "the ledger is stuck")
	s.Until("the receipt", func() bool {
		v, open := s.As(company.Sam).Front()
		return open && v.Title == "Asked" && contains(v.Shown(), "*Asked:* <@U0MARA>, <@U0NOOR>") && contains(v.Shown(), "*Why them:* on call for mgr_on_call")
	})
}

// A denial needs a reason: one of the usual ones, or one's own words.
func TestADenialNeedsAReason(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	mara := s.As(company.Mara)
	mara.Presses(maras, "bg:deny")
	form := mara.Form("why")
	if !contains(form.Shown(), "Production database") || !contains(form.Shown(), "30m") || !contains(form.Shown(), "the ledger is stuck") {
		t.Errorf("the form does not say what is denied: %s", form.Shown())
	}
	if _, err := mara.Submit(form, nil); err != nil {
		t.Fatal(err)
	}
	if v, open := mara.Front(); !open || !contains(errorsIn(v), "Say why: pick a reason above or write one here. The requester reads it.") {
		t.Errorf("the form says %v", v.Errors)
	}
	if _, err := mara.Submit(form, slackfake.Values{"preset": "Use the documented way instead"}); err != nil {
		t.Fatal(err)
	}
	s.As(company.Sam).Sees("was not granted: denied by <@U0MARA>, “Use the documented way instead”. Talk to them")
	s.All(company.Sam, "You asked")
	s.All(company.Mara)
	s.All(company.Noor)
}

func errorsIn(v slackfake.View) string {
	all := ""
	for _, e := range v.Errors {
		all += e
	}
	return all
}

// Revoking asks once more, by a form that says what ends, and for whom.
func TestRevokingSaysWhatEnds(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras := givenBy(s, "Production database")
	mara := s.As(company.Mara)
	mara.Presses(maras, "bg:revoke")
	form := mara.Form("why")
	for _, want := range []string{"Production database", "<@U0SAM>", "30m", "It ends at the target now"} {
		if !contains(form.Shown(), want) {
			t.Errorf("the form does not say %q: %s", want, form.Shown())
		}
	}
	s.Has(company.Sam)
}

// A target with a high risk asks once more before it is approved, with target and length.
func TestAHighRiskAsksOnceMore(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	confirm, err := s.As(company.Mara).Dismiss(maras, "bg:approve")
	must(t, err)
	if confirm == nil || !contains(confirm.Text, "Production database for 30m") {
		t.Errorf("the dialog is %+v", confirm)
	}
	s.Has()
	s.Expect("submit", "route")
}

// A long reason is shown in part; a button shows it whole, to who was sent the card.
func TestALongReasonIsBehindAButton(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	long := strings.Repeat("the ledger is stuck, and ", 40) + "THE END"
	_, maras, _ := askedManagers(s, "Production console", "the ledger is stuck")
	if hasButton(maras, "bg:full") {
		t.Error("a short reason has the button")
	}
	s.As(company.Sam).Asks("Production database", long, nil)
	card := s.As(company.Mara).Sees("asks for Production database", "…")
	if contains(card.Shown(), "THE END") {
		t.Error("all of it is on the card")
	}
	s.As(company.Mara).Presses(card, "bg:full")
	s.Until("the whole reason", func() bool { v, open := s.As(company.Mara).Front(); return open && contains(v.Shown(), "THE END") })
	for _, where := range []string{company.Sam, company.Noor} {
		s.All(where)
	}
}

// What happened is told in the thread of a channel's card; the card shows how it stands.
func TestAChannelsReminderIsInTheThread(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`return slack.channel("#general", approvers=["U0NOOR"])`))
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	card := s.In("C0GENERAL", "<@U0SAM> asks for Production database")
	s.FastForward(5 * time.Minute)
	s.As(company.Sam).Sees("Nobody has answered")
	reminder := s.In("C0GENERAL", "<@U0NOOR>: this still waits for one of you, for 5 min")
	if reminder.ThreadTS != card.TS {
		t.Errorf("the reminder is in the thread %q, the card is %q", reminder.ThreadTS, card.TS)
	}
}

// What is typed is text: no mention, no link, no markup of it is alive anywhere.
func TestTypedTextIsText(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	nasty := "<!channel> <@U0MARA> <https://evil.example|approve here> *bold* \u202egnp.exe"
	sam := s.As(company.Sam)
	sam.Asks("Production database", nasty, slackfake.Values{"field": "<!here> CHG-1"})
	sam.Sees("You asked for Production database", "Waiting for")
	s.As(company.Mara).Sees("asks for Production database")
	card := s.As(company.Noor).Sees("asks for Production database")
	s.As(company.Noor).Denies(card, "no <!everyone>")
	sam.Sees("was not granted")
	s.Quiet()
	for _, e := range s.Slack.Ledger() {
		if e.Direction != slackfake.FromApp || !strings.HasPrefix(e.Kind, "chat.") {
			continue
		}
		body := unquoted(e.RequestBody)
		for _, live := range []string{"<!channel>", "<!here>", "<!everyone>", "<https://evil.example", "\u202e"} {
			if strings.Contains(body, live) {
				t.Errorf("%q is alive in %s: %s", live, e.Kind, body)
			}
		}
	}
	for _, where := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(where)
	}
}
