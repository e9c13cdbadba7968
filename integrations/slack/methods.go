package slack

// method is what we know about one Web API method.
type method struct {
	// perMinute is Slack's limit, per method and workspace.
	perMinute int
	// need lists what an answer must have to be believed: "ts", "view.id".
	need []string
	// keep lists what slack-go gets to see of an answer, by top-level key; for a
	// key that holds an object or a list of objects, which of its fields ("profile.email": that one of an object below). Anything
	// else (blocks of views and messages above all) is cut, because slack-go fails
	// on a whole answer for one element it does not know.
	keep map[string][]string
	// shape changes an answer before it is cut down; nil: not at all.
	shape func(answer map[string]any)
	// whole says what else is missing; nil: nothing can be.
	whole func(answer map[string]any) string
}

// responseURL stands for the addresses that Slack hands out for answers.
const responseURL = "response_url"

// newMethods is every method we call, on one page. The limits are Slack's tiers
// (2: 20, 3: 50, 4: 100; "special" ones as documented or lower).
func newMethods() map[string]method {
	posted := map[string][]string{"channel": nil, "ts": nil, "message_ts": nil}
	view := map[string][]string{"view": {"id", "hash"}}
	person := []string{
		"id", "team_id", "name", "real_name", "tz", "deleted", "is_bot", "is_app_user", "is_restricted",
		"is_ultra_restricted", "is_stranger", "is_invited_user", "is_workflow_bot", "is_connector_bot",
		"is_email_confirmed", "profile.display_name", "profile.email",
		"enterprise_user.enterprise_id", "enterprise_user.teams",
	}
	channel := []string{
		"id", "name", "is_archived", "is_member", "is_private", "is_im", "is_ext_shared",
		"is_pending_ext_shared",
	}
	return map[string]method{
		"auth.test": {perMinute: 600, need: []string{"team_id", "user_id"}, keep: map[string][]string{
			"url": nil, "team": nil, "user": nil, "team_id": nil, "user_id": nil, "bot_id": nil, "enterprise_id": nil}},

		"chat.postMessage":   {perMinute: 300, need: []string{"channel", "ts"}, keep: posted},
		"chat.update":        {perMinute: 50, need: []string{"ts"}, keep: posted},
		"chat.postEphemeral": {perMinute: 100, need: []string{"message_ts"}, keep: posted},
		"chat.getPermalink":  {perMinute: 600, need: []string{"permalink"}, keep: map[string][]string{"permalink": nil}},

		"views.open":    {perMinute: 100, need: []string{"view.id"}, keep: view},
		"views.push":    {perMinute: 100, need: []string{"view.id"}, keep: view},
		"views.update":  {perMinute: 100, need: []string{"view.id"}, keep: view},
		"views.publish": {perMinute: 100, need: []string{"view.id"}, keep: view},

		"users.info": {perMinute: 100, need: []string{"user.id", "user.team_id", "user.deleted", "user.is_bot"},
			keep: map[string][]string{"user": person}, whole: wholeUser},
		"users.list": {perMinute: 20, need: []string{"members"},
			keep: map[string][]string{"members": person, "response_metadata": {"next_cursor"}}, whole: wholeUsers},
		"usergroups.list": {perMinute: 20, need: []string{"usergroups"},
			keep: map[string][]string{"usergroups": {"id", "handle", "name", "date_delete", "is_external"}}},
		"usergroups.users.list": {perMinute: 20, need: []string{"users"}, keep: map[string][]string{"users": nil}},

		"conversations.list": {perMinute: 20, need: []string{"channels"},
			keep: map[string][]string{"channels": channel, "response_metadata": {"next_cursor"}}},
		"conversations.history": {perMinute: 50, need: []string{"messages"}, shape: shown, keep: map[string][]string{
			"messages": {"ts", "text", "user", "bot_id", "edited.ts", "blocks"}, "response_metadata": {"next_cursor"}, "has_more": nil}},
		"conversations.info": {perMinute: 50, need: []string{"channel.id"}, keep: map[string][]string{"channel": channel}},
	}
}

// wholeUsers wants the same of everybody in a list.
func wholeUsers(answer map[string]any) string {
	members, ok := answer["members"].([]any)
	if !ok {
		return "members"
	}
	for _, m := range members {
		user, ok := m.(map[string]any)
		if !ok || !has(user, "id") || !has(user, "team_id") {
			return "members.id"
		}
		if missing := wholeUser(map[string]any{"user": user}); missing != "" {
			return missing
		}
	}
	return ""
}

// wholeUser wants the flags without which a guest would pass for a member. Slack
// leaves them out for people who left.
func wholeUser(answer map[string]any) string {
	user, _ := answer["user"].(map[string]any)
	if user["deleted"] == true {
		return ""
	}
	for _, flag := range []string{"is_restricted", "is_ultra_restricted"} {
		if _, said := user[flag].(bool); !said {
			return "user." + flag
		}
	}
	return ""
}
