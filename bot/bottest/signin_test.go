package bottest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows/doors"
	"breakglass/integrations/oidcfake"
	"breakglass/integrations/slackfake"
)

// Mara signs in with the company's account: she is sent to the provider and back to the
// page she wanted, her session ends when she signs out, and both are recorded.
func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	mara := s.Browser()

	page := mara.SignsIn(p, "sub-"+company.Mara, "/sessions")
	if page.Status != http.StatusOK || page.URL.Path != "/sessions" || !strings.Contains(page.Text(), "session (this one) mara") {
		t.Fatalf("after sign-in: %d %s %s", page.Status, page.URL, page.Text())
	}
	for _, c := range mara.Client.Jar.Cookies(page.URL) {
		if c.Name == "breakglass_sign_in" {
			t.Error("the attempt's cookie is still there")
		}
	}
	s.In("C0ERRS", "mara signed in at the console for the first time")
	if out := mara.Post("/sign-out", nil); out.URL.Path != "/sign-in" {
		t.Errorf("after signing out: %s", out.URL)
	}
	if again := mara.Get("/sessions"); again.URL.Path != "/sign-in" {
		t.Errorf("the session still opens %s", again.URL)
	}
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	if diff := cmp.Diff([]string{"started", "sign_in_pinned", "signed_out", "signed_in"}, s.Entries("system")); diff != "" {
		t.Errorf("audit entries (-want +got):\n%s", diff)
	}
}

// A session that nobody uses ends, and so does one that is used for too long.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	mara := s.Browser()
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	s.In("C0ERRS", "mara signed in")
	open := func() bool { return mara.Get("/").URL.Path == "/" }

	s.Clock.Push(doors.SessionIdle - time.Minute)
	if !open() {
		t.Fatal("a session that was used within the hour has ended")
	}
	s.Clock.Push(doors.SessionIdle)
	if open() {
		t.Fatal("a session that nobody used for an hour is still good")
	}
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	for range doors.SessionLife / (50 * time.Minute) {
		s.Clock.Push(50 * time.Minute)
		if !open() {
			t.Fatal("a session in use has ended too early")
		}
	}
	s.Clock.Push(50 * time.Minute)
	if open() {
		t.Error("a session outlived its life")
	}
}

// Who somebody is: the subject, once pinned. An e-mail address only proposes it.
func TestWhoseSubject(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	refused := func(subject, why string) {
		t.Helper()
		page := s.Browser().SignsIn(p, subject, "/")
		if page.Status != http.StatusForbidden || !strings.Contains(page.Text(), why) {
			t.Errorf("%s: %d %s", subject, page.Status, page.Text())
		}
	}
	if page := s.Browser().SignsIn(p, "sub-"+company.Dana, "/"); page.Status != http.StatusOK {
		t.Fatalf("Dana: %s", page.Text())
	}
	s.In("C0ERRS", "dana signed in")

	p.AddUser(oidcfake.User{Subject: "other", Email: "DANA@demo.example", Verified: true})
	refused("other", "has signed in with another account before")
	p.AddUser(oidcfake.User{Subject: "unverified", Email: "sam@demo.example"})
	refused("unverified", "belongs to nobody")
	p.AddUser(oidcfake.User{Subject: "elsewhere", Email: "sam@evil.example", Verified: true})
	refused("elsewhere", "belongs to nobody")
	refused("sub-"+company.Lena, "belongs to nobody") // no person block
	p.SetUser(oidcfake.User{Subject: "sub-" + company.Dana, Email: "sam@demo.example", Verified: true})
	page := s.Browser().SignsIn(p, "sub-"+company.Dana, "/sessions")
	if !strings.Contains(page.Text(), "session (this one) dana") {
		t.Errorf("after her address changed to Sam's, Dana is: %s", page.Text())
	}
	s.Quiet()
}

// The subject that an admin wrote down goes before everything else.
func TestSubjectInConfiguration(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Replace(`email     = "dana@demo.example"`, "email     = \"dana@demo.example\"\n  subject   = \"written\""))
	p.AddUser(oidcfake.User{Subject: "written", Email: "anything@else.example"})
	if page := s.Browser().SignsIn(p, "written", "/sessions"); !strings.Contains(page.Text(), "session (this one) dana") {
		t.Errorf("Dana by her subject: %s", page.Text())
	}
	if page := s.Browser().SignsIn(p, "sub-"+company.Dana, "/"); page.Status != http.StatusForbidden {
		t.Errorf("Dana's address with another subject: %d %s", page.Status, page.Text())
	}
}

// Who left the company, and guests and strangers who never belonged to it.
func TestWhoMayNotSignIn(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	sam := s.Browser()
	sam.SignsIn(p, "sub-"+company.Sam, "/")
	s.In("C0ERRS", "sam signed in")
	if err := s.Slack.ChangeUser(company.Sam, func(u *slackfake.User) { u.Deleted = true }); err != nil {
		t.Fatal(err)
	}
	s.Clock.Push(2 * time.Minute) // what is remembered of a profile is a minute old at most
	if page := sam.Get("/"); page.Status != http.StatusForbidden || !strings.Contains(page.Text(), "deleted account") {
		t.Errorf("a session of somebody who left: %d %s", page.Status, page.Text())
	}
	if page := s.Browser().SignsIn(p, "sub-"+company.Sam, "/"); page.Status != http.StatusForbidden {
		t.Errorf("somebody who left signs in: %d %s", page.Status, page.Text())
	}
	setAside(s, company.Sam, "was deactivated")
}

// What another site may not do in the person's browser.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	mara := s.Browser()
	page := mara.SignsIn(p, "sub-"+company.Mara, "/")
	s.In("C0ERRS", "mara signed in")

	for name, header := range map[string]http.Header{
		"cross-site form": {"Sec-Fetch-Site": {"cross-site"}},
		"same-site form":  {"Sec-Fetch-Site": {"same-site"}},
		"another origin":  {"Origin": {"https://evil.example"}},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL("/sign-out"), strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := mara.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	if mara.Get("/").URL.Path != "/" {
		t.Error("the session was ended by another site")
	}
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(page.Header.Get("Content-Security-Policy"), want) {
			t.Errorf("the policy lacks %s: %s", want, page.Header.Get("Content-Security-Policy"))
		}
	}
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example"} {
		b := s.Browser()
		if page := b.SignsIn(p, "sub-"+company.Mara, "/sign-in?to="+url.QueryEscape(to)); page.URL.Host != s.App.InternalAddr() || page.URL.Path != "/" {
			t.Errorf("to %q leads to %s", to, page.URL)
		}
	}
}

// Sign in with Slack names a Slack user, so that it needs no link and confirms who they
// are: Dana approves her own request with it. Another workspace's user is a stranger.
func TestSignInWithSlack(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Edit("breakglass.hcl", func(hcl string) string {
		return hcl + `
secret "slack_client_secret" {
  source = "env"
  name   = "SIGN_IN_SECRET"
}

sign_in "slack" {
  client_id     = "` + company.SlackClient + `"
  client_secret = secret.slack_client_secret
}
`
	}))
	s.Slack.AllowRedirect(s.URL("/sign-in/slack/callback"))
	signs := func(who string) (*bottest.Browser, bottest.Page) {
		b := s.Browser()
		return b, b.Post(b.Get("/sign-in/slack?to=/sessions").URL.String(), url.Values{"user": {who}})
	}
	if _, page := signs(company.Lena); !strings.Contains(page.Text(), "session (this one) U0LENA") {
		t.Errorf("Lena, who has no person block: %d %s", page.Status, page.Text())
	}
	dana, page := signs(company.Dana)
	if !strings.Contains(page.Text(), "session (this one) dana") {
		t.Fatalf("Dana: %d %s", page.Status, page.Text())
	}
	s.As(company.Dana).Asks("Production console", "payments are down", nil)
	s.As(company.Dana).Sees("you may approve this yourself")
	id := string(s.Only().ID)
	if page := dana.Post("/requests/"+id, url.Values{"step": {"approve"}, "hash": {hashOn(t, dana.Get("/requests/"+id))}}); page.Status != http.StatusOK {
		t.Errorf("Dana approves her own request: %s", page.Text())
	}
	s.As(company.Dana).Sees("You have access to Production console")
	s.In("C0PROD", "for themselves, on call")
	s.Slack.AddUser(slackfake.User{ID: "U0ELSE", Name: "else", RealName: "Else", TeamID: "T0ELSE01"})
	if _, page := signs("U0ELSE"); page.Status != http.StatusForbidden || !strings.Contains(page.Text(), "foreign account") {
		t.Errorf("a user of another workspace: %d %s", page.Status, page.Text())
	}
	if _, page := signs("nobody"); page.Status != http.StatusBadRequest {
		t.Errorf("somebody whom Slack denies: %d %s", page.Status, page.Text())
	}
}
