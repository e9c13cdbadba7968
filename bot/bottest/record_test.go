package bottest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/integrations/slackfake"
)

// entry is the first entry of the kind about a request, with what can be opened of it.
func entry(s *bottest.Story, id flows.RequestID, verb string) (actor, facts map[string]any) {
	s.T.Helper()
	all, err := s.App.Store().Entries(s.T.Context(), string(id))
	must(s.T, err)
	events, err := history.Events(all)
	must(s.T, err)
	at := slices.IndexFunc(events, func(e history.Event) bool { return e.Verb == verb })
	if at < 0 {
		s.T.Fatalf("there is no %s among %v", verb, s.Entries(id))
	}
	return events[at].Actor.(map[string]any), events[at].Facts.(map[string]any)
}

// holds holds facts to patterns; what the pattern is "" for must not be there.
func holds(t *testing.T, what string, facts map[string]any, want map[string]string) {
	t.Helper()
	for name, pattern := range want {
		v, has := facts[name]
		if has != (pattern != "") || has && !regexp.MustCompile("^"+pattern+"$").MatchString(fmt.Sprint(v)) {
			t.Errorf("%s: %s is %v, want %s", what, name, v, pattern)
		}
	}
}

// Who acted is recorded as they were called then, with the version of their link, the
// message at Slack that they acted on and when Slack signed it; how the incident was, each
// change of it, and what the target said after the end.
func TestTheRecordOfAGrant(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc, err := s.PagerDuty.Trigger(company.Service, "Ledger stuck", "PSAM001")
	must(t, err)
	givenFor(s, inc)
	r := s.Only()
	actor, facts := entry(s, r.ID, "submit")
	holds(t, "submit", actor, map[string]string{"signed_at": `\d{13}`, "permalink": "", "from": ""})
	holds(t, "submit", facts, map[string]string{
		"names": `map\[actor:[sS]am <sam@demo\.example>\]`, "link": `sam=PSAM001 \(confirmed, version [0-9a-f]{8}\)`,
	})
	actor, facts = entry(s, r.ID, "approve")
	holds(t, "approve", actor, map[string]string{"permalink": `https://[a-z]+\.slack\.com/archives/D0MARA/p\d{16}`, "signed_at": `\d{13}`})
	holds(t, "approve", facts, map[string]string{
		"names": `map\[actor:[mM]ara <mara@demo\.example> beneficiary:[sS]am <sam@demo\.example>\]`, "link": `sam=PSAM001 .*`,
	})
	must(t, s.PagerDuty.Acknowledge(inc.ID, "PSAM001"))
	s.FastForward(2 * time.Minute)
	_, facts = entry(s, r.ID, "incident_changed")
	holds(t, "change", facts, map[string]string{"was": `map\[service:P[A-Z0-9]+ status:triggered urgency:high\]`, "title_changed": "false", "incident_as_read": `.* status:acknowledged .*`})
	s.FastForward(time.Minute) // the same again is no change
	if n := strings.Count(strings.Join(s.Entries(r.ID), " "), "incident_changed"); n != 1 {
		t.Errorf("%d changes are recorded", n)
	}
	s.As(company.Sam).Types("/access done " + r.ID.Short())
	s.As(company.Sam).Told("On it")
	s.As(company.Sam).Sees("Your access to Production database has ended")
	s.As(company.Sam).Sees("You asked for Production database", "*Ended*")
	s.As(company.Mara).Sees("*Ended*")
	s.As(company.Noor).Sees("*Ended*")
	s.Quiet()
	_, facts = entry(s, r.ID, "revoked")
	holds(t, "revoked", facts, map[string]string{"read_back": `map\[has:no until:0\]`, "due_at": `\d{13}`, "receipt": ""})
}

// A denial in words is tied to the card it was typed for and to the incident as it was; a
// decision on the web to the address that it came from.
func TestTheRecordOfADenialAndOfTheWeb(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	inc := opened(s, "Ledger stuck")
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	card := s.As(company.Mara).Sees("asks for Production database", "Waiting for you")
	s.As(company.Noor).Sees("asks for Production database", "Waiting for you")
	first := s.Only().ID
	mara := s.Browser()
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	s.In("C0ERRS", "mara signed in")
	if page := mara.Get("/audit"); page.Status != http.StatusOK {
		t.Errorf("Mara reads %d", page.Status)
	}
	s.As(company.Mara).Denies(card, "use the replica")
	s.As(company.Sam).Sees("You asked for Production database", "use the replica")
	s.As(company.Sam).Sees("was not granted", "use the replica")
	s.As(company.Noor).Sees("asks for Production database", "Denied")
	s.Quiet()
	actor, facts := entry(s, first, "deny")
	holds(t, "deny", actor, map[string]string{"permalink": `https://[a-z]+\.slack\.com/archives/D0MARA/p\d{16}`, "signed_at": `\d{13}`, "from": ""})
	holds(t, "deny", facts, map[string]string{"incident_as_read": `.*status:acknowledged title:Ledger stuck.*`, "names": `map\[actor:[mM]ara .*`})
	all, err := s.App.Store().Entries(t.Context(), "system")
	must(t, err)
	events, err := history.Events(all)
	must(t, err)
	at := slices.IndexFunc(events, func(e history.Event) bool { return e.Verb == "audit_read" })
	holds(t, "look", events[at].Actor.(map[string]any), map[string]string{"from": `127\.0\.0\.1`})

	s.FastForward(time.Minute)
	s.As(company.Sam).Asks("Production database", "the replica is stuck as well", nil)
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	s.Quiet()
	second := s.Requests()[0].ID
	page := mara.Get("/requests/" + string(second))
	if page = mara.Post("/requests/"+string(second), url.Values{"step": {"approve"}, "hash": {hashOn(t, page)}}); page.Status != http.StatusOK {
		t.Errorf("Mara's approval: %d %s", page.Status, page.Text())
	}
	s.As(company.Sam).Sees("You have access to Production database")
	s.As(company.Mara).Sees("asks for Production database", "Access works until")
	s.As(company.Noor).Sees("asks for Production database", "Access works until")
	s.Quiet()
	actor, facts = entry(s, second, "approve")
	holds(t, "approve", actor, map[string]string{"from": `127\.0\.0\.1`, "door": "web", "person": "T0DEMO01/U0MARA", "permalink": "", "signed_at": "", "trace": "pass=.*"})
	holds(t, "approve", facts, map[string]string{"names": `map\[actor:[mM]ara .*`})
}
