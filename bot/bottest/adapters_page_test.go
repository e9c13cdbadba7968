package bottest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
)

// The console's page of adapters: before anything is sent it says which rule and which
// grant let a call through, or how to ask; then it makes the call.
func TestAdaptersPage(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	acc := upstream(t)
	s := bottest.Open(t, with, adapterTo(acc))
	dana := signed(s, p, company.Dana)
	look := func(method, path string) bottest.Page {
		t.Helper()
		return dana.Get("/adapters?adapter=pagerduty&method=" + method + "&path=" + url.QueryEscape(path))
	}
	says := func(page bottest.Page, want ...string) {
		t.Helper()
		for _, w := range want {
			if page.Status != http.StatusOK || !strings.Contains(page.Text(), w) {
				t.Errorf("%s: %q is not on the page: %d %s", page.URL, w, page.Status, page.Text())
			}
		}
	}
	incidents := func() int { return len(acc.Ledger(0)) }

	says(dana.Get("/adapters"), "pagerduty", "GET /incidents/{id}", "no grant, for its callers", "a grant: /access pagerduty_notes")
	says(look("GET", "/incidents?limit=5"), "This rule lets it through: GET /incidents , without a grant.", "Send GET")
	says(look("POST", "/incidents/P1/notes"), "which you do not have", "belongs to PagerDuty: write notes", "/access pagerduty_notes")
	says(look("DELETE", "/users/P1"), "No rule of adapter pagerduty lets DELETE /users/P1 through")
	says(look("GET", "/a/../users"), "servers read in different ways")
	says(dana.Get("/adapters?adapter=none&path=/x"), `There is no adapter "none"`)
	if n := incidents(); n != 0 {
		t.Errorf("%d calls were made by looking", n)
	}

	page := dana.Post("/adapters", url.Values{"adapter": {"pagerduty"}, "method": {"GET"}, "path": {"/incidents?limit=5"}})
	says(page, "200 OK from the upstream", "Payments <b>fail</b>")
	if strings.Contains(page.Body, "<b>fail") {
		t.Error("what the upstream wrote is markup here")
	}
	says(dana.Post("/adapters", url.Values{"adapter": {"pagerduty"}, "method": {"POST"}, "path": {"/incidents/P1/notes"}, "body": {"{}"}}), "403 Forbidden from Breakglass", "which you do not have")
	says(dana.Post("/adapters", url.Values{"adapter": {"pagerduty"}, "method": {"GET"}, "path": {"/ %zz"}}), "Nothing was sent")
	if n := incidents(); n != 1 {
		t.Errorf("%d calls came to the upstream, not one", n)
	}

	// Another site cannot make the browser send one.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL("/adapters"), strings.NewReader("adapter=pagerduty&method=GET&path=/incidents"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://evil.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := dana.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("another site's form is answered %d", resp.StatusCode)
	}
}

// With a grant the page says until when, and the call goes through.
func TestAdaptersPageWithAGrant(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, adapterTo(upstream(t)))
	dana := s.As(company.Dana)
	dana.Asks("PagerDuty: write notes", "say what we found", nil)
	dana.Presses(dana.Sees("you may approve this yourself"), "bg:approve")
	dana.Sees("You have access to PagerDuty: write notes")
	s.In("C0PROD", "for themselves, on call")
	b := signed(s, p, company.Dana)
	page := b.Get("/adapters?adapter=pagerduty&method=POST&path=/incidents/P1/notes")
	if !strings.Contains(page.Text(), "by your access to PagerDuty: write notes ( request ), which ends in") {
		t.Errorf("the page says: %s", page.Text())
	}
	page = b.Post("/adapters", url.Values{"adapter": {"pagerduty"}, "method": {"POST"}, "path": {"/incidents/PNOPE/notes"}, "body": {`{"note":{"content":"x"}}`}})
	if !strings.Contains(page.Text(), "404 Not Found from the upstream") {
		t.Errorf("the answer: %s", page.Text())
	}
}

// The page in a real browser, light, dark and narrow.
func TestAdaptersPageInTheBrowser(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, adapterTo(upstream(t)))
	dana := signed(s, p, company.Dana)
	c := browse(t, s.URL(""), dana.Client.Jar)
	c.sized(1200, 900, false)
	c.opens(s.URL("/adapters?adapter=pagerduty&method=POST&path=/incidents/P1/notes"))
	c.fits("needs a grant")
	c.contrast("needs a grant")
	c.shoot("adapters-ask")
	c.opens(s.URL("/adapters?adapter=pagerduty&method=GET&path=/incidents"))
	c.arrives(func() { c.eval("document.querySelector('form.send button').click()", nil) })
	c.fits("the answer")
	c.shoot("adapters-answer")
	c.sized(390, 900, true)
	c.opens(s.URL("/adapters?adapter=pagerduty&method=GET&path=/incidents"))
	c.fits("narrow")
	c.contrast("narrow and dark")
	c.shoot("adapters-narrow")
}
