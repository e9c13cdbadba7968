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
	"breakglass/flows"
	"breakglass/integrations/oidcfake"
)

// stepUp marks the database so that approvals count after a fresh sign-in only.
var stepUp = bottest.Replace("target \"prod_database\" {", "target \"prod_database\" {\n  step_up = true")

// signsInAnew follows the page's link to sign in again, and comes back.
func signsInAnew(t *testing.T, b *bottest.Browser, page bottest.Page, subject string) bottest.Page {
	t.Helper()
	at := b.Get(linkTo(t, page, "/sign-in/company?fresh=1"))
	if q := at.URL.Query(); q.Get("prompt") != "login" || q.Get("max_age") != "0" {
		t.Fatalf("the provider is not told to ask anew: %s", at.URL)
	}
	return b.Post(at.URL.String(), url.Values{"subject": {subject}})
}

func linkTo(t *testing.T, page bottest.Page, begins string) string {
	t.Helper()
	_, rest, found := strings.Cut(page.Body, `href="`+strings.ReplaceAll(begins, "&", "&amp;"))
	if !found {
		t.Fatalf("no link to %s on the page: %s", begins, page.Text())
	}
	end, _, _ := strings.Cut(rest, `"`)
	return begins + strings.ReplaceAll(end, "&amp;", "&")
}

// A target that wants it: Mara's click in Slack does not count and tells her where to
// go; neither does her session, her token. After she signed in anew at the page, which
// shows everything, her approval counts, once.
func TestStepUp(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, stepUp)
	sam, mara := s.As(company.Sam), s.As(company.Mara)
	b := signed(s, p, company.Mara)
	token := tokenOf(s, b.API(), map[string]any{"name": "script", "scopes": []string{"read", "decide"}})
	sam.Asks("Production database", "the ledger is stuck", nil)
	card := mara.Sees("<@U0SAM> asks for Production database", "sign in again at", "a click here alone does not count")
	id := string(s.Only().ID)
	mara.Presses(card, "bg:approve")
	mara.Told("wants a fresh sign-in", "was not counted", "sign in again there, and approve")

	s.FastForward(6 * time.Minute) // her session's sign-in is not fresh any more
	hash := s.Only().Hash
	yes := map[string]any{"decision": "approve", "hash": hash}
	answers(t, token.Call("POST", "/v1/requests/"+id+"/decisions", yes), 403, "step_up")
	answers(t, b.API().Call("POST", "/v1/requests/"+id+"/decisions", yes), 403, "step_up")
	form := url.Values{"step": {"approve"}, "hash": {hash}}
	page := b.Get("/requests/" + id)
	if no := b.Post("/requests/"+id, form); no.Status != http.StatusForbidden || !strings.Contains(no.Text(), "wants a fresh sign-in") {
		t.Errorf("by an old session: %d %s", no.Status, no.Text())
	}
	if strings.Contains(page.Body, `value="approve"`) || !strings.Contains(page.Text(), "the ledger is stuck") {
		t.Errorf("the page before the sign-in: %s", page.Text())
	}
	s.Has()
	back := signsInAnew(t, b, page, "sub-"+company.Mara)
	if back.URL.Path != "/requests/"+id || hashOn(t, back) != hash {
		t.Fatalf("back at %s: %s", back.URL, back.Text())
	}
	if done := b.Post("/requests/"+id, form); done.Status != http.StatusOK {
		t.Fatalf("after signing in anew: %s", done.Text())
	}
	sam.Sees("You have access to Production database")
	vote := s.Only().Votes[0]
	if vote.Door != flows.DoorWeb || s.Clock.Now().Sub(vote.SteppedUp) > time.Minute {
		t.Errorf("the vote is %+v", vote)
	}
	if f := s.Facts(flows.RequestID(id), "approve"); f["stepped_up_at"] == nil {
		t.Errorf("the entry says nothing of it: %v", f)
	}
	if diff := cmp.Diff([]string{"stepped_up"}, only(s.Entries("system"), "stepped_up")); diff != "" {
		t.Errorf("audit entries (-want +got):\n%s", diff)
	}
	s.Overlook()
}

// What a fresh sign-in gave is for one request, once, for five minutes, and for who
// signed in; a provider that did not ask anew, or does not say when, gives nothing.
func TestStepUpIsNarrow(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, stepUp, bottest.Set("quorum", "2"))
	sam := s.As(company.Sam)
	sam.Asks("Production database", "the ledger is stuck", nil)
	s.Quiet()
	first := s.Requests()[0]
	b := signed(s, p, company.Mara)
	approve := func(r flows.Request) bottest.Page {
		return b.Post("/requests/"+string(r.ID), url.Values{"step": {"approve"}, "hash": {r.Hash}})
	}
	counts := func(r flows.Request) int {
		for _, now := range s.Requests() {
			if now.ID == r.ID {
				return len(now.Votes)
			}
		}
		return -1
	}
	for name, bend := range map[string]oidcfake.Bend{
		"long ago":     func(_, c map[string]any) { c["auth_time"] = s.Clock.Now().Add(-time.Hour).Unix() },
		"in a while":   func(_, c map[string]any) { c["auth_time"] = s.Clock.Now().Add(time.Hour).Unix() },
		"does not say": func(_, c map[string]any) { delete(c, "auth_time") },
	} {
		p.Bend(bend)
		b.Post("/sign-out", nil)
		b.SignsIn(p, "sub-"+company.Mara, "/requests/"+string(first.ID))
		if page := approve(first); page.Status != http.StatusForbidden || counts(first) != 0 {
			t.Errorf("the provider asked %s: %d, %d votes", name, page.Status, counts(first))
		}
	}
	p.Bend(nil)
	b.Post("/sign-out", nil)
	b.SignsIn(p, "sub-"+company.Mara, "/")
	if page := approve(first); page.Status != http.StatusForbidden {
		t.Errorf("a fresh sign-in for another page: %d", page.Status)
	}
	signsInAnew(t, b, b.Get("/requests/"+string(first.ID)), "sub-"+company.Mara)
	s.FastForward(6 * time.Minute)
	if page := approve(first); page.Status != http.StatusForbidden || counts(first) != 0 {
		t.Errorf("six minutes later: %d", page.Status)
	}
	signsInAnew(t, b, b.Get("/requests/"+string(first.ID)), "sub-"+company.Mara)
	if no := b.Post("/requests/"+string(first.ID), url.Values{"step": {"approve"}, "hash": {strings.Repeat("0", 64)}}); no.Status != http.StatusConflict {
		t.Errorf("something else was shown: %d", no.Status)
	}
	if page := approve(first); page.Status != http.StatusForbidden || counts(first) != 0 {
		t.Errorf("a sign-in that was spent: %d, %d votes", page.Status, counts(first))
	}
	signsInAnew(t, b, b.Get("/requests/"+string(first.ID)), "sub-"+company.Mara)
	if page := approve(first); page.Status != http.StatusOK || counts(first) != 1 {
		t.Errorf("Mara approves: %d, %d votes", page.Status, counts(first))
	}
	s.Overlook()
}

// One's own approval needs it, too.
func TestStepUpForOneself(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, stepUp,
		bottest.Replace(`email     = "dana@demo.example"`, "email     = \"dana@demo.example\"\n  subject   = \"sub-"+company.Dana+`"`))
	dana := s.As(company.Dana)
	dana.Asks("Production database", "payments are down", nil)
	card := dana.Sees("you may approve this yourself")
	id := string(s.Only().ID)
	dana.Presses(card, "bg:approve")
	dana.Told("wants a fresh sign-in", "was not counted")
	s.Has()
	b := s.Browser()
	b.SignsIn(p, "sub-"+company.Dana, "/")
	s.Quiet()
	back := signsInAnew(t, b, b.Get("/requests/"+id), "sub-"+company.Dana)
	if page := b.Post("/requests/"+id, url.Values{"step": {"approve"}, "hash": {hashOn(t, back)}}); page.Status != http.StatusOK {
		t.Fatalf("after signing in anew: %s", page.Text())
	}
	dana.Sees("You have access to Production database")
	s.Has(company.Dana)
	s.Overlook()
}
