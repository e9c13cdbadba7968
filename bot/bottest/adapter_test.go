package bottest_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/doors"
	"breakglass/integrations/httpadapter"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// withAdapters puts the company's PagerDuty, and a server that streams, behind adapters.
func withAdapters(streams string) func(*company.Options) {
	return bottest.Edit("breakglass.hcl", func(hcl string) string {
		hcl = strings.Replace(hcl, "[target.production_console", "[target.incident_write, target.streams, target.production_console", 1)
		return hcl + `
http_adapter "pagerduty-eu" {
  base_url       = "${var.pagerduty_api}/"
  allow_private  = true
  headers        = { Authorization = "Token token=${secret.pagerduty_api_key}", Accept = "application/vnd.pagerduty+json;version=2" }
  allow          = ["GET /incidents", "GET /incidents/{id}"]
  callers        = ["@engineering"]
  caller_as_from = true
}
target "incident_write" {
  kind    = "http_adapter"
  label   = "Work on the incident"
  adapter = http_adapter.pagerduty-eu
  allow   = ["PUT /incidents/{incident}", "POST /incidents/{incident}/notes"]
}
http_adapter "streams" {
  base_url      = "` + streams + `"
  allow_private = true
  headers       = { X-Api-Key = secret.pagerduty_api_key }
}
target "streams" {
  kind    = "http_adapter"
  label   = "Streams"
  adapter = http_adapter.streams
  allow   = ["GET /stream"]
}
`
	})
}

// streams is an upstream that says something at once, and then nothing.
func streams(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "data: 1\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// callToken has somebody make a token.
func callToken(t *testing.T, by *bottest.API, scopes ...string) string {
	t.Helper()
	return answers(t, by.Call("POST", "/v1/tokens", map[string]any{"name": "curl", "scopes": scopes}), 201, "").Text("secret")
}

// knock calls an adapter at one of the replicas.
func knock(t *testing.T, addr, token, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	resp := begin(t, addr, token, method, path, body, headers...)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func begin(t *testing.T, addr, token, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// triggered is a new incident of somebody's.
func triggered(s *bottest.Story, title, assignee string) pagerdutyfake.Incident {
	s.T.Helper()
	inc, err := s.PagerDuty.Trigger(company.Service, title, assignee)
	if err != nil {
		s.T.Fatal(err)
	}
	return inc
}

// asked has Dana get a target for an incident, by her own approval.
func asked(s *bottest.Story, label string, inc pagerdutyfake.Incident) {
	s.T.Helper()
	dana := s.As(company.Dana)
	dana.Asks(label, "the ledger is stuck", slackfake.Values{"incident": inc.ID, "duration": "30m"})
	dana.Presses(dana.Sees("You asked for "+label, "you may approve this yourself"), "bg:approve")
	dana.Sees("You have access to " + label + " until")
	dana.Sees("You asked for "+label, "Access works until")
	s.In("C0PROD", "asks for "+label)
}

// The whole of it: asked in Slack, approved, called until the grant ends; PagerDuty takes
// the change for Dana's; each call is in the audit before it is sent.
func TestCallsByAGrant(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, withAdapters(streams(t)))
	dana := signed(s, p, company.Dana)
	token, reader := callToken(t, dana.API(), "call"), callToken(t, dana.API(), "read")
	inc := triggered(s, "Ledger is stuck", "PDANA01")
	other := triggered(s, "Another", "PSAM001")
	const root = httpadapter.Root + "pagerduty-eu"
	at := s.App.InternalAddr()
	note := `{"note":{"content":"looking"}}`

	if resp, body := knock(t, at, token, "GET", root+"/incidents", ""); resp.StatusCode != 200 || !strings.Contains(body, inc.ID) {
		t.Errorf("the reference document's call: %d %s", resp.StatusCode, body)
	}
	for name, c := range map[string]struct {
		token, method, path string
		status              int
		code                string
	}{
		"nobody":           {"", "GET", root + "/incidents", 401, "sign_in"},
		"another's word":   {"bgt_no", "GET", root + "/incidents", 401, "sign_in"},
		"not for calling":  {reader, "GET", root + "/incidents", 403, "not_allowed"},
		"no grant":         {token, "POST", root + "/incidents/" + inc.ID + "/notes", 403, "no_grant"},
		"no rule":          {token, "GET", root + "/users", 403, "rule"},
		"another adapter":  {token, "GET", httpadapter.Root + "nope/x", 404, "unknown_adapter"},
		"up and away":      {token, "GET", root + "/incidents/%2e%2e/users", 400, "ambiguous"},
		"a slash too many": {token, "GET", root + "//users", 400, "ambiguous"},
	} {
		body := ""
		if c.method == "POST" {
			body = note
		}
		resp, got := knock(t, at, c.token, c.method, c.path, body)
		if resp.StatusCode != c.status || !strings.Contains(got, `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, got)
		}
	}
	asked(s, "Work on the incident", inc)
	req := s.Only()
	if resp, got := knock(t, at, token, "POST", root+"/incidents/"+inc.ID+"/notes", note, "From", "boss@demo.example"); resp.StatusCode/100 != 2 {
		t.Errorf("with a grant: %d %s", resp.StatusCode, got)
	}
	notes := s.PagerDuty.Notes(inc.ID)
	if i := slices.IndexFunc(notes, func(n pagerdutyfake.Note) bool { return n.Content == "looking" }); i < 0 || notes[i].User != "PDANA01" {
		t.Errorf("the notes at PagerDuty: %+v", notes)
	}
	if resp, got := knock(t, at, token, "POST", root+"/incidents/"+other.ID+"/notes", note); resp.StatusCode != 403 || !strings.Contains(got, `"code":"other_incident"`) {
		t.Errorf("another incident: %d %s", resp.StatusCode, got)
	}
	s.FastForward(31 * time.Minute)
	s.As(company.Dana).Sees("Your access to Work on the incident has ended")
	if resp, got := knock(t, at, token, "POST", root+"/incidents/"+inc.ID+"/notes", note); resp.StatusCode != 403 || !strings.Contains(got, `"code":"grant_ended"`) || !strings.Contains(got, "/access incident_write") {
		t.Errorf("after the end: %d %s", resp.StatusCode, got)
	}
	entries, err := s.App.Store().Entries(t.Context(), httpadapter.ChainOf(req.ID))
	if err != nil || len(entries) != 2 || entries[0].Verb != httpadapter.VerbSent || entries[1].Verb != httpadapter.VerbDone {
		t.Fatalf("recorded: %d entries, %v", len(entries), err)
	}
	shownCalls(t, dana, &req, inc.ID, "1 call, "+entries[0].At.UTC().Format("2006-01-02 15:04:05"))
	s.All(company.Dana)
	s.All("C0ERRS")
}

// shownCalls holds pages and the API to showing the calls by a grant: by rule, the newest
// in order, and in their place on the incident's time-line.
func shownCalls(t *testing.T, by *bottest.Browser, req *flows.Request, incident, sum string) {
	t.Helper()
	const rule, answered = "POST /incidents/{incident}/notes", "at pagerduty-eu → 20"
	path := "/incidents/" + incident + "/notes"
	for at, want := range map[string][]string{
		"/requests/" + string(req.ID):                     {sum},
		"/audit/requests/" + string(req.ID):               {sum, rule, path, answered},
		"/audit/requests/" + string(req.ID) + "/calls":    {sum, rule, path, answered},
		"/audit/incidents/" + incident:                    {"called by the access to Work on the incident", sum, rule},
		"/v1/audit/requests/" + string(req.ID):            {`"rule":"` + rule + `"`, `"calls":1`, `"path":"` + path + `"`},
		"/v1/audit/requests/" + string(req.ID) + "/calls": {`"path":"` + path + `"`},
		"/v1/audit/incidents/" + incident:                 {`"rule":"` + rule + `"`, `"calls":1`},
	} {
		page := by.Get(at)
		text := page.Text()
		if strings.HasPrefix(at, "/v1/") {
			text = page.Body
		}
		for _, w := range want {
			if page.Status != http.StatusOK || !strings.Contains(text, w) {
				t.Errorf("%s: %d, without %q:\n%s", at, page.Status, w, text)
			}
		}
	}
}

// A browser calls with its session from the console's own pages, and from nowhere else.
func TestCallsByASession(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, withAdapters(streams(t)))
	dana := signed(s, p, company.Dana)
	for site, status := range map[string]int{"same-origin": 200, "cross-site": 403, "none": 403} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL(httpadapter.Root+"pagerduty-eu/incidents"), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Site", site)
		resp, err := dana.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: %d, want %d", site, resp.StatusCode, status)
		}
	}
	if resp, body := knock(t, s.App.PublicAddr(), "", "GET", httpadapter.Root+"pagerduty-eu/incidents", ""); resp.StatusCode != 404 {
		t.Errorf("the public listener answers %d %s", resp.StatusCode, body)
	}
}

// On two replicas of one database: what one of them ends is over at the other within a
// second, streams too, and the kill switch ends them like everything else.
func TestCallsEndOnEveryReplica(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, onPostgres(t), withAdapters(streams(t)), func(o *company.Options) { o.Clock = app.SystemClock{} })
	second, err := s.Replica(context.WithoutCancel(t.Context()), "second")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := second.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	const token = "bgt_0123456789012345678901234567890123456789012"
	now := time.Now()
	err = s.App.Engine().Record(t.Context(), "system", flows.Entry{Verb: "token_created"}, flows.Finish{Passes: []flows.Pass{{
		ID: "tok_test", Version: 1, Kind: flows.PassPersonal, Hash: doors.Hash(token), Holder: company.Person(company.Dana), By: company.Person(company.Dana),
		Scopes: []flows.PassScope{flows.ScopeCall}, CreatedAt: now, UsedAt: now, ExpiresAt: now.Add(time.Hour),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	inc := triggered(s, "Ledger is stuck", "PDANA01")
	const path = httpadapter.Root + "streams/stream"
	for _, how := range []flows.Verb{flows.VerbDone, flows.VerbRevoke} {
		asked(s, "Streams", inc)
		req := s.Requests()[0]
		var wg sync.WaitGroup
		over := make(chan time.Time, 2)
		for _, addr := range []string{s.App.InternalAddr(), second.InternalAddr()} {
			resp := begin(t, addr, token, "GET", path, "")
			lines := bufio.NewReader(resp.Body)
			if line, err := lines.ReadString('\n'); resp.StatusCode != 200 || line != "data: 1\n" || err != nil {
				t.Fatalf("the stream at %s: %d %q %v", addr, resp.StatusCode, line, err)
			}
			wg.Go(func() {
				defer resp.Body.Close()
				if _, err := io.Copy(io.Discard, lines); err == nil {
					t.Errorf("the stream at %s ended well", addr)
				}
				over <- time.Now()
			})
		}
		actor := flows.Actor{Person: company.Person(company.Dana), Door: flows.DoorWeb, Standing: flows.StandingMember}
		if how == flows.VerbRevoke {
			actor.Person, actor.Admin = company.Person(company.Mara), true
		}
		res, err := s.App.Engine().Do(t.Context(), flows.Command{Verb: how, ID: req.ID, Actor: actor, Reason: flows.NewText("over")}, flows.Finish{})
		if err != nil || res.Refusal != nil {
			t.Fatalf("%s: %v %v", how, err, res.Refusal)
		}
		ended := time.Now()
		resp, got := knock(t, second.InternalAddr(), token, "GET", path, "")
		if resp.StatusCode != 403 || !strings.Contains(got, `"code":"grant_ended"`) {
			t.Errorf("a call at the other replica: %d %s", resp.StatusCode, got)
		}
		wg.Wait()
		for range 2 {
			t.Logf("%s: a stream ended after %v", how, (<-over).Sub(ended))
		}
	}
	s.Quiet()
	for _, where := range []string{company.Dana, company.Mara, "C0PROD", "C0ERRS"} {
		s.All(where)
	}
}
