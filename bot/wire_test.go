package bot_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"breakglass/integrations/slackfake"
)

// signed is a request to the bot, signed by hand.
type signed struct {
	path, body, secret string
	at                 time.Time
	edit               func(h http.Header)
}

// request builds it.
func (s signed) request() *http.Request {
	r := httptest.NewRequest(http.MethodPost, s.path, strings.NewReader(s.body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	stamp := strconv.FormatInt(s.at.Unix(), 10)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", slackfake.Sign(s.secret, stamp, []byte(s.body)))
	if s.edit != nil {
		s.edit(r.Header)
	}
	return r
}

// handler is the door that a path leads to.
func (d *desk) handler(path string) http.HandlerFunc {
	switch path {
	case "/slack/commands":
		return d.bot.Commands
	case "/slack/options":
		return d.bot.Options
	case "/slack/events":
		return d.bot.Events
	}
	return d.bot.Interactions
}

// post hands a request to its door.
func (d *desk) post(s signed) *httptest.ResponseRecorder {
	if s.secret == "" {
		s.secret = signing
	}
	if s.at.IsZero() {
		s.at = d.clock.Now()
	}
	w := httptest.NewRecorder()
	d.handler(s.path)(w, s.request())
	return w
}

// obj is a JSON object.
type obj = map[string]any

func payload(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return "payload=" + url.QueryEscape(string(b))
}

// press is a block_actions payload as Slack sends it.
func press(action, value string) obj {
	return obj{
		"type": "block_actions", "api_app_id": app, "token": "deprecated", "trigger_id": "123.456.abc",
		"team": obj{"id": team, "domain": "acme"}, "user": obj{"id": "U0MARA", "username": "mara", "team_id": team},
		"enterprise": nil, "is_enterprise_install": false,
		"container": obj{"type": "message", "message_ts": "1795316400.000100", "channel_id": "D0MARA", "is_ephemeral": false},
		"channel":   obj{"id": "D0MARA", "name": "directmessage"},
		"message":   obj{"type": "message", "text": "Dana asks", "ts": "1795316400.000100"},
		"state":     obj{"values": obj{}}, "response_url": "https://hooks.slack.com/actions/T0ACME/1/abc",
		"actions": []any{obj{"type": "button", "action_id": action, "block_id": "bg:actions", "value": value, "action_ts": "1795316401.000200"}},
	}
}

// command is the body of a slash command.
func command(text string) url.Values {
	return url.Values{
		"token": {"deprecated"}, "team_id": {team}, "team_domain": {"acme"}, "channel_id": {"C0PROD"}, "user_id": {"U0DANA"},
		"command": {"/access"}, "text": {text}, "api_app_id": {app}, "is_enterprise_install": {"false"},
		"response_url": {"https://hooks.slack.com/commands/1"}, "trigger_id": {"123.456.abc"},
	}
}

const refusal = "unauthorized\n"

func mustRefuse(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != http.StatusUnauthorized || w.Body.String() != refusal {
		t.Errorf("%s: answered %d %q, want the constant refusal", what, w.Code, w.Body)
	}
}
