package bot

import (
	"encoding/json"
	"log/slog"
	"net/http"
)

// Events answers POST /slack/events. Nothing is decided by an event: one
// about somebody who is linked causes a look at their account, every other is
// acknowledged, and Slack's check of the address answered once it is verified.
func (b *Bot) Events(w http.ResponseWriter, r *http.Request) {
	body, ok := b.admit(w, r, maxInteractionBody)
	if !ok {
		return
	}
	var e struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
		Team      string `json:"team_id"`
		Org       string `json:"enterprise_id"`
		AppID     string `json:"api_app_id"`
		ID        string `json:"event_id"`
		Event     struct {
			Type string          `json:"type"`
			User json.RawMessage `json:"user"` // an object, or an id
		} `json:"event"`
	}
	err := error(nil)
	if json.Unmarshal(body, &e) != nil || e.Type == "" {
		err = rejectMalformed
	} else if e.Type != "url_verification" {
		err = b.pin(e.Team, e.Org, "", e.AppID)
	}
	switch {
	case err != nil:
		b.refuse(w, r, err)
	case e.Type == "url_verification":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(cut(e.Challenge, 500)))
	case e.Event.Type == "user_change":
		b.userChange(w, r, cut(e.ID, 64), e.Event.User)
	default:
		b.log.LogAttrs(r.Context(), slog.LevelDebug, "slack event", slog.String("type", e.Event.Type))
		acknowledge(w)
	}
}
