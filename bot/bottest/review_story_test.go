package bottest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
)

// Noor is neither auditor nor admin, and is one of the fallback. While Dana's break-glass
// is to be reviewed, she reads its whole story in Slack, the console and over the API; not
// before, and afterwards only if it was she who reviewed it. To Sam there is no such
// request, as there is none under a made-up id.
func TestWhoReviewsReadsTheStory(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, reviewed, bottest.Set("fallback", `{ approvers = ["U0NOOR", "U0DANA", "U0MARA"], destination = "#sre-managers" }`))
	noor, sam := signed(s, p, company.Noor), signed(s, p, company.Sam)
	reads := func(b *bottest.Browser, id string) (ok bool) {
		t.Helper()
		page, story, calls := b.Get("/audit/requests/"+id), b.API().Call("GET", "/v1/audit/requests/"+id, nil), b.API().Call("GET", "/v1/audit/requests/"+id+"/calls", nil)
		if ok = page.Status == http.StatusOK; ok != (story.Status == http.StatusOK) || ok != (calls.Status == http.StatusOK) || ok != strings.Contains(page.Text(), "payments are down") {
			t.Errorf("the console answers %d, the API %d and %d: %s", page.Status, story.Status, calls.Status, page.Text())
		}
		if none := b.API().Call("GET", "/v1/audit/requests/req_none", nil); !ok && (story.Status != none.Status || story.Text("detail") != none.Text("detail") || story.Text("code") != none.Text("code")) {
			t.Errorf("of a request that there is not: %v, of one that is not theirs: %v", none.Body, story.Body)
		}
		if none := b.Get("/audit/requests/req_none"); !ok && (none.Status != page.Status || none.Text() != page.Text()) {
			t.Errorf("of a request that there is not: %s, of one that is not theirs: %s", none.Text(), page.Text())
		}
		return ok
	}
	dana := s.As(company.Dana)
	dana.Presses(selfCard(s, "Production database"), "bg:approve")
	dana.Sees("You have access to Production database until")
	id := string(s.Only().ID)
	s.In("C0PROD", "for themselves, on call")
	s.Quiet()
	if reads(noor, id) {
		t.Error("Noor reads the story while there is nothing to review")
	}
	dana.Presses(dana.Sees("You asked for Production database", "Access works until"), "bg:done")
	card := s.In("C0SREM", "<@U0DANA> had access to Production database", "Was that in order?")
	dana.Sees("Your access to Production database has ended")
	dana.Sees("You asked for Production database", "*Ended*")
	s.In("C0PROD", "asks for Production database", "*Ended*")
	s.Quiet()

	if !reads(noor, id) || reads(sam, id) {
		t.Error("Noor does not read the story that she is to review, or Sam does")
	}
	s.As(company.Noor).Presses(card, "bg:audit-show")
	s.As(company.Noor).Told("payments are down", "1. ", "10. ")
	s.As(company.Sam).Presses(card, "bg:audit-show")
	s.As(company.Sam).Told("Only auditors, who had a part in it, and who is to review it")
	if text := noor.Get("/requests/" + id).Text(); !strings.Contains(text, "whole story") {
		t.Errorf("the request's page: %s", text)
	}
	if text := noor.Get("/audit?q=" + url.QueryEscape("review:open")).Text(); strings.Contains(text, "payments are down") {
		t.Errorf("it is among her answers: %s", text)
	}

	must(t, s.Reload(bottest.Set("fallback", `{ approvers = ["U0DANA", "U0MARA"], destination = "#sre-managers" }`)))
	if reads(noor, id) {
		t.Error("Noor reads the story though she is not to review it any more")
	}
	must(t, s.Reload(bottest.Set("fallback", `{ approvers = ["U0NOOR", "U0DANA", "U0MARA"], destination = "#sre-managers" }`)))
	verdict(s, company.Noor, card, "ok", "")
	dana.Sees("which you approved for yourself, was looked back at", "in order")
	s.In("C0SREM", "had access to Production database", "Reviewed")
	s.Quiet()
	must(t, s.Reload(bottest.Set("fallback", `{ approvers = ["U0SAM", "U0MARA"], destination = "#sre-managers" }`)))
	if !reads(noor, id) || reads(sam, id) {
		t.Error("who reviewed it does not read the story, or who did not does")
	}
	s.Overlook()
}
