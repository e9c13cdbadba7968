package slackfake_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/slack-go/slack"

	"breakglass/integrations/slackfake"
)

func TestNewNeedsAClock(t *testing.T) {
	t.Parallel()
	if _, err := slackfake.New(slackfake.Options{}); err == nil || !strings.Contains(err.Error(), "Options.Now") {
		t.Errorf("error = %v", err)
	}
}

func TestLedgerIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *slackfake.Options) { o.LedgerSize = 10 })
	for range 35 {
		_, err := b.api.AuthTest()
		noError(t, err)
	}
	got := b.Ledger()
	if len(got) > 10 || got[len(got)-1].Seq != 35 {
		t.Errorf("%d exchanges, the last is %d", len(got), got[len(got)-1].Seq)
	}
	if since := b.LedgerSince(33); len(since) != 2 || since[0].Seq != 34 {
		t.Errorf("since 33: %d exchanges", len(since))
	}
}

func TestLedgerHoldsBothWays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	a.on("/access", answer(`{"text":"hi"}`))
	_, err := b.User("U0DANA").Slash("/access", "prod")
	noError(t, err)
	_, _, err = b.api.PostMessage("C0PROD", slack.MsgOptionText("x", false))
	noError(t, err)
	in, out := b.Calls("slash_command")[0], b.Calls("chat.postMessage")[0]
	if in.Direction != slackfake.ToApp || in.Form().Get("text") != "prod" || in.ResponseBody != `{"text":"hi"}` || in.Status != 200 {
		t.Errorf("to the app: %+v", in)
	}
	if out.Direction != slackfake.FromApp || out.Form().Get("channel") != "C0PROD" || !strings.Contains(out.ResponseBody, `"ok":true`) {
		t.Errorf("from the app: %+v", out)
	}
	if out.Form().Get("token") != "redacted" {
		t.Errorf("token = %q", out.Form().Get("token"))
	}
}

// TestSameSeedSameIDs: a failure can be replayed.
func TestSameSeedSameIDs(t *testing.T) {
	t.Parallel()
	ids := func(seed uint64) string {
		b := setup(t, func(o *slackfake.Options) { o.Seed = seed })
		return b.AddUser(slackfake.User{}) + b.AddChannel(slackfake.Channel{}) + b.AddUserGroup(slackfake.UserGroup{})
	}
	if ids(1) != ids(1) || ids(1) == ids(2) {
		t.Errorf("ids = %s, %s, %s", ids(1), ids(1), ids(2))
	}
}

// TestManyAtOnce is for the race detector: people and the app act together.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	newApp(t, b)
	var wg sync.WaitGroup
	for i := range 8 {
		user := fmt.Sprintf("U%d", i)
		b.AddUser(slackfake.User{ID: user})
		wg.Go(func() {
			for range 10 {
				_, ts, err := b.api.PostMessage(user, slack.MsgOptionText("x", false), approveCard("x"))
				if err != nil {
					t.Error(err)
					return
				}
				dm := b.User(user).DM()
				if _, err := b.User(user).Click(dm[len(dm)-1], "deny"); err != nil {
					t.Error(err)
				}
				if _, _, _, err := b.api.UpdateMessage(dm[0].Channel, ts, slack.MsgOptionText("y", false)); err != nil {
					t.Error(err)
				}
				b.Ledger()
				b.OpenViews(user)
			}
		})
	}
	wg.Wait()
	if n := len(b.Calls("block_actions")); n != 80 {
		t.Errorf("%d clicks, want 80", n)
	}
	b.noViolations(t)
}
