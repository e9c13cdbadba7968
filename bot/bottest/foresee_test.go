package bottest_test

import (
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// The form says who would be asked, before anything is: the people of this moment, and
// to who is on call, that they would be asked themselves.
func TestTheFormSaysWhoWouldBeAsked(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	for who, want := range map[string]string{
		company.Dana: "You would be asked yourself:* you may approve this, and that is recorded (on call for primary",
		company.Sam:  "These would be asked:* <@U0MARA>, <@U0NOOR>",
	} {
		p := s.As(who)
		p.Types("/access production_console 30m payments are down")
		s.Until(who+" to read who would be asked", func() bool { v, _ := p.Front(); return contains(v.Shown(), want) })
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("looking made %d requests", n)
	}
}

// An approval with a note: it stands on the card, is recorded, and the requester reads it.
func TestApprovedWithANote(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	mara := s.As(company.Mara)
	picks(s, company.Mara, maras, "Approve with a note…")
	form := mara.Form("why")
	if _, err := mara.Submit(form, slackfake.Values{"why": "read only, *please*"}); err != nil {
		t.Fatal(err)
	}
	s.Quiet()
	s.As(company.Sam).Sees("You asked for Production database", "Approved by <@U0MARA>: “read only, ", "Access works until")
	if r := s.Only(); len(r.Votes) != 1 || r.Votes[0].Note.Raw() != "read only, *please*" || r.State != flows.StateActive {
		t.Errorf("the request is %+v", r)
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who)
	}
}
