package bot_test

import (
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// TestAskApproveDone plays the story through the front door: form, card, click.
func TestAskApproveDone(t *testing.T) {
	t.Parallel()
	d := setup(t)
	dana, mara := d.User("U0DANA"), d.User("U0MARA")

	form := d.openForm("U0DANA", "")
	if !strings.Contains(string(form.State), "Q2AKJF9MPY7T1C") {
		t.Errorf("the incident that Dana acknowledged is not chosen: %s", form.State)
	}
	_, err := dana.Fill(form, "target", "Production console")
	must(t, err)
	form = d.form("U0DANA", 2)
	_, err = dana.Submit(form, slackfake.Values{"reason": "the database is down", "field": "CHG-1"})
	must(t, err)
	if v, _ := dana.Front(); v.Title != "Asking…" {
		t.Fatalf("after the submit stands %q, errors %v", v.Title, v.Errors)
	}
	d.work()
	r := d.only()
	want := flows.Content{Flow: "prod", Target: "production_console", Requester: person("U0DANA"), Beneficiary: person("U0DANA"), Duration: time.Hour}
	if c := r.Content; c.Flow != want.Flow || c.Target != want.Target || c.Requester != want.Requester || c.Duration != 30*time.Minute {
		t.Errorf("asked for %+v", c)
	}
	if c := r.Content; c.Reason.Raw() != "the database is down" || c.Incident.Number != 4711 || c.Fields[0].Value.Raw() != "CHG-1" {
		t.Errorf("asked for %q, incident %d, fields %v", c.Reason.Raw(), c.Incident.Number, c.Fields)
	}
	if v, _ := dana.Front(); v.Title != "Asked" {
		t.Errorf("the receipt is %q", v.Title)
	}

	cards := mara.DM()
	if len(cards) != 1 {
		t.Fatalf("Mara has %d messages", len(cards))
	}
	_, err = mara.Click(cards[0], "bg:approve")
	must(t, err)
	d.work()
	if r = d.only(); r.State != flows.StateActive || r.DecidedBy != person("U0MARA") {
		t.Fatalf("after the approval: %s by %s\n%s", r.State, r.DecidedBy, d.log)
	}
	_, err = dana.Slash("/access", "done "+r.ID.Short())
	must(t, err)
	d.work()
	if r = d.only(); r.State != flows.StateEnded || r.EndCause != flows.EndDone {
		t.Errorf("after done: %s, %s\n%s", r.State, r.EndCause, d.log)
	}
	d.noViolations()
}
