package slackfake_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"breakglass/integrations/slackfake"
)

const controlToken = "run-token"

func withControl(o *slackfake.Options) { o.ControlToken = controlToken }

// control calls the control API and decodes the answer into out.
func (b *bundle) control(t *testing.T, method, path string, body, out any) int {
	t.Helper()
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		noError(t, err)
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, b.URL()+"/control/"+path, r)
	noError(t, err)
	req.Header.Set("Authorization", "Bearer "+controlToken)
	res, err := http.DefaultClient.Do(req)
	noError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	noError(t, err)
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			t.Fatalf("%s %s: %q: %v", method, path, raw, err)
		}
	}
	return res.StatusCode
}

func TestControlIsGuarded(t *testing.T) {
	t.Parallel()
	b := setup(t, withControl)
	off := setup(t)
	for _, c := range []struct {
		name, auth, host, remote string
		handler                  http.Handler
		want                     int
	}{
		{"right", "Bearer " + controlToken, "127.0.0.1:80", "127.0.0.1:5", b.Handler(), 200},
		{"localhost", "Bearer " + controlToken, "localhost:80", "[::1]:5", b.Handler(), 200},
		{"no token", "", "127.0.0.1:80", "127.0.0.1:5", b.Handler(), 401},
		{"wrong token", "Bearer x", "127.0.0.1:80", "127.0.0.1:5", b.Handler(), 401},
		{"foreign host", "Bearer " + controlToken, "evil.example", "127.0.0.1:5", b.Handler(), 403},
		{"foreign address", "Bearer " + controlToken, "127.0.0.1", "10.0.0.9:5", b.Handler(), 403},
		{"switched off", "Bearer ", "127.0.0.1", "127.0.0.1:5", off.Handler(), 404},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/control/state", nil)
		req.Host, req.RemoteAddr = c.host, c.remote
		req.Header.Set("Authorization", c.auth)
		rec := httptest.NewRecorder()
		c.handler.ServeHTTP(rec, req)
		if rec.Code != c.want {
			t.Errorf("%s: status %d, want %d: %s", c.name, rec.Code, c.want, rec.Body)
		}
	}
}

// TestControlStory sets a workspace up, acts in it and reads it, over HTTP
// alone: what a page or another language does.
func TestControlStory(t *testing.T) {
	t.Parallel()
	b := setup(t, withControl)
	a := newApp(t, b)
	act := func(user, what string, body any) obj {
		t.Helper()
		var out obj
		if status := b.control(t, "POST", "users/"+user+"/"+what, body, &out); status != 200 {
			t.Fatalf("%s: status %d: %v", what, status, out)
		}
		return out
	}
	b.control(t, "PUT", "users/U0MARA", obj{"name": "mara", "is_admin": true}, nil)
	b.control(t, "PUT", "groups/S0SRE", obj{"handle": "sre", "users": arr{"U0MARA"}}, nil)
	b.control(t, "PUT", "channels/C0OPS", obj{"name": "ops", "members": arr{"U0MARA", b.Bot()}}, nil)

	act("U0MARA", "slash", obj{"command": "/access", "text": "prod", "channel": "#ops"})
	out := b.call(t, "views.open", obj{"trigger_id": a.last("/access").form["trigger_id"][0], "view": everyField()})
	view := out["view"].(obj)["id"].(string)
	a.on("block_suggestion", answer(`{"options":[{"text":{"type":"plain_text","text":"Prod"},"value":"prod"}]}`))
	offered := act("U0MARA", "suggest", obj{"on": obj{"view": view}, "key": "external", "query": ""})
	if offered["options"].(arr)[0].(obj)["value"] != "prod" {
		t.Errorf("options = %v", offered)
	}
	act("U0MARA", "fill", obj{"on": obj{"view": view}, "key": "external", "value": "prod"})
	act("U0MARA", "submit", obj{"on": obj{"view": view}, "values": obj{"text": "why", "users": arr{"U0DANA"}, "number": 7}})
	got := a.last("view_submission").payload.View.State.Values
	if got["number"]["x"].Value != "7" || got["external"]["x"].SelectedOption.Value != "prod" || got["users"]["x"].SelectedUsers[0] != "U0DANA" {
		t.Errorf("values = %+v", got)
	}

	b.call(t, "chat.postMessage", obj{"channel": "C0OPS", "text": "card", "blocks": arr{actions(button(obj{"confirm": obj{"text": mtext("sure?")}}))}})
	var screen struct {
		Version  int64
		Channels []struct {
			ID       string
			Messages []slackfake.Message
		}
		Views []slackfake.View
	}
	b.control(t, "GET", "users/U0MARA/screen", nil, &screen)
	var card slackfake.Message
	for _, ch := range screen.Channels {
		if ch.ID == "C0OPS" {
			card = ch.Messages[0]
		}
	}
	if card.Text != "card" || screen.Version == 0 || len(screen.Views) != 0 {
		t.Fatalf("screen = %+v", screen)
	}
	on := obj{"channel": card.Channel, "ts": card.TS}
	if c := act("U0MARA", "dismiss", obj{"on": on, "key": "Go"}); c["text"] != "sure?" {
		t.Errorf("dialog = %v", c)
	}
	act("U0MARA", "click", obj{"on": on, "key": "Go"})
	act("U0MARA", "message_shortcut", obj{"on": on, "callback_id": "m"})
	act("U0MARA", "shortcut", obj{"callback_id": "g"})
	act("U0MARA", "say", obj{"channel": "C0OPS", "text": "thanks"})
	act("U0MARA", "home", nil)
	for _, kind := range []string{"block_actions", "message_action", "shortcut"} {
		a.last(kind)
	}
	var messages []slackfake.Message
	b.control(t, "GET", "messages/ops", nil, &messages)
	if texts(messages) != "card|thanks" {
		t.Errorf("messages = %s", texts(messages))
	}
	b.noViolations(t)
}

func TestControlSettings(t *testing.T) {
	t.Parallel()
	b := setup(t, withControl)
	a := newApp(t, b)
	var refused struct{ Error, Code string }
	slash := func() int {
		return b.control(t, "POST", "users/U0DANA/slash", obj{"command": "/access"}, &refused)
	}
	b.control(t, "PUT", "signing_secret", obj{"secret": "new"}, nil)
	if status := slash(); status != http.StatusBadGateway || refused.Code != "http_error" {
		t.Errorf("with another secret: %d %+v", status, refused)
	}
	a.secret = "new"
	b.control(t, "POST", "deliveries", obj{"kind": "*", "times": 1, "drop": true}, nil)
	if status := slash(); status != http.StatusBadGateway || refused.Code != "operation_timeout" {
		t.Errorf("dropped: %d %+v", status, refused)
	}
	if status := slash(); status != 200 {
		t.Errorf("afterwards: %d", status)
	}
	var ledger []slackfake.Exchange
	b.control(t, "GET", "ledger", nil, &ledger)
	last := ledger[len(ledger)-1]
	if status := b.control(t, "POST", "replay", obj{"seq": last.Seq}, nil); status != 200 || len(a.all("/access")) != 2 {
		t.Errorf("replay: %d, %d arrivals", status, len(a.all("/access")))
	}
	b.control(t, "POST", "faults", obj{"method": "auth.test", "error": "fatal_error", "delay_ms": 1}, nil)
	var faults struct{ Calls, Deliveries []obj }
	b.control(t, "GET", "faults", nil, &faults)
	if len(faults.Calls) != 1 || faults.Calls[0]["delay_ms"] != float64(1) {
		t.Errorf("faults = %v", faults)
	}
	_, err := b.api.AuthTest()
	wantCode(t, err, "fatal_error")
	b.control(t, "DELETE", "faults", nil, nil)
	b.control(t, "PUT", "tokens", obj{"value": b.Config().BotToken, "kind": "bot", "scopes": arr{}, "revoked": true}, nil)
	_, err = b.api.AuthTest()
	wantCode(t, err, "token_revoked")
	b.control(t, "PUT", "rate_limits", obj{"per_minute": obj{"users.info": 1}}, nil)
	b.control(t, "PUT", "endpoints", obj{"commands": "http://127.0.0.1:1/"}, nil)
	if status := slash(); status != http.StatusBadGateway || refused.Code != "dispatch_failed" {
		t.Errorf("nobody listens: %d %+v", status, refused)
	}
	b.call(t, "no.such", obj{})
	var violations []slackfake.Violation
	b.control(t, "GET", "violations", nil, &violations)
	if len(violations) == 0 || violations[len(violations)-1].Code != "unknown_method" {
		t.Errorf("violations = %v", violations)
	}
	b.control(t, "DELETE", "violations", nil, nil)
	b.noViolations(t)
}

func TestControlRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, withControl)
	for _, c := range []struct {
		method, path string
		body         any
		want         int
	}{
		{"POST", "users/U0DANA/click", obj{"on": obj{"channel": "C0PROD", "ts": "1"}, "key": "x"}, 422},
		{"POST", "users/U0DANA/close", obj{"on": obj{"view": "V0NONE"}}, 422},
		{"POST", "users/U0DANA/slash", obj{"comand": "/access"}, 400}, // a typing error is told
		{"PUT", "tokens", obj{"value": "x", "kind": "king"}, 422},
		{"PUT", "signing_secret", obj{"secret": ""}, 422},
		{"POST", "faults", obj{"error": "x"}, 422},
		{"POST", "deliveries", obj{"drop": true}, 422},
		{"POST", "events", obj{"user": "x"}, 422},
		{"POST", "replay", obj{"seq": 77}, 422},
		{"GET", "users/U0NOBODY/screen", nil, 404},
		{"GET", "ledger?since=x", nil, 400},
		{"GET", "changes?since=x", nil, 400},
	} {
		var p struct{ Error string }
		if got := b.control(t, c.method, c.path, c.body, &p); got != c.want || p.Error == "" {
			t.Errorf("%s %s: status %d %q, want %d", c.method, c.path, got, p.Error, c.want)
		}
	}
}

func TestControlChanges(t *testing.T) {
	t.Parallel()
	b := setup(t, withControl)
	var v struct{ Version int64 }
	b.control(t, "GET", "changes", nil, &v) // at once: everything is news
	now := v.Version
	done := make(chan int64, 1)
	go func() {
		var v struct{ Version int64 }
		b.control(t, "GET", "changes?since="+jsonNumber(now), nil, &v)
		done <- v.Version
	}()
	_, err := b.User("U0DANA").Say("C0PROD", "news")
	noError(t, err)
	if got := <-done; got <= now {
		t.Errorf("version %d after %d", got, now)
	}
	b.control(t, "GET", "changes?timeout_ms=1&since=1000000", nil, &v)
	if v.Version >= 1_000_000 {
		t.Errorf("version %d", v.Version)
	}
}

func jsonNumber(n int64) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

func TestControlStream(t *testing.T) {
	t.Parallel()
	b := setup(t, withControl)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL()+"/control/stream", nil)
	noError(t, err)
	req.Header.Set("Authorization", "Bearer "+controlToken)
	res, err := http.DefaultClient.Do(req)
	noError(t, err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}
	first := next()
	_, err = b.User("U0DANA").Say("C0PROD", "news")
	noError(t, err)
	if second := next(); second == first {
		t.Errorf("no change: %s", second)
	}
}

func TestControlState(t *testing.T) {
	t.Parallel()
	b := setup(t, withControl)
	var state struct {
		Team     struct{ ID string }
		App      struct{ Name string }
		Users    []slackfake.User
		Channels []slackfake.Channel
	}
	b.control(t, "GET", "state", nil, &state)
	if state.Team.ID != b.Config().TeamID || state.App.Name != "breakglass" || len(state.Users) != 4 || len(state.Channels) != 1 {
		t.Errorf("state = %+v", state)
	}
}
