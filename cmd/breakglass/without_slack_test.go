package main_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/audit/history"
)

// withAuditor gives the auditor a sign-in: without a person block nobody has one.
var withAuditor = bottest.Edit("breakglass.hcl", func(hcl string) string {
	return hcl + "\nperson \"audi\" {\n  slack = \"" + company.Audi + "\"\n  pagerduty = \"PAUDI01\"\n  email = \"audi@demo.example\"\n}\n"
})

// Slack is switched off from the start: nobody listens where it should be. People sign in
// with the company's account, ask and decide by command, in the browser and over the API,
// access is given and ends, and the audit tells all of it, by which door it was done.
func TestWithoutSlack(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	clock := flows.NewPushableClock(app.SystemClock{})
	s := bottest.Open(t, func(o *company.Options) { o.Clock = clock }, with, withAuditor,
		bottest.Replace(`api_url        = var.slack_api`, `api_url        = "http://127.0.0.1:1/api/"`),
		bottest.Set("requesters", `["U0SAM", "U0DANA"]`), bottest.Set("quorum", "2"),
		bottest.Set("fallback", `{ approvers = ["U0LENA", "U0DANA"] }`))
	browsers, machines := map[string]*bottest.Browser{}, map[string]*terminal{}
	for _, who := range []string{company.Sam, company.Mara, company.Noor, company.Audi} {
		browsers[who], machines[who] = s.Browser(), newTerminal(t, s)
		if page := browsers[who].SignsIn(p, "sub-"+who, "/"); page.Status != http.StatusOK {
			t.Fatalf("%s signs in: %s", who, page.Text())
		}
		if who != company.Mara {
			machines[who].logsIn(browsers[who])
		}
	}
	sams, noors := machines[company.Sam], machines[company.Noor]

	id := strings.TrimSpace(sams.runs(0, "request", "create", "prod_database", "--for", "20m", "--incident", "none", "--reason", "the ledger is stuck"))
	s.Quiet()
	approvesOnTheWeb(t, browsers[company.Mara], id)
	s.Has()
	if said := noors.runs(0, "request", "approve", id); !strings.Contains(said, "sam asks for Production database for 20m: the ledger is stuck") {
		t.Errorf("what Noor read before she decided: %s", said)
	}
	if said := sams.runs(0, "request", "wait", id); !strings.Contains(said, "is active until") {
		t.Errorf("what Sam read while he waited: %s", said)
	}
	s.Has(company.Sam)
	denied := extends(t, s, id, sams, noors)
	sams.runs(0, "request", "done", id)
	s.Has()
	if said := sams.runs(3, "request", "wait", id); !strings.Contains(said, "there is no access: the request is ended") {
		t.Errorf("waiting for what is over: %s", said)
	}
	auditByCommand(t, s, clock, id)
	auditByToken(t, s, machines[company.Audi], id, denied)
}

func approvesOnTheWeb(t *testing.T, b *bottest.Browser, id string) {
	t.Helper()
	page := b.Get("/requests/" + id)
	hash := regexp.MustCompile(`name="hash" value="([0-9a-f]{64})"`).FindStringSubmatch(page.Body)
	if hash == nil || !strings.Contains(page.Text(), "mara, noor on call for mgr_on_call") {
		t.Fatalf("the request on the web: %s", page.Text())
	}
	if page = b.Post("/requests/"+id, url.Values{"step": {"approve"}, "hash": {hash[1]}}); !strings.Contains(page.Text(), "pending") {
		t.Fatalf("after Mara's approval: %s", page.Text())
	}
}

// extends has Sam ask for more time twice: once he takes it back, and once Noor denies it
// over the API, with a token of her own. It returns what she denied.
func extends(t *testing.T, s *bottest.Story, id string, sams, noors *terminal) string {
	t.Helper()
	longer := strings.TrimSpace(sams.runs(0, "request", "extend", id, "--for", "30m", "--reason", "still stuck"))
	s.Quiet()
	if said := noors.runs(3, "request", "extend", id, "--for", "1h", "--reason", "still stuck"); !strings.Contains(said, "own name") {
		t.Errorf("Noor extends what is Sam's: %s", said)
	}
	sams.runs(0, "request", "cancel", longer)
	longer = strings.TrimSpace(sams.runs(0, "request", "extend", id, "--for", "40m", "--reason", "still stuck"))
	s.Quiet()
	api := s.API(tokenIn(t, noors.runs(0, "token", "create", "script", "--scope", "read,decide")))
	shown := api.Call("GET", "/v1/requests/"+longer, nil)
	no := map[string]any{"decision": "deny", "hash": shown.Text("hash"), "reason": "it is late"}
	if a := api.Call("POST", "/v1/requests/"+longer+"/decisions", no); a.Status != http.StatusOK {
		t.Fatalf("Noor denies over the API: %d %v", a.Status, a.Body)
	}
	return longer
}

func tokenIn(t *testing.T, said string) string {
	t.Helper()
	token := regexp.MustCompile(`(?m)^bgt_\S+$`).FindString(said)
	if token == "" {
		t.Fatal("no token was made")
	}
	return token
}

// step is what was done, by whom and by which door, as an entry has it.
type step struct{ Verb, By, Door string }

// whole is the story of the request that was given.
var whole = []step{
	{"submit", company.Sam, "cli"}, {"route", "", "engine"}, {"approve", company.Mara, "web"}, {"approve", company.Noor, "cli"},
	{"activate", "", "engine"}, {"observed", "", "engine"}, {"granted", "", "engine"}, {"done", company.Sam, "cli"}, {"revoked", "", "engine"},
}

func steps(t *testing.T, story history.Story) (out []step) {
	t.Helper()
	for i := range story.Entries {
		by, is := story.Entries[i].Actor.(map[string]any)
		if !is {
			t.Fatalf("who did %s is %v", story.Entries[i].Verb, story.Entries[i].Actor)
		}
		who, _ := by["person"].(string)
		door, _ := by["door"].(string)
		out = append(out, step{story.Entries[i].Verb, strings.TrimPrefix(who, company.Team+"/"), door})
	}
	return out
}

// auditByCommand asks the audit as the operator does, beside the server.
func auditByCommand(t *testing.T, s *bottest.Story, clock *flows.HandClock, id string) {
	t.Helper()
	audit := func(args ...string) string {
		t.Helper()
		return newTerminal(t, s).runs(0, append(append([]string{"audit"}, args...), "--db", s.DatabaseFile())...)
	}
	if said := audit("list", "target:prod_database outcome:ended"); !strings.Contains(said, flows.RequestID(id).Short()) || strings.Contains(said, "denied") || !strings.Contains(said, company.Noor) {
		t.Errorf("audit list: %s", said)
	}
	var story history.Story
	if err := json.Unmarshal([]byte(audit("show", id, "-o", "json")), &story); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole, steps(t, story)); diff != "" {
		t.Errorf("audit show (-want +got):\n%s", diff)
	}
	said := audit("show", id)
	for _, want := range []string{"the ledger is stuck", "approve, now approved\n     by door: cli", "approve\n     by door: web", "revoked, now ended"} {
		if !strings.Contains(said, want) {
			t.Errorf("audit show does not say %q: %s", want, said)
		}
	}
	s.Quiet()
	clock.Push(31 * time.Second)
	var report struct {
		OK     bool
		Report struct{ Entries, Checkpoints, Signed int64 }
	}
	s.Until("all entries to be under a checkpoint", func() bool {
		err := json.Unmarshal([]byte(audit("verify", "-o", "json")), &report)
		return err == nil && report.Report.Checkpoints > 0 && report.Report.Signed == report.Report.Entries
	})
	if !report.OK || report.Report.Entries < int64(len(whole)) {
		t.Errorf("audit verify: %+v", report)
	}
}

// auditByToken asks the audit over the API, with a token that the auditor made on a
// machine.
func auditByToken(t *testing.T, s *bottest.Story, audis *terminal, id, denied string) {
	t.Helper()
	api := s.API(tokenIn(t, audis.runs(0, "token", "create", "audit", "--scope", "read")))
	var page history.Page
	var given, refused history.Story
	for path, into := range map[string]any{
		"/v1/audit?q=" + url.QueryEscape("target:prod_database"): &page, "/v1/audit/requests/" + id: &given, "/v1/audit/requests/" + denied: &refused,
	} {
		a := api.Call("GET", path, nil)
		raw, err := json.Marshal(a.Body)
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil || a.Status != http.StatusOK {
			t.Fatalf("%s: %d %v %v", path, a.Status, err, a.Body)
		}
	}
	if len(page.Requests) != 3 || !page.Recorded || page.Requests[0].ID != flows.RequestID(denied) || page.Requests[0].State != flows.StateDenied {
		t.Errorf("/v1/audit answers %+v", page)
	}
	if diff := cmp.Diff(whole, steps(t, given)); diff != "" {
		t.Errorf("/v1/audit/requests/… (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]step{{"submit", company.Sam, "cli"}, {"route", "", "engine"}, {"deny", company.Noor, "api"}}, steps(t, refused)); diff != "" {
		t.Errorf("the extension that was denied (-want +got):\n%s", diff)
	}
	if a := s.API("").Call("GET", "/v1/audit", nil); a.Status != http.StatusUnauthorized {
		t.Errorf("/v1/audit for nobody: %d", a.Status)
	}
}

// What the log has not taken in yet is not read, and the verdict says so: nothing found
// among no entries would be no word about the day.
func TestVerifyBeforeTheLogHasIt(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	verify := func() string {
		t.Helper()
		return newTerminal(t, s).runs(0, "audit", "verify", "--db", s.DatabaseFile())
	}
	s.FastForward(time.Minute) // what the start wrote is taken in
	if said := verify(); !strings.Contains(said, "1 entries, 1 checkpoints") || strings.Contains(said, "were not read") {
		t.Errorf("after the start: %s", said)
	}
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	s.Overlook()
	if said := verify(); !strings.Contains(said, "1 entries, 1 checkpoints") || !strings.Contains(said, "The newest entries were not read, 2 of them") {
		t.Errorf("just after two entries: %s", said)
	}
	s.FastForward(time.Minute)
	if said := verify(); !strings.Contains(said, "3 entries, 2 checkpoints") || strings.Contains(said, "were not read") {
		t.Errorf("a minute later: %s", said)
	}
}
