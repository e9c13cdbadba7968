package slack

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An element that slack-go does not know hides nothing, and a person's message is one.
func TestMessageOfOthers(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		answer := `{"ok":true,"url":"https://x","team_id":"T0ACME","user_id":"U0BOT","bot_id":"B0BOT"}`
		if strings.HasSuffix(r.URL.Path, "history") {
			answer = `{"ok":true,"messages":[{"ts":"1.2","user":"U0EVE","text":"x","blocks":[
				{"type":"hologram"},{"type":"context","elements":[{"type":"glow","depth":{}},{"type":"mrkdwn","text":"foot"}]},"nothing",
				{"type":"section","text":{"type":"mrkdwn","text":"first"},"accessory":{"type":"laser","beams":[1]}}]}]}`
		}
		_, _ = io.WriteString(rw, answer)
	}))
	seen, err := c.Message(t.Context(), "C1", "1.2")
	want := []Shown{{Kind: "hologram"}, {Kind: "context", Text: "foot"}, {}, {Kind: "section", Text: "first"}}
	if err != nil || seen.Own || !seen.Person || !cmp.Equal(seen.Blocks, want) {
		t.Errorf("seen %+v, %v", seen, err)
	}
}
