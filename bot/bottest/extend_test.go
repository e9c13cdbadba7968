package bottest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// Sam's access ends soon: he presses Extend in the message that says so, the form is
// filled in, and Mara sees what it carries on. The access goes on without a gap, and
// both chains name the other.
func TestExtension(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	sam, mara := s.As(company.Sam), s.As(company.Mara)
	first := s.Only()
	s.FastForward(24 * time.Minute)
	sam.Presses(sam.Sees("Your access to Production database ends", "press “Extend”"), "bg:extend")
	form := sam.Form("incident")
	if _, err := sam.Submit(form, slackfake.Values{"duration": "1h"}); err != nil {
		t.Fatal(err)
	}
	card := mara.Sees("<@U0SAM> asks for Production database", "Extends", "`"+first.ID.Short()+"`, access until", "Waiting for you")
	mara.Presses(card, "bg:approve")
	s.Quiet()
	second := s.Requests()[0]
	if second.Content.Extends != first.ID || second.Content.Reason != first.Content.Reason || second.Hash != second.Content.Hash(second.ID) {
		t.Errorf("the extension asks for %+v", second.Content)
	}
	other := second.Content
	other.Extends = ""
	if other.Hash(second.ID) == second.Hash {
		t.Error("what is extended is not in the content hash")
	}
	s.FastForward(10 * time.Minute)
	s.Has(company.Sam)
	if n := outcomes(s)[receiver.Revoked]; n != 0 {
		t.Errorf("the target ended it %d times in between", n)
	}
	if f := s.Facts(second.ID, "submit"); f["extends"] != string(first.ID) {
		t.Errorf("the new chain says %v", f["extends"])
	}
	if f := s.Facts(first.ID, "extended"); f["by"] != string(second.ID) {
		t.Errorf("the old chain says %v", f["by"])
	}
	s.FastForward(time.Hour)
	s.Has()
	want := []string{"submit", "route", "approve", "activate", "observed", "granted", "expiring", "extended", "end", "revoked"}
	if diff := cmp.Diff(want, s.Entries(first.ID)); diff != "" {
		t.Errorf("the first's entries (-want +got):\n%s", diff)
	}
	s.Overlook()
}

// Through however many grants, access does not last longer than max_total without a
// break, whether what carries it on says so or not.
func TestMaxTotal(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Set("max_duration", `"1h"`), bottest.Set("durations", `["30m", "1h"]`), bottest.Set("max_total", `"90m"`))
	givenBy(s, "Production database")
	sam, mara := signed(s, p, company.Sam).API(), signed(s, p, company.Mara).API()
	first := s.Only()
	extend := func(d string) bottest.Answer {
		return sam.Call("POST", "/v1/requests/"+string(first.ID)+"/extensions", map[string]any{"duration": d, "reason": "still at it"})
	}
	s.FastForward(25 * time.Minute)
	approve := func(id string) bottest.Answer {
		s.Quiet()
		hash := mara.Call("GET", "/v1/requests/"+id, nil).Text("hash")
		return mara.Call("POST", "/v1/requests/"+id+"/decisions", map[string]any{"decision": "approve", "hash": hash})
	}
	if no := answers(t, extend("4m"), 422, "input"); !strings.Contains(no.Text("detail"), "in any case") {
		t.Errorf("shorter than what there is: %s", no.Text("detail"))
	}
	second := answers(t, extend("1h"), 201, "")
	if second.Text("extends") != string(first.ID) {
		t.Errorf("it extends %q", second.Text("extends"))
	}
	answers(t, approve(second.Text("id")), 200, "")
	s.FastForward(50 * time.Minute) // the first has ended, the second goes on: 75 minutes
	s.Has(company.Sam)
	answers(t, extend("30m"), 409, "state")
	other := answers(t, sam.Call("POST", "/v1/requests", map[string]any{
		"flow": "prod", "target": "prod_database", "duration": "30m", "reason": "as if it were another", "incident": "none",
	}), 201, "").Text("id")
	if no := answers(t, approve(other), 422, "input"); !strings.Contains(no.Text("detail"), "allows 1h30m without a break") {
		t.Errorf("by another request: %s", no.Text("detail"))
	}
	s.FastForward(5 * time.Minute)
	s.Has(company.Sam)
	s.FastForward(6 * time.Minute)
	s.Has()
	answers(t, approve(other), 200, "") // after a break it is another access
	s.Overlook()
}

// Where a flow says no max_total, it is max_duration: whoever approves for themselves does
// not go on for ever by extensions, with the incident resolved or not.
func TestSelfApprovedExtensionsEnd(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Set("max_duration", `"1h"`), bottest.Set("durations", `["30m"]`), bottest.Replace(`max_total      = "8h"`, ""),
		bottest.Replace(`email     = "dana@demo.example"`, "email     = \"dana@demo.example\"\n  subject   = \"sub-"+company.Dana+"\""))
	browser := s.Browser()
	browser.SignsIn(p, "sub-"+company.Dana, "/")
	dana, inc := browser.API(), opened(s, "Payments fail")
	approved := func(asked bottest.Answer) string {
		t.Helper()
		s.Quiet()
		id := answers(t, asked, 201, "").Text("id")
		hash := dana.Call("GET", "/v1/requests/"+id, nil).Text("hash")
		answers(t, dana.Call("POST", "/v1/requests/"+id+"/decisions", map[string]any{"decision": "approve", "hash": hash}), 200, "")
		s.Quiet()
		return id
	}
	first := approved(dana.Call("POST", "/v1/requests", map[string]any{
		"flow": "prod", "target": "prod_database", "duration": "30m", "reason": "the ledger is stuck", "incident": inc.ID,
	}))
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	s.FastForward(5 * time.Minute)
	more := map[string]any{"duration": "30m", "reason": "still at it"}
	second := approved(dana.Call("POST", "/v1/requests/"+first+"/extensions", more))
	s.FastForward(28 * time.Minute)
	s.Has(company.Dana)
	if no := answers(t, dana.Call("POST", "/v1/requests/"+second+"/extensions", more), 422, "input"); !strings.Contains(no.Text("detail"), "allows 1h without a break") {
		t.Errorf("for ever: %s", no.Text("detail"))
	}
	s.FastForward(5 * time.Minute)
	s.Has()
	s.Overlook()
}

// Nobody extends what is another's, another access, or over.
func TestWhatCannotBeExtended(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	givenBy(s, "Production database")
	sam, dana, mara := s.As(company.Sam), signed(s, p, company.Dana).API(), signed(s, p, company.Mara).API()
	sams := signed(s, p, company.Sam).API()
	id := string(s.Only().ID)
	more := map[string]any{"duration": "1h", "reason": "still at it"}
	answers(t, dana.Call("POST", "/v1/requests/"+id+"/extensions", more), 404, "unknown_request")
	answers(t, mara.Call("POST", "/v1/requests/"+id+"/extensions", more), 403, "not_allowed") // who may see it
	answers(t, sams.Call("POST", "/v1/requests/"+id+"/extensions", map[string]any{"duration": "5h", "reason": "still at it"}), 422, "input")

	s.FastForward(24 * time.Minute)
	notice := sam.Sees("Your access to Production database ends")
	sam.Presses(notice, "bg:extend")
	form := sam.Form("incident")
	if _, err := sam.Submit(form, slackfake.Values{"target": "Production console"}); err != nil { // then it is no extension
		t.Fatal(err)
	}
	s.Until("a request for the console", func() bool { return len(s.Requests()) == 2 })
	if r := s.Requests()[0]; r.Content.Extends != "" || r.Content.Target == "prod_database" {
		t.Errorf("another access is an extension: %+v", r.Content)
	}
	s.FastForward(10 * time.Minute)
	answers(t, sams.Call("POST", "/v1/requests/"+id+"/extensions", more), 409, "state")
	s.Overlook()
}

// The incident is resolved: who needs the access on asks for it, and has it for as long
// as that was approved, not for another grace only.
func TestExtensionAfterTheIncident(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	sam, mara := s.As(company.Sam), s.As(company.Mara)
	inc := opened(s, "Payments fail")
	sam.Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID, "duration": "1h"})
	mara.Presses(mara.Sees("<@U0SAM> asks for Production database", "Waiting for you"), "bg:approve")
	sam.Sees("You have access to Production database until")
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	sam.Presses(sam.Sees("is resolved, so your access to Production database ends", "press “Extend”"), "bg:extend")
	if _, err := sam.Submit(sam.Form("incident"), slackfake.Values{"duration": "30m"}); err != nil {
		t.Fatal(err)
	}
	mara.Presses(mara.Sees("<@U0SAM> asks for Production database", "Extends", "Waiting for you"), "bg:approve")
	s.FastForward(25 * time.Minute)
	s.Has(company.Sam)
	s.FastForward(10 * time.Minute)
	s.Has()
	for _, r := range s.Requests() {
		if r.State != flows.StateEnded {
			t.Errorf("%s is %s", r.ID.Short(), r.State)
		}
	}
	s.Overlook()
}
