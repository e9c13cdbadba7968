package slackfake_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"breakglass/integrations/slackfake"
)

// wantCode fails unless err is the Slack error code.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e slack.SlackErrorResponse
	if !errors.As(err, &e) || e.Err != code {
		t.Errorf("error = %v, want %s", err, code)
	}
}

func TestAuthTest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, err := b.api.AuthTestContext(t.Context())
	noError(t, err)
	if got.UserID != b.Bot() || got.BotID == "" || got.TeamID != b.Config().TeamID {
		t.Errorf("auth.test = %+v", got)
	}
	if scopes := got.Header.Get("X-OAuth-Scopes"); !strings.Contains(scopes, "chat:write") {
		t.Errorf("X-OAuth-Scopes = %q", scopes)
	}
	_, err = client(b.Workspace, "xoxb-other").AuthTestContext(t.Context())
	wantCode(t, err, "invalid_auth")
	_, err = client(b.Workspace, "").AuthTestContext(t.Context())
	wantCode(t, err, "not_authed")
	b.RevokeToken(b.Config().BotToken)
	_, err = b.api.AuthTestContext(t.Context())
	wantCode(t, err, "token_revoked")
}

// TestTokenTransport shows the ways a token may come, and the one it may not.
func TestTokenTransport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.Config().BotToken
	send := func(contentType, body, auth string) obj {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL()+"/api/auth.test", strings.NewReader(body))
		noError(t, err)
		req.Header.Set("Content-Type", contentType)
		if auth != "" {
			req.Header.Set("Authorization", "Bearer "+auth)
		}
		return do(t, req)
	}
	form := "application/x-www-form-urlencoded"
	for _, c := range []struct{ name, contentType, body, auth, want string }{
		{"form field", form, "token=" + token, "", ""},
		{"bearer with form", form, "a=b", token, ""},
		{"bearer with JSON", "application/json; charset=utf-8", "{}", token, ""},
		{"token in JSON", "application/json; charset=utf-8", `{"token":"` + token + `"}`, "", "not_authed"},
		{"broken JSON", "application/json", `{`, token, "invalid_json"},
		{"JSON array", "application/json", `[]`, token, "json_not_object"},
		{"XML", "application/xml", `<a/>`, token, "invalid_post_type"},
		{"broken form", form, "a=%zz", token, "invalid_form_data"},
	} {
		out := send(c.contentType, c.body, c.auth)
		if code, _ := out["error"].(string); code != c.want {
			t.Errorf("%s: error %q, want %q", c.name, code, c.want)
		}
	}
	if out := send(form, "", ""); out["error"] != "not_authed" {
		t.Errorf("no token at all: %v", out)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL()+"/api/auth.test?token="+token, nil)
	noError(t, err)
	if out := do(t, req); out["error"] != "not_authed" {
		t.Errorf("a token in the address: %v", out)
	}
	if out := send("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n"+token+"\r\n--x--\r\n", ""); out["ok"] != true {
		t.Errorf("multipart: %v", out)
	}
	if out := send("application/json", "{}", token); out["warning"] != "missing_charset" {
		t.Errorf("JSON without charset: %v", out)
	}
	for _, e := range b.Ledger() {
		if strings.Contains(e.RequestBody, token) || strings.Contains(e.RequestHeader.Get("Authorization"), token) {
			t.Errorf("exchange %d keeps the token", e.Seq)
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.SetToken("xoxb-poor", slackfake.Token{Kind: slackfake.BotToken, Scopes: []string{"commands", "users:read"}})
	poor := client(b.Workspace, "xoxb-poor")
	ctx := t.Context()
	_, _, err := poor.PostMessageContext(ctx, "C0PROD", slack.MsgOptionText("x", false))
	wantCode(t, err, "missing_scope")
	var e slack.SlackErrorResponse
	if errors.As(err, &e); e.Needed != "chat:write" || e.Provided != "commands,users:read" {
		t.Errorf("needed %q, provided %q", e.Needed, e.Provided)
	}
	for method, f := range map[string]func() error{
		"usergroups.list":     func() error { _, err := poor.GetUserGroupsContext(ctx); return err },
		"users.lookupByEmail": func() error { _, err := poor.GetUserByEmailContext(ctx, "dana@acme.example"); return err },
		"conversations.info": func() error {
			_, err := poor.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: "C0PROD"})
			return err
		},
		"conversations.open": func() error {
			_, _, _, err := poor.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{"U0DANA"}})
			return err
		},
	} {
		t.Run(method, func(t *testing.T) { wantCode(t, f(), "missing_scope") })
	}
	u, err := poor.GetUserInfoContext(ctx, "U0DANA")
	noError(t, err)
	if u.Profile.Email != "" {
		t.Errorf("e-mail %q shown without users:read.email", u.Profile.Email)
	}
}

func TestUnknownMethod(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if out := b.call(t, "conversations.replies", obj{"channel": "C0PROD"}); out["error"] != "unknown_method" || out["req_method"] != "conversations.replies" {
		t.Errorf("answer = %v", out)
	}
	if v := b.Violations(); len(v) != 1 || v[0].Code != "unknown_method" {
		t.Errorf("violations = %v", v)
	}
}

func TestAPITestEchoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if out := b.call(t, "api.test", obj{"foo": "bar"}); out["args"].(obj)["foo"] != "bar" {
		t.Errorf("answer = %v", out)
	}
	if out := b.call(t, "api.test", obj{"error": "my_error"}); out["error"] != "my_error" {
		t.Errorf("answer = %v", out)
	}
}

func TestSocketModeIsOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	api := slack.New("x", slack.OptionAppLevelToken(b.Config().AppToken), slack.OptionAPIURL(b.URL()+"/api/"))
	_, _, err := api.StartSocketModeContext(t.Context())
	wantCode(t, err, "not_enabled")
	_, err2 := http.PostForm(b.URL()+"/api/apps.connections.open", url.Values{"token": {b.Config().BotToken}})
	noError(t, err2)
	if calls := b.Calls("apps.connections.open"); calls[len(calls)-1].Error != "not_allowed_token_type" {
		t.Errorf("with a bot token: %+v", calls[len(calls)-1])
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	full := slackfake.User{
		ID: "U0GUEST", TeamID: "T0OTHER", Name: "guest", RealName: "A Guest", Email: "guest@x.example", TZ: "America/New_York",
		IsRestricted: true, IsUltraRestricted: true, IsStranger: true, IsInvitedUser: true, IsWorkflowBot: true,
		IsConnectorBot: true, IsAppUser: true, EmailUnconfirmed: true, EnterpriseUserID: "W0GUEST",
	}
	b.AddUser(full)
	got, err := b.api.GetUserInfoContext(ctx, "U0GUEST")
	noError(t, err)
	if !got.IsRestricted || !got.IsUltraRestricted || !got.IsStranger || !got.IsInvitedUser || !got.IsWorkflowBot ||
		!got.IsConnectorBot || !got.IsAppUser || got.IsEmailConfirmed || got.TeamID != "T0OTHER" ||
		got.Enterprise.ID != "W0GUEST" || got.TZ != "America/New_York" || got.TZOffset != -5*3600 {
		t.Errorf("users.info = %+v", got)
	}
	gone, err := b.api.GetUserInfoContext(ctx, "U0GONE")
	noError(t, err)
	if !gone.Deleted {
		t.Errorf("a deactivated person: %+v", gone)
	}
	_, err = b.api.GetUserInfoContext(ctx, "U0NOBODY")
	wantCode(t, err, "user_not_found")
	found, err := b.api.GetUserByEmailContext(ctx, "DANA@acme.example")
	noError(t, err)
	if found.ID != "U0DANA" {
		t.Errorf("lookupByEmail = %s", found.ID)
	}
	_, err = b.api.GetUserByEmailContext(ctx, "gone@acme.example")
	wantCode(t, err, "users_not_found")
	bot, err := b.api.GetUserInfoContext(ctx, b.Bot())
	noError(t, err)
	if !bot.IsBot || bot.Profile.BotID != b.Config().BotID {
		t.Errorf("the bot = %+v", bot)
	}
	all, err := b.api.GetUsersContext(ctx, slack.GetUsersOptionLimit(2))
	noError(t, err)
	if len(all) != 5 {
		t.Errorf("users.list in pages of 2 gave %d people, want 5", len(all))
	}
	if out := b.call(t, "users.list", obj{"cursor": "bm9wZQ=="}); out["error"] != "invalid_cursor" {
		t.Errorf("made-up cursor: %v", out)
	}
}

func TestUserGroups(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	b.AddUserGroup(slackfake.UserGroup{ID: "S0SRE", Name: "SRE", Handle: "sre", Users: []string{"U0DANA", "U0GONE"}})
	b.AddUserGroup(slackfake.UserGroup{ID: "S0OLD", Name: "Old", Handle: "old", Disabled: true})
	groups, err := b.api.GetUserGroupsContext(ctx, slack.GetUserGroupsOptionIncludeUsers(true))
	noError(t, err)
	if len(groups) != 1 || groups[0].Handle != "sre" || len(groups[0].Users) != 2 {
		t.Errorf("usergroups.list = %+v", groups)
	}
	all, err := b.api.GetUserGroupsContext(ctx, slack.GetUserGroupsOptionIncludeDisabled(true))
	noError(t, err)
	if len(all) != 2 || all[1].DateDelete == 0 {
		t.Errorf("with disabled ones: %+v", all)
	}
	members, err := b.api.GetUserGroupMembersContext(ctx, "S0SRE")
	noError(t, err)
	if diff := cmp.Diff([]string{"U0DANA"}, members); diff != "" {
		t.Errorf("members without the deactivated (-want +got):\n%s", diff)
	}
	_, err = b.api.GetUserGroupMembersContext(ctx, "S0OLD")
	wantCode(t, err, "no_such_subteam")
}

func TestConversations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	b.AddChannel(slackfake.Channel{ID: "C0EXT", Name: "shared", IsExtShared: true, Members: []string{b.Bot()}})
	b.AddChannel(slackfake.Channel{ID: "C0SECRET", Name: "secret", IsPrivate: true, Members: []string{"U0DANA"}})
	info := func(id string) (*slack.Channel, error) {
		return b.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id, IncludeNumMembers: true})
	}
	ext, err := info("C0EXT")
	noError(t, err)
	if !ext.IsExtShared || !ext.IsMember || ext.Name != "shared" {
		t.Errorf("conversations.info = %+v", ext)
	}
	_, err = info("C0SECRET")
	wantCode(t, err, "channel_not_found")

	dm, _, _, err := b.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{"U0DANA"}})
	noError(t, err)
	im, err := info(dm.ID)
	noError(t, err)
	if !im.IsIM || im.User != "U0DANA" {
		t.Errorf("the DM = %+v", im)
	}
	for users, code := range map[string]string{
		"U0NOBODY": "user_not_found", "U0GONE": "user_disabled", b.Bot(): "cannot_dm_bot",
		"U1,U2,U3,U4,U5,U6,U7,U8,U9": "too_many_users", "U0DANA,U0SAM": "missing_scope", // mpim:write was not granted
	} {
		_, _, _, err := b.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: strings.Split(users, ",")})
		wantCode(t, err, code)
	}
	list, _, err := b.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: []string{"public_channel", "private_channel"}})
	noError(t, err)
	if len(list) != 2 {
		t.Errorf("conversations.list = %+v, want the two public channels", list)
	}
	b.AddChannel(slackfake.Channel{ID: "C0OLD", Name: "old", IsArchived: true})
	for exclude, want := range map[bool]int{false: 3, true: 2} {
		list, _, err := b.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{ExcludeArchived: exclude})
		noError(t, err)
		if len(list) != want {
			t.Errorf("exclude_archived %v: %d channels, want %d", exclude, len(list), want)
		}
	}
	if out := b.call(t, "conversations.list", obj{"types": "dm"}); out["error"] != "invalid_types" {
		t.Errorf("unknown type: %v", out)
	}
	members, _, err := b.api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: "C0PROD"})
	noError(t, err)
	if len(members) != 3 {
		t.Errorf("members = %v", members)
	}
}

func TestPostMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	b.AddChannel(slackfake.Channel{ID: "C0OUT", Name: "outside", Members: []string{"U0DANA"}})
	b.AddChannel(slackfake.Channel{ID: "C0HIDDEN", Name: "hidden", IsPrivate: true, Members: []string{"U0DANA"}})
	b.AddChannel(slackfake.Channel{ID: "C0OLD", Name: "old", IsArchived: true, Members: []string{b.Bot()}})
	post := func(to string) (string, string, error) {
		return b.api.PostMessageContext(ctx, to, slack.MsgOptionText("hello", false))
	}
	for to, code := range map[string]string{
		"C0NONE": "channel_not_found", "C0OUT": "not_in_channel", "C0HIDDEN": "channel_not_found",
		"C0OLD": "is_archived", "U0GONE": "channel_not_found", "#nowhere": "channel_not_found",
	} {
		_, _, err := post(to)
		wantCode(t, err, code)
	}
	id, first, err := post("#prod-access")
	noError(t, err)
	_, second, err := post("C0PROD")
	noError(t, err)
	if id != "C0PROD" || first >= second {
		t.Errorf("channel %s, ts %s then %s on a clock that stands still", id, first, second)
	}
	dm, _, err := post("U0DANA")
	noError(t, err)
	if dm != "D0DANA" {
		t.Errorf("posting to a person answered channel %s", dm)
	}
	if out := b.call(t, "chat.postMessage", obj{"channel": "C0PROD"}); out["error"] != "no_text" {
		t.Errorf("an empty message: %v", out)
	}
	if out := b.call(t, "chat.postMessage", obj{"channel": "C0PROD", "blocks": "{"}); out["error"] != "invalid_blocks_format" {
		t.Errorf("broken blocks: %v", out)
	}
	link, err := b.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: "C0PROD", Ts: first})
	noError(t, err)
	if want := "/archives/C0PROD/p" + strings.ReplaceAll(first, ".", ""); !strings.HasSuffix(link, want) {
		t.Errorf("permalink = %s, want …%s", link, want)
	}
}

func TestUpdateMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	said, err := b.User("U0DANA").Say("C0PROD", "mine")
	noError(t, err)
	_, _, _, err = b.api.UpdateMessageContext(ctx, "C0PROD", said.TS, slack.MsgOptionText("no", false))
	wantCode(t, err, "cant_update_message")
	_, _, _, err = b.api.UpdateMessageContext(ctx, "C0PROD", "1.000000", slack.MsgOptionText("no", false))
	wantCode(t, err, "message_not_found")

	_, ts, err := b.api.PostMessageContext(ctx, "C0PROD", slack.MsgOptionText("card", false), approveCard("card"))
	noError(t, err)
	out := b.call(t, "chat.update", obj{"channel": "C0PROD", "ts": ts, "blocks": arr{section("other")}})
	if out["ok"] != true || out["text"] != "card" {
		t.Errorf("blocks alone: %v", out)
	}
	b.call(t, "chat.update", obj{"channel": "C0PROD", "ts": ts, "text": "text alone"})
	m, _ := b.Message("C0PROD", ts)
	if m.Text != "text alone" || m.Blocks != nil {
		t.Errorf("text alone leaves %q and blocks %s; Slack drops them", m.Text, m.Blocks)
	}
	if len(m.Edits) != 2 || m.Edits[0].Text != "card" || m.EditedTS == "" {
		t.Errorf("edits = %+v", m.Edits)
	}
	_, _, err = b.api.DeleteMessageContext(ctx, "C0PROD", ts)
	noError(t, err)
	_, _, err = b.api.DeleteMessageContext(ctx, "C0PROD", said.TS)
	wantCode(t, err, "cant_delete_message")
	if left := b.Messages("C0PROD"); len(left) != 1 {
		t.Errorf("messages left: %+v", left)
	}
}

func TestPostEphemeral(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	ts, err := b.api.PostEphemeralContext(ctx, "C0PROD", "U0DANA", slack.MsgOptionText("psst", false))
	noError(t, err)
	if got := b.User("U0DANA").Ephemerals(); len(got) != 1 || got[0].TS != ts {
		t.Errorf("ephemerals = %+v", got)
	}
	if len(b.Messages("C0PROD")) != 0 || len(b.User("U0SAM").Ephemerals()) != 0 {
		t.Error("others see it too")
	}
	_, err = b.api.PostEphemeralContext(ctx, "C0PROD", "U0GONE", slack.MsgOptionText("psst", false))
	wantCode(t, err, "user_not_in_channel")
	b.AddChannel(slackfake.Channel{ID: "C0OUT", Name: "outside", Members: []string{"U0DANA"}})
	b.AddChannel(slackfake.Channel{ID: "C0OLD", Name: "old", IsArchived: true, Members: []string{"U0DANA", b.Bot()}})
	for channel, code := range map[string]string{"C0OUT": "not_in_channel", "C0OLD": "is_archived", "C0NONE": "channel_not_found"} {
		_, err = b.api.PostEphemeralContext(ctx, channel, "U0DANA", slack.MsgOptionText("psst", false))
		wantCode(t, err, code)
	}
	_, _, _, err = b.api.UpdateMessageContext(ctx, "C0PROD", ts, slack.MsgOptionText("no", false))
	wantCode(t, err, "message_not_found")
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *slackfake.Options) { o.RateLimits = slackfake.RateLimits{PostBurst: 3} })
	ctx := t.Context()
	post := func(to string) error {
		_, _, err := b.api.PostMessageContext(ctx, to, slack.MsgOptionText("x", false))
		return err
	}
	for range 3 {
		noError(t, post("C0PROD"))
	}
	var limited *slack.RateLimitedError
	if err := post("C0PROD"); !errors.As(err, &limited) || limited.RetryAfter != time.Second {
		t.Fatalf("the fourth message at once: %v", err)
	}
	noError(t, post("U0DANA")) // other channels have their own limit
	b.clock.Advance(time.Second)
	noError(t, post("C0PROD"))

	list := func() error { _, err := b.api.GetUserGroupsContext(ctx); return err }
	for range 20 {
		noError(t, list())
	}
	if err := list(); !errors.As(err, &limited) || limited.RetryAfter != 3*time.Second {
		t.Fatalf("call 21 of tier 2: %v", err)
	}
	b.clock.Advance(time.Second)
	if err := list(); !errors.As(err, &limited) || limited.RetryAfter != 2*time.Second {
		t.Fatalf("a second later: %v", err)
	}
	b.clock.Advance(2 * time.Second)
	noError(t, list())
	b.SetRateLimits(slackfake.RateLimits{PerMinute: map[string]int{"usergroups.list": 1}})
	noError(t, list())
	if err := list(); !errors.As(err, &limited) {
		t.Errorf("a limit of 1 let 2 through: %v", err)
	}
	b.SetRateLimits(slackfake.RateLimits{Off: true})
	for range 5 {
		noError(t, list())
	}
	b.noViolations(t)
}
