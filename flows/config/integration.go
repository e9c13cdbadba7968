package config

import (
	"regexp"
	"strings"
)

// The vendors' own addresses.
const (
	slackAPI       = "https://slack.com/api/"
	pagerdutyUSAPI = "https://api.pagerduty.com"
	pagerdutyEUAPI = "https://api.eu.pagerduty.com"
)

var (
	goodTeam  = regexp.MustCompile(`^T[A-Z0-9]{2,}$`)
	goodOrg   = regexp.MustCompile(`^E[A-Z0-9]{2,}$`)
	goodApp   = regexp.MustCompile(`^A[A-Z0-9]{2,}$`)
	goodEmail = regexp.MustCompile(`^[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+$`)
)

func (ld *loader) slackIntegration(d *decl) {
	f := ld.fieldsOf(d)
	s := &Slack{Name: d.name, Team: f.needText("external_id", `"T0123ABC"`), Enterprise: f.text("enterprise_id", ""), AppID: f.text("app_id", "")}
	if f.sound("external_id") && !goodTeam.MatchString(s.Team) {
		f.wrong("external_id", `It begins with T and stands in the workspace's web address: app.slack.com/client/T….`,
			"%q is not the id of a Slack workspace.", s.Team)
	}
	if f.given("enterprise_id") && f.sound("enterprise_id") && !goodOrg.MatchString(s.Enterprise) {
		f.wrong("enterprise_id", `It begins with E; breakglass doctor says it. Leave it out where the workspace belongs to no organisation.`,
			"%q is not the id of a Slack organisation.", s.Enterprise)
	}
	if f.given("app_id") && f.sound("app_id") && !goodApp.MatchString(s.AppID) {
		f.wrong("app_id", `It begins with A and stands in the app's basic information.`, "%q is not the id of a Slack app.", s.AppID)
	}
	s.BotToken, s.SigningSecret = f.needHandle("bot_token"), f.needHandle("signing_secret")
	s.PreviousSigning = f.handle("previous_signing_secret")
	a := f.address("api_url", "Slack", isSlack)
	s.APIURL, s.Simulated, s.AddressIsVendor = slackAPI, a.simulated, a.isVendor
	if a.url != "" {
		s.APIURL = strings.TrimRight(a.url, "/") + "/"
	}
	f.finish()
	f.distinct("bot_token", s.BotToken.Name(), "signing_secret", s.SigningSecret.Name())
	if ld.slack == nil {
		ld.slack = s
	}
}

// distinct refuses one secret in two places.
func (f *fields) distinct(a, nameA, b, nameB string) {
	if nameA != "" && nameA == nameB {
		f.wrong(b, "Declare a secret for each.", "%s and %s of %s are the same secret.", a, b, f.what)
	}
}

func (ld *loader) pagerdutyIntegration(d *decl) {
	f := ld.fieldsOf(d)
	p := &PagerDuty{
		Name: d.name, Account: f.needText("external_id", `"acme.pagerduty.com"`),
		From: f.needText("from", `"breakglass@acme.example"`), BaseURL: pagerdutyUSAPI,
	}
	if f.sound("from") && !goodEmail.MatchString(p.From) {
		f.wrong("from", "It is the e-mail address of a PagerDuty user; notes are written in that name.", "%q is not an e-mail address.", p.From)
	}
	p.APIToken, p.WebhookSecret = f.needHandle("api_token"), f.handle("webhook_secret")
	if f.choice("region", "us", "us", "eu") == "eu" {
		p.BaseURL = pagerdutyEUAPI
	}
	a := f.address("base_url", "PagerDuty", isPagerDuty)
	p.Simulated, p.AddressIsVendor = a.simulated, a.isVendor
	if a.url != "" {
		p.BaseURL = strings.TrimRight(a.url, "/")
	}
	if f.given("region") && f.given("base_url") {
		f.wrong("base_url", "Keep one of the two.", "%s has a region and a base_url.", f.what)
	}
	f.finish()
	f.distinct("api_token", p.APIToken.Name(), "webhook_secret", p.WebhookSecret.Name())
	if ld.pagerduty == nil {
		ld.pagerduty = p
	}
}
