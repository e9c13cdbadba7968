package bottest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// chosen is what stands in the form as the incident: its value.
func chosen(t *testing.T, form slackfake.View) string {
	t.Helper()
	t.Helper()
	var blocks map[string]map[string]struct {
		Value    string `json:"value"`
		Selected struct {
			Value string `json:"value"`
		} `json:"selected_option"`
	}
	must(t, json.Unmarshal(form.State, &blocks))
	for id, byAction := range blocks {
		if a := byAction["incident"]; strings.HasPrefix(id, "incident") {
			return a.Value + a.Selected.Value
		}
	}
	t.Fatalf("the form does not ask for it: %s", form.State)
	return ""
}

// Where nothing is found out, "No incident" stands in the form as what will be sent, and
// the quick way needs no click more. The card, the record and every list say so in words.
func TestNoIncidentIsSaid(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	sam := s.As(company.Sam)
	sam.Types("/access prod_database 30m the ledger is stuck")
	form := sam.Form("incident")
	if got := chosen(t, form); got != flows.NoIncident || !contains(form.Shown(), "No incident") || !contains(form.Shown(), "your reason must then stand for itself") {
		t.Errorf("chosen is %q in %v", got, form.Shown())
	}
	if _, err := sam.Submit(form, nil); err != nil {
		t.Fatal(err)
	}
	sam.Sees("You asked for Production database", "No incident")
	for _, who := range []string{company.Mara, company.Noor} {
		s.As(who).Sees("asks for Production database", "No incident")
	}
	s.Quiet()
	if r := s.Only(); r.Incident() != "" || s.Facts(r.ID, "submit")["no_incident"] != true {
		t.Errorf("it is for %q: %v", r.Incident(), s.Facts(r.ID, "submit"))
	}
	mara := s.As(company.Mara)
	mara.Types("/access audit incident:none")
	mara.Told("no incident")
	s.Overlook()
	one := string(s.Only().ID)
	for who, api := range map[string]*bottest.API{"sam": signed(s, p, company.Sam).API(), "mara": signed(s, p, company.Mara).API()} {
		for ask, want := range map[string]int{
			"which=mine&incident=none": map[string]int{"sam": 1}[who], "which=waiting&incident=none": map[string]int{"mara": 1}[who],
			"which=waiting&incident=QNOSUCH0000001": 0, "which=mine&incident=QNOSUCH0000001": 0,
		} {
			list, _ := api.Call("GET", "/v1/requests?"+ask, nil).Body["requests"].([]any)
			if len(list) != want || want > 0 && list[0].(map[string]any)["id"] != one {
				t.Errorf("%s asks for %s: %v, want %d", who, ask, list, want)
			}
		}
	}
}

// What is found out is chosen, and says why; that it is for none can be chosen instead.
func TestNoIncidentIsChosenInstead(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	sam := s.As(company.Sam)
	sam.Types("/access prod_database 30m a drill, no outage")
	form := sam.Form("incident")
	if got := chosen(t, form); got != inc.ID || !contains(form.Shown(), "Chosen because you acknowledged it. If it is for something else") {
		t.Errorf("chosen is %q in %v", got, form.Shown())
	}
	if options, err := sam.Suggest(form, "incident", ""); err != nil || options[0].Value != flows.NoIncident || options[0].Text != "No incident" || len(options) < 2 {
		t.Errorf("offered are %+v, %v", options, err)
	}
	if _, err := sam.Submit(form, slackfake.Values{"incident": "No incident"}); err != nil {
		t.Fatal(err)
	}
	sam.Sees("You asked for Production database", "No incident")
	for _, who := range []string{company.Mara, company.Noor} {
		s.As(who).Sees("asks for Production database", "No incident")
	}
	s.Quiet()
	if r := s.Only(); r.Incident() != "" {
		t.Errorf("it is for %q", r.Incident())
	}
}

// A flow that requires an incident does not offer that there is none, and says so to who
// sends it all the same, by Slack or by the API.
func TestNoIncidentIsRefusedWhereOneIsRequired(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Set("incident", `"required"`))
	sam := s.As(company.Sam)
	sam.Types("/access prod_database 30m the ledger is stuck")
	form := sam.Form("incident")
	if got := chosen(t, form); got != "" || contains(form.Shown(), "No incident") {
		t.Errorf("chosen is %q in %v", got, form.Shown())
	}
	if options, err := sam.Suggest(form, "incident", "none"); err != nil || len(options) != 0 {
		t.Errorf("offered are %+v, %v", options, err)
	}
	if _, err := sam.Submit(form, slackfake.Values{"incident": slackfake.Option{Text: "No incident", Value: "none"}}); err != nil {
		t.Fatal(err)
	}
	front, _ := sam.Front()
	refusal := ""
	for _, said := range front.Errors {
		refusal += said
	}
	if !strings.Contains(refusal, "“No incident” is not possible in Production access") {
		t.Errorf("the form says %q", refusal)
	}
	api := signed(s, p, company.Sam).API()
	for said, want := range map[string]string{"none": "is not possible in Production access", "": "is asked for with a PagerDuty incident only"} {
		in := ask()
		in["incident"] = said
		if no := answers(t, api.Call("POST", "/v1/requests", in), 422, "input"); !strings.Contains(no.Text("detail"), want) {
			t.Errorf("%q: %s", said, no.Text("detail"))
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

// A flow that opens incidents offers that in those words; and while PagerDuty lists none,
// what is typed begins with none.
func TestNoIncidentYet(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, opens())
	sam := s.As(company.Sam)
	sam.Types("/access prod_database")
	form := sam.Form("incident")
	if got := chosen(t, form); got != flows.NoIncident || !contains(form.Shown(), "No incident yet: open one") || !contains(form.Shown(), "one is opened at PagerDuty") {
		t.Errorf("chosen is %q in %v", got, form.Shown())
	}
}

func TestNoIncidentWhilePagerDutyIsDown(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 503, Route: "GET /incidents"})
	sam := s.As(company.Sam)
	sam.Types("/access prod_database 30m the ledger is stuck")
	form := sam.Form("incident")
	if got := chosen(t, form); got != flows.NoIncident || !contains(form.Shown(), "Its number or address, or none") {
		t.Errorf("chosen is %q in %v", got, form.Shown())
	}
	s.Overlook()
}
