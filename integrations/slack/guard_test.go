package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
)

var hello = Message{Text: "Sam asks for production.", Blocks: json.RawMessage(`[{"type":"divider"}]`)}

// Every answer that slack-go would take for a success, or would hang on.
func TestPostBelievesNoBrokenAnswer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		code   string
	}{
		"ok false without a reason": {says(`{"ok":false}`), codeUnexplained},
		"ok false, empty reason":    {says(`{"ok":false,"error":""}`), codeUnexplained},
		"no ok":                     {says(`{"channel":"C1","ts":"1.2"}`), codeMalformed},
		"OK in another case":        {says(`{"OK":true,"channel":"C1","ts":"1.2"}`), codeMalformed},
		"ok is a string":            {says(`{"ok":"true","channel":"C1","ts":"1.2"}`), codeMalformed},
		"no ts":                     {says(`{"ok":true,"channel":"C1"}`), codeMalformed},
		"empty ts":                  {says(`{"ok":true,"channel":"C1","ts":""}`), codeMalformed},
		"no channel":                {says(`{"ok":true,"ts":"1.2"}`), codeMalformed},
		"half a document":           {says(`{"ok":true,"channel":"C1","ts":"1`), codeMalformed},
		"two documents":             {says(`{"ok":true,"channel":"C1","ts":"1.2"}{"ok":false}`), codeMalformed},
		"a list":                    {says(`[]`), codeMalformed},
		"null":                      {says(`null`), codeMalformed},
		"nothing":                   {says(``), codeMalformed},
		"a page of HTML with 200":   {says(`<html>Slack is down for maintenance</html>`), codeMalformed},
		"more than we read":         {says(`{"ok":true,"x":"` + strings.Repeat("a", maxAnswer) + `"}`), codeTooLarge},
		"redirect":                  {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 307) }, codeRedirect},
		"500 with HTML":             {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); fmt.Fprint(w, "<html>") }, codeStatus},
		"503 with a reason": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(503)
			fmt.Fprint(w, `{"ok":false,"error":"fatal_error"}`)
		}, "fatal_error"},
		"429 without Retry-After":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, codeStatus},
		"429, Retry-After is a date":  {retryAfter("Sun, 22 Nov 2026 03:00:00 GMT"), codeStatus},
		"Slack has an internal error": {says(`{"ok":false,"error":"internal_error"}`), "internal_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, tc.answer)
			c, _ := newClient(t, w)
			_, _, err := c.Post(t.Context(), "C1", hello)
			wantTemporary(t, err)
			wantCode(t, err, tc.code)
			if n := len(w.requests()); n != 1 {
				t.Errorf("%d requests, want 1: a message is never sent twice by itself", n)
			}
		})
	}
}

func retryAfter(v string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", v)
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

func TestRetryAfterIsReportedAndHeeded(t *testing.T) {
	t.Parallel()
	w := newWire(t, retryAfter("37"))
	c, clock := newClient(t, w)
	_, _, err := c.Post(t.Context(), "C1", hello)
	if temp := wantTemporary(t, err); temp.After != 37 {
		t.Errorf("After = %d, want 37", temp.After)
	}
	_, _, err = c.Post(t.Context(), "C2", hello)
	if temp := wantTemporary(t, err); temp.After != 37 {
		t.Errorf("After of the second call = %d, want 37", temp.After)
	}
	if n := len(w.requests()); n != 1 {
		t.Fatalf("%d requests, want 1: Slack asked to be left alone", n)
	}
	clock.Push(38 * time.Second)
	_, _, err = c.Post(t.Context(), "C1", hello)
	wantTemporary(t, err)
	if n := len(w.requests()); n != 2 {
		t.Errorf("%d requests, want 2 once the time is over", n)
	}
}

func TestPermanentErrors(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		"channel_not_found", "not_in_channel", "is_archived", "message_not_found", "cant_update_message",
		"edit_window_closed", "invalid_blocks", "msg_too_long", "account_inactive", "missing_scope",
		"restricted_action", "some_code_of_next_year",
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, says(`{"ok":false,"error":"`+code+`","needed":"chat:write","response_metadata":{"messages":["[ERROR] bad [json-pointer:/blocks/0]"]}}`))
			c, _ := newClient(t, w)
			err := c.Update(t.Context(), "C1", "1.2", hello)
			wantPermanent(t, err)
			wantCode(t, err, code)
			for _, part := range []string{"chat.update", code, "chat:write", "json-pointer:/blocks/0"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not name %q: %s", part, err)
				}
			}
		})
	}
}

// A redirect must not carry the token anywhere.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	thief := newWire(t, says(`{"ok":true,"channel":"C1","ts":"1.2"}`))
	w := newWire(t, func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, thief.URL+r.URL.Path, 308) })
	c, _ := newClient(t, w)
	_, _, err := c.Post(t.Context(), "C1", hello)
	wantTemporary(t, err)
	if n := len(thief.requests()); n != 0 {
		t.Errorf("%d requests followed the redirect", n)
	}
}

func TestASlowSlackIsGivenUp(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	w := newWire(t, func(http.ResponseWriter, *http.Request) { <-over })
	defer close(over)
	c, _ := newClient(t, w, func(o *Options) { o.Timeout = 50 * time.Millisecond })
	_, _, err := c.Post(t.Context(), "C1", hello)
	wantTemporary(t, err)
	if !strings.Contains(err.Error(), "whether it was done is not known") {
		t.Errorf("the error does not say that the outcome is unknown: %v", err)
	}
}

func TestACallerWhoGivesUp(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	w := newWire(t, func(http.ResponseWriter, *http.Request) { cancel(); <-over })
	defer close(over)
	c, _ := newClient(t, w)
	_, _, err := c.Post(ctx, "C1", hello)
	wantTemporary(t, err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled inside", err)
	}
}

// What slack-go cannot decode in the part of an answer that we do not use.
func TestUnknownElementsInAnswersDoNoHarm(t *testing.T) {
	t.Parallel()
	odd := `[{"type":"actions","block_id":"b","elements":[{"type":"element_of_2031","action_id":"a"}]},
		{"type":"input","block_id":"c","label":{"type":"plain_text","text":"x"},"element":{"type":"hologram"}}]`
	w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "views."):
			says(`{"ok":true,"view":{"id":"V1","hash":"h1","type":"modal","blocks":`+odd+`,"state":{"values":{"x":{"y":{"type":"hologram","selected_option":7}}}}}}`)(rw, r)
		case strings.HasSuffix(r.URL.Path, "conversations.info"):
			says(`{"ok":true,"channel":{"id":"C1","name":"prod","is_member":true,"latest":{"blocks":`+odd+`},"properties":{"tabs":"none"}}}`)(rw, r)
		default:
			says(`{"ok":true,"channel":"C1","ts":"1.2","message":{"blocks":`+odd+`,"files":"none"}}`)(rw, r)
		}
	})
	c, _ := newClient(t, w)
	if ch, ts, err := c.Post(t.Context(), "C1", hello); err != nil || ch != "C1" || ts != "1.2" {
		t.Errorf("Post = %q, %q, %v", ch, ts, err)
	}
	if err := c.Update(t.Context(), "C1", "1.2", hello); err != nil {
		t.Errorf("Update: %v", err)
	}
	view := json.RawMessage(`{"type":"modal","title":{"type":"plain_text","text":"Access"},"blocks":[]}`)
	if id, hash, err := c.OpenView(t.Context(), "trigger", view); err != nil || id != "V1" || hash != "h1" {
		t.Errorf("OpenView = %q, %q, %v", id, hash, err)
	}
	if err := c.UpdateView(t.Context(), "V1", "h1", view); err != nil {
		t.Errorf("UpdateView: %v", err)
	}
	if ch, err := c.ChannelInfo(t.Context(), "C1"); err != nil || !ch.Member {
		t.Errorf("ChannelInfo = %+v, %v", ch, err)
	}
}

func TestTheTokenRotatesWithoutARestart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		secret *tokens
		good   string
		reads  int
	}{
		"rotated at the source":   {&tokens{which: map[flows.SecretVersion]string{0: "xoxb-old", 1: "xoxb-new", 2: "xoxb-old"}}, "xoxb-new", 2},
		"rotated too early there": {&tokens{which: map[flows.SecretVersion]string{0: "xoxb-new", 1: "xoxb-new", 2: "xoxb-old"}}, "xoxb-old", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
				if r.Form.Get("token") != tc.good {
					says(`{"ok":false,"error":"token_revoked"}`)(rw, r)
					return
				}
				says(`{"ok":true,"channel":"C1","ts":"1.2"}`)(rw, r)
			})
			c, _ := newClient(t, w, func(o *Options) { o.BotToken = flows.NewSecret("bot", tc.secret) })
			if _, _, err := c.Post(t.Context(), "C1", hello); err != nil {
				t.Fatal(err)
			}
			if n := len(tc.secret.reads); n != tc.reads {
				t.Errorf("the secret was read %d times, want %d", n, tc.reads)
			}
		})
	}
}

func TestATokenThatIsRefusedFailsClosedAndCanHeal(t *testing.T) {
	t.Parallel()
	for _, answer := range []http.HandlerFunc{
		says(`{"ok":false,"error":"invalid_auth"}`),
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
	} {
		w := newWire(t, answer)
		c, _ := newClient(t, w)
		_, _, err := c.Post(t.Context(), "C1", hello)
		if temp := wantTemporary(t, err); temp.After == 0 {
			t.Error("After = 0: a refused token is not tried at once again")
		}
		if !errors.Is(err, flows.ErrSecretRejected) {
			t.Errorf("error = %v, want flows.ErrSecretRejected inside", err)
		}
		if n := len(w.requests()); n != 1 {
			t.Errorf("%d requests, want 1: the same value is not tried twice", n)
		}
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*tokens{
		"unreadable": {err: errors.New("the vault is sealed")},
		"empty":      oneToken(""),
		"blank":      oneToken(" \n"),
	} {
		w := newWire(t, says(`{"ok":true,"channel":"C1","ts":"1.2"}`))
		c, _ := newClient(t, w, func(o *Options) { o.BotToken = flows.NewSecret("bot", s) })
		_, _, err := c.Post(t.Context(), "C1", hello)
		wantTemporary(t, err)
		if n := len(w.requests()); n != 0 {
			t.Errorf("%s: %d requests without a token", name, n)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := Options{BotToken: flows.NewSecret("bot", oneToken("x")), Team: "T1", Clock: flows.NewHandClock(start)}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*Options){
		"no token":         func(o *Options) { o.BotToken = flows.Secret{} },
		"no team":          func(o *Options) { o.Team = "" },
		"no clock":         func(o *Options) { o.Clock = nil },
		"no scheme":        func(o *Options) { o.APIURL = "slack.com/api" },
		"another scheme":   func(o *Options) { o.APIURL = "file:///etc/passwd" },
		"a password in it": func(o *Options) { o.APIURL = "https://u:canary@slack.com/api" },
		"a query":          func(o *Options) { o.APIURL = "https://slack.com/api?x=1" },
	} {
		opt := good
		edit(&opt)
		_, err := New(opt)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantNoSecret(t, err)
	}
}
