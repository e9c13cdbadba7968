package slackfake

import "strings"

func usersInfo(c *call) (map[string]any, *apiError) {
	u := c.people.users[c.args.str("user")]
	if u == nil {
		return nil, fails("user_not_found")
	}
	return map[string]any{"user": c.userJSON(u, c.token.has("users:read.email"))}, nil
}

func usersList(c *call) (map[string]any, *apiError) {
	page, next, err := paged(c.args, c.people.userOrder, 0)
	if err != nil {
		return nil, err
	}
	members := make([]any, len(page))
	for i, id := range page {
		members[i] = c.userJSON(c.people.users[id], c.token.has("users:read.email"))
	}
	return map[string]any{
		"members": members, "cache_ts": c.opt.Now().Unix(),
		"response_metadata": map[string]any{"next_cursor": next},
	}, nil
}

func usersLookupByEmail(c *call) (map[string]any, *apiError) {
	email := c.args.str("email")
	if email == "" {
		return nil, wrong("invalid_arguments", "no email given")
	}
	for _, id := range c.people.userOrder {
		if u := c.people.users[id]; strings.EqualFold(u.Email, email) && !u.Deleted {
			return map[string]any{"user": c.userJSON(u, true)}, nil
		}
	}
	return nil, fails("users_not_found")
}

func usergroupsList(c *call) (map[string]any, *apiError) {
	found := []any{}
	for _, id := range c.people.groupOrder {
		g := c.people.groups[id]
		if !g.Disabled || c.args.boolean("include_disabled") {
			found = append(found, c.groupJSON(g, c.args.boolean("include_users"), c.args.boolean("include_count")))
		}
	}
	return map[string]any{"usergroups": found}, nil
}

func usergroupsUsersList(c *call) (map[string]any, *apiError) {
	g := c.people.groups[c.args.str("usergroup")]
	if g == nil || g.Disabled && !c.args.boolean("include_disabled") {
		return nil, fails("no_such_subteam")
	}
	users := []string{}
	for _, id := range g.Users {
		if u := c.people.users[id]; u == nil || !u.Deleted || c.args.boolean("include_disabled") {
			users = append(users, id)
		}
	}
	return map[string]any{"users": users}, nil
}
