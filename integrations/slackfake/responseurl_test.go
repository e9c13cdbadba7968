package slackfake_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"breakglass/integrations/slackfake"
)

// hook makes an interaction on a fresh message and returns its response_url.
func hook(t *testing.T, b *bundle, a *app) (slackfake.Message, string) {
	t.Helper()
	_, ts, err := b.api.PostMessage("C0PROD", slack.MsgOptionText("card", false), approveCard("card"))
	noError(t, err)
	m, _ := b.Message("C0PROD", ts)
	_, err = b.User("U0DANA").Click(m, "approve")
	noError(t, err)
	return m, a.last("block_actions").payload.ResponseURL
}

func respond(url string, msg slack.WebhookMessage) error {
	return slack.PostWebhook(url, &msg)
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var e slack.StatusCodeError
	if !errors.As(err, &e) || e.Code != status {
		t.Errorf("error = %v, want status %d", err, status)
	}
}

func TestResponseURL(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	m, to := hook(t, b, a)
	dana := b.User("U0DANA")
	noError(t, respond(to, slack.WebhookMessage{Text: "only you"}))
	if got := texts(dana.Ephemerals()); got != "only you" {
		t.Errorf("ephemerals = %q", got)
	}
	noError(t, respond(to, slack.WebhookMessage{Text: "all", ResponseType: slack.ResponseTypeInChannel}))
	if got := texts(b.Messages("C0PROD")); got != "card|all" {
		t.Errorf("channel = %q", got)
	}
	noError(t, respond(to, slack.WebhookMessage{Text: "replaced", ReplaceOriginal: true}))
	if now, _ := b.Message("C0PROD", m.TS); now.Text != "replaced" || now.Blocks != nil {
		t.Errorf("original = %+v", now)
	}
	noError(t, respond(to, slack.WebhookMessage{DeleteOriginal: true}))
	if _, there := b.Message("C0PROD", m.TS); there {
		t.Error("the original is still there")
	}
	b.noViolations(t)
}

func TestResponseURLEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	_, to := hook(t, b, a)
	wantStatus(t, respond(to, slack.WebhookMessage{}), http.StatusNotFound) // no_text is not a use
	for range 5 {
		noError(t, respond(to, slack.WebhookMessage{Text: "x"}))
	}
	wantStatus(t, respond(to, slack.WebhookMessage{Text: "x"}), http.StatusNotFound)
	_, to = hook(t, b, a)
	b.clock.Advance(30 * time.Minute)
	noError(t, respond(to, slack.WebhookMessage{Text: "x"}))
	b.clock.Advance(time.Second)
	wantStatus(t, respond(to, slack.WebhookMessage{Text: "x"}), http.StatusNotFound)
	wantStatus(t, respond(b.URL()+"/response/actions/T/1/forged", slack.WebhookMessage{Text: "x"}), http.StatusNotFound)
	var codes []string
	for _, v := range b.Violations() {
		codes = append(codes, v.Code)
	}
	if got := strings.Join(codes, " "); got != "no_text used_url expired_url invalid_url" {
		t.Errorf("violations = %s", got)
	}
}

func TestResponseURLForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	_, to := hook(t, b, a)
	res, err := http.PostForm(to, url.Values{"payload": {`{"text":"by form"}`}})
	noError(t, err)
	defer res.Body.Close()
	if res.StatusCode != 200 || texts(b.User("U0DANA").Ephemerals()) != "by form" {
		t.Errorf("status %d, ephemerals %v", res.StatusCode, b.User("U0DANA").Ephemerals())
	}
}

// TestEphemeralIsReplaced: a response_url is the only way to change a message
// that one person sees.
func TestEphemeralIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	_, err := b.api.PostEphemeral("C0PROD", "U0DANA", slack.MsgOptionText("card", false), approveCard("card"))
	noError(t, err)
	dana := b.User("U0DANA")
	_, err = dana.Click(dana.Ephemerals()[0], "approve")
	noError(t, err)
	p := a.last("block_actions").payload
	if !p.Container.IsEphemeral {
		t.Errorf("container = %+v", p.Container)
	}
	if _, err := b.User("U0SAM").Click(dana.Ephemerals()[0], "approve"); err == nil {
		t.Error("somebody else clicked it")
	}
	noError(t, respond(p.ResponseURL, slack.WebhookMessage{Text: "done", ReplaceOriginal: true}))
	if got := texts(dana.Ephemerals()); got != "done" {
		t.Errorf("ephemerals = %q", got)
	}
}
