package slackfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// retryAfter is how long Slack waits before it delivers an event again.
var retryAfter = [...]time.Duration{0, time.Minute, 5 * time.Minute}

// Emit delivers an event to the app in the background, again up to three times
// when the app fails, and returns the event's id.
func (ws *Workspace) Emit(event map[string]any) string {
	ws.mu.Lock()
	id := "Ev" + ws.random(11, upperAlphabet)
	payload := map[string]any{
		"type": "event_callback", "token": verificationToken, "team_id": ws.opt.TeamID,
		"context_team_id": ws.opt.TeamID, "context_enterprise_id": nil, "api_app_id": ws.opt.AppID,
		"event": event, "event_id": id, "event_time": ws.opt.Now().Unix(),
		"event_context": "4-" + ws.random(40, mixedAlphabet), "is_ext_shared_channel": false,
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": ws.opt.TeamID, "user_id": ws.opt.BotUserID,
			"is_bot": true, "is_enterprise_install": false,
		}},
	}
	ws.mu.Unlock()
	ws.background(func() { ws.deliverEvent(payload) })
	return id
}

// emitIfSubscribed delivers an event that the app asked for.
func (ws *Workspace) emitIfSubscribed(kind string, event map[string]any) {
	if slices.Contains(ws.opt.Events, kind) {
		ws.Emit(event)
	}
}

// deliverEvent tries up to four times.
func (ws *Workspace) deliverEvent(payload map[string]any) {
	header := http.Header{}
	for try := 0; ; try++ {
		ws.mu.Lock()
		to := ws.endpoints.Events
		ws.mu.Unlock()
		e, err := ws.deliver(delivery{kind: "event_callback", url: to, payload: payload, format: asJSON, header: header})
		if err == nil || e.ResponseHeader.Get("X-Slack-No-Retry") == "1" || try == len(retryAfter) {
			return
		}
		ws.pause(retryAfter[try], nil)
		if ws.life.Err() != nil {
			return
		}
		header = http.Header{
			"X-Slack-Retry-Num":    {strconv.Itoa(try + 1)},
			"X-Slack-Retry-Reason": {retryReason(err)},
		}
	}
}

// retryReason is what Slack says in x-slack-retry-reason.
func retryReason(err error) string {
	var d *DeliveryError
	switch {
	case !errors.As(err, &d):
		return "unknown_error"
	case d.Code == "operation_timeout":
		return "http_timeout"
	case d.Code == "http_error":
		return "http_error"
	case errors.Is(err, errRedirect):
		return "too_many_redirects"
	default:
		return "connection_failed"
	}
}

// VerifyEvents does what Slack does when the events address is entered: it
// sends a challenge, which the app has to give back.
func (ws *Workspace) VerifyEvents() error {
	ws.mu.Lock()
	challenge := ws.random(52, mixedAlphabet)
	to := ws.endpoints.Events
	ws.mu.Unlock()
	e, err := ws.deliver(delivery{kind: "url_verification", url: to, format: asJSON, payload: map[string]any{
		"type": "url_verification", "token": verificationToken, "challenge": challenge,
	}})
	if err != nil {
		return err
	}
	var answer struct {
		Challenge string `json:"challenge"`
	}
	if strings.TrimSpace(e.ResponseBody) == challenge {
		return nil
	}
	if json.Unmarshal([]byte(e.ResponseBody), &answer) == nil && answer.Challenge == challenge {
		return nil
	}
	return fmt.Errorf("slackfake: the app did not give the challenge back but %q", e.ResponseBody)
}
