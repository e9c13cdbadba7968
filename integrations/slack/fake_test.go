package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/slack"
	"breakglass/integrations/slackfake"

	"github.com/google/go-cmp/cmp"
)

// static is a secret that never changes.
type static string

func (s static) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	if which == flows.SecretPrevious {
		return "", flows.ErrNoSuchVersion
	}
	return string(s), nil
}

// bundle is the client in a simulated workspace that keeps all of Slack's limits.
type bundle struct {
	*slackfake.Workspace
	client  *slack.Client
	clock   *flows.HandClock
	trigger string // of the last slash command
	respond string
}

func setup(t *testing.T, edit ...func(*slackfake.Options, *slack.Options)) *bundle {
	t.Helper()
	b := &bundle{clock: flows.NewHandClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))}
	world := slackfake.Options{Now: b.clock.Now, TeamID: "T0ACME", EnterpriseID: "E0ACME"}
	opt := slack.Options{Team: "T0ACME", Clock: b.clock, MaxWait: time.Nanosecond}
	for _, e := range edit {
		e(&world, &opt)
	}
	var err error
	if b.Workspace, err = slackfake.New(world); err != nil {
		t.Fatal(err)
	}
	if err := b.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	b.AddUser(slackfake.User{ID: "U0DANA", DisplayName: "dana", Email: "dana@acme.example", TZ: "Europe/Berlin"})
	b.AddUser(slackfake.User{ID: "U0SAM", Email: "sam@acme.example"})
	b.AddChannel(slackfake.Channel{ID: "C0PROD", Name: "prod-access", Members: []string{"U0DANA", b.Bot()}})
	opt.APIURL = b.URL() + "/api/"
	opt.BotToken = flows.NewSecret("bot", static(b.Config().BotToken))
	if b.client, err = slack.New(opt); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.client.Close)
	return b
}

// slash types a command as Dana and keeps what it gives the app.
func (b *bundle) slash(t *testing.T) {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		b.trigger, b.respond = r.PostForm.Get("trigger_id"), r.PostForm.Get("response_url")
	}))
	defer app.Close()
	b.SetEndpoints(slackfake.Endpoints{Commands: app.URL})
	if _, err := b.User("U0DANA").In("C0PROD").Slash("/access", ""); err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) noViolations(t *testing.T) {
	t.Helper()
	for _, v := range b.Violations() {
		t.Errorf("violation: %s", v)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func code(err error) string {
	var c interface{ SlackCode() string }
	if errors.As(err, &c) {
		return c.SlackCode()
	}
	return fmt.Sprint(err)
}

var card = slack.Message{
	Text: "Sam asks for production, for 1 h.",
	Blocks: json.RawMessage(`[{"type":"section","block_id":"s","text":{"type":"mrkdwn","text":"*Production* for 1 h"}},
		{"type":"actions","block_id":"a","elements":[{"type":"button","action_id":"approve","style":"primary",
		"text":{"type":"plain_text","text":"Approve"},"value":"opaque"}]}]`),
}

func TestACardInAWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	channel, ts, err := b.client.Post(t.Context(), "U0DANA", card)
	must(t, err)
	shown, ok := b.Message(channel, ts)
	if !ok || shown.Text != card.Text || len(shown.Blocks) == 0 {
		t.Fatalf("shown in %s: %+v", channel, shown)
	}
	must(t, b.client.Update(t.Context(), channel, ts, slack.Message{Text: "Approved by Dana."}))
	if shown, _ = b.Message(channel, ts); shown.Text != "Approved by Dana." || len(shown.Blocks) != 0 {
		t.Errorf("after the update: %q, blocks %s; want no button left", shown.Text, shown.Blocks)
	}
	link, err := b.client.Permalink(t.Context(), channel, ts)
	if err != nil || link == "" {
		t.Errorf("Permalink = %q, %v", link, err)
	}
	must(t, b.client.Ephemeral(t.Context(), "C0PROD", "U0DANA", slack.Message{Text: "Already decided."}))
	b.noViolations(t)

	for want, err := range map[string]error{
		"channel_not_found": post(t, b, "C0NONE"),
		"message_not_found": b.client.Update(t.Context(), channel, "1.000001", card),
	} {
		var perm *flows.Permanent
		if !errors.As(err, &perm) || code(err) != want {
			t.Errorf("error = %v, want a permanent %s", err, want)
		}
	}
}

func post(t *testing.T, b *bundle, channel string) error {
	t.Helper()
	_, _, err := b.client.Post(t.Context(), channel, card)
	return err
}

func TestAModalInAWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.slash(t)
	view := func(text string) json.RawMessage {
		return json.RawMessage(`{"type":"modal","callback_id":"ask","title":{"type":"plain_text","text":"Access"},
			"blocks":[{"type":"section","block_id":"s","text":{"type":"plain_text","text":"` + text + `"}}]}`)
	}
	id, hash, err := b.client.OpenView(t.Context(), b.trigger, view("Loading…"))
	must(t, err)
	must(t, b.client.UpdateView(t.Context(), id, hash, view("Ready")))
	if v, ok := b.View(id); !ok || !json.Valid(v.Blocks) {
		t.Errorf("the view is gone: %+v", v)
	}
	err = b.client.UpdateView(t.Context(), id, hash, view("Late"))
	var perm *flows.Permanent
	if !errors.As(err, &perm) || code(err) != "hash_conflict" {
		t.Errorf("an update with an old hash: %v, want a permanent hash_conflict", err)
	}
	b.noViolations(t)
	if _, _, err = b.client.OpenView(t.Context(), b.trigger, view("Again")); code(err) != "exchanged_trigger_id" {
		t.Errorf("a trigger used twice: %v", err)
	}
	must(t, b.client.PublishHome(t.Context(), "U0DANA", json.RawMessage(`{"type":"home","blocks":[{"type":"divider"}]}`)))
	if _, ok := b.Home("U0DANA"); !ok {
		t.Error("no Home tab")
	}
}

func TestAResponseURLInAWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.slash(t)
	for range 5 {
		must(t, b.client.Respond(t.Context(), b.respond, slack.Message{Text: "Try /access help."}))
	}
	b.noViolations(t)
	err := b.client.Respond(t.Context(), b.respond, slack.Message{Text: "Once too often."})
	var perm *flows.Permanent
	if !errors.As(err, &perm) || code(err) != "used_url" {
		t.Errorf("a sixth use: %v, want a permanent used_url", err)
	}
	if u, perr := url.Parse(b.respond); perr != nil || u.Path == "" || strings.Contains(err.Error(), u.Path) {
		t.Errorf("the error holds the address: %v", err)
	}
}

func TestPeopleOfAWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *slackfake.Options, o *slack.Options) { o.Enterprise = "E0ACME" })
	for want, u := range map[flows.Standing]slackfake.User{
		flows.StandingGuest:    {ID: "U0GUEST", IsRestricted: true},
		flows.StandingStranger: {ID: "U0ODD", IsStranger: true, TeamID: "T0ELSE"},
		flows.StandingForeign:  {ID: "U0FAR", TeamID: "T0ELSE"},
		flows.StandingBot:      {ID: "U0BOT", IsBot: true},
		flows.StandingDeleted:  {ID: "U0GONE", Deleted: true},
		flows.StandingMember:   {ID: "U0ORG", TeamID: "T0HOME", EnterpriseUserID: "W0ORG", EnterpriseTeams: []string{"T0HOME", "T0ACME"}},
	} {
		b.AddUser(u)
		p, err := b.client.Profile(t.Context(), flows.Person("T0ACME", u.ID), true)
		must(t, err)
		if p.Standing != want {
			t.Errorf("%s is %s, want %s", u.ID, p.Standing, want)
		}
	}
	dana, err := b.client.Profile(t.Context(), "T0ACME/U0DANA", false)
	must(t, err)
	want := flows.Profile{
		Person: "T0ACME/U0DANA", Standing: flows.StandingMember, Name: "dana", Email: "dana@acme.example", TimeZone: "Europe/Berlin",
	}
	if diff := cmp.Diff(want, dana); diff != "" {
		t.Error(diff)
	}
	must(t, b.ChangeUser("U0DANA", func(u *slackfake.User) { u.Deleted = true }))
	if p, err := b.client.Profile(t.Context(), "T0ACME/U0DANA", true); err != nil || p.Standing != flows.StandingDeleted {
		t.Errorf("read fresh after she left: %s, %v", p.Standing, err)
	}
	if p, err := b.client.Profile(t.Context(), "T0ACME/U0NOBODY", true); err == nil || p.Standing != flows.StandingUnknown {
		t.Errorf("nobody: %s, %v", p.Standing, err)
	}
}

func TestGroupsAndChannelsOfAWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.AddUserGroup(slackfake.UserGroup{Handle: "sre-managers", Users: []string{"U0SAM", "U0DANA"}})
	b.AddUserGroup(slackfake.UserGroup{Handle: "gone", Users: []string{"U0SAM"}, Disabled: true})
	for _, ref := range []flows.Principal{"@sre-managers", flows.Principal(id)} {
		got, err := b.client.Members(t.Context(), []flows.Principal{ref})
		must(t, err)
		if diff := cmp.Diff([]flows.PersonID{"T0ACME/U0SAM", "T0ACME/U0DANA"}, got); diff != "" {
			t.Error(diff)
		}
	}
	if got, err := b.client.Members(t.Context(), []flows.Principal{"@gone"}); err == nil {
		t.Errorf("a disabled group has members: %v", got)
	}
	b.AddChannel(slackfake.Channel{ID: "C0EXT", Name: "with-vendor", IsExtShared: true})
	for name, want := range map[string]slack.Channel{
		"#prod-access": {ID: "C0PROD", Name: "prod-access", Member: true},
		"C0PROD":       {ID: "C0PROD", Name: "prod-access", Member: true},
		"#with-vendor": {ID: "C0EXT", Name: "with-vendor", Shared: true},
	} {
		got, err := b.client.ChannelInfo(t.Context(), name)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := b.client.ChannelInfo(t.Context(), "#nowhere"); code(err) != "channel_not_found" {
		t.Errorf("#nowhere: %v", err)
	}
	who, err := b.client.AuthTest(t.Context())
	must(t, err)
	if who.Team != "T0ACME" || who.User != b.Bot() || len(who.Scopes) == 0 {
		t.Errorf("AuthTest = %+v", who)
	}
	b.noViolations(t)
}

// Three hundred updates and two hundred messages, as fast as we let them: the
// workspace, which keeps Slack's limits, never has to say 429.
func TestWeNeverRunIntoARateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	channel, ts, err := b.client.Post(t.Context(), "C0PROD", card)
	must(t, err)
	for _, storm := range []struct {
		n  int
		do func(context.Context) error
	}{
		{300, func(ctx context.Context) error { return b.client.Update(ctx, channel, ts, card) }},
		{200, func(ctx context.Context) error { _, _, err := b.client.Post(ctx, "C0PROD", card); return err }},
		{60, func(ctx context.Context) error { _, err := b.client.Profile(ctx, "T0ACME/U0DANA", true); return err }},
	} {
		for done := 0; done < storm.n; {
			err := storm.do(t.Context())
			var temp *flows.Temporary
			switch {
			case err == nil:
				done++
			case errors.As(err, &temp) && temp.After > 0 && code(err) == fmt.Sprint(err):
				b.clock.Push(time.Duration(temp.After) * time.Second) // our own pacing
			default:
				t.Fatal(err)
			}
		}
	}
	for _, e := range b.Ledger() {
		if e.Status == http.StatusTooManyRequests {
			t.Fatalf("%s was rate limited", e.Kind)
		}
	}
}

func TestFaultsOfAWorkspace(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]slackfake.Fault{
		"dropped": {Drop: true}, "lost answer": {LoseAnswer: true}, "malformed": {Malformed: true},
		"500": {Status: 500}, "429": {Status: 429, RetryAfter: 7}, "internal error": {Error: "internal_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			fault.Method, fault.Times = "chat.postMessage", 1
			b.Fail(fault)
			err := post(t, b, "C0PROD")
			var temp *flows.Temporary
			if !errors.As(err, &temp) || temp.After != fault.RetryAfter {
				t.Fatalf("error = %v, want a temporary one, after %d s", err, fault.RetryAfter)
			}
			if n := len(b.Calls("chat.postMessage")); n != 1 {
				t.Errorf("%d calls, want 1: whether to send again is not decided here", n)
			}
		})
	}
	b := setup(t)
	b.RevokeToken(b.Config().BotToken)
	if err := post(t, b, "C0PROD"); !errors.Is(err, flows.ErrSecretRejected) {
		t.Errorf("with a revoked token: %v", err)
	}
}
