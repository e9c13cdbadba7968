package bottest_test

import (
	cmpx "cmp"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/integrations/oidcfake"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// nasty is what somebody types who tries the pages.
const nasty = `<script>alert(1)</script>"><img src=x onerror=alert(2)> {{.}} 'x' javascript:alert(3)`

// lived is a company with a past.
type lived struct {
	*bottest.Story
	provider *oidcfake.Provider
	incident pagerdutyfake.Incident
	given    flows.Request // Sam's for the incident, approved by Mara, over
	own      flows.Request // Dana's, approved by herself, on call, over
	denied   flows.Request // Sam's, denied by Mara
}

func live(t *testing.T) *lived {
	t.Helper()
	p, with := bottest.SignIn(t)
	admins := bottest.Replace("roles {\n  admins   = [\"U0MARA\"]", "audit {\n  retention = \"none\"\n}\n\nroles {\n  admins   = [\"U0MARA\", \"U0LENA\"]")
	l := &lived{Story: bottest.Open(t, with, admins, bottest.Edit("breakglass.hcl", func(hcl string) string {
		return hcl + "\nperson \"audi\" {\n  slack = \"" + company.Audi + "\"\n  pagerduty = \"PAUDI01\"\n  email = \"audi@demo.example\"\n}\n"
	})), provider: p}
	dana, sam, mara := l.As(company.Dana), l.As(company.Sam), l.As(company.Mara)
	l.incident = opened(l.Story, "Payments fail "+nasty)
	sam.Asks("Production database", nasty, slackfake.Values{"incident": l.incident.ID, "duration": "1h"})
	mara.Presses(mara.Sees("<@U0SAM> asks for Production database", "Waiting for you"), "bg:approve")
	sam.Sees("You have access to Production database until")
	l.given = l.newest()
	l.FastForward(time.Minute)
	dana.Asks("Production database", "the replica lags, failing over", nil)
	dana.Presses(dana.Sees("You asked for Production database", "you may approve this yourself"), "bg:approve")
	dana.Sees("You have access to Production database until")
	l.own = l.newest()
	l.FastForward(2 * time.Hour)
	sam.Asks("Production console", "curious about the numbers", nil)
	mara.Denies(mara.Sees("<@U0SAM> asks for Production console"), "use the replica "+nasty)
	sam.Sees("was not granted")
	l.denied = l.newest()
	l.FastForward(2 * time.Minute)
	l.Overlook()
	return l
}

// newest is the request that was made last, as it is.
func (l *lived) newest() flows.Request {
	l.T.Helper()
	l.Quiet()
	return l.Requests()[0]
}

// signsIn has somebody sign in at the console.
func (l *lived) signsIn(user string) *bottest.Browser {
	l.T.Helper()
	b := l.Browser()
	if page := b.SignsIn(l.provider, "sub-"+user, "/"); page.Status != http.StatusOK {
		l.T.Fatalf("%s signs in: %d %s", user, page.Status, page.Text())
	}
	l.Overlook()
	return b
}

// shows fails the test unless the page has these texts.
func shows(t *testing.T, page bottest.Page, texts ...string) {
	t.Helper()
	if page.Status != http.StatusOK {
		t.Errorf("%s: %d", page.URL, page.Status)
	}
	for _, want := range texts {
		if !strings.Contains(page.Text(), want) {
			t.Errorf("%s does not show %q: %s", page.URL, want, page.Text())
		}
	}
}

// The auditor asks, follows what is found, and reads the whole story with its proof.
func TestConsoleForTheAuditor(t *testing.T) {
	t.Parallel()
	l := live(t)
	audi := l.signsIn(company.Audi)
	looksAreRecorded(t, l, audi)
	reports(t, l, audi)
	shows(t, audi.Get("/audit"), "Production console 30m for sam", "Denied by mara", "Approved by themselves, ended 22 Nov 03:31 at its time", "That you looked is recorded.")
	page := audi.Get("/audit?filter=1&person=sam&part=for&outcome=granted&words=script")
	if got := page.URL.Query().Get("q"); !strings.Contains(page.Body, `<details class="filters" open>`) || got != "for:sam outcome:granted reason:script" || page.URL.Path != "/audit" {
		t.Errorf("the form became %s", page.URL)
	}
	shows(t, page, "Production database 1h for sam", "Words were looked for since")
	if strings.Contains(page.Text(), "for dana") || !strings.Contains(page.Body, `<option value="for" selected>`) {
		t.Errorf("Sam's grants: %s", page.Body)
	}
	if wrong := audi.Get("/audit?q=tarqet:db"); wrong.Status != http.StatusUnprocessableEntity || !strings.Contains(wrong.Text(), "Did you mean target:db?") {
		t.Errorf("a mistake: %d %s", wrong.Status, wrong.Text())
	}
	if bad := audi.Get("/audit?after=nowhere"); bad.Status != http.StatusUnprocessableEntity {
		t.Errorf("a place that there is not: %d", bad.Status)
	}
	shows(t, audi.Get("/audit/requests/"+string(l.given.ID)), "All 9 entries are proved", "Who was asked, and why On call for mgr_on_call, level 1", "mara approved in Slack",
		"pagerduty.is_on_call(user=PSAM001) → false", "PMARA01: mgr_on_call, level 1 · mgr_on_call, level 1 (1), since 2026-11-21 03:00:00 UTC · override: no", "Its receipt rcpt_", "Approver’s card to noor", "Requester’s card to sam", l.given.Hash, "Entry 9: revoked", "Proved: entry")
	shows(t, audi.Get("/audit/requests/"+string(l.own.ID)), "dana approved their own request, on call", "On call for primary, level 1", "Shift since 2026-11-21 03:00 UTC (24 h before)", "Override: no")
	shows(t, audi.Get("/audit/requests/"+string(l.denied.ID)), "mara denied", "use the replica", "Given never")
	for _, at := range []string{l.incident.ID, "1"} {
		inc := audi.Get("/audit/incidents/" + at)
		shows(t, inc, "Incident #1 Payments fail", "Open it at PagerDuty")
		inOrder(t, inc, "In order", "sam asked for access · Production database", "mara approved", "The target confirmed the access", "The target confirmed the end", "mara denied · Production console")
	}
	shows(t, audi.Get("/audit/people/U0SAM"), "PagerDuty PSAM001", "1 h of access in 90 days", "Production console 30m for sam")
	shows(t, audi.Get("/audit/charts?days=30"), "given and ended 2", "denied 1", "within a minute 2 100 %", "1 of 2 50 %")
	shows(t, audi.Get("/audit/charts?days=30"), "Access active, by target", "0 now 2 began", "By team", "primary 1", "A team is the escalation policy")
	shows(t, audi.Get("/audit/charts?days=30&flow=prod"), "Access active over time", "Access active, by target")
	shows(t, audi.Get("/audit/charts?days=30&flow=nothing"), "Nothing was approved in this time")
	if no := audi.Get("/audit/requests/req_none"); no.Status != http.StatusNotFound {
		t.Errorf("no request: %d", no.Status)
	}
	if no := audi.Get("/audit/incidents/Q0NONE"); no.Status != http.StatusNotFound {
		t.Errorf("no incident: %d", no.Status)
	}
}

// inOrder fails the test unless the page says these one after the other.
func inOrder(t *testing.T, page bottest.Page, texts ...string) {
	t.Helper()
	rest := page.Text()
	for _, want := range texts {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Errorf("%s does not go on with %q: %s", page.URL, want, rest)
			return
		}
		rest = after
	}
}

// reports: the sample of an evidence report is drawn again by its seed, and each report
// says from what it was drawn.
func reports(t *testing.T, l *lived, audi *bottest.Browser) {
	t.Helper()
	form := audi.Get("/audit/evidence")
	shows(t, form, "Draw the sample")
	if !strings.Contains(form.Body, `value="2026-08-01"`) || !strings.Contains(form.Body, `value="2026-10-31"`) {
		t.Errorf("the window is not the last three months: %s", form.Body)
	}
	one := audi.Get("/audit/evidence?n=1&seed=s1&since=2026-11-01&until=2026-11-30")
	shows(t, one, "2 grants and 2 removals within the window", "1 grants and 1 removals, drawn by seed s1", "checkpoint")
	l.FastForward(2 * time.Minute)
	if again := audi.Get("/audit/evidence?n=1&seed=s1&since=2026-11-01&until=2026-11-30"); drawnIn(again) != drawnIn(one) || drawnIn(one) == "" {
		t.Errorf("the same seed drew %s, then %s", drawnIn(one), drawnIn(again))
	}
	both := audi.Get("/audit/evidence?n=25&seed=s1&since=2026-11-01&until=2026-11-30")
	shows(t, both, "by themselves, on call for primary, level 1, read 2026-11-22 03:01:00 UTC", "by mara", "it ended at its time")
	shows(t, audi.Get("/audit/evidence?n=1&seed=s1&since=2026-10-01&until=2026-10-30"), "No access was given in the window", "No access was removed in the window")
	for _, bad := range []string{"n=0&seed=s", "n=101&seed=s", "n=5&seed=s&since=2026-13-01", "n=5&seed=s&since=2026-02-01&until=2026-01-01", "n=5&seed=s&since=2020-01-01", "n=5&seed=" + strings.Repeat("x", 65)} {
		if page := audi.Get("/audit/evidence?" + bad); page.Status != http.StatusUnprocessableEntity || !strings.Contains(page.Text(), "No report was made") {
			t.Errorf("%s: %d", bad, page.Status)
		}
	}
}

// What the target never gave is taken back as well, but there was no access to remove:
// however the sample is drawn, it is of the one that was given.
func TestTheSampleIsOfAccessThatWasGiven(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	s.Database.Fail(receiver.Fault{Type: "access.grant", Refuse: "the role is frozen"})
	ask := func(then string) {
		s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
		s.As(company.Mara).Presses(s.As(company.Mara).Sees("asks for Production database", "Waiting for you"), "bg:approve")
		s.As(company.Sam).Sees(then)
		s.FastForward(2 * time.Minute)
		s.Overlook()
	}
	for range 5 {
		ask("the target did not give the access")
	}
	s.Database.ClearFaults()
	ask("You have access to Production database until")
	given := s.Requests()[0]
	s.FastForward(2 * time.Hour)
	s.Overlook()
	mara := s.Browser() // an admin, who sees everything
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	s.Overlook()
	failed := 0
	for _, r := range s.Requests() {
		if r.State == flows.StateFailed {
			failed++
		}
	}
	if failed != 5 {
		t.Fatalf("%d requests failed, want 5", failed)
	}
	want := strings.Repeat(` href="/audit/requests/`+string(given.ID)+`"`, 2)[1:] // once given, once removed
	for seed := range 8 {
		page := mara.Get(fmt.Sprintf("/audit/evidence?n=1&seed=%d&since=2026-11-01&until=2026-11-30", seed))
		shows(t, page, "1 grants and 1 removals within the window", "1 grants and 1 removals, drawn by seed", "it ended at its time")
		if got := drawnIn(page); got != want {
			t.Errorf("seed %d drew %s, want %s", seed, got, want)
		}
	}
}

// drawnIn is the requests of a report.
func drawnIn(p bottest.Page) string {
	return strings.Join(regexp.MustCompile(`href="/audit/requests/(req_\w+)"`).FindAllString(p.Body, -1), " ")
}

// looksAreRecorded: each look is an audit entry, with who looked and for what.
func looksAreRecorded(t *testing.T, l *lived, audi *bottest.Browser) {
	t.Helper()
	for _, path := range []string{
		"/audit?q=@sam", "/audit/requests/" + string(l.given.ID), "/audit/incidents/" + l.incident.ID, "/audit/people/U0DANA", "/audit/charts", "/audit/evidence?n=1&seed=abc",
	} {
		shows(t, audi.Get(path), "That you looked is recorded.")
	}
	l.Quiet()
	entries, err := l.App.Store().Entries(t.Context(), "system")
	must(t, err)
	events, err := history.Events(entries)
	must(t, err)
	var got []string
	for _, e := range events {
		if f, ok := e.Facts.(map[string]any); ok && e.Verb == "audit_read" {
			got = append(got, fmt.Sprint(f["what"], " ", e.Who()))
		}
	}
	who := " " + string(company.Person(company.Audi))
	if diff := cmp.Diff([]string{"list" + who, "request" + who, "timeline" + who, "list" + who, "charts" + who, "sample" + who}, got); diff != "" {
		t.Errorf("looks (-want +got):\n%s", diff)
	}
}

// Who is neither auditor nor admin sees what they had a part in, however they ask.
func TestConsoleShowsOthersTheirOwn(t *testing.T) {
	t.Parallel()
	l := live(t)
	dana, noor, sam := l.signsIn(company.Dana), l.signsIn(company.Noor), l.signsIn(company.Sam)
	secret := []string{"curious about", "onerror", string(l.given.ID), string(l.denied.ID), l.given.ID.Short(), "Payments fail", "sam"}
	for _, path := range []string{
		"/audit", "/audit?q=@sam", "/audit?q=by:@sam+OR+me", "/audit?q=person:U0SAM", "/audit?q=incident+1", "/audit?q=%22curious%22", "/audit?q=for:T0DEMO01/U0SAM",
		"/audit?q=%22%25%25%25%22", "/audit?q=me&after=9999999999999.req_z", "/audit?viewer=&q=", "/audit?q=target:x%27+OR+%271%27=%271", "/audit?q=%22abc%27)+OR+1=1+--%22",
		"/audit/requests/" + string(l.given.ID), "/audit/requests/" + string(l.denied.ID), "/audit/requests/system", "/audit/requests/" + string(l.own.ID) + "%27+OR+1=1",
		"/audit/incidents/" + l.incident.ID, "/audit/incidents/1", "/audit/incidents/1?after=1.1", "/audit/people/U0SAM", "/audit/people/T0DEMO01%2FU0SAM", "/audit/people/%25",
		"/audit/charts", "/audit/evidence", "/audit/evidence?n=5&seed=a",
	} {
		for name, b := range map[string]*bottest.Browser{"Dana": dana, "Noor, who was asked but did nothing": noor} {
			page := b.Get(path)
			body := page.Body
			for _, echo := range []string{"value=\"" + html.EscapeString(page.URL.Query().Get("q")) + "\"", ">sam</option>", `value="sam"`} {
				body = strings.ReplaceAll(body, echo, "")
			}
			if _, list, is := strings.Cut(body, "</details>"); is && page.URL.Path == "/audit" {
				body = list // behind the box and the form, which repeat what was typed
			}
			for _, s := range secret {
				if strings.Contains(body, s) && page.Status == http.StatusOK {
					t.Errorf("%s, at %s, reads %q: %s", name, path, s, page.Text())
				}
			}
			if page.Status == http.StatusInternalServerError {
				t.Errorf("%s, at %s: something broke", name, path)
			}
			if hidden := !strings.HasPrefix(path, "/audit?") && path != "/audit"; hidden && page.Status != http.StatusNotFound && page.Status != http.StatusForbidden {
				t.Errorf("%s, at %s: %d", name, path, page.Status)
			}
		}
	}
	shows(t, dana.Get("/audit"), "Production database 30m for dana", "You see what you asked for, had, decided or ended")
	shows(t, dana.Get("/audit/requests/"+string(l.own.ID)), "dana approved their own request")
	shows(t, dana.Get("/audit/people/U0DANA"), "30 min of access")
	shows(t, sam.Get("/audit/incidents/1"), "mara denied · Production console")
	if body := sam.Get("/audit/people/U0DANA"); body.Status != http.StatusNotFound {
		t.Errorf("Sam looks Dana up: %d", body.Status)
	}
	mara := l.signsIn(company.Mara) // an admin
	shows(t, mara.Get("/audit/requests/"+string(l.own.ID)), "dana approved")
	if out := l.Browser().Get("/audit"); out.URL.Path != "/sign-in" {
		t.Errorf("nobody, at /audit: %s", out.URL)
	}
}

// What was erased is said to be, and the proofs hold all the same.
func TestConsoleErased(t *testing.T) {
	t.Parallel()
	l := live(t)
	x, _, no, err := l.App.Engine().ProposeErasure(t.Context(), company.Person(company.Sam), "GDPR-12", flows.Actor{Door: flows.DoorCLI, Admin: true, Trace: "local operator"})
	if err != nil || no != nil {
		t.Fatal(no, err)
	}
	l.FastForward(2 * time.Second)
	for _, admin := range []string{company.Mara, company.Lena} {
		confirms(t, l.Story, l.As(admin), "erase "+x.Code, "they asked for it")
		l.FastForward(2 * time.Second)
	}
	l.Overlook()
	audi := l.signsIn(company.Audi)
	page := audi.Get("/audit/requests/" + string(l.given.ID))
	shows(t, page, "All 9 entries are proved", "Somebody in it was erased", "Asked by erased ", "Reason erased", "reason erased", "erased asked for access in Slack")
	list := audi.Get("/audit")
	shows(t, list, "Production database 1h for erased", "Approved by mara")
	for _, p := range []bottest.Page{page, list, audi.Get("/audit/incidents/1"), audi.Get("/audit/evidence?n=5&seed=a&since=2026-11-01&until=2026-11-30")} {
		shows(t, p)
		_, main, _ := strings.Cut(p.Body, "<h1>")
		_, main, _ = strings.Cut(main, "</details>")
		if strings.Contains(main, "curious about") || strings.Contains(main, "U0SAM") || strings.Contains(main, ">sam<") {
			t.Errorf("%s still names Sam, or has what he typed: %s", p.URL, main)
		}
	}
	who := regexp.MustCompile(`href="(/audit/people/erased%2F\w+)"`).FindStringSubmatch(list.Body)
	if who == nil {
		t.Fatalf("whom was access given to? %s", list.Body)
	}
	shows(t, audi.Get(who[1]), "1 h of access")
}

// walks: the pages of a search and of an incident show everything once, in order, and
// those of somebody else only what is theirs.
func walks(t *testing.T, l *lived, audi *bottest.Browser) {
	t.Helper()
	next := regexp.MustCompile(`href="([^"]*)" rel="next"`)
	walk := func(b *bottest.Browser, path string, one *regexp.Regexp) (found []string, pages int) {
		t.Helper()
		for path != "" && pages < 20 {
			page := b.Get(path)
			shows(t, page)
			for _, m := range one.FindAllStringSubmatch(page.Body, -1) {
				found = append(found, m[1])
			}
			path = ""
			if m := next.FindStringSubmatch(page.Body); m != nil {
				path = html.UnescapeString(m[1])
			}
			pages++
		}
		return found, pages
	}
	line, entry := regexp.MustCompile(`class="main" href="/audit/requests/(req_\w+)"`), regexp.MustCompile(`<li class="step[^>]*id="entry-([^"]+)"`)
	got, pages := walk(audi, "/audit", line)
	var want []string
	all, err := l.App.Store().Requests(t.Context(), flows.RequestFilter{Limit: 1000})
	must(t, err)
	slices.SortFunc(all, func(a, b flows.Request) int {
		return cmpx.Or(b.SubmittedAt.Compare(a.SubmittedAt), strings.Compare(string(b.ID), string(a.ID)))
	})
	entries, danas := 0, 0
	for _, r := range all {
		want = append(want, string(r.ID))
		if r.Incident() == "QMADE00000" {
			entries += int(r.Chain.Len)
			if slices.ContainsFunc(r.Parts(), func(in flows.Involved) bool { return in.Person == company.Person(company.Dana) }) {
				danas += int(r.Chain.Len)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 4 {
		t.Errorf("%d pages of a search (-want +got):\n%s", pages, diff)
	}
	for b, want := range map[*bottest.Browser]struct{ n, pages int }{audi: {entries, 2}, l.signsIn(company.Dana): {danas, 1}} { // hers are made of her own alone
		steps, pages := walk(b, "/audit/incidents/1000", entry)
		if slices.Sort(steps); len(steps) != want.n || len(slices.Compact(steps)) != want.n || pages != want.pages || want.n == 0 {
			t.Errorf("an incident's %d pages show %d entries of %+v", pages, len(steps), want)
		}
	}
}

// In a real browser: nothing that was typed runs or loads, the policy is kept, no page is
// wider than a phone or hard to read in the dark, and the keyboard is enough.
func TestConsoleInABrowser(t *testing.T) {
	t.Parallel()
	l := live(t)
	fill(l.Story, 80, 8)
	audi := l.signsIn(company.Audi)
	walks(t, l, audi)
	c := browse(t, l.URL("/"), audi.Client.Jar)
	for name, path := range map[string]string{
		"search": "/audit", "given": "/audit/requests/" + string(l.given.ID), "own": "/audit/requests/" + string(l.own.ID), "incident": "/audit/incidents/" + l.incident.ID,
		"person": "/audit/people/U0SAM", "charts": "/audit/charts?days=30", "evidence": "/audit/evidence?n=5&seed=abc&since=2026-11-01&until=2026-12-30",
	} {
		c.sized(1100, 800, false)
		c.opens(l.URL(path))
		for _, look := range []struct {
			name  string
			width int
		}{{"light", 1100}, {"dark", 1100}, {"phone", 390}} {
			c.sized(look.width, 800, look.name == "dark")
			c.shoot(name + "-" + look.name)
			c.eval(`document.querySelectorAll("details").forEach(d => d.open = true)`, nil)
			c.fits(name + ", " + look.name)
			c.contrast(name + ", " + look.name)
			c.eval(`document.querySelectorAll("details").forEach(d => d.open = false)`, nil)
		}
		var ran int
		if c.eval(`document.querySelectorAll("script, img, iframe, [onerror], [style]").length`, &ran); ran != 0 {
			t.Errorf("%s: what was typed became %d elements", name, ran)
		}
	}
	var at string
	var lines int
	c.opens(l.URL("/audit"))
	if c.eval(`document.querySelectorAll(".line").length`, &lines); lines != 25 {
		t.Errorf("a page has %d lines", lines)
	}
	c.until(`document.activeElement.id === "q"`) // the box has the focus
	c.press("denied")
	c.until(`document.activeElement.value === "denied"`)
	c.arrives(func() { c.press("Enter") })
	var focus string
	if c.eval(`location.search`, &at); at != "?q=denied" {
		t.Errorf("typing leads to %s", at)
	}
	c.opens(l.URL("/audit?q=" + url.QueryEscape(`denied "curious about" since:2026`)))
	c.eval(`document.querySelector(".line .main").focus()`, nil)
	c.arrives(func() { c.press("Enter") })
	if c.eval(`location.pathname`, &at); at != "/audit/requests/"+string(l.denied.ID) {
		t.Errorf("the first line leads to %s", at)
	}
	c.press("Tab")
	if c.eval(`document.activeElement.textContent`, &focus); focus != "Skip to the page" {
		t.Errorf("the first Tab is at %q", focus)
	}
	c.printed()
	c.opens(l.URL("/audit/evidence?n=5&seed=abc&since=2026-11-01&until=2026-12-30"))
	var shown bool
	if c.eval(`document.querySelector(".report").checkVisibility() && ![...document.querySelectorAll("header, form, nav, .foot")].some(e => e.checkVisibility())`, &shown); !shown {
		t.Error("the printed report has the page's controls, or is not there")
	}
	c.fits("evidence, printed")
	c.shoot("evidence-print")
	if hosts := c.visited(); len(hosts) != 1 || hosts[0] != l.App.InternalAddr() {
		t.Errorf("the pages asked %v for something", hosts)
	}
}
