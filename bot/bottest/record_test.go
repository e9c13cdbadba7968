package bottest_test

import (
	"fmt"
	"maps"
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
	"breakglass/integrations/target/receiver"
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
		"actor_link": `mara=PMARA01 \(confirmed, version [0-9a-f]{8}\)`, "evidence": `.*override:no policy:mgr_on_call .*shift_start:\d{13} user:PMARA01.*`,
		"submitted_at": `\d{13}`, "seconds": "3600", "requester": "T0DEMO01/U0SAM", "why": "on call for mgr_on_call, level 1",
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

// fully are the facts that whoever answers a request is recorded with, whatever the
// answer.
func fully(with map[string]string) map[string]string {
	want := map[string]string{
		"requester": "T0DEMO01/U0SAM", "beneficiary": "T0DEMO01/U0SAM", "seconds": "1800", "submitted_at": `\d{13}`, "why": "on call for mgr_on_call, level 1",
		"request": "[0-9a-f]{64}", "flow": "prod", "target": "prod_database", "world": "simulated", "config": "[0-9a-f]{64}", "replica": ".+", "version": ".+",
	}
	maps.Copy(want, with)
	return want
}

// The address of the workspace is asked for at the start, once with what else wants to
// know who we are, and again until it is there: when the first person decides, it is known.
func TestTheFirstDecisionHasItsPermalink(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	asked := func(fault string) (n int) {
		for _, e := range s.Slack.Calls("auth.test") {
			if e.Fault == fault {
				n++
			}
		}
		return n
	}
	s.Until("the checkpoints in Slack to be looked for", func() bool { return strings.Contains(s.Log.String(), "the checkpoints in Slack were not read") })
	s.Until("the address to be asked for", func() bool { return asked("") > 0 })
	if n := asked(""); n != 1 {
		t.Errorf("auth.test was called %d times at the start, want once", n)
	}
	s.Stop()
	s.Slack.Fail(slackfake.Fault{Method: "auth.test", Status: http.StatusServiceUnavailable})
	s.Start()
	s.Until("Slack to fail", func() bool { return asked("status 503") > 0 })
	s.Slack.ClearFaults()
	s.Until("the address to be known", func() bool { s.FastForward(time.Second); return asked("") > 1 })
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Sam).Sees("You have access")
	s.Overlook()
	actor, _ := entry(s, s.Only().ID, "approve")
	holds(t, "approve", actor, map[string]string{"permalink": `https://[a-z]+\.slack\.com/archives/D0MARA/p\d{16}`})
}

// What was refused, lapsed, withdrawn or denied is recorded as fully as what was granted.
func TestTheRecordOfANo(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	mara, noor := map[string]string{}, map[string]string{"actor_link": "noor=PNOOR01 .*"}
	his, maras, noors := askedManagers(s, "Production database", "the ledger is stuck")
	must(t, s.Slack.ChangeUser(company.Mara, func(u *slackfake.User) { u.IsRestricted = true }))
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Mara).Told("only members of the company decide")
	s.As(company.Noor).Denies(noors, "use the replica")
	s.As(company.Sam).Sees("was not granted")
	s.Quiet()
	denied := s.Only().ID
	_, facts := entry(s, denied, "refused")
	mara["shown"], mara["link"], mara["asked_for"], mara["evidence"] = "[0-9a-f]{64}", "sam=PSAM001 .*", "approve", `.*user:PNOOR01.*`
	holds(t, "a refused click", facts, fully(mara))
	_, facts = entry(s, denied, "deny")
	noor["reason"], noor["evidence"], noor["link"] = "use the replica", `.*shift_start:\d{13} user:PNOOR01.*`, "sam=PSAM001 .*"
	holds(t, "deny", facts, fully(noor))

	must(t, s.Slack.ChangeUser(company.Mara, func(u *slackfake.User) { u.IsRestricted = false }))
	s.FastForward(time.Minute)
	s.Overlook()
	his, _, _ = askedNoor(s, "Production database", "the replica is stuck as well")
	s.As(company.Sam).Presses(his, "bg:cancel")
	s.As(company.Sam).Sees("You asked for Production database", "*Cancelled*")
	s.Quiet()
	actor, facts := entry(s, s.Requests()[0].ID, "cancel")
	holds(t, "cancel", facts, fully(map[string]string{"names": `map\[actor:[sS]am .*`}))
	holds(t, "cancel", actor, map[string]string{"person": "T0DEMO01/U0SAM", "permalink": "https://.*"})
	s.FastForward(time.Second)
	s.Overlook()

	askedNoor(s, "Production database", "and still is")
	s.Quiet()
	s.Jump(15 * time.Minute) // to the fallback
	s.Jump(16 * time.Minute)
	s.Overlook()
	_, facts = entry(s, s.Requests()[0].ID, "lapse")
	holds(t, "lapse", facts, fully(nil))
}

// Nobody can decide, not even the fallback: the request is refused, and recorded is why.
func TestTheRecordOfARefusal(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`return slack.group(["U0SAM"])`), bottest.Set("fallback", `{ approvers = ["U0SAM"] }`))
	inc := opened(s, "Ledger stuck")
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	s.As(company.Sam).Sees("was not granted", "Nobody can decide this", "The flow's fallback has nobody either")
	s.Overlook()
	_, facts := entry(s, s.Only().ID, "route")
	holds(t, "route", facts, map[string]string{"why": "Nobody can decide this: .*The flow's fallback has nobody either.", "evidence": "map.*", "submitted_at": ""})
	notes(s, inc.ID, "sam@demo.example asked for Production database; it was refused because nobody may decide.")
	s.As(company.Audi).Types("/access audit denied")
	s.As(company.Audi).Told("refused, nobody may decide it")
}

// The target refuses: who approved, what was asked of the target and what it said are
// recorded, and that nothing is left there.
func TestTheRecordOfAFailure(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	s.Database.Fail(receiver.Fault{Type: "access.grant", Refuse: "the role is frozen"})
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	s.As(company.Mara).Presses(s.As(company.Mara).Sees("asks for Production database", "Waiting for you"), "bg:approve")
	s.As(company.Sam).Sees("the target did not give the access")
	s.Quiet()
	s.Overlook()
	r := s.Only()
	_, facts := entry(s, r.ID, "grant_failed")
	holds(t, "grant_failed", facts, map[string]string{
		"fault": ".*the role is frozen.*", "job": "grant:" + string(r.ID), "attempts": `\d+`, "target_kind": "webhook", "target_hash": "[0-9a-f]{64}",
		"submitted_at": `\d{13}`, "decided_at": `\d{13}`, "asked_seconds": "1800", "as": "failed", "cause": "grant_failed", "replica": ".+", "version": ".+",
	})
	_, facts = entry(s, r.ID, "revoked")
	holds(t, "revoked", facts, map[string]string{"read_back": `map\[has:no until:0\]`, "job": "revoke:.*", "cause": "grant_failed"})
	notes(s, inc.ID, "sam@demo.example asked for Production database; it was approved by mara@demo.example, but the target did not give the access.")
}

// askedNoor is askedManagers where Mara's link is set aside.
func askedNoor(s *bottest.Story, target, reason string) (his, noors, none msg) {
	s.T.Helper()
	s.As(company.Sam).Asks(target, reason, nil)
	his = s.As(company.Sam).Sees("You asked for "+target, "Waiting for")
	noors = s.As(company.Noor).Sees("asks for "+target, "Waiting for you")
	return his, noors, none
}
