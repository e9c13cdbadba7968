package main_test

import (
	"strings"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// What Dana approved for herself is looked back at by command: found among the reviews,
// refused to herself, closed by Mara with a word that Dana reads, and not twice.
func TestReviewByCommand(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, onRealTime, with, bottest.Set("review", `"self_approved"`))
	dana := s.As(company.Dana)
	dana.Asks("Production database", "payments are down", nil)
	dana.Presses(dana.Sees("you may approve this yourself"), "bg:approve")
	dana.Sees("You have access to Production database until")
	s.Quiet()
	dana.Presses(dana.Sees("You asked for Production database", "Access works until"), "bg:done")
	dana.Sees("You asked for Production database", "*Ended*")
	s.Quiet()
	machines := map[string]*terminal{}
	for _, who := range []string{company.Dana, company.Mara} {
		b := s.Browser()
		b.SignsIn(p, "sub-"+who, "/")
		machines[who] = newTerminal(t, s)
		machines[who].logsIn(b)
	}
	s.Overlook()
	short := s.Only().ID.Short()
	maras, danas := machines[company.Mara], machines[company.Dana]
	if said := danas.runs(0, "request", "list", "--which", "reviews"); !strings.Contains(said, "No requests.") {
		t.Errorf("Dana may review %s", said)
	}
	danas.runs(3, "request", "review", string(s.Only().ID), "--verdict", "ok")
	if said := maras.runs(0, "request", "list", "--which", "reviews"); !strings.Contains(said, short) || !strings.Contains(said, "ended, review open") {
		t.Errorf("the reviews for Mara: %s", said)
	}
	if said := maras.runs(0, "request", "review", string(s.Only().ID), "--verdict", "not-ok", "--note", "there was no need"); said != short+": dana's access to Production database was reviewed by mara: not-ok\n" {
		t.Errorf("Mara reads %q", said)
	}
	dana.Sees("was looked back at", "<@U0MARA>", "not in order", "there was no need")
	s.Quiet()
	if v := s.Only().Review; v.State != flows.ReviewClosed || v.Verdict != flows.VerdictNotOK || v.Note.Raw() != "there was no need" {
		t.Errorf("the review is %+v", v)
	}
	maras.runs(3, "request", "review", string(s.Only().ID), "--verdict", "ok")
	if said := maras.runs(0, "request", "list", "--which", "reviews"); !strings.Contains(said, "No requests.") {
		t.Errorf("still to be reviewed: %s", said)
	}
	s.Overlook()
}
