package slackfake

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

func conversationsOpen(c *call) (map[string]any, *apiError) {
	if id := c.args.str("channel"); id != "" {
		ch := c.people.channels[id]
		if ch == nil || !ch.IsIM && !ch.IsMPIM {
			return nil, fails("channel_not_found")
		}
		return c.opened(ch), nil
	}
	users := c.args.list("users")
	slices.Sort(users)
	users = slices.Compact(users)
	switch {
	case len(users) == 0:
		return nil, wrong("users_list_not_supplied", "neither channel nor users")
	case len(users) > 8:
		return nil, wrong("too_many_users", "%d users, the limit is 8", len(users))
	}
	for _, id := range users {
		u := c.people.users[id]
		switch {
		case u == nil:
			return nil, fails("user_not_found")
		case u.Deleted:
			return nil, fails("user_disabled")
		case u.IsBot && len(users) == 1:
			return nil, fails("cannot_dm_bot")
		}
	}
	scope := "im:write"
	if len(users) > 1 {
		scope = "mpim:write"
	}
	if err := c.token.permit(method{scopes: []string{scope}}); err != nil {
		return nil, err
	}
	return c.opened(c.openDM(users...)), nil
}

// opened is the answer of conversations.open.
func (c *call) opened(ch *Channel) map[string]any {
	if c.args.boolean("return_im") {
		return map[string]any{"channel": c.channelJSON(ch)}
	}
	return map[string]any{"channel": map[string]any{"id": ch.ID}}
}

// readScope is the scope that shows a conversation.
func (c *Channel) readScope() string {
	switch {
	case c.IsIM:
		return "im:read"
	case c.IsMPIM:
		return "mpim:read"
	case c.IsPrivate:
		return "groups:read"
	default:
		return "channels:read"
	}
}

// visible finds a conversation that the app may look at. Called with the lock
// held.
func (c *call) visible() (*Channel, *apiError) {
	ch := c.people.channels[c.args.str("channel")]
	if ch == nil || (ch.IsPrivate || ch.IsIM) && !ch.isMember(c.opt.BotUserID) {
		return nil, fails("channel_not_found")
	}
	return ch, c.token.permit(method{scopes: []string{ch.readScope()}})
}

func conversationsInfo(c *call) (map[string]any, *apiError) {
	ch, err := c.visible()
	if err != nil {
		return nil, err
	}
	out := c.channelJSON(ch)
	if !c.args.boolean("include_num_members") {
		delete(out, "num_members")
	}
	return map[string]any{"channel": out}, nil
}

// conversationsHistory lists the messages of a conversation that the app is in, the
// newest first. Replies in threads are not among them.
func conversationsHistory(c *call) (map[string]any, *apiError) {
	ch := c.people.channels[c.args.str("channel")]
	if ch == nil || (ch.IsPrivate || ch.IsIM) && !ch.isMember(c.opt.BotUserID) {
		return nil, fails("channel_not_found")
	}
	if err := c.token.permit(method{scopes: []string{strings.Replace(ch.readScope(), ":read", ":history", 1)}}); err != nil {
		return nil, err
	}
	if !ch.isMember(c.opt.BotUserID) {
		return nil, fails("not_in_channel")
	}
	if c.args.number("limit", 100) > 999 {
		return nil, wrong("invalid_limit", "limit %d is above 999", c.args.number("limit", 100))
	}
	oldest, latest, inclusive := c.args.str("oldest"), c.args.str("latest"), c.args.boolean("inclusive")
	found := []any{}
	for _, m := range slices.Backward(c.messages.byChannel[ch.ID]) {
		within := (oldest == "" || m.TS > oldest) && (latest == "" || m.TS < latest)
		if within = within || inclusive && (m.TS == oldest || m.TS == latest); within && (m.ThreadTS == "" || m.ThreadTS == m.TS) {
			found = append(found, c.messageJSON(m))
		}
	}
	page, next, err := paged(c.args, found, 100)
	if err != nil {
		return nil, err
	}
	return map[string]any{"messages": page, "has_more": next != "", "pin_count": 0, "response_metadata": map[string]any{"next_cursor": next}}, nil
}

func conversationsMembers(c *call) (map[string]any, *apiError) {
	ch, err := c.visible()
	if err != nil {
		return nil, err
	}
	page, next, err := paged(c.args, slices.Clone(ch.Members), 100)
	if err != nil {
		return nil, err
	}
	return map[string]any{"members": page, "response_metadata": map[string]any{"next_cursor": next}}, nil
}

func conversationsList(c *call) (map[string]any, *apiError) {
	types := c.args.list("types")
	if len(types) == 0 {
		types = []string{"public_channel"}
	}
	scopes := map[string]string{
		"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read",
	}
	allowed := map[string]bool{}
	for _, t := range types {
		scope, ok := scopes[t]
		if !ok {
			return nil, wrong("invalid_types", "unknown conversation type %q", t)
		}
		if err := c.token.permit(method{scopes: []string{scope}}); err != nil {
			return nil, err
		}
		allowed[scope] = true
	}
	found := []any{}
	for _, id := range c.people.channelOrder {
		ch := c.people.channels[id]
		hidden := ch.readScope() != "channels:read" && !ch.isMember(c.opt.BotUserID)
		if !allowed[ch.readScope()] || hidden || ch.IsArchived && c.args.boolean("exclude_archived") {
			continue
		}
		found = append(found, c.channelJSON(ch))
	}
	page, next, err := paged(c.args, found, 100)
	if err != nil {
		return nil, err
	}
	return map[string]any{"channels": page, "response_metadata": map[string]any{"next_cursor": next}}, nil
}

// paged cuts a page out of a list by limit and cursor. A limit that is not
// given is def; def 0 is everything.
func paged[T any](a args, all []T, def int) (page []T, next string, err *apiError) {
	limit := a.number("limit", def)
	if limit < 0 || limit > 1000 {
		return nil, "", wrong("invalid_limit", "limit %d is not between 1 and 1000", limit)
	}
	from := 0
	if cursor := a.str("cursor"); cursor != "" {
		raw, bad := base64.StdEncoding.DecodeString(cursor)
		n, notNumber := strconv.Atoi(strings.TrimPrefix(string(raw), "next:"))
		if bad != nil || notNumber != nil || n < 0 || n > len(all) {
			return nil, "", wrong("invalid_cursor", "cursor %q was not given out", cursor)
		}
		from = n
	}
	to := len(all)
	if limit > 0 && from+limit < to {
		to = from + limit
		next = base64.StdEncoding.EncodeToString([]byte("next:" + strconv.Itoa(to)))
	}
	return all[from:to], next, nil
}
