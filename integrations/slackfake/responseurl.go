package slackfake

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of a response_url.
const (
	responseLife = 30 * time.Minute
	responseUses = 5
)

// responseURL is the right to answer an interaction for a while.
type responseURL struct {
	user, channel string
	source        *Message // the message that was clicked, if it was one
	made          time.Time
	used          int
}

// newResponseURL makes one and returns its address. Called with the lock held.
func (ws *Workspace) newResponseURL(kind, user, channel string, source *Message) string {
	now := ws.opt.Now()
	ws.sweep(now)
	path := "/response/" + kind + "/" + ws.opt.TeamID + "/" + ws.random(12, "0123456789") + "/" + ws.random(24, mixedAlphabet)
	ws.responses[path] = &responseURL{user: user, channel: channel, source: source, made: now}
	return ws.baseURL + path
}

// reply is what an app sends to a response_url, or answers a slash command with.
type reply struct {
	Text            string          `json:"text"`
	Blocks          json.RawMessage `json:"blocks"`
	Attachments     json.RawMessage `json:"attachments"`
	ResponseType    string          `json:"response_type"`
	ThreadTS        string          `json:"thread_ts"`
	ReplaceOriginal bool            `json:"replace_original"`
	DeleteOriginal  bool            `json:"delete_original"`
}

// serveResponseURL takes an app's answer to an interaction.
func (ws *Workspace) serveResponseURL(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	ws.serve(w, r, "response_url", func(body []byte) response {
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			if form, err := url.ParseQuery(string(body)); err == nil {
				body = []byte(form.Get("payload"))
			}
		}
		ws.mu.Lock()
		defer ws.mu.Unlock()
		err := ws.respond(path, body)
		if err == nil {
			return response{status: http.StatusOK, raw: []byte("ok"), header: http.Header{"Content-Type": {"text/html"}}}
		}
		res := ws.refuse("response_url", err, http.Header{})
		if res.status == http.StatusOK {
			res.status = http.StatusNotFound
		}
		return res
	})
}

// respond applies an answer. Called with the lock held.
func (ws *Workspace) respond(path string, body []byte) *apiError {
	r := ws.responses[path]
	switch {
	case r == nil:
		return wrong("invalid_url", "the workspace never gave this response_url out")
	case ws.opt.Now().Sub(r.made) > responseLife:
		return wrong("expired_url", "the response_url is %s old, %s is the limit", ws.opt.Now().Sub(r.made), responseLife)
	case r.used >= responseUses:
		return wrong("used_url", "the response_url was used %d times", r.used)
	}
	var re reply
	if err := json.Unmarshal(body, &re); err != nil {
		return wrong("invalid_payload", "the body is not a JSON message: %v", err)
	}
	if err := ws.applyReply(r, re); err != nil {
		return err
	}
	r.used++
	return nil
}

// applyReply shows an answer: in place of the message that was clicked, to the
// person alone, or to the channel. Called with the lock held.
func (ws *Workspace) applyReply(r *responseURL, re reply) *apiError {
	if re.DeleteOriginal {
		if r.source == nil {
			return wrong("no_original", "delete_original without a message that was clicked")
		}
		ws.remove(r.source)
		return nil
	}
	what, err := ws.readReply(re)
	if err != nil {
		return err
	}
	if re.ReplaceOriginal && r.source != nil {
		ws.edit(r.source, what)
		return nil
	}
	m := ws.newMessage(r.channel, what)
	if re.ResponseType == "in_channel" {
		ws.post(m)
	} else {
		ws.whisper(m, r.user)
	}
	return nil
}

// readReply judges a reply as chat.postMessage would. Called with the lock held.
func (ws *Workspace) readReply(re reply) (content, *apiError) {
	what, err := ws.readContent(args{json: map[string]json.RawMessage{
		"text": encode(re.Text), "blocks": re.Blocks, "attachments": re.Attachments, "thread_ts": encode(re.ThreadTS),
	}})
	if err == nil && what.empty() {
		err = wrong("no_text", "neither text nor blocks nor attachments")
	}
	return what, err
}
