package slack

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPostSendsTextAndBlocksUnchanged(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(`{"ok":true,"channel":"D7","ts":"1763780400.000100"}`))
	c, _ := newClient(t, w)
	blocks := `[{"type":"section","text":{"type":"mrkdwn","text":"a &amp; b"},"new_in_2031":{"x":[1,2]}},{"type":"divider"}]`
	ch, ts, err := c.Post(t.Context(), "U0SAM", Message{Text: "a &amp; b", Blocks: json.RawMessage(blocks), ThreadTS: "1.1", Broadcast: true})
	if err != nil {
		t.Fatal(err)
	}
	if ch != "D7" || ts != "1763780400.000100" {
		t.Errorf("Post = %q, %q", ch, ts)
	}
	got := w.requests()[0]
	want := map[string]string{
		"channel": "U0SAM", "text": "a &amp; b", "thread_ts": "1.1", "reply_broadcast": "true",
		"unfurl_links": "false", "unfurl_media": "false", "token": "xoxb-canary",
	}
	for k, v := range want {
		if got.Form.Get(k) != v {
			t.Errorf("%s = %q, want %q", k, got.Form.Get(k), v)
		}
	}
	var sent, asked any
	if err := json.Unmarshal([]byte(got.Form.Get("blocks")), &sent); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(blocks), &asked); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asked, sent); diff != "" {
		t.Errorf("the blocks changed on the way (-asked +sent):\n%s", diff)
	}
}

// An update without blocks must take the old ones away: they may hold live buttons.
func TestUpdateAlwaysSendsBlocks(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(`{"ok":true,"channel":"C1","ts":"1.2"}`))
	c, _ := newClient(t, w)
	if err := c.Update(t.Context(), "C1", "1.2", Message{Text: "Decided."}); err != nil {
		t.Fatal(err)
	}
	got := w.requests()[0].Form
	if !got.Has("blocks") || got.Get("blocks") != "[]" || got.Get("text") != "Decided." {
		t.Errorf("blocks = %q, text = %q; want [] and the text", got["blocks"], got.Get("text"))
	}
}

func TestEphemeralNamesThePerson(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(`{"ok":true,"message_ts":"1.2"}`))
	c, _ := newClient(t, w)
	if err := c.Ephemeral(t.Context(), "C1", "U0SAM", hello); err != nil {
		t.Fatal(err)
	}
	got := w.requests()[0]
	if got.Path != "/api/chat.postEphemeral" || got.Form.Get("user") != "U0SAM" {
		t.Errorf("called %s for %q", got.Path, got.Form.Get("user"))
	}
}

func TestPermalink(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(`{"ok":true,"permalink":"https://acme.slack.example/archives/C1/p12"}`))
	c, _ := newClient(t, w)
	link, err := c.Permalink(t.Context(), "C1", "1.2")
	if err != nil || link != "https://acme.slack.example/archives/C1/p12" {
		t.Errorf("Permalink = %q, %v", link, err)
	}
	if got := w.requests()[0]; got.Bearer != "Bearer xoxb-canary" || got.Form.Has("token") {
		t.Errorf("the token went as %q, form %v", got.Bearer, got.Form)
	}
}

// What is wrong before it is sent is not sent.
func TestMessagesThatAreNotSent(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(`{"ok":true,"channel":"C1","ts":"1.2","message_ts":"1.2"}`))
	c, _ := newClient(t, w)
	noText := Message{Blocks: hello.Blocks}
	noArray := Message{Text: "x", Blocks: json.RawMessage(`{"type":"divider"}`)}
	view := json.RawMessage(`{"type":"modal","blocks":[],"submit_disabled":true}`)
	post := func(ch string, m Message) error { _, _, err := c.Post(t.Context(), ch, m); return err }
	open := func(v json.RawMessage) error { _, _, err := c.OpenView(t.Context(), "t", v); return err }
	for name, err := range map[string]error{
		"post without text":          post("C1", noText),
		"post with blocks no array":  post("C1", noArray),
		"post to nowhere":            post("", hello),
		"update without text":        c.Update(t.Context(), "C1", "1.2", noText),
		"update of nothing":          c.Update(t.Context(), "C1", "", hello),
		"ephemeral to nobody":        c.Ephemeral(t.Context(), "C1", "", hello),
		"respond without text":       c.Respond(t.Context(), w.URL+"/respond/1", noText),
		"view with an unknown field": open(view),
		"view that is no JSON":       open(json.RawMessage(`{`)),
		"home with an unknown field": c.PublishHome(t.Context(), "U1", json.RawMessage(`{"type":"home","title":{}}`)),
	} {
		t.Run(name, func(t *testing.T) { wantPermanent(t, err) })
	}
	if n := len(w.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestRespond(t *testing.T) {
	t.Parallel()
	plain := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = w.Write([]byte(body))
		}
	}
	for name, answer := range map[string]http.HandlerFunc{"ok": plain("ok"), "json": says(`{"ok":true}`)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, answer)
			c, _ := newClient(t, w)
			msg := hello
			msg.ReplaceOriginal, msg.ThreadTS = true, "1.1"
			if err := c.Respond(t.Context(), w.URL+"/respond/canary", msg); err != nil {
				t.Fatal(err)
			}
			got := w.requests()[0]
			var body map[string]any
			if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
				t.Fatal(err)
			}
			if body["text"] != hello.Text || body["replace_original"] != true || body["thread_ts"] != "1.1" || body["blocks"] == nil {
				t.Errorf("sent %s", got.Body)
			}
			if got.Bearer != "" || strings.Contains(got.Body, "xoxb") {
				t.Error("the token went to a response_url")
			}
		})
	}
}

func TestRespondSaysWhyNot(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status    int
		body      string
		code      string
		permanent bool
	}{
		"used up":        {404, "used_url", "used_url", true},
		"expired":        {404, `{"ok":false,"error":"expired_url"}`, "expired_url", true},
		"ok false, 200":  {200, `{"ok":false,"error":"invalid_blocks"}`, "invalid_blocks", true},
		"HTML, 200":      {200, "<html>ok</html>", codeMalformed, false},
		"no reason, 404": {404, "<html>", codeStatus, true},
		"server error":   {500, "", codeStatus, false},
		"redirect":       {302, "", codeRedirect, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.WriteHeader(tc.status)
				_, _ = rw.Write([]byte(tc.body))
			})
			c, _ := newClient(t, w)
			err := c.Respond(t.Context(), w.URL+"/respond/canary", hello)
			if tc.permanent {
				wantPermanent(t, err)
			} else {
				wantTemporary(t, err)
			}
			wantCode(t, err, tc.code)
		})
	}
	w := newWire(t, says(""))
	c, _ := newClient(t, w)
	w.Close()
	wantTemporary(t, c.Respond(t.Context(), w.URL+"/respond/canary", hello))
}

func TestRespondGoesToSlackOnly(t *testing.T) {
	t.Parallel()
	thief := newWire(t, says("ok"))
	w := newWire(t, says("ok"))
	c, _ := newClient(t, w)
	host := strings.TrimPrefix(w.URL, "http://")
	for _, to := range []string{
		thief.URL + "/respond/1", "http://hooks.slack.com/x", "https://hooks.slack.com.evil.example/x",
		"https://hooks.slack.com:8443/x", "https://hooks.slack.com@evil.example/x", "https://evil.example/hooks.slack.com",
		"http://user@" + host + "/respond/1", "//hooks.slack.com/x", "", "::", "file:///etc/passwd",
		"https://" + host + "/respond/1", "http://169.254.169.254/latest/meta-data",
	} {
		wantPermanent(t, c.Respond(t.Context(), to, hello))
	}
	if n := len(thief.requests()) + len(w.requests()); n != 0 {
		t.Errorf("%d requests went out", n)
	}
	for _, to := range []string{"https://hooks.slack.com/actions/T1/2/3", "https://HOOKS.slack.com/x", w.URL + "/respond/1"} {
		if !c.hosts.allow(to) {
			t.Errorf("%s is not allowed", to)
		}
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(`{"ok":true,"view":{"id":"V1","hash":"h1"}}`))
	c, _ := newClient(t, w)
	view := `{"type":"modal","title":{"type":"plain_text","text":"Access"},"submit":{"type":"plain_text","text":"Ask"},` +
		`"close":{"type":"plain_text","text":"Close"},"private_metadata":"m","callback_id":"ask","notify_on_close":true,` +
		`"blocks":[{"type":"input","block_id":"b","label":{"type":"plain_text","text":"Why"},"element":{"type":"of_2031","x":{"y":1}}}]}`
	id, hash, err := c.OpenView(t.Context(), "trigger", json.RawMessage(view))
	if err != nil || id != "V1" || hash != "h1" {
		t.Fatalf("OpenView = %q, %q, %v", id, hash, err)
	}
	if _, _, err := c.PushView(t.Context(), "trigger", json.RawMessage(view)); err != nil {
		t.Fatal(err)
	}
	if err := c.UpdateView(t.Context(), "V1", "h1", json.RawMessage(view)); err != nil {
		t.Fatal(err)
	}
	if err := c.PublishHome(t.Context(), "U1", json.RawMessage(`{"type":"home","blocks":[{"type":"divider"}]}`)); err != nil {
		t.Fatal(err)
	}
	var asked any
	if err := json.Unmarshal([]byte(view), &asked); err != nil {
		t.Fatal(err)
	}
	for i, want := range []map[string]any{
		{"trigger_id": "trigger", "view": asked}, {"trigger_id": "trigger", "view": asked},
		{"view_id": "V1", "hash": "h1", "view": asked},
		{"user_id": "U1", "view": map[string]any{"type": "home", "blocks": []any{map[string]any{"type": "divider"}}}},
	} {
		var sent map[string]any
		if err := json.Unmarshal([]byte(w.requests()[i].Body), &sent); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("request %d changed on the way (-want +sent):\n%s", i, diff)
		}
	}
}

func TestViewsWithoutAnID(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(`{"ok":true,"view":{"hash":"h1"}}`))
	c, _ := newClient(t, w)
	_, _, err := c.OpenView(t.Context(), "trigger", json.RawMessage(`{"type":"modal","title":{"type":"plain_text","text":"A"},"blocks":[]}`))
	wantTemporary(t, err)
	wantCode(t, err, codeMalformed)
}
