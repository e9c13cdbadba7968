package slackfake_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"breakglass/integrations/slackfake"
)

// TestSignature checks every kind of delivery with slack-go's own verifier,
// which reads the real clock.
func TestSignature(t *testing.T) {
	t.Parallel()
	b := setup(t, onRealTime, func(o *slackfake.Options) { o.SigningSecret = "8f742231b10e8888abcd99yyyzzz85a5" })
	seen := map[string]bool{}
	verify := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		v, err := slack.NewSecretsVerifier(r.Header, "8f742231b10e8888abcd99yyyzzz85a5")
		if err != nil {
			t.Errorf("%s: %v", r.URL.Path, err)
			return
		}
		if _, err := v.Write(body); err != nil {
			t.Error(err)
		}
		if err := v.Ensure(); err != nil {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		seen[r.URL.Path] = true
		if r.URL.Path == "/options" {
			answer(`{"options":[]}`)(w, r)
		}
		if r.URL.Path == "/events" {
			var challenge struct{ Challenge string }
			if err := json.Unmarshal(body, &challenge); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(w, challenge.Challenge)
		}
	})
	srv := newServer(t, verify)
	b.SetEndpoints(slackfake.Endpoints{Commands: srv + "/commands", Interactions: srv + "/interactions", Options: srv + "/options", Events: srv + "/events"})
	dana := b.User("U0DANA")
	_, err := dana.Slash("/access", "prod 1h ünïcödé & <b>")
	noError(t, err)
	_, err = dana.Shortcut("request")
	noError(t, err)
	b.call(t, "chat.postMessage", obj{"channel": "U0DANA", "text": "x", "blocks": arr{actions(obj{"type": "external_select", "action_id": "e", "min_query_length": 0})}})
	_, err = dana.Suggest(dana.DM()[0], "e", "")
	noError(t, err)
	noError(t, b.VerifyEvents())
	if len(seen) != 4 {
		t.Errorf("seen = %v", seen)
	}
}

// newServer starts an HTTP server for the test and returns its address.
func newServer(t testing.TB, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestSlashForm(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *slackfake.Options) { o.Commands = []string{"/access"} })
	a := newApp(t, b)
	_, err := b.User("U0DANA").In("#prod-access").Slash("/access", " prod 1h ")
	noError(t, err)
	form := a.last("/access").form
	for field, want := range map[string]string{
		"command": "/access", "text": "prod 1h", "user_id": "U0DANA", "user_name": "dana",
		"channel_id": "C0PROD", "channel_name": "prod-access", "team_id": b.Config().TeamID,
		"team_domain": b.Config().TeamDomain, "api_app_id": b.Config().AppID, "is_enterprise_install": "false",
	} {
		if got := form[field]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q", field, got, want)
		}
	}
	b.AddUser(slackfake.User{ID: "U0GUEST"})
	_, err = b.User("U0DANA").Slash("/access", "")
	noError(t, err)
	if got := a.last("/access").form["channel_name"][0]; got != "directmessage" {
		t.Errorf("channel_name in a DM = %q", got)
	}
	for name, f := range map[string]func() error{
		"unregistered command": func() error { _, err := b.User("U0DANA").Slash("/other", ""); return err },
		"deactivated person":   func() error { _, err := b.User("U0GONE").Slash("/access", ""); return err },
		"unknown person":       func() error { _, err := b.User("U0NOBODY").Slash("/access", ""); return err },
		"no such channel":      func() error { _, err := b.User("U0DANA").In("#none").Slash("/access", ""); return err },
		"not a member":         func() error { _, err := b.User("U0GUEST").In("#prod-access").Slash("/access", ""); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSlashAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                string
		handler             http.HandlerFunc
		ephemeral, inPublic string
		code                string
	}{
		{"empty", func(http.ResponseWriter, *http.Request) {}, "", "", ""},
		{"plain text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }, "hi", "", ""},
		{"JSON", answer(`{"text":"hi"}`), "hi", "", ""},
		{"in channel", answer(`{"response_type":"in_channel","text":"hi"}`), "", "hi", ""},
		{"blocks", answer(`{"text":"hi","blocks":[{"type":"divider"}]}`), "hi", "", ""},
		{"bad blocks", answer(`{"text":"hi","blocks":[{"type":"x"}]}`), "", "", "bad_answer"},
		{"broken JSON", answer(`{"text":`), "", "", "bad_answer"},
		{"500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "", "", "http_error"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, "", "", "dispatch_failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			a := newApp(t, b)
			a.on("/access", c.handler)
			dana := b.User("U0DANA").In("C0PROD")
			_, err := dana.Slash("/access", "")
			var failed *slackfake.DeliveryError
			switch {
			case c.code == "":
				noError(t, err)
			case !errors.As(err, &failed) || failed.Code != c.code:
				t.Fatalf("error = %v, want %s", err, c.code)
			case len(dana.Notices()) != 1 || !strings.Contains(dana.Notices()[0].Text, c.code):
				t.Errorf("the person was told %v", dana.Notices())
			}
			if got := texts(dana.Ephemerals()); got != c.ephemeral {
				t.Errorf("ephemeral %q, want %q", got, c.ephemeral)
			}
			if got := texts(b.Messages("C0PROD")); got != c.inPublic {
				t.Errorf("in the channel %q, want %q", got, c.inPublic)
			}
		})
	}
}

func texts(list []slackfake.Message) string {
	var all []string
	for _, m := range list {
		all = append(all, m.Text)
	}
	return strings.Join(all, "|")
}

// TestLateAnswer lets the three seconds run out while the app still works.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	ts := newTimers()
	b := setup(t, func(o *slackfake.Options) { o.After = ts.After })
	a := newApp(t, b)
	a.on("/access", func(_ http.ResponseWriter, r *http.Request) {
		ts.fire(t, 3*time.Second)
		<-r.Context().Done() // Slack hangs up
	})
	out, err := b.User("U0DANA").Slash("/access", "")
	var failed *slackfake.DeliveryError
	if !errors.As(err, &failed) || failed.Code != "operation_timeout" {
		t.Fatalf("error = %v", err)
	}
	if v := b.Violations(); len(v) != 1 || v[0].Code != "late_answer" || v[0].Where != "slash_command" {
		t.Errorf("violations = %v", v)
	}
	if out.Exchange.Status != 0 || out.Exchange.Error != "operation_timeout" {
		t.Errorf("exchange = %+v", out.Exchange)
	}
	if n := b.User("U0DANA").Notices(); len(n) != 1 || n[0].Text != `/access failed with the error "operation_timeout"` {
		t.Errorf("notices = %v", n)
	}
}

func TestNoAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.User("U0DANA").Slash("/access", "")
	if err == nil || !strings.Contains(err.Error(), "SetEndpoints") {
		t.Errorf("error = %v, want advice", err)
	}
}

// TestBlockActionsPayload compares a whole click with what Slack sends.
func TestBlockActionsPayload(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *slackfake.Options) { o.EnterpriseID = "E0ACME" })
	a := newApp(t, b)
	b.call(t, "chat.postMessage", obj{"channel": "C0PROD", "text": "x", "blocks": arr{
		obj{"type": "actions", "block_id": "blk", "elements": arr{
			obj{"type": "button", "action_id": "go", "value": "v", "style": "danger", "text": ptext("Go")},
			obj{"type": "overflow", "action_id": "more", "options": opts(2)},
			obj{"type": "users_select", "action_id": "who"},
		}},
	}})
	m := b.Messages("C0PROD")[0]
	sam := b.User("U0SAM")
	_, err := sam.Fill(m, "who", "U0DANA")
	noError(t, err)
	_, err = sam.Click(m, "blk/go")
	noError(t, err)
	raw := a.last("block_actions").raw
	act := raw["actions"].(arr)[0].(obj)
	for _, volatile := range []string{"trigger_id", "response_url", "message", "token"} {
		if raw[volatile] == nil {
			t.Errorf("%s is missing", volatile)
		}
		delete(raw, volatile)
	}
	if act["action_ts"] == "" {
		t.Error("action_ts is empty")
	}
	delete(act, "action_ts")
	want := obj{
		"type": "block_actions", "api_app_id": b.Config().AppID,
		"user": obj{"id": "U0SAM", "username": "sam", "name": "sam", "team_id": b.Config().TeamID},
		"team": obj{
			"id": b.Config().TeamID, "domain": b.Config().TeamDomain,
			"enterprise_id": "E0ACME", "enterprise_name": b.Config().TeamDomain,
		},
		"enterprise": obj{"id": "E0ACME", "name": b.Config().TeamDomain}, "is_enterprise_install": false,
		"container": obj{"type": "message", "message_ts": m.TS, "channel_id": "C0PROD", "is_ephemeral": false},
		"channel":   obj{"id": "C0PROD", "name": "prod-access"},
		"state":     obj{"values": obj{"blk": obj{"who": obj{"type": "users_select", "selected_user": "U0DANA"}}}},
		"actions": arr{obj{
			"type": "button", "action_id": "go", "block_id": "blk", "value": "v", "style": "danger",
			"text": obj{"type": "plain_text", "text": "Go", "emoji": true},
		}},
	}
	if diff := cmp.Diff(want, raw); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
	_, err = sam.Fill(m, "more", "1")
	noError(t, err)
	if got := a.last("block_actions").payload.ActionCallback.BlockActions[0].SelectedOption.Value; got != "1" {
		t.Errorf("overflow chose %q", got)
	}
	for name, f := range map[string]func() error{
		"no such button":      func() error { _, err := sam.Click(m, "nope"); return err },
		"a menu is no button": func() error { _, err := sam.Click(m, "more"); return err },
		"a button is no menu": func() error { _, err := sam.Fill(m, "go", "x"); return err },
		"not in the channel": func() error {
			b.AddUser(slackfake.User{ID: "U0NEW"})
			_, err := b.User("U0NEW").Click(m, "go")
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestStaleClickAndDismiss(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	_, ts, err := b.api.PostMessage("U0DANA", slack.MsgOptionText("x", false), approveCard("card"))
	noError(t, err)
	dana := b.User("U0DANA")
	old := dana.DM()[0]
	c, err := dana.Dismiss(old, "approve")
	noError(t, err)
	if c.Title != "Approve?" || len(a.all("block_actions")) != 0 {
		t.Errorf("dismissed %+v, the app heard %d clicks", c, len(a.all("block_actions")))
	}
	if _, err := dana.Dismiss(old, "deny"); err == nil {
		t.Error("a button without a dialog was dismissed")
	}
	b.call(t, "chat.update", obj{"channel": old.Channel, "ts": ts, "text": "done"})
	if _, err := dana.Click(old, "approve"); err == nil {
		t.Error("a button that is gone was clicked")
	}
	_, err = dana.ClickStale(old, "approve")
	noError(t, err)
	if got := a.last("block_actions").payload; got.Message.Text != "done" || got.ActionCallback.BlockActions[0].Value != "nonce-1" {
		t.Errorf("stale click = %+v", got)
	}
}

func TestMessageShortcut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	alert, err := b.User("U0SAM").Say("C0PROD", "Q4711 is on fire")
	noError(t, err)
	_, err = b.User("U0DANA").MessageShortcut("access_for_incident", alert)
	noError(t, err)
	p := a.last("message_action").payload
	if p.CallbackID != "access_for_incident" || p.Message.Text != "Q4711 is on fire" || p.MessageTs != alert.TS ||
		p.Channel.ID != "C0PROD" || p.ResponseURL == "" || p.TriggerID == "" {
		t.Errorf("message_action = %+v", p)
	}
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	b.call(t, "chat.postMessage", obj{"channel": "U0DANA", "text": "x", "blocks": arr{
		actions(obj{"type": "external_select", "action_id": "e"}, button(nil)),
	}})
	dana := b.User("U0DANA")
	m := dana.DM()[0]
	if _, err := dana.Suggest(m, "e", "ab"); err == nil {
		t.Error("Slack asks from 3 characters on")
	}
	if _, err := dana.Suggest(m, "a", "abc"); err == nil {
		t.Error("a button was asked for options")
	}
	if n := len(a.all("block_suggestion")); n != 0 {
		t.Errorf("the app was asked %d times", n)
	}
	for _, bad := range []string{"", "[]", `{}`, `{"options":[],"option_groups":[]}`, `{"options":[{"text":"x","value":"v"}]}`} {
		a.on("block_suggestion", answer(bad))
		var failed *slackfake.DeliveryError
		if _, err := dana.Suggest(m, "e", "abc"); !errors.As(err, &failed) || failed.Code != "bad_answer" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	many, err := json.Marshal(obj{"options": opts(101)})
	noError(t, err)
	a.on("block_suggestion", answer(string(many)))
	if _, err := dana.Suggest(m, "e", "abc"); err == nil {
		t.Error("101 options were taken")
	}
	a.on("block_suggestion", answer(`{"options":[{"text":{"type":"plain_text","text":"Prod"},"value":"prod","description":{"type":"plain_text","text":"all of it"}}]}`))
	got, err := dana.Suggest(m, "e", "pro")
	noError(t, err)
	if diff := cmp.Diff([]slackfake.Option{{Text: "Prod", Value: "prod", Description: "all of it"}}, got); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if p := a.last("block_suggestion").payload; p.ActionID != "e" || p.Value != "pro" || p.Container.MessageTs != m.TS {
		t.Errorf("block_suggestion = %+v", p)
	}
	_, err = dana.Fill(m, "e", "prod")
	noError(t, err)
	if a.last("block_actions").payload.ActionCallback.BlockActions[0].SelectedOption.Value != "prod" {
		t.Error("the choice did not arrive")
	}
}

func TestRotatedSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	b.RotateSigningSecret("another")
	if _, err := b.User("U0DANA").Slash("/access", ""); err == nil {
		t.Error("the old secret still verifies")
	}
	a.secret = "another"
	_, err := b.User("U0DANA").Slash("/access", "")
	noError(t, err)
	if !strings.HasPrefix(a.last("/access").header.Get("X-Slack-Signature"), "v0=") {
		t.Error("the signature has no version")
	}
}
