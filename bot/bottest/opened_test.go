package bottest_test

import (
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/pagerdutyfake"
)

// opens is a flow that opens an incident for a request that names none.
func opens() func(*company.Options) {
	return bottest.Set("incident", `"create"`+"\n  incident_service = \""+company.Service+"\"")
}

// theOpened is the one incident there is, once it is tied to the one request.
func theOpened(s *bottest.Story) pagerdutyfake.Incident {
	s.T.Helper()
	tick(s, "the incident to be tied to the request", func() bool { return s.Only().Opened.ID != "" })
	s.Quiet()
	all := s.PagerDuty.Incidents()
	if len(all) != 1 {
		s.T.Fatalf("%d incidents, want one: %+v", len(all), all)
	}
	if r := s.Only(); string(r.Incident()) != all[0].ID || r.Opened.Number != all[0].Number {
		s.T.Errorf("the request belongs to %+v, the incident is %+v", r.Opened, all[0])
	}
	return all[0]
}

// created counts the calls that created an incident, whether or not they were answered.
func created(s *bottest.Story) (asked int) {
	for _, e := range s.PagerDuty.Ledger(0) {
		if e.Method == "POST" && e.Path == "/incidents" {
			asked++
		}
	}
	return asked
}

// A flow that opens incidents: one is opened for a request that names none, everybody
// sees it, its notes tell the story, and the access ends with it.
func TestAnIncidentIsOpened(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, opens())
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	inc := theOpened(s)
	if !strings.Contains(inc.Title, "the ledger is stuck") || created(s) != 1 {
		t.Errorf("opened by %d calls: %+v", created(s), inc)
	}
	s.As(company.Sam).Sees("You asked for Production database", inc.Title)
	maras = s.As(company.Mara).Sees("asks for Production database", inc.Title)
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.Quiet()
	notes(s, inc.ID, "sam@demo.example has access to Production database")
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	s.As(company.Sam).Sees("is resolved, so your access to Production database ends")
	s.FastForward(11 * time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended: the incident was resolved")
	s.Has()
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
	if verbs := s.Entries(s.Only().ID); strings.Count(strings.Join(verbs, " "), "incident_opened") != 1 {
		t.Errorf("recorded is %v", verbs)
	}
}

// PagerDuty creates it and its answer gets lost, twice: there is one incident all the same.
func TestAnIncidentIsOpenedOnce(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, opens())
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultLostAnswer, Route: "POST /incidents", Times: 2})
	askedManagers(s, "Production database", "the ledger is stuck")
	theOpened(s)
	s.FastForward(10 * time.Second)
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
	if n := len(s.PagerDuty.Incidents()); n != 1 {
		t.Errorf("%d incidents", n)
	}
}

// PagerDuty is down when it should be opened: people are asked all the same, and it is
// opened when PagerDuty is back.
func TestAnIncidentIsOpenedLater(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, opens())
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 503, Route: "POST /incidents"})
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.Has(company.Sam)
	tick(s, "several tries", func() bool { return created(s) >= 3 })
	if n := len(s.PagerDuty.Incidents()); n != 0 || s.Only().Opened.ID != "" {
		t.Fatalf("%d incidents", n)
	}
	s.PagerDuty.ClearFaults()
	inc := theOpened(s)
	s.FastForward(time.Minute)
	notes(s, inc.ID, "sam@demo.example has access to Production database")
	if r := s.Only(); r.State != flows.StateActive {
		t.Errorf("it is %s", r.State)
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}
