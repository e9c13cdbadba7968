package bot

import (
	"encoding/json"
	"log/slog"
	"net/http"
)

// Events answers POST /slack/events. Nothing is decided by an event: each is
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
		Event     struct {
			Type string `json:"type"`
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
	default:
		b.log.LogAttrs(r.Context(), slog.LevelDebug, "slack event", slog.String("type", e.Event.Type))
		acknowledge(w)
	}
}
