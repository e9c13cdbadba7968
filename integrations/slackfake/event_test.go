package slackfake_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"breakglass/integrations/slackfake"
)

// TestEventRetries fails every delivery and lets the pauses run out.
func TestEventRetries(t *testing.T) {
	t.Parallel()
	ts := newTimers()
	b := setup(t, func(o *slackfake.Options) { o.After = ts.After })
	a := newApp(t, b)
	a.on("event_callback", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	id := b.Emit(map[string]any{"type": "app_home_opened", "user": "U0DANA"})
	ts.fire(t, time.Minute)
	ts.fire(t, 5*time.Minute)
	noError(t, b.Wait(t.Context(), func() bool { return len(b.Calls("event_callback")) == 4 }))
	got := a.all("event_callback")
	for i, want := range []string{"", "1", "2", "3"} {
		if num := got[i].header.Get("X-Slack-Retry-Num"); num != want {
			t.Errorf("try %d: x-slack-retry-num %q, want %q", i, num, want)
		}
		if got[i].raw["event_id"] != id {
			t.Errorf("try %d: event_id %v, want %s", i, got[i].raw["event_id"], id)
		}
	}
	if why := got[1].header.Get("X-Slack-Retry-Reason"); why != "http_error" {
		t.Errorf("reason = %q", why)
	}
}

// TestRetryReasons fails the first try in each way and reads the second.
func TestRetryReasons(t *testing.T) {
	t.Parallel()
	for want, fail := range map[string]func(ts *timers, w http.ResponseWriter, r *http.Request){
		"too_many_redirects": func(_ *timers, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"connection_failed":  func(*timers, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"http_timeout": func(ts *timers, _ http.ResponseWriter, r *http.Request) {
			ts.fire(t, 3*time.Second)
			<-r.Context().Done()
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			ts := newTimers()
			b := setup(t, func(o *slackfake.Options) { o.After = ts.After })
			a := newApp(t, b)
			a.on("event_callback", func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Slack-Retry-Num") == "" {
					fail(ts, w, r)
				}
			})
			b.Emit(map[string]any{"type": "team_join"})
			noError(t, b.Wait(t.Context(), func() bool { return len(b.Calls("event_callback")) == 2 }))
			if why := a.all("event_callback")[1].header.Get("X-Slack-Retry-Reason"); why != want {
				t.Errorf("reason = %q", why)
			}
		})
	}
}

func TestSubscribedEvents(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *slackfake.Options) {
		o.Events = []string{"app_home_opened", "user_change", "subteam_updated", "message.im"}
	})
	a := newApp(t, b)
	dana := b.User("U0DANA")
	noError(t, dana.OpenHome())
	noError(t, b.ChangeUser("U0SAM", func(u *slackfake.User) { u.Email = "sam@elsewhere.example" }))
	b.AddUserGroup(slackfake.UserGroup{ID: "S0SRE", Name: "SRE", Handle: "sre"})
	b.AddUserGroup(slackfake.UserGroup{ID: "S0SRE", Name: "SRE", Handle: "sre", Users: []string{"U0DANA"}})
	_, err := dana.Say("", "hello app")
	noError(t, err)
	_, err = dana.Say("C0PROD", "hello channel") // message.channels is not subscribed
	noError(t, err)
	noError(t, b.Wait(t.Context(), func() bool { return len(b.Calls("event_callback")) == 4 }))
	seen := map[string]bool{}
	for _, got := range a.all("event_callback") {
		raw, err := json.Marshal(got.raw)
		noError(t, err)
		e, err := slackevents.ParseEvent(raw, slackevents.OptionNoVerifyToken())
		noError(t, err)
		seen[e.InnerEvent.Type] = true
		if home, ok := e.InnerEvent.Data.(*slackevents.AppHomeOpenedEvent); ok && (home.User != "U0DANA" || home.Tab != "home") {
			t.Errorf("app_home_opened = %+v", home)
		}
	}
	for _, want := range []string{"app_home_opened", "user_change", "subteam_updated", "message"} {
		if !seen[want] {
			t.Errorf("no %s among %v", want, seen)
		}
	}
	if err := b.ChangeUser("U0NOBODY", func(*slackfake.User) {}); err == nil {
		t.Error("a person who is not there was changed")
	}
}

func TestURLVerification(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	if err := b.VerifyEvents(); err == nil {
		t.Error("an app that does not answer the challenge was verified")
	}
	a.on("url_verification", func(w http.ResponseWriter, r *http.Request) {
		answer(`{"challenge":"`+a.last("url_verification").raw["challenge"].(string)+`"}`)(w, r)
	})
	noError(t, b.VerifyEvents())
}

// TestCloseEndsPauses: a retry that is minutes away does not hold Close up.
func TestCloseEndsPauses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	a.on("event_callback", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	b.Emit(map[string]any{"type": "team_join"})
	noError(t, b.Wait(t.Context(), func() bool { return len(b.Calls("event_callback")) == 2 }))
	noError(t, b.Close())
	before := len(b.Ledger())
	b.Emit(map[string]any{"type": "team_join"})
	noError(t, b.Close())
	if after := len(b.Ledger()); after != before {
		t.Errorf("%d deliveries after Close", after-before)
	}
	if _, _, err := b.api.PostMessage("C0PROD", slack.MsgOptionText("x", false)); err == nil {
		t.Error("the server still answers")
	}
}
