package company

import (
	"fmt"

	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// cast is everybody, on both sides.
var cast = [...]struct{ slack, pager, name string }{
	{Dana, "PDANA01", "Dana"}, {Sam, "PSAM001", "Sam"}, {Mara, "PMARA01", "Mara"}, {Noor, "PNOOR01", "Noor"}, {Lena, "", "Lena"}, {Audi, "", "Audi"},
}

func (c *Company) openSlack() error {
	limits := slackfake.RateLimits{Off: !c.o.Strict}
	ws, err := slackfake.New(slackfake.Options{
		Now: c.o.Clock.Now, TeamID: Team, EnterpriseID: c.o.Enterprise, TeamDomain: "demo", AppID: AppID, BotName: "breakglass", BotToken: botToken, SigningSecret: signingSecret,
		ClientID: SlackClient, ClientSecret: SignInSecret,
		Commands: []string{"/access"}, Events: c.o.Events, RateLimits: limits, ControlToken: c.o.ControlToken,
	})
	if err != nil {
		return fmt.Errorf("open the Slack simulator: %w", err)
	}
	c.Slack = ws
	FillSlack(ws)
	return ws.Start(or(c.o.SlackListen))
}

// FillSlack gives a workspace the company's people, groups and channels.
func FillSlack(ws *slackfake.Workspace) {
	for _, p := range cast {
		ws.AddUser(slackfake.User{ID: p.slack, Name: lower(p.name), RealName: p.name, DisplayName: p.name, Email: lower(p.name) + "@demo.example", TZ: "Europe/Berlin"})
	}
	ws.AddUser(slackfake.User{ID: Guest, Name: "gil", RealName: "Gil (guest)", IsRestricted: true})
	ws.AddUserGroup(slackfake.UserGroup{ID: "S0ENG", Handle: "engineering", Users: []string{Dana, Sam, Mara, Guest}})
	ws.AddUserGroup(slackfake.UserGroup{ID: "S0SRE", Handle: "sre-managers", Users: []string{Mara, Noor, Lena}})
	all := []string{Dana, Sam, Mara, Noor, Lena, Audi, ws.Bot()}
	for id, name := range map[string]string{"C0PROD": "prod-access", "C0SREM": "sre-managers", "C0ERRS": "access-errors", "C0GENERAL": "general"} {
		ws.AddChannel(slackfake.Channel{ID: id, Name: name, Members: all})
	}
}

func lower(s string) string { return string(s[0]|0x20) + s[1:] }

func (c *Company) openPagerDuty() error {
	acc := pagerdutyfake.New(pagerdutyfake.Options{
		Now: c.o.Clock.Now, Subdomain: "demo", Keys: []pagerdutyfake.Key{{Token: pagerKey}}, ControlToken: c.o.ControlToken,
	})
	c.PagerDuty = acc
	if err := acc.Start(or(c.o.PagerDutyListen)); err != nil {
		return fmt.Errorf("open the PagerDuty simulator: %w", err)
	}
	return FillPagerDuty(acc)
}

// FillPagerDuty gives an account the company's people, policies and service, and puts
// Dana, and Mara and Noor as managers, on call.
func FillPagerDuty(acc *pagerdutyfake.Account) error {
	var users []pagerdutyfake.User
	for _, p := range cast {
		if p.pager != "" {
			users = append(users, pagerdutyfake.User{ID: p.pager, Name: p.name, Email: lower(p.name) + "@demo.example"})
		}
	}
	users = append(users, pagerdutyfake.User{ID: "PBOT001", Name: "Breakglass", Email: "breakglass@demo.example"})
	if err := acc.Load(pagerdutyfake.Setup{
		Users: users,
		Policies: []pagerdutyfake.Policy{
			{ID: PolicyPrimary, Name: "primary", Rules: []pagerdutyfake.Rule{{Targets: []string{"PDANA01"}}}},
			{ID: PolicyManagers, Name: "mgr_on_call", Rules: []pagerdutyfake.Rule{{Targets: []string{"PMARA01"}}}},
		},
		Services: []pagerdutyfake.Service{{ID: Service, Name: "Payments", Policy: PolicyPrimary}},
	}); err != nil {
		return fmt.Errorf("set the PagerDuty simulator up: %w", err)
	}
	if err := acc.SetOnCall(PolicyPrimary, 1, "PDANA01"); err != nil {
		return err
	}
	return acc.SetOnCall(PolicyManagers, 1, "PMARA01", "PNOOR01")
}

func (c *Company) openDatabase() error {
	db, err := receiver.New(receiver.Options{Secrets: []string{databaseKey}, Now: c.o.Clock.Now})
	if err != nil {
		return fmt.Errorf("open the database's receiver: %w", err)
	}
	c.Database = db
	return db.Start(or(c.o.DatabaseListen))
}
