package bottest_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/audit/history"
)

// Months later the auditor asks in Slack what was done, and reads it there; who had no
// part in it reads nothing.
func TestTheAuditorAsks(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	sam, mara, audi := s.As(company.Sam), s.As(company.Mara), s.As(company.Audi)
	sam.Asks("Production database", "the ledger is stuck", nil)
	sam.Sees("You asked for Production database", "Waiting for")
	card := mara.Sees("<@U0SAM> asks for Production database")
	mara.Denies(card, "use the replica")
	sam.Sees("You asked for Production database", "use the replica")
	sam.Sees("was not granted", "use the replica")
	s.As(company.Noor).Sees("<@U0SAM> asks for Production database", "Denied")
	s.Quiet()

	audi.Types("/access audit @sam denied")
	audi.Told("Production database", "denied by <@U0MARA>", "the ledger is stuck", "That you looked is recorded")
	audi.Types(`/access audit "the replica" last 30d`)
	audi.Told("denied by <@U0MARA>")
	audi.Types("/access audit incident 4711")
	audi.Told("No request answers that")
	s.As(company.Noor).Types("/access audit @dana")
	s.As(company.Noor).Told("No request answers that", "You see what you had a part in")
	mara.Types("/access audit decided-by:me")
	mara.Told("the ledger is stuck")

	entries, err := s.App.Store().Entries(t.Context(), "system")
	must(t, err)
	looks := 0
	for _, e := range entries {
		if e.Verb == "audit_read" {
			looks++
		}
	}
	if r := s.Only(); r.State != flows.StateDenied || looks != 5 {
		t.Errorf("the request is %s, and %d looks are recorded", r.State, looks)
	}
}

// An answer in Slack leads to the same question in the console, and a request's details to
// its story there.
func TestTheAnswerLeadsToTheConsole(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	must(t, s.Reload(bottest.Edit("breakglass.hcl", func(hcl string) string {
		return hcl + "\nserver {\n  console_url = \"" + s.URL("") + "\"\n}\n"
	})))
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	s.As(company.Noor).Denies(s.As(company.Noor).Sees("<@U0SAM> asks for", "Waiting for you"), "use the replica")
	s.Quiet()
	s.Overlook()
	mara := s.As(company.Mara)
	browser := signed(s, p, company.Mara)
	follow := func(says, path string) bottest.Page {
		t.Helper()
		var link []string
		s.Until("an answer that says "+says, func() bool {
			for _, m := range mara.Ephemerals() {
				if strings.Contains(m.Shown(), says) {
					link = regexp.MustCompile(`<(http://[^|>]+)\|`).FindStringSubmatch(m.Shown())
				}
			}
			return link != nil
		})
		if !strings.HasPrefix(link[1], s.URL(path)) {
			t.Errorf("the answer leads to %s", link[1])
		}
		return browser.Get(strings.TrimPrefix(link[1], s.URL("")))
	}
	mara.Types("/access audit <@U0SAM|sam> denied \"the ledger\" last 30d")
	mara.Told("denied by <@U0NOOR>", "The same in the console")
	page := follow("The same in the console", "/audit?q=")
	shows(t, page, "Production database 30m for sam", "Denied by noor")
	if got := page.URL.Query().Get("q"); got != `<@U0SAM|sam> denied "the ledger" last 30d` {
		t.Errorf("the console was asked %q", got)
	}
	mara.Presses(mara.Ephemerals()[len(mara.Ephemerals())-1], "bg:audit-show")
	shows(t, follow("in the console>. That you looked", "/audit/requests/"+string(s.Only().ID)), "noor denied", "use the replica")
	s.Overlook()
}

// The same over HTTP: by a browser's session, each sees what is theirs, and by the door
// file the owner of the process sees everything.
func TestTheAuditOverHTTP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, func(o *company.Options) { o.Dir = dir })
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	s.As(company.Mara).Sees("<@U0SAM> asks for Production database")
	s.As(company.Noor).Sees("<@U0SAM> asks for Production database")

	sam, dana := s.Browser(), s.Browser()
	sam.SignsIn(p, "sub-"+company.Sam, "/")
	s.In("C0ERRS", "sam signed in")
	dana.SignsIn(p, "sub-"+company.Dana, "/")
	s.In("C0ERRS", "dana signed in")
	if page := sam.Get("/v1/audit?q=@sam"); page.Status != http.StatusOK || !contains(page.Body, "the ledger is stuck") {
		t.Errorf("Sam reads %d %s", page.Status, page.Body)
	}
	if page := dana.Get("/v1/audit?q=@sam"); page.Status != http.StatusOK || contains(page.Body, "ledger") {
		t.Errorf("Dana reads %d %s", page.Status, page.Body)
	}
	if page := s.Browser().Get("/v1/audit/export"); page.Status != http.StatusUnauthorized {
		t.Errorf("a stranger reads %d %s", page.Status, page.Body)
	}

	d, err := app.ReadDoor(filepath.Join(dir, "breakglass.db.door"))
	must(t, err)
	for token, want := range map[string]int{d.Token: http.StatusOK, "another": http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.Addr+"/v1/audit/requests/"+string(s.Only().ID), nil)
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultTransport.RoundTrip(req)
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode != want {
			t.Errorf("by the door file: %d, want %d", resp.StatusCode, want)
		}
	}
}

// Each entry says which program wrote it, and what an auditor asks for: why these people
// were asked, the incident as it was read and how old that was, the times of the life,
// and for an effect the job, its tries and what the target answered.
func TestWhatEntriesCarry(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	dana := s.As(company.Dana)
	card := selfCard(s, "Production database")
	dana.Presses(card, "bg:approve")
	dana.Sees("You asked for Production database", "Access works until")
	dana.Sees("You have access to Production database until")
	s.In("C0PROD", "asks for Production database", "for themselves, on call")
	s.Quiet()
	r := s.Only()
	for verb, want := range map[string][]string{
		"submit":  {"requester", "beneficiary", "link", "reason", "seconds", "target_hash", "flow_hash", "door", "request", "scope"},
		"route":   {"stages", "why", "evidence", "on_call", "origin"},
		"approve": {"shown", "self", "why", "evidence", "on_call", "on_call_age_ms", "submitted_at", "latest_end", "beneficiary", "seconds"},
		"granted": {"job", "attempts", "receipt", "had_before", "target_kind", "target_hash", "submitted_at", "decided_at", "granted_at", "granted_seconds", "ends_at"},
	} {
		facts := s.Facts(r.ID, verb)
		for _, name := range append(want, "replica", "version", "config", "world", "flow", "target") {
			if _, has := facts[name]; !has {
				t.Errorf("%s says nothing of %s: %v", verb, name, facts)
			}
		}
		if inc, ok := facts["incident_as_read"].(map[string]any); r.Incident() != "" && verb != "granted" && verb != "route" && (!ok || inc["status"] != "acknowledged" || inc["url"] == "") {
			t.Errorf("%s has the incident as %v", verb, facts["incident_as_read"])
		}
	}
	_, submitted := entry(s, r.ID, "submit")
	holds(t, "submit", submitted, map[string]string{"no_incident": "true", "incident": "", "reason": "payments are down"})
	_, approval := entry(s, r.ID, "approve")
	holds(t, "approve", approval["evidence"].(map[string]any), map[string]string{
		"calls":   `.*answer:true .*call:pagerduty.is_on_call .*entry:map\[level:1 override:no policy:primary schedule:primary, level 1 .*shift_start:\d{13}\].*read_at:\d{13}.*`,
		"handler": "[0-9a-f]{64}", "flow_hash": "[0-9a-f]{64}", "tainted": "false",
	})
	holds(t, "approve", approval["on_call"].(map[string]any), map[string]string{
		"policy": company.PolicyPrimary, "policy_name": "primary", "level": "1", "override": "no", "schedule": "P.+", "shift_start": `\d{13}`, "shift_end": `\d+`,
		"read_at": `\d{13}`, "digest": "[0-9a-f]{64}", "user": "PDANA01",
	})
	entries, err := s.App.Store().Entries(t.Context(), string(r.ID))
	must(t, err)
	story, err := history.StoryOf(&r, entries)
	must(t, err)
	trace := ""
	for _, e := range story.Entries {
		if e.Verb == "approve" {
			trace = fmt.Sprint(e.Actor.(map[string]any)["trace"])
		}
	}
	if !contains(trace, "action_ts=") || !contains(trace, "message_ts=") || !contains(trace, "received=") {
		t.Errorf("the approval's trace is %q", trace)
	}
}
