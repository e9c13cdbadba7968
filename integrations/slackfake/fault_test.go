package slackfake_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"breakglass/integrations/slackfake"
)

// TestCallFaults throws each fault once and sees the next call go through.
func TestCallFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   slackfake.Fault
		applied bool
		is      func(error) bool
	}{
		{"500", slackfake.Fault{Status: 500}, false, func(err error) bool {
			var e slack.StatusCodeError
			return errors.As(err, &e) && e.Code == 500
		}},
		{"429", slackfake.Fault{Status: 429, RetryAfter: 7}, false, func(err error) bool {
			var e *slack.RateLimitedError
			return errors.As(err, &e) && e.RetryAfter == 7*time.Second
		}},
		{"error", slackfake.Fault{Error: "fatal_error"}, false, func(err error) bool {
			return err != nil && err.Error() == "fatal_error"
		}},
		{"malformed", slackfake.Fault{Malformed: true}, false, func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "unexpected end of JSON input") || strings.Contains(err.Error(), "unexpected EOF")
		}},
		{"dropped", slackfake.Fault{Drop: true}, false, isEOF},
		{"answer lost", slackfake.Fault{LoseAnswer: true}, true, isEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c.fault.Method, c.fault.Times = "chat.postMessage", 1
			b.Fail(c.fault)
			post := func() error {
				_, _, err := b.api.PostMessage("C0PROD", slack.MsgOptionText("x", false))
				return err
			}
			if err := post(); !c.is(err) {
				t.Errorf("error = %v", err)
			}
			if done := len(b.Messages("C0PROD")) == 1; done != c.applied {
				t.Errorf("applied = %v, want %v", done, c.applied)
			}
			if e := b.Calls("chat.postMessage")[0]; e.Fault == "" {
				t.Errorf("the ledger does not name the fault: %+v", e)
			}
			noError(t, post())
			b.noViolations(t)
		})
	}
}

func isEOF(err error) bool { return err != nil && strings.Contains(err.Error(), "EOF") }

func TestFaultsLastAndEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Fail(slackfake.Fault{Method: "*", Error: "internal_error"})
	for range 3 {
		_, err := b.api.AuthTest()
		wantCode(t, err, "internal_error")
	}
	if n := len(b.Faults()); n != 1 {
		t.Errorf("%d faults in force", n)
	}
	b.ClearFaults()
	_, err := b.api.AuthTest()
	noError(t, err)
}

// TestSlowSlack holds an answer back until the test lets the time pass.
func TestSlowSlack(t *testing.T) {
	t.Parallel()
	ts := newTimers()
	b := setup(t, func(o *slackfake.Options) { o.After = ts.After })
	b.Fail(slackfake.Fault{Method: "auth.test", Delay: 1500 * time.Millisecond})
	done := make(chan error, 1)
	go func() { _, err := b.api.AuthTest(); done <- err }()
	_, err := b.api.GetUserInfo("U0DANA") // other methods are not held up
	noError(t, err)
	select {
	case err := <-done:
		t.Fatalf("answered at once: %v", err)
	default:
	}
	ts.fire(t, 1500*time.Millisecond)
	noError(t, <-done)
}

func TestResponseURLFault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	_, to := hook(t, b, a)
	b.Fail(slackfake.Fault{Method: "response_url", Times: 1, Status: 503})
	wantStatus(t, respond(to, slack.WebhookMessage{Text: "x"}), http.StatusServiceUnavailable)
	noError(t, respond(to, slack.WebhookMessage{Text: "x"}))
}

// TestDeliveryFaults throws each fault at what the app receives.
func TestDeliveryFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		fault    slackfake.DeliveryFault
		arrivals int    // verified ones
		code     string // what the person sees
	}{
		{"duplicate", slackfake.DeliveryFault{Duplicate: true}, 2, ""},
		{"dropped", slackfake.DeliveryFault{Drop: true}, 0, "operation_timeout"},
		{"ack lost", slackfake.DeliveryFault{LoseAck: true}, 1, "operation_timeout"},
		{"bad signature", slackfake.DeliveryFault{BadSignature: true}, 0, "http_error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			a := newApp(t, b)
			c.fault.Kind, c.fault.Times = "slash_command", 1
			b.FailDelivery(c.fault)
			_, err := b.User("U0DANA").Slash("/access", "")
			var failed *slackfake.DeliveryError
			if (err != nil) != (c.code != "") || c.code != "" && (!errors.As(err, &failed) || failed.Code != c.code) {
				t.Errorf("error = %v, want %q", err, c.code)
			}
			got := a.all("/access")
			if len(got) != c.arrivals {
				t.Fatalf("%d arrivals, want %d", len(got), c.arrivals)
			}
			if c.arrivals == 2 && got[0].header.Get("X-Slack-Signature") != got[1].header.Get("X-Slack-Signature") {
				t.Error("the copies differ")
			}
			b.noViolations(t)
		})
	}
}

func TestStaleAndForeignDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	_, _, err := b.api.PostMessage("U0DANA", slack.MsgOptionText("x", false), approveCard("x"))
	noError(t, err)
	b.FailDelivery(slackfake.DeliveryFault{Kind: "block_actions", Times: 1, Stale: 10 * time.Minute})
	b.FailDelivery(slackfake.DeliveryFault{Kind: "block_actions", Times: 1, ForeignTeam: "T0EVIL"})
	if n := len(b.DeliveryFaults()); n != 2 {
		t.Fatalf("%d delivery faults", n)
	}
	dana := b.User("U0DANA")
	_, err = dana.Click(dana.DM()[0], "approve")
	noError(t, err)
	if ts := a.last("block_actions").header.Get("X-Slack-Request-Timestamp"); ts != "1795315800" { // 10 minutes before newClock
		t.Errorf("timestamp = %s", ts)
	}
	_, err = dana.Click(dana.DM()[0], "approve")
	noError(t, err)
	if p := a.last("block_actions").payload; p.Team.ID != "T0EVIL" || p.User.TeamID != "T0EVIL" {
		t.Errorf("team %s, user's team %s", p.Team.ID, p.User.TeamID)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	out, err := b.User("U0DANA").Slash("/access", "prod")
	noError(t, err)
	b.clock.Advance(time.Hour)
	again, err := b.Replay(out.Exchange.Seq)
	noError(t, err)
	if again.RequestBody != out.Exchange.RequestBody || again.Fault != "replay" || again.Seq == out.Exchange.Seq {
		t.Errorf("replayed %+v", again)
	}
	got := a.all("/access")
	if len(got) != 2 || got[0].header.Get("X-Slack-Request-Timestamp") != got[1].header.Get("X-Slack-Request-Timestamp") {
		t.Errorf("arrivals = %+v", got)
	}
	if _, err := b.Replay(999); err == nil {
		t.Error("replayed what never was")
	}
}
