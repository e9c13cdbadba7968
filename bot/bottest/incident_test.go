package bottest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// opened is an incident that Sam acknowledged.
func opened(s *bottest.Story, title string) pagerdutyfake.Incident {
	s.T.Helper()
	inc, err := s.PagerDuty.Trigger(company.Service, title, "PSAM001")
	if err == nil {
		err = s.PagerDuty.Acknowledge(inc.ID, "PSAM001")
	}
	if err != nil {
		s.T.Fatal(err)
	}
	return inc
}

// givenFor is a grant of Sam's for an incident, approved by Mara.
func givenFor(s *bottest.Story, inc pagerdutyfake.Incident) {
	s.T.Helper()
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID, "duration": "1h"})
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for", inc.Title)
	card := s.As(company.Mara).Sees("asks for Production database", "Waiting for you", inc.Title)
	s.As(company.Noor).Sees("asks for Production database", "Waiting for you", inc.Title)
	s.As(company.Mara).Presses(card, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.As(company.Sam).Sees("You asked for Production database", "Access works until")
	s.Quiet()
}

// notes waits until an incident has n notes, and holds each to what it must say.
func notes(s *bottest.Story, incident string, want ...string) {
	s.T.Helper()
	s.Quiet()
	have := s.PagerDuty.Notes(incident)
	if len(have) != len(want) {
		s.T.Fatalf("the incident has %d notes, want %d: %+v", len(have), len(want), have)
	}
	for i, w := range want {
		if !strings.Contains(have[i].Content, w) {
			s.T.Errorf("note %d is %q, not about %q", i, have[i].Content, w)
		}
	}
}

// The incident's own notes say what was granted and that it ended, each once, even when
// PagerDuty's answers get lost.
func TestIncidentNotes(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultLostAnswer, Route: "POST /incidents/{id}/notes", Times: 2})
	givenFor(s, inc)
	s.FastForward(30 * time.Second)
	notes(s, inc.ID, "sam@demo.example has access to Production database until 2026-11-22 04:00 UTC, approved by mara@demo.example. Reason: the ledger is stuck")
	s.As(company.Sam).Types("/access done " + s.Only().ID.Short())
	s.As(company.Sam).Told("On it")
	s.As(company.Sam).Sees("has ended")
	s.As(company.Mara).Sees("Ended")
	s.As(company.Noor).Sees("Ended")
	s.FastForward(30 * time.Second)
	notes(s, inc.ID, "has access", "sam@demo.example no longer has access to Production database (done)")
	s.FastForward(10 * time.Minute)
	notes(s, inc.ID, "has access", "no longer has access")
}

// PagerDuty takes no notes for an hour, in which Breakglass is started anew and the
// access ends: each note is written when it is back, and says when it was.
func TestIncidentNotesWhilePagerDutyIsDown(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, hurried)
	inc := opened(s, "Ledger stuck")
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 503, Route: "POST /incidents/{id}/notes"})
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 503, Route: "GET /incidents/{id}/notes"})
	givenFor(s, inc)
	s.Restart()
	s.Jump(59 * time.Minute)
	s.FastForward(2 * time.Minute)
	s.Overlook()
	if r := s.Only(); r.State != flows.StateEnded || len(s.PagerDuty.Notes(inc.ID)) != 0 {
		t.Fatalf("it is %s, notes %v", r.State, s.PagerDuty.Notes(inc.ID))
	}
	s.PagerDuty.ClearFaults()
	s.Jump(time.Hour)
	s.Quiet()
	var all string
	for _, n := range s.PagerDuty.Notes(inc.ID) {
		all += n.Content
	}
	for _, want := range []string{
		"sam@demo.example was given access to Production database at 2026-11-22 03:00 UTC, approved by mara@demo.example",
		"sam@demo.example no longer has access to Production database (time), since 2026-11-22 04:0",
	} {
		if strings.Count(all, want) != 1 {
			t.Errorf("the notes do not say %q once: %s", want, all)
		}
	}
	if left := s.Mirrored(2, 1); len(left) > 0 { // late as they are
		t.Errorf("not compared: %q", left)
	}
	s.Overlook()
}

// A denial is noted, too.
func TestIncidentNoteOfADenial(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	s.As(company.Sam).Asks("Production console", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	s.As(company.Sam).Sees("Waiting for")
	s.As(company.Mara).Sees("Waiting for you")
	s.As(company.Noor).Denies(s.As(company.Noor).Sees("Waiting for you"), "no")
	s.As(company.Sam).Sees("was not granted")
	s.Quiet()
	notes(s, inc.ID, "sam@demo.example asked for Production console and was denied by noor@demo.example.")
	if left := s.Mirrored(1, 1); len(left) > 0 {
		t.Errorf("not compared: %q", left)
	}
}

// Resolved: the access ends ten minutes later, and Sam is told at once. Reopened:
// nothing comes back by itself.
func TestResolvedAndReopened(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	givenFor(s, inc)
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	s.As(company.Sam).Sees("is resolved, so your access to Production database ends", "press “Extend”")
	mine := s.As(company.Sam).Sees("You asked for Production database", "since the incident is resolved")
	if !hasButton(mine, "bg:more") {
		t.Error("Sam cannot ask for more time")
	}
	s.FastForward(9 * time.Minute)
	s.Has(company.Sam)
	s.All(company.Sam, "Your access to Production database ends")
	must(t, s.PagerDuty.Reopen(inc.ID, "PSAM001"))
	s.FastForward(2 * time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended: the incident was resolved")
	s.As(company.Sam).Sees("You asked for Production database", "*Ended*: the incident was resolved")
	s.As(company.Mara).Sees("*Ended*: the incident was resolved")
	s.As(company.Noor).Sees("*Ended*: the incident was resolved")
	s.Has()
	s.FastForward(10 * time.Minute)
	s.Has()
	if r := s.Only(); r.State != flows.StateEnded || r.EndCause != flows.EndIncident {
		t.Errorf("it is %s by %s", r.State, r.EndCause)
	}
}

// The webhook never arrives: the poll finds it out within a minute.
func TestResolvedWithoutAWebhook(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	givenFor(s, inc)
	s.PagerDuty.HoldWebhooks()
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	s.FastForward(minute)
	s.As(company.Sam).Sees("is resolved, so your access to Production database ends")
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}

// Merged into another: the grant goes with the parent, and ends when that is resolved.
func TestMerged(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	child, parent := opened(s, "Ledger stuck"), opened(s, "Payments down")
	givenFor(s, child)
	must(t, s.PagerDuty.Merge(child.ID, parent.ID, "PSAM001"))
	s.Until("the request to move to the parent", func() bool { return string(s.Only().MovedTo) == parent.ID })
	s.FastForward(30 * time.Minute)
	s.Has(company.Sam) // the child is resolved by being merged, and that ends nothing
	must(t, s.PagerDuty.Resolve(parent.ID, "PSAM001"))
	s.FastForward(minute)
	s.As(company.Sam).Sees("is resolved, so your access to Production database ends")
	s.FastForward(11 * time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended: the incident was resolved")
	s.Has()
	notes(s, parent.ID, "no longer has access")
	notes(s, child.ID, "has access")
	r := s.Only()
	if row := history.RowOf(&r); string(row.Incident) != parent.ID || row.Number != 0 || row.Title != "" {
		t.Errorf("exports say incident %s, #%d %s", row.Incident, row.Number, row.Title) // of the child nothing is told as if it were the parent's
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
	s.Expect("submit", "route", "approve", "activate", "observed", "granted", "incident_merged", "incident_changed", "incident_resolved", "end", "revoked")
	if left := s.Mirrored(2, 1); len(left) > 0 { // on two incidents
		t.Errorf("not compared: %q", left)
	}
}

// PagerDuty does not show the incident any more: the access stays until its time, and
// the operators are told once, after ten minutes. When it can be read again it counts.
func TestTheIncidentCannotBeRead(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	givenFor(s, inc)
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 400, Route: "GET /incidents/{id}"})
	s.FastForward(9 * time.Minute)
	if n := len(s.Alarms()); n != 0 {
		t.Errorf("%d alarms after nine minutes", n)
	}
	s.FastForward(3 * time.Minute)
	s.In("C0ERRS", "PagerDuty has not shown the incident of <@U0SAM>’s access to Production database", "stays until its time")
	s.FastForward(10 * time.Minute)
	if n := len(s.Alarms()); n != 1 {
		t.Errorf("%d alarms after twenty minutes", n)
	}
	s.Has(company.Sam)
	s.PagerDuty.ClearFaults()
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	s.FastForward(minute)
	s.As(company.Sam).Sees("is resolved, so your access to Production database ends")
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
	s.Expect("submit", "route", "approve", "activate", "observed", "granted", "incident_unreadable", "incident_resolved")
}

// The flow asks for an incident: without one nothing is asked for, and one that is
// resolved by the time of the click is none.
func TestAnIncidentIsRequired(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Set("incident", `"required"`))
	inc := opened(s, "Ledger stuck")
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	card := s.As(company.Mara).Sees("asks for Production database", "Ledger stuck")
	s.As(company.Noor).Sees("asks for Production database", "Ledger stuck")
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	s.Until("the change to be recorded", func() bool { return slices.Contains(s.Entries(s.Only().ID), "incident_changed") })
	s.As(company.Mara).Presses(card, "bg:approve")
	s.As(company.Mara).Told("is resolved by now. Your approval was not counted", "Ask again for an open one")
	s.Has()
	s.Expect("submit", "route", "incident_changed", "refused")
}

// deleted has PagerDuty know nothing of an incident any more.
func deleted(s *bottest.Story) {
	for _, route := range []string{"GET /incidents/{id}", "POST /incidents/{id}/notes", "GET /incidents/{id}/notes"} {
		s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 404, Route: route, Body: `{"error":{"message":"Not Found","code":2100}}`})
	}
}

// The incident is deleted at PagerDuty while people are asked: where the flow requires
// one nobody approves any more, and the refusal is recorded.
func TestTheIncidentIsDeletedBeforeTheDecision(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Set("incident", `"required"`))
	inc := opened(s, "Ledger stuck")
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	card := s.As(company.Mara).Sees("asks for Production database", "Ledger stuck")
	s.As(company.Noor).Sees("asks for Production database", "Ledger stuck")
	s.Quiet()
	deleted(s)
	s.As(company.Mara).Presses(card, "bg:approve")
	s.As(company.Mara).Told("PagerDuty no longer has this incident. Your approval was not counted")
	s.Has()
	s.Expect("submit", "route", "refused")
}

// The incident is deleted while access is active: it stays until its time, the operators
// are told, and the end waits for no note.
func TestTheIncidentIsDeletedWhileAccessIsActive(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	givenFor(s, inc)
	deleted(s)
	s.FastForward(15 * time.Minute)
	s.Has(company.Sam)
	s.In("C0ERRS", "PagerDuty has not shown the incident of <@U0SAM>’s access to Production database", "stays until its time")
	s.FastForward(50 * time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
	s.Has()
	s.In("C0ERRS", "job note:", "was given up")
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
	s.Expect("submit", "route", "approve", "activate", "observed", "granted", "incident_unreadable", "expiring", "end", "revoked")
}
