package bottest_test

import (
	"bufio"
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/oidcfake"
	"breakglass/integrations/slackfake"
)

// signed is a browser that is signed in; the operators hear of each first time.
func signed(s *bottest.Story, p *oidcfake.Provider, who string) *bottest.Browser {
	s.T.Helper()
	b := s.Browser()
	if page := b.SignsIn(p, "sub-"+who, "/"); page.Status != http.StatusOK {
		s.T.Fatalf("%s signs in: %s", who, page.Text())
	}
	s.In("C0ERRS", strings.ToLower(strings.TrimPrefix(who, "U0"))+" signed in")
	return b
}

// answers fails the test unless a call is answered so.
func answers(t *testing.T, a bottest.Answer, status int, code string) bottest.Answer {
	t.Helper()
	if a.Status != status || code != "" && a.Text("code") != code {
		t.Errorf("answered %d %v, want %d %s", a.Status, a.Body, status, code)
	}
	return a
}

func ask() map[string]any {
	return map[string]any{"flow": "prod", "target": "prod_database", "duration": "20m", "reason": "the ledger is stuck", "incident": "none"}
}

// The life of a request over the API: asked, refused what is wrong, decided by who may,
// handed back. Every answer is held to the document.
func TestAPILife(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	sam, mara, dana := signed(s, p, company.Sam).API(), signed(s, p, company.Mara).API(), signed(s, p, company.Dana).API()

	for name, c := range map[string]struct {
		change map[string]any
		status int
		code   string
	}{
		"no such flow":       {map[string]any{"flow": "nope"}, 422, "unknown_flow"},
		"no such target":     {map[string]any{"target": "nope"}, 422, "unknown_target"},
		"no length":          {map[string]any{"duration": "soon"}, 422, "input"},
		"too long":           {map[string]any{"duration": "9h"}, 422, "input"},
		"no reason":          {map[string]any{"reason": ""}, 422, "input"},
		"a question of none": {map[string]any{"fields": map[string]string{"nope": "x"}}, 422, "input"},
		"no such incident":   {map[string]any{"incident": "QNOPE"}, 409, "incident"},
		"nothing said of it": {map[string]any{"incident": ""}, 422, "input"},
		"an unknown member":  {map[string]any{"on_behalf_of": "U0DANA"}, 422, ""},
	} {
		in := ask()
		maps.Copy(in, c.change)
		t.Log(name)
		answers(t, sam.Call("POST", "/v1/requests", in), c.status, c.code)
	}
	made := answers(t, sam.Call("POST", "/v1/requests", ask()), 201, "")
	id := made.Text("id")
	answers(t, sam.Call("POST", "/v1/requests", ask()), 409, "duplicate")
	s.Quiet()
	got := answers(t, mara.Call("GET", "/v1/requests/"+id, nil), 200, "")
	if got.Text("requester") != "sam" || got.Body["waits_for_you"] != true {
		t.Errorf("Mara sees %v", got.Body)
	}
	if list := mara.Call("GET", "/v1/requests?which=waiting", nil); len(list.Body["requests"].([]any)) != 1 {
		t.Errorf("what waits for Mara: %v", list.Body)
	}
	answers(t, dana.Call("GET", "/v1/requests/"+id, nil), 404, "unknown_request")
	answers(t, dana.Call("GET", "/v1/requests?which=all", nil), 403, "not_allowed")
	answers(t, mara.Call("GET", "/v1/requests?which=all&limit=3", nil), 200, "")
	answers(t, mara.Call("GET", "/v1/requests?which=some", nil), 422, "")

	decisions := "/v1/requests/" + id + "/decisions"
	yes := map[string]any{"decision": "approve", "hash": got.Text("hash")}
	answers(t, sam.Call("POST", decisions, yes), 403, "own_request")
	answers(t, dana.Call("POST", decisions, yes), 404, "unknown_request")
	answers(t, mara.Call("POST", decisions, map[string]any{"decision": "approve", "hash": strings.Repeat("0", 64)}), 409, "content_mismatch")
	answers(t, mara.Call("POST", decisions, map[string]any{"decision": "deny", "hash": got.Text("hash")}), 422, "input")
	answers(t, mara.Call("POST", decisions, map[string]any{"decision": "perhaps", "hash": got.Text("hash")}), 422, "")
	answers(t, mara.Call("POST", decisions, yes), 200, "")
	s.Has(company.Sam)
	answers(t, mara.Call("POST", decisions, yes), 409, "")
	if list := sam.Call("GET", "/v1/grants", nil); len(list.Body["requests"].([]any)) != 1 {
		t.Errorf("Sam's grants: %v", list.Body)
	}
	answers(t, mara.Call("POST", "/v1/requests/"+id+"/done", nil), 403, "not_allowed")
	answers(t, sam.Call("POST", "/v1/requests/"+id+"/end", map[string]any{"reason": "done"}), 200, "")
	s.Has()
	answers(t, sam.Call("POST", "/v1/requests/"+id+"/cancel", nil), 409, "")
	answers(t, sam.Call("GET", "/v1/me", nil), 200, "")
	for _, where := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(where, "Production database")
	}
	if door := s.Only().Votes[0].Door; door != flows.DoorWeb {
		t.Errorf("the vote's door is %s", door)
	}
}

// What tokens may: their scopes, nothing once ended or expired, and never more than who
// made them. A service asks and hands back, sees only its own, and never decides.
func TestTokens(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Set("requesters", `["@engineering", "service:ci"]`))
	mara, sam := signed(s, p, company.Mara).API(), signed(s, p, company.Sam).API()
	token := func(by *bottest.API, in map[string]any) (*bottest.API, string) {
		t.Helper()
		a := answers(t, by.Call("POST", "/v1/tokens", in), 201, "")
		return s.API(a.Text("secret")), a.Text("id")
	}
	for name, in := range map[string]map[string]any{
		"a service by no admin":     {"name": "ci", "service": true, "scopes": []string{"read"}},
		"no scope there is":         {"name": "x", "scopes": []string{"admin"}},
		"in somebody's name":        {"name": "x", "scopes": []string{"read"}, "holder": "U0DANA"},
		"for ever":                  {"name": "x", "scopes": []string{"read"}, "days": 9999},
		"for nothing in particular": {"name": " ", "scopes": []string{"read"}},
	} {
		if a := sam.Call("POST", "/v1/tokens", in); a.Status < 400 {
			t.Errorf("%s: %d %v", name, a.Status, a.Body)
		}
	}
	answers(t, mara.Call("POST", "/v1/tokens", map[string]any{"name": "ci", "service": true, "scopes": []string{"decide"}}), 422, "input")

	reader, _ := token(sam, map[string]any{"name": "dashboard", "scopes": []string{"read"}, "days": 1})
	answers(t, reader.Call("GET", "/v1/requests", nil), 200, "")
	answers(t, reader.Call("POST", "/v1/requests", ask()), 403, "not_allowed")
	answers(t, reader.Call("POST", "/v1/tokens", map[string]any{"name": "more", "scopes": []string{"ask"}}), 403, "not_allowed")
	answers(t, reader.Call("GET", "/v1/tokens", nil), 403, "not_allowed")

	ci, ciID := token(mara, map[string]any{"name": "ci", "service": true, "scopes": []string{"read", "ask"}})
	made := answers(t, ci.Call("POST", "/v1/requests", ask()), 201, "")
	s.Quiet()
	id := made.Text("id")
	if made.Text("requester") != "service ci" {
		t.Errorf("the requester is %s", made.Text("requester"))
	}
	answers(t, ci.Call("POST", "/v1/requests/"+id+"/decisions", map[string]any{"decision": "approve", "hash": made.Text("hash")}), 403, "not_allowed")
	approver, _ := token(mara, map[string]any{"name": "script", "scopes": []string{"read", "decide"}})
	answers(t, approver.Call("POST", "/v1/requests/"+id+"/decisions", map[string]any{"decision": "approve", "hash": made.Text("hash")}), 200, "")
	s.Quiet()
	if got := answers(t, ci.Call("GET", "/v1/requests/"+id, nil), 200, ""); got.Text("state") != "active" {
		t.Errorf("the service's request is %v", got.Body)
	}
	other := answers(t, sam.Call("POST", "/v1/requests", ask()), 201, "").Text("id")
	s.Quiet()
	answers(t, ci.Call("GET", "/v1/requests/"+other, nil), 404, "unknown_request")
	answers(t, ci.Call("POST", "/v1/requests/"+other+"/end", nil), 404, "unknown_request")
	answers(t, ci.Call("POST", "/v1/requests/"+id+"/end", nil), 200, "")
	s.Has()
	answers(t, sam.Call("DELETE", "/v1/tokens/"+ciID, nil), 404, "unknown_request")
	answers(t, mara.Call("DELETE", "/v1/tokens/"+ciID, nil), 204, "")
	answers(t, ci.Call("GET", "/v1/me", nil), 401, "sign_in")
	s.Clock.Push(25 * time.Hour)
	answers(t, reader.Call("GET", "/v1/me", nil), 401, "sign_in")
	s.Quiet()
	for _, where := range []string{company.Sam, company.Mara, company.Noor, "C0SREM"} {
		s.All(where, "Production database")
	}
	want := []string{"started", "sign_in_pinned", "sign_in_pinned", "token_created", "token_created", "token_created", "token_revoked"}
	if diff := cmp.Diff(want, s.Entries("system")[:len(want)]); diff != "" {
		t.Errorf("audit entries (-want +got):\n%s", diff)
	}
}

// A service whose maker has left the company opens nothing more.
func TestTokenOfWhoLeft(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	mara := signed(s, p, company.Mara).API()
	ci := s.API(answers(t, mara.Call("POST", "/v1/tokens", map[string]any{"name": "ci", "service": true, "scopes": []string{"read"}}), 201, "").Text("secret"))
	answers(t, ci.Call("GET", "/v1/me", nil), 200, "")
	if err := s.Slack.ChangeUser(company.Mara, func(u *slackfake.User) { u.Deleted = true }); err != nil {
		t.Fatal(err)
	}
	s.Clock.Push(2 * time.Minute)
	answers(t, ci.Call("GET", "/v1/me", nil), 403, "standing")
	answers(t, mara.Call("GET", "/v1/me", nil), 403, "standing")
	setAside(s, company.Mara, "was deactivated")
}

// Who calls too often waits.
func TestTooFast(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	mara := signed(s, p, company.Mara).API()
	last := 0
	for range 300 {
		if last = mara.Call("GET", "/v1/me", nil).Status; last == http.StatusTooManyRequests {
			break
		}
	}
	if last != http.StatusTooManyRequests {
		t.Fatalf("the 300th call at once is answered %d", last)
	}
	s.Clock.Push(time.Minute)
	answers(t, mara.Call("GET", "/v1/me", nil), 200, "")
}

// A stream tells of each change, and ends with the request.
func TestEvents(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	b := signed(s, p, company.Sam)
	id := answers(t, b.API().Call("POST", "/v1/requests", ask()), 201, "").Text("id")
	s.Quiet()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL("/v1/requests/"+id+"/events"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				_, state, _ := strings.Cut(data, `"state":"`)
				state, _, _ = strings.Cut(state, `"`)
				return state
			}
		}
		return "closed"
	}
	if got := next(); got != "pending" {
		t.Fatalf("the first event says %s", got)
	}
	answers(t, b.API().Call("POST", "/v1/requests/"+id+"/cancel", nil), 200, "")
	s.Clock.Push(2 * time.Second)
	if got := next(); got != "cancelled" {
		t.Errorf("after it was cancelled the event says %s", got)
	}
	if got := next(); got != "closed" {
		t.Errorf("after the end there is %s", got)
	}
	s.Quiet()
	for _, where := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(where, "Production database")
	}
}

// A pipeline that was written for Sym asks, polls and ends with its calls unchanged.
func TestSymsPipeline(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Set("requesters", `["service:ci"]`))
	mara := signed(s, p, company.Mara).API()
	ci := s.API(answers(t, mara.Call("POST", "/v1/tokens", map[string]any{"name": "ci", "service": true, "scopes": []string{"read", "ask"}}), 201, "").Text("secret"))
	in := map[string]any{
		"flow_srn": "acme:flow:prod:latest", "context": map[string]string{"job": "deploy"},
		"flow_inputs": map[string]any{"target_id": "acme:access_target:custom:prod_database:latest", "duration": 1200, "reason": "deploy", "ticket": "OPS-7"},
	}
	for _, who := range []string{"user_email", "user_id"} {
		as := map[string]any{"flow_srn": in["flow_srn"], "flow_inputs": in["flow_inputs"], who: "dana@demo.example"}
		answers(t, ci.Call("POST", "/events/request", as), 403, "not_allowed")
	}
	run := answers(t, ci.Call("POST", "/events/request", in), 200, "").Text("run_id")
	s.Quiet()
	if r := s.Only(); r.Incident() != "" || s.Facts(r.ID, "submit")["no_incident"] != true {
		t.Errorf("Sym has no word for incidents, and it is for %q", r.Incident())
	}
	stands := func(want string) {
		t.Helper()
		if got := answers(t, ci.Call("GET", "/runs/"+run, nil), 200, "").Text("status"); got != want {
			t.Errorf("the run is %s, want %s", got, want)
		}
	}
	stands("requested")
	if got := answers(t, ci.Call("GET", "/events/"+run, nil), 200, "").Text("status"); got != "success" {
		t.Errorf("the event is %s", got)
	}
	r := s.Only()
	if r.Content.Duration != 20*time.Minute || r.Content.Fields[0].Value.Raw() != "OPS-7" || r.Content.Requester != flows.Service("ci") {
		t.Errorf("what was asked: %+v", r.Content)
	}
	answers(t, mara.Call("POST", "/v1/requests/"+run+"/decisions", map[string]any{"decision": "approve", "hash": r.Hash}), 200, "")
	s.Quiet()
	stands("escalated")
	answers(t, ci.Call("POST", "/events/deescalate", map[string]any{"run_id": run}), 200, "")
	s.Quiet()
	stands("deescalated")
	for _, where := range []string{company.Mara, company.Noor} {
		s.All(where, "Production database")
	}
}

// A service among those who may ask takes nothing from the people beside it.
func TestAServiceAmongRequesters(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Set("requesters", `["@engineering", "service:ci"]`))
	approvesHerself(s)
}
