package slackfake

// newMethods is every Web API method there is, with its rate limit and scopes,
// on one page. Anything else is unknown_method.
func newMethods() map[string]method {
	return map[string]method{
		"api.test":              {perMinute: tierSpecial, open: true, run: apiTest},
		"auth.test":             {perMinute: tierSpecial, run: authTest},
		"apps.connections.open": {perMinute: tier1, kind: AppToken, run: connectionsOpen},

		"chat.postMessage":   {perMinute: tierPost, scopes: []string{"chat:write"}, run: postMessage},
		"chat.update":        {perMinute: tier3, scopes: []string{"chat:write"}, run: updateMessage},
		"chat.delete":        {perMinute: tier3, scopes: []string{"chat:write"}, run: deleteMessage},
		"chat.postEphemeral": {perMinute: tier4, scopes: []string{"chat:write"}, run: postEphemeral},
		"chat.getPermalink":  {perMinute: tierSpecial, run: getPermalink},

		"views.open":    {perMinute: tier4, run: viewsOpen},
		"views.push":    {perMinute: tier4, run: viewsPush},
		"views.update":  {perMinute: tier4, run: viewsUpdate},
		"views.publish": {perMinute: tier4, run: viewsPublish},

		"conversations.history": {perMinute: tier3, run: conversationsHistory},
		"conversations.open":    {perMinute: tier3, run: conversationsOpen},
		"conversations.info":    {perMinute: tier3, run: conversationsInfo},
		"conversations.list":    {perMinute: tier2, run: conversationsList},
		"conversations.members": {perMinute: tier4, run: conversationsMembers},

		"users.info":          {perMinute: tier4, scopes: []string{"users:read"}, run: usersInfo},
		"users.list":          {perMinute: tier2, scopes: []string{"users:read"}, run: usersList},
		"users.lookupByEmail": {perMinute: tier3, scopes: []string{"users:read.email"}, run: usersLookupByEmail},

		"usergroups.list":       {perMinute: tier2, scopes: []string{"usergroups:read"}, run: usergroupsList},
		"usergroups.users.list": {perMinute: tier2, scopes: []string{"usergroups:read"}, run: usergroupsUsersList},
	}
}

// apiTest echoes what it was sent, or fails as it was told.
func apiTest(c *call) (map[string]any, *apiError) {
	echo := map[string]any{}
	for k := range c.args.form {
		if k != "token" {
			echo[k] = c.args.form.Get(k)
		}
	}
	for k, v := range c.args.json {
		echo[k] = v
	}
	if code := c.args.str("error"); code != "" {
		return nil, &apiError{code: code, extra: map[string]any{"args": echo}}
	}
	return map[string]any{"args": echo}, nil
}

func authTest(c *call) (map[string]any, *apiError) {
	out := map[string]any{
		"url":  "https://" + c.opt.TeamDomain + ".slack.com/",
		"team": c.opt.TeamDomain, "team_id": c.opt.TeamID, "user": c.opt.BotName, "user_id": c.opt.BotUserID,
		"bot_id": c.opt.BotID, "is_enterprise_install": false,
	}
	if c.opt.EnterpriseID != "" {
		out["enterprise_id"] = c.opt.EnterpriseID
	}
	if c.token.Kind == AppToken {
		return map[string]any{"app_name": c.opt.BotName, "app_id": c.opt.AppID}, nil
	}
	return out, nil
}

// connectionsOpen would start Socket Mode, which this workspace does not have.
func connectionsOpen(c *call) (map[string]any, *apiError) {
	if !c.token.has("connections:write") {
		return nil, c.token.permit(method{scopes: []string{"connections:write"}})
	}
	return nil, fails("not_enabled")
}
