package bottest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// hashOn is the content hash in the form of a page: what the person was shown.
func hashOn(t *testing.T, p bottest.Page) string {
	t.Helper()
	m := regexp.MustCompile(`name="hash" value="([0-9a-f]{64})"`).FindStringSubmatch(p.Body)
	if m == nil {
		t.Fatalf("no decision on the page: %s", p.Text())
	}
	return m[1]
}

// Mara sees on the web what waits for her, and approves it there; Sam's Slack card
// changes as if she had clicked. Who was not asked sees nothing.
func TestDecideOnTheWeb(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	sam := s.As(company.Sam)
	sam.Asks("Production database", "the <b>ledger</b> is stuck", nil)
	sam.Sees("You asked for Production database", "Waiting for")
	s.As(company.Mara).Sees("<@U0SAM> asks for Production database")
	s.As(company.Noor).Sees("<@U0SAM> asks for Production database")
	id := string(s.Only().ID)

	mara := s.Browser()
	home := mara.SignsIn(p, "sub-"+company.Mara, "/")
	s.In("C0ERRS", "mara signed in")
	if !strings.Contains(home.Text(), "sam asks for Production database") || strings.Contains(home.Body, "<b>ledger") {
		t.Fatalf("what waits for Mara: %s", home.Body)
	}
	page := mara.Get("/requests/" + id)
	if !strings.Contains(page.Text(), "the <b>ledger</b> is stuck") || !strings.Contains(page.Text(), "mara, noor on call for mgr_on_call") {
		t.Fatalf("the request's page: %d %s", page.Status, page.Text())
	}
	if no := mara.Post("/requests/"+id, url.Values{"step": {"approve"}, "hash": {strings.Repeat("0", 64)}}); no.Status != http.StatusConflict ||
		!strings.Contains(no.Text(), "What you were shown is not what would be applied") {
		t.Errorf("an approval of something else: %d %s", no.Status, no.Text())
	}
	dana := s.Browser()
	dana.SignsIn(p, "sub-"+company.Dana, "/")
	s.In("C0ERRS", "dana signed in")
	if no := dana.Get("/requests/" + id); no.Status != http.StatusNotFound {
		t.Errorf("Dana, who was not asked, sees %s", no.Text())
	}
	if no := dana.Post("/requests/"+id, url.Values{"step": {"approve"}, "hash": {hashOn(t, page)}}); no.Status != http.StatusNotFound {
		t.Errorf("Dana approves: %s", no.Text())
	}
	if page := mara.Post("/requests/"+id, url.Values{"step": {"approve"}, "hash": {hashOn(t, page)}}); page.Status != http.StatusOK {
		t.Fatalf("Mara approves: %s", page.Text())
	}
	sam.Sees("You have access to Production database")
	sam.Sees("You asked for Production database", "Approved by <@U0MARA>")
	s.As(company.Noor).Sees("asks for Production database", "Approved by <@U0MARA>")
	if r := s.Only(); r.Votes[0].Door != flows.DoorWeb || r.State != flows.StateActive {
		t.Errorf("the vote is %+v, the request %s", r.Votes, r.State)
	}
	if page := mara.Post("/requests/"+id, url.Values{"step": {"revoke"}, "reason": {"seen enough"}}); page.Status != http.StatusOK {
		t.Fatalf("Mara ends it: %s", page.Text())
	}
	sam.Sees("Your access to Production database has ended", "seen enough")
	s.Has()
}

// Who is known by an e-mail address only does not approve their own request on the web;
// with the subject in the configuration they do.
func TestOwnRequestOnTheWeb(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	dana := s.As(company.Dana)
	dana.Asks("Production console", "payments are down", nil)
	dana.Sees("you may approve this yourself")
	id := string(s.Only().ID)
	b := s.Browser()
	b.SignsIn(p, "sub-"+company.Dana, "/")
	s.In("C0ERRS", "dana signed in")
	approve := func() bottest.Page {
		return b.Post("/requests/"+id, url.Values{"step": {"approve"}, "hash": {hashOn(t, b.Get("/requests/"+id))}})
	}
	if no := approve(); no.Status != http.StatusForbidden || !strings.Contains(no.Text(), "known by your e-mail address only") {
		t.Fatalf("by an address: %d %s", no.Status, no.Text())
	}
	if s.Only().State != flows.StatePending {
		t.Fatal("it was counted all the same")
	}
	s.Restart(bottest.Replace(`email     = "dana@demo.example"`, "email     = \"dana@demo.example\"\n  subject   = \"sub-"+company.Dana+`"`))
	b.Post("/sign-out", nil)
	b.SignsIn(p, "sub-"+company.Dana, "/")
	if page := approve(); page.Status != http.StatusOK {
		t.Fatalf("by her subject: %s", page.Text())
	}
	dana.Sees("You have access to Production console")
	s.In("C0PROD", "for themselves, on call")
}
