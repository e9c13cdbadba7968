package bottest_test

import (
	"sync"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// People who may not ask: a guest, one from another company, one who has left, a bot,
// one whom the flow does not name. Each is refused with a reason, in the form he used.
func TestWhoMayNotAsk(t *testing.T) {
	t.Parallel()
	const eve = "U0EVE"
	for name, c := range map[string]struct {
		who slackfake.User
		why string
		eng bool // whether the flow's requesters name her
	}{
		"a guest":                     {slackfake.User{IsRestricted: true}, "guest account", true},
		"a guest of one channel":      {slackfake.User{IsUltraRestricted: true}, "guest account", true},
		"somebody of another company": {slackfake.User{IsStranger: true}, "stranger account", true},
		"who has left":                {slackfake.User{Deleted: true}, "", true},
		"a bot":                       {slackfake.User{IsBot: true}, "", true}, // nor can it be written to
		"whom the flow does not name": {slackfake.User{}, "not open to you", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t)
			c.who.ID, c.who.Name, c.who.RealName = eve, "eve", "Eve"
			plain := c.who
			plain.IsRestricted, plain.IsUltraRestricted, plain.IsStranger, plain.Deleted, plain.IsBot = false, false, false, false, false
			s.Slack.AddUser(plain)
			group := []string{company.Dana, company.Sam, company.Mara, company.Guest}
			if c.eng {
				group = append(group, eve)
			}
			s.Slack.AddUserGroup(slackfake.UserGroup{ID: "S0ENG", Handle: "engineering", Users: group})
			who := s.As(eve)
			who.Types("/access production_console 30m the ledger is stuck")
			if !c.eng {
				s.Until("the form to say no", func() bool { v, open := who.Front(); return open && contains(v.Shown(), c.why) })
				return
			}
			form := who.Form("incident")
			must(t, s.Slack.ChangeUser(eve, func(u *slackfake.User) { // it comes out while the form is open
				u.IsRestricted, u.IsUltraRestricted, u.IsStranger, u.Deleted, u.IsBot = c.who.IsRestricted, c.who.IsUltraRestricted, c.who.IsStranger, c.who.Deleted, c.who.IsBot
			}))
			if _, err := who.Submit(form, nil); err != nil { // who has left does not even get so far
				t.Log(err)
			}
			s.Quiet()
			if all := s.Requests(); len(all) != 0 {
				t.Fatalf("there is a request: %+v", all)
			}
			if c.why != "" { // the form may say so too, unless Slack took "working…" for it last
				who.Sees("Your request was not submitted", c.why)
			}
		})
	}
}

// In an organisation of several workspaces, people whose home is another one count as
// members where the configuration names the organisation.
func TestPeopleOfTheOrganisation(t *testing.T) {
	t.Parallel()
	const eve = "U0EVE"
	s := bottest.Open(t, func(o *company.Options) { o.Enterprise = "E0ACME" },
		bottest.Replace(`external_id    = "T0DEMO01"`, "external_id    = \"T0DEMO01\"\n  enterprise_id  = \"E0ACME\""))
	s.Slack.AddUser(slackfake.User{ID: eve, Name: "eve", RealName: "Eve", TeamID: "T0OTHER", EnterpriseUserID: "W0EVE", EnterpriseTeams: []string{"T0OTHER", company.Team}})
	s.Slack.AddUserGroup(slackfake.UserGroup{ID: "S0ENG", Handle: "engineering", Users: []string{company.Dana, company.Sam, eve}})
	s.As(eve).Asks("Production database", "the ledger is stuck", nil)
	s.As(eve).Sees("You asked for Production database", "Waiting for")
	s.As(company.Mara).Presses(s.As(company.Mara).Sees("<@U0EVE> asks for Production database"), "bg:approve")
	s.As(eve).Sees("You have access to Production database until")
	for _, who := range []string{eve, company.Mara, company.Noor} {
		s.All(who)
	}
}

// Who approves must be a member at the moment of the click: Noor is asked, and has
// become a guest (has left, is a bot) by then.
func TestWhoMayNotDecide(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*slackfake.User)
		why    string
	}{
		"a guest":  {func(u *slackfake.User) { u.IsRestricted = true }, "Your Slack account is a guest account"},
		"has left": {func(u *slackfake.User) { u.Deleted = true }, ""},
		"a bot":    {func(u *slackfake.User) { u.IsBot = true }, "Your Slack account is a bot account"},
		"stranger": {func(u *slackfake.User) { u.IsStranger = true }, "Your Slack account is a stranger account"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t)
			_, _, noors := askedManagers(s, "Production database", "the ledger is stuck")
			must(t, s.Slack.ChangeUser(company.Noor, c.change))
			_, _ = s.As(company.Noor).ClickStale(noors, "bg:approve")
			s.Quiet()
			if c.why != "" {
				s.As(company.Noor).Told(c.why, "Your click was not counted")
				if f := s.Facts(s.Only().ID, "refused"); f["code"] != string(flows.RefusedStanding) {
					t.Errorf("recorded was %v", f)
				}
			}
			s.Has()
			if r := s.Only(); r.State != flows.StatePending {
				t.Errorf("it is %s", r.State)
			}
			if name == "a bot" || name == "stranger" {
				setAside(s, company.Noor, "")
			}
		})
	}
}

// The requester has become a guest between asking and the click: nobody can approve it.
func TestTheRequesterIsNoLongerAMember(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	must(t, s.Slack.ChangeUser(company.Sam, func(u *slackfake.User) { u.IsRestricted = true }))
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Mara).Told("The requester's Slack account is a guest account")
	s.Has()
	s.Expect("submit", "route", "refused")
}

// The requester was taken out of the group that may ask.
func TestTheRequesterMayNotAskAnyMore(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.Slack.AddUserGroup(slackfake.UserGroup{ID: "S0ENG", Handle: "engineering", Users: []string{company.Dana}})
	s.FastForward(minute) // Slack's groups are read at most once a minute
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Mara).Told("open to @engineering, and the requester is not among them")
	s.Has()
}

// A click signed by Slack, but in another workspace's name, is not let in.
func TestAForeignTeam(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.Slack.FailDelivery(slackfake.DeliveryFault{Kind: "block_actions", Times: 1, ForeignTeam: "T0EVIL01"})
	if out, err := s.As(company.Mara).Click(maras, "bg:approve"); err == nil && out.Exchange.Status == 200 {
		t.Errorf("it was answered %d", out.Exchange.Status)
	}
	s.Quiet()
	s.Has()
	s.Expect("submit", "route")
}

// Two managers press at the same moment: one decision, one grant, and the other is told
// who was faster.
func TestTwoApproversAtOnce(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, noors := askedManagers(s, "Production database", "the ledger is stuck")
	var both sync.WaitGroup
	both.Go(func() { _, _ = s.As(company.Mara).ClickStale(maras, "bg:approve") })
	both.Go(func() { _, _ = s.As(company.Noor).ClickStale(noors, "bg:approve") })
	both.Wait()
	s.OneIsTold("already decided", company.Mara, company.Noor)
	s.As(company.Sam).Sees("You have access to Production database until")
	s.As(company.Sam).Sees("You asked for Production database", "Access works until")
	s.As(company.Mara).Sees("asks for Production database", "Access works until")
	s.As(company.Noor).Sees("asks for Production database", "Access works until")
	s.Has(company.Sam)
	if r := s.Only(); len(r.Votes) != 1 {
		t.Errorf("the votes are %+v", r.Votes)
	}
	granted := 0
	for _, e := range s.Database.Ledger() {
		if e.Outcome == receiver.Granted {
			granted++
		}
	}
	if granted != 1 {
		t.Errorf("the database gave access %d times", granted)
	}
}

// An approval and a denial at the same moment: one of them counts, never both.
func TestApprovedAndDeniedAtOnce(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, noors := askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Noor).Presses(noors, "bg:deny")
	form := s.As(company.Noor).Form("why")
	var both sync.WaitGroup
	both.Go(func() { _, _ = s.As(company.Mara).ClickStale(maras, "bg:approve") })
	both.Go(func() { _, _ = s.As(company.Noor).Submit(form, slackfake.Values{"why": "no"}) })
	both.Wait()
	s.Quiet()
	switch r := s.Only(); r.State {
	case flows.StateActive:
		s.As(company.Sam).Sees("You have access to Production database until")
		s.As(company.Noor).Sees("already decided: approved by <@U0MARA>")
		s.Has(company.Sam)
	case flows.StateDenied:
		s.As(company.Sam).Sees("was not granted: denied by <@U0NOOR>")
		s.As(company.Mara).Told("already decided: denied by <@U0NOOR>")
		s.Has()
	default:
		t.Errorf("it is %s", r.State)
	}
}
