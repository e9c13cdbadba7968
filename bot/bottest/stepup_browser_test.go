package bottest_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// A fresh sign-in as a person makes it, in a real browser: from the link on the card to
// the page, which has no button to approve; to the company's sign-in; back to the page,
// where the button is now, and the approval counts. Without it nothing does: a click on
// the card, the session as it is, a provider that did not ask anew.
func TestStepUpInABrowser(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, stepUp)
	must(t, s.Reload(bottest.Edit("breakglass.hcl", func(hcl string) string {
		return hcl + "\nserver {\n  console_url = \"" + s.URL("") + "\"\n}\n"
	})))
	sam, mara := s.As(company.Sam), s.As(company.Mara)
	b := signed(s, p, company.Mara)
	s.FastForward(6 * time.Minute) // the session goes on; its sign-in is not fresh any more
	sam.Asks("Production database", "the ledger is stuck", nil)
	card := mara.Sees("<@U0SAM> asks for", "a click here alone does not count")
	link := regexp.MustCompile(`http://[^|> ]+/requests/\w+`).FindStringSubmatch(card.Shown())
	if link == nil || !strings.HasPrefix(link[0], s.URL("/requests/")) {
		t.Fatalf("the link on the card: %q in %s", link, card.Shown())
	}
	mara.Presses(card, "bg:approve")
	mara.Told("wants a fresh sign-in", "was not counted")
	c := browse(t, s.URL(""), b.Client.Jar)
	c.sized(1000, 900, false)
	c.opens(link[0])
	reads := func(want ...string) {
		t.Helper()
		var text string
		c.eval("document.querySelector('main').innerText", &text)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Fatalf("the page does not say %q: %s", w, text)
			}
		}
	}
	reads("the ledger is stuck", "This target wants a fresh sign-in", "Sign in again to approve")
	c.until("document.querySelector('button.good') === null")
	s.Has()

	signIn := func() {
		t.Helper()
		c.arrives(func() { c.clicks("a[href^='/sign-in/company?fresh=1']") })
		c.until("document.querySelector('h1').innerText === 'Who are you?'")
		c.arrives(func() { c.clicks("button[value='sub-" + company.Mara + "']") })
		c.until("location.pathname === '/requests/" + string(s.Only().ID) + "'")
	}
	p.Bend(func(_, claims map[string]any) { claims["auth_time"] = s.Clock.Now().Add(-time.Hour).Unix() })
	signIn()
	reads("Sign in again to approve")
	p.Bend(nil)
	signIn()
	c.until("document.querySelector('button.good') !== null")
	reads("the ledger is stuck")
	if len(s.Only().Votes) > 0 {
		t.Error("the sign-in alone has approved it")
	}
	c.arrives(func() { c.clicks("button.good") })
	sam.Sees("You have access to Production database until")
	s.Has(company.Sam)
	if v := s.Only().Votes[0]; v.Door != flows.DoorWeb || v.By != company.Person(company.Mara) || v.SteppedUp.IsZero() {
		t.Errorf("the vote is %+v", v)
	}
	s.Overlook()
}
