package bot_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/bot"
	"breakglass/flows"
)

// counted is an inbox that counts what is put into it.
type counted struct {
	flows.Inbox
	accepted, fresh atomic.Int64
}

func (c *counted) Accept(ctx context.Context, row flows.InboxRow, job flows.Job) (flows.Job, bool, error) {
	c.accepted.Add(1)
	j, fresh, err := c.Inbox.Accept(ctx, row, job)
	if fresh {
		c.fresh.Add(1)
	}
	return j, fresh, err
}

// tally is a log that counts its lines by reason.
type tally struct {
	mu    sync.Mutex
	lines int
	by    map[string]int
}

func (y *tally) Enabled(context.Context, slog.Level) bool { return true }
func (y *tally) WithAttrs([]slog.Attr) slog.Handler       { return y }
func (y *tally) WithGroup(string) slog.Handler            { return y }

func (y *tally) Handle(_ context.Context, r slog.Record) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.lines++
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" {
			y.by[a.Value.String()]++
		}
		return true
	})
	return nil
}

// attack makes one bad request of a kind. rnd varies it.
type attack struct {
	name, reason string
	make         func(rnd *rand.Rand, d *desk) signed
}

// attacks is every way in which a request can be bad.
func attacks() []attack {
	click := func(*rand.Rand) string { return payload(press(bot.ActionApprove, "value")) }
	paths := []string{"/slack/commands", "/slack/interactions", "/slack/options", "/slack/events"}
	at := func(rnd *rand.Rand) string { return paths[rnd.IntN(len(paths))] }
	with := func(key string, v any) func(*rand.Rand, *desk) signed {
		return func(*rand.Rand, *desk) signed {
			p := press(bot.ActionApprove, "value")
			p[key] = v
			return signed{path: "/slack/interactions", body: payload(p)}
		}
	}
	form := func(key, value string) func(*rand.Rand, *desk) signed {
		return func(*rand.Rand, *desk) signed {
			c := command("done abc123")
			c.Set(key, value)
			return signed{path: "/slack/commands", body: c.Encode()}
		}
	}
	return []attack{
		{"forged with another secret", "signature", func(rnd *rand.Rand, _ *desk) signed {
			return signed{path: at(rnd), body: click(rnd), secret: fmt.Sprintf("%032x", rnd.Uint64())}
		}},
		{"body changed after signing", "signature", func(rnd *rand.Rand, d *desk) signed {
			s := signed{path: at(rnd), body: click(rnd), secret: signing, at: d.clock.Now()}
			h := s.request().Header
			b := []byte(s.body)
			b[rnd.IntN(len(b))] ^= byte(1 + rnd.IntN(255))
			return signed{path: s.path, body: string(b), edit: func(now http.Header) {
				now.Set("X-Slack-Signature", h.Get("X-Slack-Signature"))
			}}
		}},
		{"signature changed", "signature", func(rnd *rand.Rand, _ *desk) signed {
			i, flip := 3+rnd.IntN(64), byte('a'+rnd.IntN(6))
			return signed{path: at(rnd), body: click(rnd), edit: func(h http.Header) {
				sig := []byte(h.Get("X-Slack-Signature"))
				if sig[i] == flip {
					flip = '0'
				}
				sig[i] = flip
				h.Set("X-Slack-Signature", string(sig))
			}}
		}},
		{"stale", "stale", func(rnd *rand.Rand, d *desk) signed {
			return signed{path: at(rnd), body: click(rnd), at: d.clock.Now().Add(-5*time.Minute - time.Duration(1+rnd.IntN(1e6))*time.Second)}
		}},
		{"from the future", "future", func(rnd *rand.Rand, d *desk) signed {
			return signed{path: at(rnd), body: click(rnd), at: d.clock.Now().Add(time.Duration(61+rnd.IntN(1e6)) * time.Second)}
		}},
		{"headers", "headers", func(rnd *rand.Rand, _ *desk) signed {
			bad := []func(http.Header){
				func(h http.Header) { h.Del("X-Slack-Signature") },
				func(h http.Header) { h.Del("X-Slack-Request-Timestamp") },
				func(h http.Header) { h.Add("X-Slack-Signature", h.Get("X-Slack-Signature")) },
				func(h http.Header) { h.Add("X-Slack-Request-Timestamp", "1") },
				func(h http.Header) { h.Set("X-Slack-Request-Timestamp", "+"+h.Get("X-Slack-Request-Timestamp")) },
				func(h http.Header) { h.Set("X-Slack-Request-Timestamp", "99999999999999999999") },
				func(h http.Header) { h.Set("X-Slack-Request-Timestamp", "") },
				func(h http.Header) { h.Set("X-Slack-Signature", strings.TrimPrefix(h.Get("X-Slack-Signature"), "v0=")) },
				func(h http.Header) { h.Set("X-Slack-Signature", "v1"+h.Get("X-Slack-Signature")[2:]) },
				func(h http.Header) { h.Set("X-Slack-Signature", h.Get("X-Slack-Signature")[:40]) },
				func(h http.Header) { h.Set("X-Slack-Signature", "v0="+strings.Repeat("zz", 32)) },
			}
			return signed{path: at(rnd), body: click(rnd), edit: bad[rnd.IntN(len(bad))]}
		}},
		{"oversized command", "too_large", func(*rand.Rand, *desk) signed {
			return signed{path: "/slack/commands", body: "text=" + strings.Repeat("a", 64<<10)}
		}},
		{"not a form", "malformed", func(rnd *rand.Rand, _ *desk) signed {
			bodies := []string{"", "payload", "payload=", "payload=%", "payload=%zz", "payload=[]", "payload=null", "payload=%7B%7D", "payload={\"type\":", "{}", "payload={}&payload={}", "payload={}x", `payload={"type":"block_actions"}`, "payload=" + strings.Repeat("[", 9000)}
			return signed{path: "/slack/interactions", body: bodies[rnd.IntN(len(bodies))]}
		}},
		{"two payloads", "malformed", func(rnd *rand.Rand, _ *desk) signed {
			return signed{path: "/slack/interactions", body: click(rnd) + "&" + click(rnd)}
		}},
		{"a member twice", "malformed", func(*rand.Rand, *desk) signed {
			return signed{path: "/slack/interactions", body: "payload=" + url.QueryEscape(`{"type":"block_actions","user":{"id":"U0EVE"},"user":{"id":"U0MARA"},"team":{"id":"`+team+`"},"api_app_id":"`+app+`"}`)}
		}},
		{"odd types", "malformed", func(rnd *rand.Rand, d *desk) signed {
			odd := []any{5, true, []any{}, obj{"id": 5}, obj{"id": []any{}}, "text"}
			return with([]string{"user", "team", "channel"}[rnd.IntN(3)], odd[rnd.IntN(len(odd))])(rnd, d)
		}},
		{"a user id that is a path", "malformed", with("user", obj{"id": "U0/../T0ACME"})},
		{"another team", "foreign", with("team", obj{"id": "T0EVIL"})},
		{"another team's user", "foreign", with("user", obj{"id": "U0EVE", "team_id": "T0EVIL"})},
		{"no team", "foreign", with("team", nil)},
		{"another app", "foreign", with("api_app_id", "A0EVIL")},
		{"a command of another team", "foreign", form("team_id", "T0EVIL")},
		{"a command of another app", "foreign", form("api_app_id", "A0EVIL")},
		{"a command of nobody", "malformed", form("user_id", "")},
		{"a command with a field twice", "malformed", func(*rand.Rand, *desk) signed {
			return signed{path: "/slack/commands", body: command("done abc123").Encode() + "&user_id=U0EVE"}
		}},
		{"an event of another team", "foreign", func(*rand.Rand, *desk) signed {
			return signed{path: "/slack/events", body: `{"type":"event_callback","team_id":"T0EVIL","api_app_id":"` + app + `"}`}
		}},
		{"an event that is none", "malformed", func(*rand.Rand, *desk) signed {
			return signed{path: "/slack/events", body: `{"challenge":"x"`}
		}},
	}
}

// TestNothingBadGetsIn tries 100,000 requests that must not get in: each is answered
// the same, leaves one line in the log with its reason, and changes nothing.
func TestNothingBadGetsIn(t *testing.T) {
	t.Parallel()
	tries := 100_000
	if bot.RaceEnabled { // it is slow, and sees in a few what it looks for
		tries = 8_000
	}
	log, in := &tally{by: map[string]int{}}, &counted{}
	d := setup(t, func(o *bot.Options) {
		in.Inbox, o.Inbox, o.Log = o.Inbox, in, slog.New(log)
	})
	kinds := attacks()
	want := make([]map[string]int, 4)
	var wg sync.WaitGroup
	for worker := range want {
		want[worker] = map[string]int{}
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(42, uint64(worker)))
			for i := range tries / len(want) {
				a := kinds[i%len(kinds)]
				want[worker][a.reason]++
				w := d.post(a.make(rnd, d))
				if w.Code != http.StatusUnauthorized || w.Body.String() != refusal {
					t.Errorf("%s (%d): answered %d %q", a.name, i, w.Code, w.Body)
					return
				}
			}
		})
	}
	wg.Wait()
	for reason := range log.by {
		sum := 0
		for _, w := range want {
			sum += w[reason]
		}
		if log.by[reason] != sum {
			t.Errorf("%d lines say %q, want %d", log.by[reason], reason, sum)
		}
	}
	if log.lines != tries {
		t.Errorf("%d log lines for %d requests", log.lines, tries)
	}
	if n := in.accepted.Load(); n != 0 {
		t.Errorf("%d of them came to the inbox", n)
	}
	if n := len(d.requests()); n != 0 {
		t.Errorf("they made %d requests", n)
	}
	if calls := d.Ledger(); len(calls) != 0 {
		t.Errorf("they had Slack called: %s", calls[0].Kind)
	}
}

// TestReplaysAreOneRow delivers the same click a thousand times.
func TestReplaysAreOneRow(t *testing.T) {
	t.Parallel()
	in := &counted{}
	d := setup(t, func(o *bot.Options) { in.Inbox, o.Inbox = o.Inbox, in })
	s := signed{path: "/slack/interactions", body: payload(press(bot.ActionApprove, "value"))}
	for range 1000 {
		if w := d.post(s); w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Fatalf("a replay was answered %d %q", w.Code, w.Body)
		}
	}
	if in.accepted.Load() != 1000 || in.fresh.Load() != 1 {
		t.Errorf("%d came to the inbox, %d of them fresh; want 1000 and 1", in.accepted.Load(), in.fresh.Load())
	}
	other := press(bot.ActionApprove, "value")
	other["actions"].([]any)[0].(obj)["action_ts"] = "1795316402.000300"
	d.post(signed{path: s.path, body: payload(other)})
	if in.fresh.Load() != 2 {
		t.Error("a second click counts as the first")
	}
}

// TestSecretRotation lets in what the current, the next and the previous secret
// signed, and does not ask the source for each forgery.
func TestSecretRotation(t *testing.T) {
	t.Parallel()
	d := setup(t)
	old, next := signing, strings.Repeat("n", 32)
	ping := func(secret string) int {
		return d.post(signed{path: "/slack/events", body: `{"type":"url_verification","challenge":"c"}`, secret: secret}).Code
	}
	if ping(old) != 200 || ping(next) != 401 {
		t.Fatal("before the rotation")
	}
	d.clock.Push(3 * time.Second)
	d.secret.mu.Lock()
	d.secret.fresh, d.secret.previous = next, old // rotated at the source; in memory is the old one
	d.secret.mu.Unlock()
	if ping(next) != 200 {
		t.Error("what the new secret signed is refused")
	}
	if ping(next) != 200 || ping(old) != 200 {
		t.Error("after the rotation, current or previous is refused")
	}
	d.secret.mu.Lock()
	before := d.secret.reads
	d.secret.mu.Unlock()
	for range 500 {
		if ping(strings.Repeat("x", 32)) != 401 {
			t.Fatal("a forgery got in")
		}
	}
	d.secret.mu.Lock()
	defer d.secret.mu.Unlock()
	if n := d.secret.reads - before; n > 1 {
		t.Errorf("500 forgeries read the source %d times", n)
	}
}

func TestNewRefusesBadSecrets(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, bad := range []string{"", " ", "short", strings.Repeat(" ", 40)} {
		_, err := bot.New(t.Context(), bot.Options{
			Team: team, Signing: flows.NewSecret("signing", &rotating{current: bad}), Catalog: func() *flows.Catalog { return d.cat },
			Inbox: d.store, Engine: d.engine, Emergency: emergency{d.engine}, Foresight: d.engine, Cards: d.store, Requests: d.store, History: d.store, Recorder: d.engine, Directory: d.client(), Incidents: d.pd,
			Views: d.client(), Slack: poster{d.client()}, Clock: d.clock, IDs: newIDs(1),
		})
		if err == nil || !strings.Contains(err.Error(), "anybody could sign") {
			t.Errorf("secret %q: %v", bad, err)
		}
		if strings.TrimSpace(bad) != "" && strings.Contains(fmt.Sprint(err), bad+`"`) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
	d.secret.mu.Lock()
	d.secret.current = "" // emptied while running
	d.secret.mu.Unlock()
	mustRefuse(t, "an emptied secret", d.post(signed{path: "/slack/events", body: "{}", secret: " "}))
}

// TestOrganisation lets people of another workspace of the organisation through the
// door, as what they are, and nobody else.
func TestOrganisation(t *testing.T) {
	t.Parallel()
	d := setup(t, func(o *bot.Options) { o.Enterprise = "E0ACME" })
	try := func(edit func(p obj)) int {
		p := press(bot.ActionNothing, "")
		edit(p)
		return d.post(signed{path: "/slack/interactions", body: payload(p)}).Code
	}
	for name, c := range map[string]struct {
		edit func(obj)
		want int
	}{
		"own team": {func(obj) {}, 200},
		"sister workspace": {func(p obj) {
			p["user"] = obj{"id": "W0SIS", "team_id": "T0SISTER"}
			p["enterprise"] = obj{"id": "E0ACME"}
		}, 200},
		"org-wide install":   {func(p obj) { p["team"] = nil; p["enterprise"] = obj{"id": "E0ACME"} }, 200},
		"other org":          {func(p obj) { p["enterprise"] = obj{"id": "E0EVIL"} }, 401},
		"other org, no team": {func(p obj) { p["team"] = nil; p["enterprise"] = obj{"id": "E0EVIL"} }, 401},
		"other team":         {func(p obj) { p["team"] = obj{"id": "T0EVIL", "enterprise_id": "E0ACME"} }, 401},
	} {
		if got := try(c.edit); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestOversized refuses what is over the cap, whether its length is announced or not.
func TestOversized(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for path, limit := range map[string]int{
		"/slack/commands": 64 << 10, "/slack/interactions": 256 << 10, "/slack/options": 256 << 10, "/slack/events": 256 << 10,
	} {
		for _, length := range []int64{0, -1} {
			r := signed{path: path, body: strings.Repeat("a", limit+1), secret: signing, at: d.clock.Now()}.request()
			if length < 0 {
				r.ContentLength = length
			}
			w := httptest.NewRecorder()
			d.handler(path)(w, r)
			mustRefuse(t, path, w)
		}
	}
	if n := d.log.count(`"reason":"too_large"`); n != 8 {
		t.Errorf("%d lines say so, want 8", n)
	}
}
