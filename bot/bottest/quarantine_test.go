package bottest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// looked lets the first look at everybody pass.
func looked(s *bottest.Story) {
	s.T.Helper()
	s.FastForward(6 * time.Minute)
	if l := s.Link(company.Dana); l.State != flows.LinkWatched || l.Seen.Email != "dana@demo.example" || l.Seen.Login != "dana@demo.example" {
		s.T.Fatalf("after the first look Dana is %+v", l)
	}
}

// setAside waits until somebody's link is, and looks at what is said about it.
func setAside(s *bottest.Story, who, why string) slackfake.Message {
	s.T.Helper()
	s.Until("the link of "+who+" to be set aside", func() bool { l := s.Link(who); return l.Held != "" && strings.Contains(l.Held, why) })
	s.Quiet()
	held := s.Link(who).Held
	told := map[bool]int{true: 1}[strings.Contains(held, "changed") || strings.Contains(held, "guest")] // nobody is at the other accounts
	if n := s.All(who, "Your link to PagerDuty was set aside", why); n != told {
		s.T.Errorf("%s is told %d times", who, n)
	}
	if _, usable := s.App.Catalog().Links.Of(company.Person(who)); usable {
		s.T.Errorf("the link of %s may still be used", who)
	}
	return s.In("C0ERRS", "The link of <@"+who+"> to PagerDuty was set aside", why)
}

// The e-mail address changed since Dana was asked: at her click the account is looked at
// again, the link is set aside, and she does not approve herself. An admin lifts it.
func TestQuarantineAtUse(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	looked(s)
	dana := s.As(company.Dana)
	dana.Asks("Production console", "payments are down", nil)
	card := dana.Sees("you may approve this yourself")
	s.Quiet()
	must(t, s.Slack.ChangeUser(company.Dana, func(u *slackfake.User) { u.Email = "eve@demo.example" }))
	dana.Presses(card, "bg:approve")
	dana.Told("Your link to PagerDuty was set aside (the e-mail address at Slack changed", "your click was not counted", "An admin can confirm the link")
	told := setAside(s, company.Dana, "the e-mail address at Slack changed")
	s.Has()
	dana.Sees("The requester's link to PagerDuty was set aside, so <@U0MARA>, <@U0NOOR>, <@U0LENA> may decide about Production console as well")
	s.In("C0SREM", "<@U0DANA> asks for Production console", "The requester's link to PagerDuty was set aside, so the fallback is asked as well")
	if r := s.Only(); r.State != flows.StatePending || len(r.Votes) > 0 {
		t.Errorf("the request is %s, %+v", r.State, r.Route)
	}

	dana.Asks("Production database", "payments are down", nil) // and is routed by that
	dana.Sees("The requester's link to PagerDuty was set aside, so nothing was assumed", "Asked about Production database instead: <@U0MARA>, <@U0NOOR>, <@U0LENA>")
	s.In("C0SREM", "<@U0DANA> asks for Production database", "The requester's link to PagerDuty was set aside, so nothing was assumed")
	s.In("C0ERRS", "their link to PagerDuty was set aside", "so the fallback decides")
	s.Quiet()
	dana.Presses(dana.Sees("You asked for Production database"), "bg:cancel")
	dana.Sees("You asked for Production database", "*Cancelled*")

	sam := s.As(company.Sam)
	s.As(company.Dana).Presses(told, "bg:link_keep")
	s.As(company.Dana).Told("Only an admin can do that")
	sam.Presses(told, "bg:link_keep")
	sam.Told("Only an admin can do that")
	s.As(company.Mara).Presses(told, "bg:link_keep")
	s.In("C0ERRS", "The link of <@U0DANA> to PagerDuty is confirmed by <@U0MARA>")
	s.Overlook()
	if l := s.Link(company.Dana); l.Held != "" || l.Seen.Email != "eve@demo.example" || l.Confirmer != company.Person(company.Mara) {
		t.Errorf("after it was lifted: %+v", l)
	}
	s.As(company.Mara).PressesOld(told, "bg:link_keep")
	s.As(company.Mara).Told("This button is not good any more")
	got := strings.Join(s.Entries("system"), " ")
	if want := "started people_seen person_link_held refused refused person_link_lifted refused"; got != want {
		t.Errorf("entries %s\nwant    %s", got, want)
	}
	s.As(company.Dana).Asks("Production database", "payments are down", slackfake.Values{})
	dana.Sees("Production database", "you may approve this yourself")
	s.Overlook()
}

// Slack tells that an account changed: it is looked at, once, and nothing else that people
// change about themselves is.
func TestQuarantineByEvent(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, func(o *company.Options) { o.Events = []string{"user_change"} })
	looked(s)
	asked := func() (n int) {
		for _, e := range s.Slack.Ledger() {
			if e.Kind == "users.info" {
				n++
			}
		}
		return n
	}
	before := asked()
	must(t, s.Slack.ChangeUser(company.Noor, func(u *slackfake.User) { u.DisplayName, u.TZ = "Noor ☕", "Asia/Tokyo" }))
	must(t, s.Slack.ChangeUser(company.Lena, func(u *slackfake.User) { u.Email = "lena@elsewhere.example" })) // linked to nobody
	must(t, s.Slack.ChangeUser(company.Noor, func(u *slackfake.User) { u.IsRestricted = true }))
	setAside(s, company.Noor, "became a guest's")
	if n := asked() - before; n != 1 {
		t.Errorf("Slack was asked %d times", n)
	}
	must(t, s.Slack.ChangeUser(company.Noor, func(u *slackfake.User) { u.IsRestricted = false })) // it stays
	s.FastForward(time.Minute)
	if s.Link(company.Noor).Held == "" {
		t.Error("it is lifted by itself")
	}
	sam := s.As(company.Sam)
	sam.Asks("Production console", "payments are down", nil)
	s.As(company.Mara).Sees("asks for Production console")
	s.Quiet()
	if r := s.Only(); r.Route.Stages[0].Has(company.Person(company.Noor)) {
		t.Error("Noor, whose link is set aside, is asked as on call")
	}
	s.Overlook()
}

// What nobody uses and nobody tells of is found by the look at everybody: at Slack and at
// PagerDuty.
func TestQuarantineByTheLook(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	looked(s)
	must(t, s.Slack.ChangeUser(company.Sam, func(u *slackfake.User) { u.Deleted = true }))
	_, err := s.PagerDuty.AddUser(pagerdutyfake.User{ID: "PNOOR01", Name: "Somebody", Email: "else@demo.example"})
	must(t, err)
	s.FastForward(6*time.Hour + time.Minute)
	setAside(s, company.Noor, "the e-mail address at PagerDuty changed")
	s.In("C0ERRS", "The link of <@U0SAM> to PagerDuty was set aside", "was deactivated")
	if l := s.Link(company.Sam); l.Held == "" || s.Link(company.Dana).Held != "" || s.Link(company.Mara).Held != "" {
		t.Errorf("Sam: %+v", l)
	}
	n := len(s.Alarms())
	s.FastForward(13 * time.Hour) // twice more: nobody is told again
	if len(s.Alarms()) != n {
		t.Errorf("%d more messages for the operators", len(s.Alarms())-n)
	}
	var out map[string]any
	if status := s.Operator("/v1/people/confirm", app.PeopleBody{Person: company.Sam}, &out); status != http.StatusConflict || !strings.Contains(fmt.Sprint(out["error"]), "deactivated") {
		t.Errorf("lifting what is still so: %d %v", status, out)
	}
	if status := s.Operator("/v1/people/confirm", app.PeopleBody{Person: "noor"}, &out); status != http.StatusOK {
		t.Errorf("lifting it by command: %d %v", status, out)
	}
	s.Overlook()
	if l := s.Link(company.Noor); l.Held != "" || l.Seen.Login != "else@demo.example" {
		t.Errorf("Noor: %+v", l)
	}
	s.FastForward(7 * time.Hour)
	if s.Link(company.Noor).Held != "" {
		t.Error("what was confirmed is set aside again")
	}
}

// While a vendor does not say how accounts are, nobody's link is set aside.
func TestQuarantineNeedsAnAnswer(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("fourteen hours of the clock take a minute; TestQuarantineByTheLook has the same goroutines meet")
	}
	s := bottest.Open(t)
	looked(s)
	s.Slack.Fail(slackfake.Fault{Method: "users.list", Error: "internal_error"})
	id := s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 500, Route: "GET /users"})
	s.FastForward(7 * time.Hour)
	s.PagerDuty.ClearFault(id)
	s.FastForward(7 * time.Hour)
	all, err := s.App.Store().Links(t.Context())
	must(t, err)
	for _, l := range all {
		if l.Held != "" {
			t.Errorf("%s: %s", l.Person, l.Held)
		}
	}
	s.Overlook()
}

// proposes is a company in which an e-mail address proposes a link, and nobody has one.
func proposes(s string) []func(*company.Options) {
	return []func(*company.Options){bottest.Nobody(), bottest.Edit("breakglass.hcl", func(hcl string) string {
		return hcl + "\npeople {\n  propose_from = [\"" + s + "\"]\n}\n"
	})}
}

// formOf opens the form and leaves it.
func formOf(s *bottest.Story, who string) {
	s.T.Helper()
	s.As(who).Types("/access")
	form := s.As(who).Form("reason")
	s.Quiet()
	if _, err := s.As(who).CloseView(form); err != nil {
		s.T.Fatal(err)
	}
}

// An exact e-mail address proposes a link: Dana says that it is her and is asked as on
// call; she approves herself only when an admin has confirmed it.
func TestProposal(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, proposes("demo.example")...)
	dana, id := s.As(company.Dana), company.Person(company.Dana)
	formOf(s, company.Dana)
	ask := dana.Sees("PagerDuty has a user with your e-mail address", "PDANA01", "Is that you?")
	formOf(s, company.Dana) // once
	if _, linked := s.App.Catalog().Links.At("PDANA01"); linked || s.Link(company.Dana).State != flows.LinkProposed {
		t.Errorf("a proposal ties somebody: %+v", s.Link(company.Dana))
	}
	dana.Presses(ask, "bg:link_yes")
	dana.Sees("You said that this is you")
	tell := s.In("C0ERRS", "<@U0DANA> says to be", "Is that right?")
	if l, ok := s.App.Catalog().Links.Of(id); !ok || !l.Proposed {
		t.Errorf("a claimed link is %+v, %v", l, ok)
	}
	dana.Asks("Production console", "payments are down", nil)
	dana.Sees("is not linked to a PagerDuty user by an admin")
	s.Quiet()
	if r := s.Only(); r.Route.Stages[0].Self {
		t.Error("a claimed link carries self-approval")
	}
	s.Overlook()
	dana.Presses(tell, "bg:link_keep")
	dana.Told("Only an admin can do that")
	s.As(company.Mara).Presses(tell, "bg:link_keep")
	s.In("C0ERRS", "The link of <@U0DANA> to PagerDuty is confirmed by <@U0MARA>")
	dana.Sees("An admin confirmed who you are")
	dana.Asks("Production database", "payments are down", nil)
	dana.Sees("Production database", "you may approve this yourself")
	s.Overlook()
	got := strings.Join(s.Entries("system"), " ")
	if want := "started person_link_proposed person_link_claimed refused person_link_confirmed"; got != want {
		t.Errorf("entries %s\nwant    %s", got, want)
	}
}

// A no is remembered; a yes can be taken away by an admin; nobody confirms their own.
func TestProposalDeclined(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, proposes("demo.example")...)
	dana, mara := s.As(company.Dana), s.As(company.Mara)
	formOf(s, company.Dana)
	dana.Presses(dana.Sees("Is that you?"), "bg:link_no")
	dana.Sees("This is settled")
	s.In("C0ERRS", "<@U0DANA> says that the PagerDuty user with their e-mail address is not them")
	s.FastForward(2 * time.Hour)
	formOf(s, company.Dana)
	if l := s.Link(company.Dana); l.State != flows.LinkDeclined || l.Ties() {
		t.Errorf("%+v", l)
	}
	formOf(s, company.Mara)
	mara.Presses(mara.Sees("Is that you?"), "bg:link_yes")
	mara.Sees("You said that this is you")
	tell := s.In("C0ERRS", "<@U0MARA> says to be")
	mara.Presses(tell, "bg:link_keep")
	mara.Told("Nobody confirms their own link")
	mara.Presses(tell, "bg:link_drop")
	s.In("C0ERRS", "<@U0MARA> is not linked to PagerDuty any more")
	s.Overlook()
	s.FastForward(2 * time.Hour)
	formOf(s, company.Mara) // her own word does not bring it back
	if l := s.Link(company.Mara); l.State != flows.LinkDeclined || l.Ties() {
		t.Errorf("%+v", l)
	}
}

// A yes counts only while both accounts are what was asked about: not after the user at
// PagerDuty, or the address at Slack, became somebody else's.
func TestProposalOvertaken(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bottest.Story) error{
		"the user at PagerDuty": func(s *bottest.Story) error {
			_, err := s.PagerDuty.AddUser(pagerdutyfake.User{ID: "PDANA01", Name: "Somebody", Email: "newperson@demo.example"})
			return err
		},
		"the address at Slack": func(s *bottest.Story) error {
			return s.Slack.ChangeUser(company.Dana, func(u *slackfake.User) { u.Email = "dana.jones@demo.example" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t, proposes("demo.example")...)
			dana := s.As(company.Dana)
			formOf(s, company.Dana)
			ask := dana.Sees("Is that you?")
			must(t, change(s))
			dana.Presses(ask, "bg:link_yes")
			dana.Told("One of the accounts changed since you were asked, so you were not linked.")
			if l := s.Link(company.Dana); l.State != flows.LinkProposed {
				t.Errorf("%+v", l)
			}
			s.Overlook()
		})
	}
}

// The same for an admin's word on what was said before the accounts changed.
func TestConfirmationOvertaken(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, proposes("demo.example")...)
	dana := s.As(company.Dana)
	formOf(s, company.Dana)
	dana.Presses(dana.Sees("Is that you?"), "bg:link_yes")
	dana.Sees("You said that this is you")
	tell := s.In("C0ERRS", "<@U0DANA> says to be")
	_, err := s.PagerDuty.AddUser(pagerdutyfake.User{ID: "PDANA01", Name: "Somebody", Email: "newperson@demo.example"})
	must(t, err)
	s.As(company.Mara).Presses(tell, "bg:link_keep")
	s.As(company.Mara).Told("One of the accounts changed since the person said that it is them.")
	if l := s.Link(company.Dana); l.State != flows.LinkClaimed {
		t.Errorf("%+v", l)
	}
	s.Overlook()
}

// Nothing is proposed to who may not be who they say: another domain, a guest, an address
// that nobody has at PagerDuty, or one whose PagerDuty user is somebody else's.
func TestNoProposal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who    string
		domain string
		change func(*slackfake.User)
	}{
		"another domain":  {company.Dana, "acme.example", nil},
		"a domain below":  {company.Dana, "x.demo.example", nil},
		"a guest":         {company.Dana, "demo.example", func(u *slackfake.User) { u.IsRestricted = true }},
		"nobody has it":   {company.Lena, "demo.example", nil},
		"somebody's user": {company.Lena, "demo.example", func(u *slackfake.User) { u.Email = "sam@demo.example" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t, proposes(c.domain)...)
			imports(t, s, app.PeopleBody{Wishes: everybody()[1:2]}) // Sam
			if c.change != nil {
				must(t, s.Slack.ChangeUser(c.who, c.change))
			}
			formOf(s, c.who)
			s.FastForward(time.Minute)
			s.Overlook()
			if l := s.Link(c.who); l.Version != 0 {
				t.Errorf("%+v", l)
			}
			for _, m := range s.Slack.Messages("C0ERRS") {
				if strings.Contains(m.Text, "says to be") {
					t.Errorf("the admins are asked: %s", m.Text)
				}
			}
		})
	}
}

// When a hold is lifted, the address that was given up goes with it: it may be somebody
// else's by now, whom it would sign in.
func TestLiftedWithTheNewAddress(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, proposes("demo.example")...)
	dana, mara := s.As(company.Dana), s.As(company.Mara)
	formOf(s, company.Dana)
	dana.Presses(dana.Sees("Is that you?"), "bg:link_yes")
	dana.Sees("You said that this is you")
	mara.Presses(s.In("C0ERRS", "<@U0DANA> says to be"), "bg:link_keep")
	dana.Sees("An admin confirmed who you are")
	s.Quiet()
	must(t, s.Slack.ChangeUser(company.Dana, func(u *slackfake.User) { u.Email = "dana.jones@demo.example" }))
	s.FastForward(7 * time.Hour)
	told := setAside(s, company.Dana, "the e-mail address at Slack changed")
	mara.Presses(told, "bg:link_keep")
	s.In("C0ERRS", "The link of <@U0DANA> to PagerDuty is confirmed by <@U0MARA>")
	s.Overlook()
	if l := s.Link(company.Dana); l.Held != "" || l.Email != "dana.jones@demo.example" {
		t.Errorf("%+v", l)
	}
}
