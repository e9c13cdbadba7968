package bottest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/target/receiver"
)

// realTime lets the company live in real time, for calls that wait by the clock.
func realTime(o *company.Options) { o.Clock = flows.NewPushableClock(app.SystemClock{}) }

// tokenOf makes a token and returns a program with it.
func tokenOf(s *bottest.Story, by *bottest.API, in map[string]any) *bottest.API {
	s.T.Helper()
	a := by.Call("POST", "/v1/tokens", in)
	if a.Status != 201 {
		s.T.Fatalf("make a token %v: %d %v", in, a.Status, a.Body)
	}
	return s.API(a.Text("secret"))
}

var stopping = map[string]map[string]any{
	"/v1/end":      {"kind": "all"},
	"/v1/freeze":   {"reason": "a drill"},
	"/v1/unfreeze": {"reason": "a drill"},
}

// The kill switch over the API: what a person has ends at the target and the last line
// says so; while all is frozen nothing is approved. It is as loud as from Slack.
func TestKillSwitchOverTheAPI(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, realTime, with)
	sam, dana := s.As(company.Sam), s.As(company.Dana)
	mara := signed(s, p, company.Mara).API()
	given(s, sam)
	given(s, dana)

	answers(t, mara.Call("POST", "/v1/end", map[string]any{"kind": "person", "name": "sma"}), 422, "input")
	answers(t, mara.Call("POST", "/v1/end", map[string]any{"kind": "everything"}), 422, "input")
	got := mara.Lines("/v1/end", map[string]any{"kind": "person", "name": "sam", "reason": "the laptop was stolen"}, nil)
	last := got[len(got)-1]
	if diff := cmp.Diff(map[string]any{"found": 1.0, "ordered": 1.0, "over": 1.0, "done": true}, last.Body); last.Status != 200 || diff != "" {
		t.Errorf("the last line, %d (-want +got):\n%s", last.Status, diff)
	}
	s.Has(company.Dana)
	loud(s, "<@U0MARA> used the kill switch:", "<@U0SAM>. 1 request or grant is told to end now.", "the laptop was stolen")
	sam.Sees("Your access to Production database has ended: revoked by <@U0MARA>")

	script := tokenOf(s, mara, map[string]any{"name": "panic button", "scopes": []string{"decide"}})
	if a := answers(t, script.Call("POST", "/v1/freeze", map[string]any{"reason": "we are being attacked"}), 200, ""); a.Text("state") != "frozen" {
		t.Errorf("frozen: %v", a.Body)
	}
	loud(s, "<@U0MARA> froze all access.", "we are being attacked")
	sam.Asks("Production console", "and the console", nil)
	answers(t, mara.Call("POST", "/v1/unfreeze", nil), 200, "")
	loud(s, "<@U0MARA> lifted the freeze.")
	want := []string{"end_many", "frozen", "unfrozen"}
	if diff := cmp.Diff(want, only(s.Entries("system"), want...)); diff != "" {
		t.Errorf("audit entries (-want +got):\n%s", diff)
	}
	s.Overlook()
}

// Nobody but an admin stops anything, by no pass; services never do, and neither does a
// session of somebody who signed in long ago. Nothing of that ends anybody's access.
func TestKillSwitchIsForAdminsOverTheAPI(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Edit("breakglass.hcl", func(hcl string) string {
		return hcl + "\nperson \"audi\" {\n  slack = \"" + company.Audi + "\"\n  pagerduty = \"PAUDI01\"\n  email = \"audi@demo.example\"\n}\n"
	}))
	mara, sam, audi := signed(s, p, company.Mara).API(), signed(s, p, company.Sam).API(), signed(s, p, company.Audi).API()
	given(s, s.As(company.Dana))
	service := tokenOf(s, mara, map[string]any{"name": "ci", "service": true, "scopes": []string{"read", "ask"}})
	reads := tokenOf(s, mara, map[string]any{"name": "dashboard", "scopes": []string{"read", "ask"}})
	sams := tokenOf(s, sam, map[string]any{"name": "mine", "scopes": []string{"read", "ask", "decide"}})
	for path, in := range stopping {
		for name, by := range map[string]*bottest.API{
			"a member": sam, "an auditor": audi, "a service of an admin": service,
			"an admin's token that does not decide": reads, "a member's token": sams,
		} {
			t.Log(path, name)
			answers(t, by.Call("POST", path, in), 403, "not_allowed")
		}
		answers(t, s.API("").Call("POST", path, in), 401, "sign_in")
	}
	for range 2 {
		s.Clock.Push(31 * time.Minute)
		answers(t, mara.Call("GET", "/v1/me", nil), 200, "") // it is used, so it has not ended
	}
	s.Quiet()
	for path, in := range stopping {
		if no := answers(t, mara.Call("POST", path, in), 403, "not_allowed"); !strings.Contains(no.Text("detail"), "You signed in more than 1h ago") {
			t.Errorf("%s with an old session: %s", path, no.Text("detail"))
		}
	}
	if got := only(s.Entries("system"), "end_many", "frozen", "unfrozen"); len(got) > 0 {
		t.Errorf("recorded: %v", got)
	}
	s.Overlook()
}

// What does not end is named, with why, when the waiting is over.
func TestKillSwitchOverTheAPINamesWhatIsLeft(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	clock := flows.NewPushableClock(app.SystemClock{})
	s := bottest.Open(t, func(o *company.Options) { o.Clock = clock }, with)
	mara := signed(s, p, company.Mara).API()
	given(s, s.As(company.Sam))
	s.Database.Fail(receiver.Fault{Type: "access.revoke", Status: 503})
	got := mara.Lines("/v1/end", map[string]any{"kind": "target", "name": "prod_database"}, func(n int) {
		if n == 3 { // two are about ordering, so it waits for the target by now
			s.Quiet()
			clock.Push(6 * time.Minute)
		}
	})
	left, _ := got[len(got)-1].Body["left"].([]any)
	if len(left) != 1 || !strings.Contains(left[0].(map[string]any)["why"].(string), "the target") {
		t.Errorf("what is left: %v", got[len(got)-1].Body)
	}
	s.Database.ClearFaults()
	s.Quiet()
	clock.Push(time.Minute)
	s.Has()
	s.Overlook()
}
