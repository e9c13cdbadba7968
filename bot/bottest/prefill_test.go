package bottest_test

import (
	"fmt"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/slackfake"
)

// The form begins with what is probably meant: the target that was asked for last, and
// where the channel is named after an incident, that one, even if others are hers.
func TestTheFormKnowsTheContext(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	other := opened(s, "Payments down")
	s.As(company.Sam).Asks("Production console", "the ledger is stuck", slackfake.Values{"incident": other.ID})
	s.As(company.Sam).Sees("You asked for Production console", "Waiting for")
	s.As(company.Noor).Denies(s.As(company.Noor).Sees("asks for Production console", "Waiting for you"), "not now")
	s.As(company.Sam).Sees("was not granted")
	channel := fmt.Sprintf("inc-%d-ledger", inc.Number)
	s.Slack.AddChannel(slackfake.Channel{ID: "C0INC", Name: channel, Members: []string{company.Sam, s.Slack.Bot()}})
	if _, err := s.As(company.Sam).Actor.In("C0INC").Slash("/access", ""); err != nil {
		t.Fatal(err)
	}
	form := s.As(company.Sam).Form("incident")
	for _, want := range []string{"You asked for this last.", "Production console", "Chosen because this channel is named after it.", inc.Title} {
		if !contains(form.Shown(), want) {
			t.Errorf("the form does not say %q: %s", want, form.Shown())
		}
	}
	if _, err := s.As(company.Sam).Submit(form, slackfake.Values{"reason": "and once more"}); err != nil {
		t.Fatal(err)
	}
	s.As(company.Sam).Sees("You asked for Production console", "and once more", inc.Title)
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who)
	}
}
