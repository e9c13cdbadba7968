package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/pagerdutyfake"
)

// An adapter in front of a PagerDuty: incidents may be seen by everybody, notes need a
// grant; one whose key is refused, and one that is not there.
const adaptersHCL = `
secret "wrong_key" {
  source = "env"
  name   = "SLACK_SIGNING_SECRET"
}

http_adapter "pagerduty" {
  base_url       = "UPSTREAM"
  allow_private  = true
  headers        = { Authorization = "Token token=${secret.pagerduty_api_key}", Accept = "application/vnd.pagerduty+json;version=2" }
  allow          = ["GET /incidents", "GET /incidents/{id}"]
  callers        = ["@engineering"]
  caller_as_from = true
}

http_adapter "pagerduty-eu" {
  base_url      = "UPSTREAM"
  allow_private = true
  headers       = { Authorization = "Token token=${secret.wrong_key}" }
  allow         = ["GET /incidents"]
  callers       = ["@engineering"]
}

http_adapter "down" {
  base_url      = "http://127.0.0.1:1"
  allow_private = true
  headers       = { Authorization = "Token token=${secret.wrong_key}" }
  allow         = ["GET /x"]
  callers       = ["@engineering"]
}

target "pagerduty_notes" {
  kind    = "http_adapter"
  label   = "PagerDuty: write notes"
  adapter = http_adapter.pagerduty
  allow   = ["POST /incidents/{id}/notes"]
}
`

func adapters(t *testing.T) (*pagerdutyfake.Account, func(*company.Options)) {
	t.Helper()
	acc := pagerdutyfake.New(pagerdutyfake.Options{Now: time.Now, Keys: []pagerdutyfake.Key{{Token: company.Getenv("PAGERDUTY_API_KEY")}}})
	if err := errors.Join(company.FillPagerDuty(acc), acc.Start("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = acc.Close() })
	return acc, func(o *company.Options) {
		bottest.Edit("breakglass.hcl", func(hcl string) string { return hcl + strings.ReplaceAll(adaptersHCL, "UPSTREAM", acc.URL()) })(o)
		bottest.Set("targets", "[target.prod_database, target.production_console, target.pagerduty_notes]")(o)
	}
}

// prints fails the test unless everything was printed.
func prints(t *testing.T, said string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(said, w) {
			t.Errorf("%q was not printed:\n%s", w, said)
		}
	}
}

// The reference document's test of the integration, by command: a call without a
// credential, what curl's options do, and what every kind of no says.
func TestCurl(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	acc, and := adapters(t)
	s := bottest.Open(t, onRealTime, with, and)
	inc, err := acc.Trigger(company.Service, "Payments fail", "PDANA01")
	if err != nil {
		t.Fatal(err)
	}
	dana := s.Browser()
	dana.SignsIn(p, "sub-"+company.Dana, "/")
	s.In("C0ERRS", "dana signed in")
	m := newTerminal(t, s)
	prints(t, m.runs(1, "curl", "/v1/apis/http/pagerduty/incidents"), "this machine is not signed in", "hint: breakglass login")
	m.logsIn(dana)

	prints(t, m.runs(0, "curl", "/v1/apis/http/pagerduty/incidents"), `"title":"Payments fail"`)
	prints(t, m.runs(0, "curl", "-i", "-H", "Accept-Language: de", "/v1/apis/http/pagerduty/incidents?limit=1"), "HTTP/1.1 200 OK\n", "Content-Type: application/json", "Breakglass-Answer: upstream", `"limit":1`)
	file := filepath.Join(t.TempDir(), "out.json")
	if said := m.runs(0, "curl", "-s", "-o", file, "/v1/apis/http/pagerduty/incidents/"+inc.ID); said != "" {
		t.Errorf("with -o it prints %s", said)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), inc.ID) {
		t.Errorf("the file holds %s (%v)", b, err)
	}
	for filter, want := range map[string]string{
		".incidents[].title": "\"Payments fail\"\n", ".incidents | length": "1\n", ".incidents[0] | {title}": "{\n  \"title\": \"Payments fail\"\n}\n", ".nothing": "null\n", "empty": "", ".incidents[0].title, 9007199254740993": "\"Payments fail\"\n9007199254740993\n",
	} {
		if said := m.runs(0, "curl", "--jq", filter, "/v1/apis/http/pagerduty/incidents"); said != want {
			t.Errorf("--jq %s shows %s", filter, said)
		}
	}
	for filter, says := range map[string]string{"][": "--jq: unexpected token", "nofunc": "function not defined"} {
		prints(t, m.runs(2, "curl", "--jq", filter, "/v1/apis/http/pagerduty/incidents"), says)
	}
	prints(t, m.runs(1, "curl", "--jq", ".incidents.title", "/v1/apis/http/pagerduty/incidents"), "--jq: expected an object but got: array")

	// The upstream's own no, and those on the way there.
	prints(t, m.runs(1, "curl", "/v1/apis/http/pagerduty/incidents/PNOPE"), "error: the upstream answered 404 Not Found", `"code":5001`)
	if said := m.runs(1, "curl", "-s", "-o", os.DevNull, "/v1/apis/http/pagerduty/incidents/PNOPE"); said != "" {
		t.Errorf("with -s it prints %s", said)
	}
	prints(t, m.runs(3, "curl", "/v1/apis/http/pagerduty/users"), "No rule of adapter pagerduty lets GET /users through", "hint: breakglass adapter list")
	prints(t, m.runs(3, "curl", "/v1/apis/http/nope/users"), `There is no adapter "nope"`)
	prints(t, m.runs(3, "curl", "/v1/apis/http/pagerduty/a/%2e%2e/users"), "The call was not sent")
	prints(t, m.runs(1, "curl", "/v1/apis/http/pagerduty-eu/incidents"), "refuses our credential. Your own is fine.", "hint: breakglass adapter check pagerduty-eu")
	prints(t, m.runs(1, "curl", "/v1/apis/http/down/x"), "cannot be reached", "hint: breakglass adapter check down")
	prints(t, m.runs(1, "curl", "/v1/nothing/of/the/kind"), "the server has no /v1/nothing")
	prints(t, m.runs(2, "curl", "pagerduty/incidents"), "is no path at the server")
	prints(t, m.runs(2, "curl", "-H", "Authorization: x", "/v1/apis/http/pagerduty/incidents"), "is the server's to send")

	// What changes something needs a grant; with it the data goes there, from wherever.
	notes := "/v1/apis/http/pagerduty/incidents/" + inc.ID + "/notes"
	prints(t, m.runs(3, "curl", "--json", `{"note":{"content":"x"}}`, notes), "which you do not have", "hint: in Slack: /access pagerduty_notes · here: breakglass request create pagerduty_notes")
	if n := len(acc.Notes(inc.ID)); n > 0 {
		t.Errorf("%d notes were written without a grant", n)
	}
	slack := s.As(company.Dana)
	slack.Asks("PagerDuty: write notes", "say what we found", nil)
	slack.Presses(slack.Sees("you may approve this yourself"), "bg:approve")
	slack.Sees("You have access to PagerDuty: write notes")
	s.In("C0PROD", "for themselves, on call")
	if err := os.WriteFile(file, []byte(`{"note":{"content":"from a file"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m.in = `{"note":{"content":"from standard input"}}`
	for _, data := range [][]string{{"-d", "@" + file}, {"--data", "-"}, {"--json", "@-"}, {"-X", "POST", "-d", `{"note":{"content":"as it stands"}}`}} {
		prints(t, m.runs(0, append([]string{"curl", notes}, data...)...), `"content":"`)
	}
	if n := len(acc.Notes(inc.ID)); n != 4 {
		t.Errorf("%d notes were written, not 4", n)
	}
	m.runs(0, "request", "done", string(s.Only().ID))
	prints(t, m.runs(3, "curl", "-d", "{}", notes), "Your access to pagerduty_notes has ended", "hint: in Slack: /access pagerduty_notes")
	slack.Sees("Your access to PagerDuty: write notes has ended")
}

// adapter list and check, as an operator runs them beside the server.
func TestAdapterListAndCheck(t *testing.T) {
	t.Parallel()
	acc, and := adapters(t)
	s := bottest.Open(t, and)
	m := newTerminal(t, s)
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PAGERDUTY_API_KEY", "PAGERDUTY_WEBHOOK_SECRET", "DATABASE_WEBHOOK_KEY"} {
		m.more[name] = company.Getenv(name)
	}
	said := m.runs(0, "adapter", "list", "-c", s.Directory())
	prints(t, said, "pagerduty", "GET /incidents/{id}", "@engineering", "/access pagerduty_notes", "POST /incidents/{id}/notes")
	prints(t, m.runs(0, "adapter", "list", "-c", s.Directory(), "-o", "json"), `"secrets": [`, `"pagerduty_api_key"`)
	prints(t, m.runs(0, "adapter", "list", "-c", s.Directory(), "-o", "csv"), "adapter,needs,who,may call")

	all := m.runs(3, "adapter", "check", "-c", s.Directory())
	prints(t, all, "pagerduty: GET /incidents is answered with 200 OK in", "pagerduty-eu: the upstream refuses our credential (401)\n  its secret: wrong_key", "down: The upstream of adapter down cannot be reached", "error: 2 of 3 are not as they should be")
	prints(t, m.runs(0, "adapter", "check", "pagerduty", "-c", s.Directory(), "-o", "json"), `"ok": true`, `"status": 200`)
	prints(t, m.runs(3, "adapter", "check", "pagerduty", "--path", "/nothing", "-c", s.Directory()), "404 Not Found: the upstream is there and has no such path")
	prints(t, m.runs(2, "adapter", "check", "pagerdut", "-c", s.Directory()), "did you mean breakglass adapter check pagerduty?")
	delete(m.more, "PAGERDUTY_API_KEY")
	prints(t, m.runs(3, "adapter", "check", "pagerduty", "-c", s.Directory()), "not called: Authorization cannot be filled", "pagerduty_api_key")
	for _, text := range []string{said, all} {
		for _, name := range []string{"PAGERDUTY_API_KEY", "SLACK_SIGNING_SECRET"} {
			if strings.Contains(text, company.Getenv(name)) {
				t.Errorf("the value of %s is shown", name)
			}
		}
	}
	if len(acc.Ledger(0)) == 0 {
		t.Error("the upstream was not called")
	}
}
