package bottest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// reviewed asks for reviews in the flow.
var reviewed = bottest.Set("review", `"self_approved"`)

// brokeGlass has Dana approve herself and hand back; it returns the card in the
// fallback's channel that asks others to look back at it.
func brokeGlass(s *bottest.Story) slackfake.Message {
	s.T.Helper()
	dana := s.As(company.Dana)
	card := selfCard(s, "Production database")
	dana.Presses(card, "bg:approve")
	dana.Sees("You asked for Production database", "Access works until")
	dana.Sees("You have access to Production database until")
	s.In("C0PROD", "asks for Production database", "for themselves, on call")
	s.Quiet()
	dana.Presses(dana.Sees("You asked for Production database", "Access works until"), "bg:done")
	dana.Sees("You asked for Production database", "*Ended*", "Somebody else looks back at it, until")
	dana.Sees("Your access to Production database has ended")
	s.In("C0PROD", "asks for Production database", "*Ended*")
	s.Quiet()
	return s.In("C0SREM", "<@U0DANA> had access to Production database, which they approved for themselves", "Was that in order?",
		"on call for primary, level 1", "payments are down", "is done")
}

// verdict answers the form of a review.
func verdict(s *bottest.Story, who string, card slackfake.Message, v, note string) (answered string) {
	s.T.Helper()
	p := s.As(who)
	p.Presses(card, "bg:review")
	out, err := p.Submit(p.Form("verdict"), slackfake.Values{"verdict": v, "why": note})
	must(s.T, err)
	return out.Exchange.ResponseBody
}

// Dana approves herself at night; when it is over, the fallback is asked whether that was
// in order. She cannot say so herself, nor can somebody who has no part in it; Mara does,
// once, and Dana reads it.
func TestBreakGlassIsLookedBackAt(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, reviewed)
	card := brokeGlass(s)
	id := s.Only().ID
	dana := s.As(company.Dana)
	verdict(s, company.Dana, card, "ok", "it was me")
	dana.Sees("Nobody reviews access that they asked for, had or approved")
	verdict(s, company.Sam, card, "ok", "")
	s.As(company.Sam).Sees("This is reviewed by an auditor, an admin, or one of the flow's fallback approvers")
	if got := verdict(s, company.Mara, card, "not_ok", " "); !strings.Contains(got, "Say what was not in order") {
		t.Errorf("not in order, and nothing said: %s", got)
	}
	verdict(s, company.Mara, card, "not_ok", "there was no need for the *database* <!channel>")
	dana.Sees("Your access to Production database, which you approved for yourself, was looked back at", "<@U0MARA>", "not in order", "there was no need")
	dana.Sees("You asked for Production database", "Reviewed", "<@U0MARA>")
	s.In("C0ERRS", "<@U0DANA>’s access to Production database", "looked back at", "not in order")
	s.In("C0PROD", "asks for Production database", "Reviewed")
	s.In("C0SREM", "had access to Production database", "Reviewed", "not in order")
	s.Quiet()
	r := s.Only()
	if v := r.Review; r.State != flows.StateEnded || v.State != flows.ReviewClosed || v.Verdict != flows.VerdictNotOK || v.By != company.Person(company.Mara) {
		t.Errorf("the review is %+v", v)
	}
	actor, facts := entry(s, id, "review")
	holds(t, "review", facts, map[string]string{"verdict": "not_ok", "note": "there was no need .*", "late": "false", "due_at": `\d{13}`})
	holds(t, "review", actor, map[string]string{"person": "T0DEMO01/U0MARA", "permalink": `https://.*/archives/C0SREM/p\d{16}`})
	if got := strings.Join(s.Entries(id), " "); !strings.HasSuffix(got, "revoked review_opened review_asked refused refused review") {
		t.Errorf("the entries are %s", got)
	}
	s.As(company.Audi).Types("/access audit @dana")
	s.As(company.Audi).Told("Production database", "reviewed: not in order")
	s.As(company.Audi).Types("/access audit review:closed last 7d")
	s.As(company.Audi).Told("Production database", "reviewed: not in order")
	s.As(company.Audi).Types("/access audit unreviewed")
	s.As(company.Audi).Told("No request")
}

// Nobody looks at it for three days: who may are reminded, once, and it stands as overdue
// on the admins' first page. There an admin closes it, and not twice.
func TestReviewOverdueAndOnTheWeb(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Set("review", `"self_approved"`), bottest.Set("review_within", `"2h"`))
	brokeGlass(s)
	s.FastForward(119 * time.Minute)
	s.Quiet()
	s.FastForward(2 * time.Minute)
	s.In("C0SREM", "had access to Production database", "*Overdue*")
	s.In("C0SREM", "Nobody has said yet whether <@U0DANA>’s access to Production database was in order")
	s.Quiet()
	s.FastForward(3 * time.Hour)
	s.Quiet() // once
	id := string(s.Only().ID)
	mara, sam, dana := signed(s, p, company.Mara), signed(s, p, company.Sam), signed(s, p, company.Dana)
	home := mara.Get("/")
	if text := home.Text(); !strings.Contains(text, "To be reviewed") || !strings.Contains(text, "overdue") || !strings.Contains(text, "payments are down") {
		t.Errorf("Mara's first page: %s", text)
	}
	for _, b := range []*bottest.Browser{sam, dana} {
		if text := b.Get("/").Text(); strings.Contains(text, "To be reviewed") {
			t.Errorf("it is to be reviewed by %s", text)
		}
	}
	for q, want := range map[string]int{"review:open": 1, "review open target:prod_database": 1, "reviewed": 0} {
		if got := mara.API().Call("GET", "/v1/audit?q="+url.QueryEscape(q), nil); len(got.Body["requests"].([]any)) != want {
			t.Errorf("asked for %s: %v", q, got.Body)
		}
	}
	if text := mara.Get("/audit?q=review:open&form=1").Text(); !strings.Contains(text, "payments are down") || !strings.Contains(text, "review overdue") {
		t.Errorf("asked for what is to be reviewed: %s", text)
	}
	form := url.Values{"step": {"review"}, "verdict": {"ok"}}
	if page := dana.Post("/requests/"+id, form); page.Status != http.StatusForbidden {
		t.Errorf("Dana reviews herself: %d %s", page.Status, page.Text())
	}
	if page := sam.Post("/requests/"+id, form); page.Status != http.StatusNotFound {
		t.Errorf("Sam reviews Dana: %d %s", page.Status, page.Text())
	}
	if got := mara.API().Call("GET", "/v1/requests?which=reviews", nil); len(got.Body["requests"].([]any)) != 1 {
		t.Errorf("over the API: %v", got.Body)
	}
	answers(t, mara.API().Call("POST", "/v1/requests/"+id+"/review", map[string]any{"verdict": "not_ok"}), 422, "input")
	answers(t, mara.API().Call("POST", "/v1/requests/"+id+"/review", map[string]any{"verdict": "perhaps"}), 422, "")
	if text := mara.Get("/requests/" + id).Text(); !strings.Contains(text, "Was it in order?") || !strings.Contains(text, "Review overdue, due") {
		t.Errorf("the request's page: %s", text)
	}
	if page := mara.Post("/requests/"+id, form); page.Status != http.StatusOK || !strings.Contains(page.Text(), "Review in order, by mara") {
		t.Errorf("Mara reviews: %d %s", page.Status, page.Text())
	}
	s.As(company.Dana).Sees("which you approved for yourself, was looked back at", "in order")
	s.As(company.Dana).Sees("You asked for Production database", "Reviewed")
	s.In("C0PROD", "asks for Production database", "Reviewed")
	s.In("C0SREM", "had access to Production database", "Reviewed", "in order")
	s.Quiet()
	answers(t, mara.API().Call("POST", "/v1/requests/"+id+"/review", map[string]any{"verdict": "ok"}), 409, "already_decided")
	actor, facts := entry(s, s.Only().ID, "review")
	holds(t, "review", facts, map[string]string{"verdict": "ok", "late": "true", "note": ""})
	holds(t, "review", actor, map[string]string{"from": `127\.0\.0\.1`, "door": "web"})
	if text := mara.Get("/").Text(); strings.Contains(text, "To be reviewed") {
		t.Errorf("it was reviewed: %s", text)
	}
}

// Without a channel the fallback's people are asked one by one, and never who had it;
// what others approved, or was never given, is not looked back at.
func TestWhoIsAskedToLookBack(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, reviewed, bottest.Set("fallback", `{ approvers = ["U0MARA", "U0DANA", "U0NOOR"] }`))
	dana := s.As(company.Dana)
	card := selfCard(s, "Production console")
	dana.Presses(card, "bg:approve")
	dana.Sees("You asked for Production console", "Access works until")
	dana.Sees("You have access to Production console until")
	s.In("C0PROD", "asks for Production console", "for themselves, on call")
	s.Quiet()
	must(t, s.Reload(bottest.Set("review", `"never"`))) // decided with the approval, not taken back later
	dana.Presses(dana.Sees("You asked for Production console", "Access works until"), "bg:done")
	dana.Sees("You asked for Production console", "*Ended*")
	dana.Sees("Your access to Production console has ended")
	s.In("C0PROD", "asks for Production console", "*Ended*")
	s.As(company.Mara).Sees("<@U0DANA> had access to Production console", "Was that in order?")
	card = s.As(company.Noor).Sees("<@U0DANA> had access to Production console", "Was that in order?")
	s.Quiet()
	verdict(s, company.Noor, card, "ok", "")
	dana.Sees("which you approved for yourself, was looked back at", "in order")
	dana.Sees("You asked for Production console", "Reviewed")
	for _, who := range []string{company.Mara, company.Noor} {
		s.As(who).Sees("<@U0DANA> had access to Production console", "Reviewed", "<@U0NOOR>")
	}
	s.In("C0PROD", "asks for Production console", "Reviewed")
	s.Quiet()
}

// The first page of who may review, and the request's, as a browser shows them.
func TestReviewInABrowser(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, reviewed)
	brokeGlass(s)
	mara := signed(s, p, company.Mara)
	c := browse(t, s.URL("/"), mara.Client.Jar)
	id := string(s.Only().ID)
	for name, path := range map[string]string{"home": "/", "request": "/requests/" + id} {
		c.sized(1100, 800, false)
		c.opens(s.URL(path))
		for _, look := range []struct {
			name  string
			width int
		}{{"light", 1100}, {"dark", 1100}, {"phone", 390}} {
			c.sized(look.width, 800, look.name == "dark")
			c.shoot("review-" + name + "-" + look.name)
			c.fits(name + ", " + look.name)
			c.contrast(name + ", " + look.name)
		}
	}
	c.opens(s.URL("/requests/" + id))
	c.eval(`document.querySelector("input[value=not_ok]").form.reason.focus()`, nil)
	c.press("no need")
	c.arrives(func() { c.press("Enter") })
	var said string
	if c.eval(`document.querySelector("dl").textContent`, &said); !strings.Contains(said, "not in order, by mara") || !strings.Contains(said, "no need") {
		t.Errorf("the page says %s", said)
	}
	s.As(company.Dana).Sees("which you approved for yourself, was looked back at", "not in order", "no need")
	s.As(company.Dana).Sees("You asked for Production database", "Reviewed")
	s.In("C0ERRS", "looked back at", "not in order")
	s.In("C0PROD", "asks for Production database", "Reviewed")
	s.In("C0SREM", "had access to Production database", "Reviewed", "not in order")
	s.Quiet()
}
