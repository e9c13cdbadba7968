package slackfake

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// maxText is where Slack cuts a message's text off.
const maxText = 40_000

// readContent reads and judges the text and blocks of a call. Called with the
// lock held.
func (ws *Workspace) readContent(a args) (content, *apiError) {
	c := content{text: a.str("text"), threadTS: a.str("thread_ts")}
	if utf8.RuneCountInString(c.text) > maxText {
		return c, wrong("msg_too_long", "text has %d characters, the limit is %d", utf8.RuneCountInString(c.text), maxText)
	}
	v, err := a.value("blocks")
	if err != nil {
		return c, wrong("invalid_blocks_format", "blocks: %v", err)
	}
	if v != nil {
		var ok bool
		if c.blocks, ok = v.([]any); !ok {
			return c, wrong("invalid_blocks_format", "blocks is not an array")
		}
		c.hasBlocks = true
		check := ws.newChecker(onMessage)
		check.blocks("/blocks", v)
		if e := invalid("invalid_blocks", check.problems); e != nil {
			return c, e
		}
	}
	for name, dst := range map[string]*json.RawMessage{"attachments": &c.attachments, "metadata": &c.metadata} {
		v, err := a.value(name)
		if err != nil {
			return c, wrong("invalid_"+name, "%s: %v", name, err)
		}
		if v != nil {
			*dst = encode(v)
		}
	}
	return c, nil
}

// empty says whether there is nothing to show.
func (c content) empty() bool {
	return c.text == "" && len(c.blocks) == 0 && (len(c.attachments) == 0 || string(c.attachments) == "[]")
}

// invalid makes an error of complaints, or nil of none.
func invalid(code string, found problems) *apiError {
	if len(found) == 0 {
		return nil
	}
	e := wrong(code, "%s", strings.Join(found.messages(), "; "))
	e.messages = found.messages()
	return e
}

func postMessage(c *call) (map[string]any, *apiError) {
	what, err := c.readContent(c.args)
	if err != nil {
		return nil, err
	}
	if what.empty() {
		return nil, wrong("no_text", "neither text nor blocks nor attachments")
	}
	ch, err := c.postTarget(c.args.str("channel"))
	if err != nil {
		return nil, err
	}
	m := c.newMessage(ch.ID, what)
	c.post(m)
	return map[string]any{"channel": ch.ID, "ts": m.TS, "message": c.messageJSON(m)}, nil
}

// postTarget finds where a message goes: a channel by id or name, or a person,
// whose direct message with the app is opened. Called with the lock held.
func (ws *Workspace) postTarget(ref string) (*Channel, *apiError) {
	if ref == "" {
		return nil, wrong("channel_not_found", "no channel given")
	}
	if u := ws.people.users[ref]; u != nil {
		if u.Deleted || u.ID == ws.opt.BotUserID {
			return nil, fails("channel_not_found")
		}
		if u.IsBot {
			return nil, fails("cannot_dm_bot")
		}
		return ws.openDM(u.ID), nil
	}
	ch := ws.channelByRef(ref)
	switch member := ch != nil && ch.isMember(ws.opt.BotUserID); {
	case ch == nil || ch.IsPrivate && !member:
		return nil, fails("channel_not_found")
	case ch.IsArchived:
		return nil, fails("is_archived")
	case !member && !ws.tokens[ws.opt.BotToken].has("chat:write.public"):
		return nil, fails("not_in_channel")
	}
	return ch, nil
}

// channelByRef finds a channel by id, or by name with or without #. Called with
// the lock held.
func (ws *Workspace) channelByRef(ref string) *Channel {
	if ch := ws.people.channels[ref]; ch != nil {
		return ch
	}
	name := strings.TrimPrefix(ref, "#")
	for _, id := range ws.people.channelOrder {
		if ch := ws.people.channels[id]; name != "" && ch.Name == name && !ch.IsIM {
			return ch
		}
	}
	return nil
}

// ownMessage finds a message the app may change. Called with the lock held.
func (c *call) ownMessage(notMine string) (*Message, *apiError) {
	ch := c.people.channels[c.args.str("channel")]
	if ch == nil {
		return nil, fails("channel_not_found")
	}
	m := c.find(ch.ID, c.args.str("ts"), "")
	switch {
	case m == nil:
		return nil, fails("message_not_found")
	case m.User != c.opt.BotUserID:
		return nil, wrong(notMine, "message %s in %s was written by %s", m.TS, ch.ID, m.User)
	case ch.IsArchived:
		return nil, fails("is_archived")
	}
	return m, nil
}

func updateMessage(c *call) (map[string]any, *apiError) {
	what, err := c.readContent(c.args)
	if err != nil {
		return nil, err
	}
	m, err := c.ownMessage("cant_update_message")
	if err != nil {
		return nil, err
	}
	if what.empty() && !what.hasBlocks {
		return nil, wrong("no_text", "neither text nor blocks nor attachments")
	}
	if !c.args.has("text") {
		what.text = m.Text // blocks alone leave the text; text alone drops the blocks
	}
	c.edit(m, what)
	return map[string]any{"channel": m.Channel, "ts": m.TS, "text": m.Text, "message": c.messageJSON(m)}, nil
}

func deleteMessage(c *call) (map[string]any, *apiError) {
	m, err := c.ownMessage("cant_delete_message")
	if err != nil {
		return nil, err
	}
	c.remove(m)
	return map[string]any{"channel": m.Channel, "ts": m.TS}, nil
}

func postEphemeral(c *call) (map[string]any, *apiError) {
	what, err := c.readContent(c.args)
	if err != nil {
		return nil, err
	}
	if what.empty() {
		return nil, wrong("no_text", "neither text nor blocks nor attachments")
	}
	ch := c.channelByRef(c.args.str("channel"))
	if u := c.people.users[c.args.str("channel")]; u != nil && u.ID == c.args.str("user") {
		ch = c.openDM(u.ID)
	}
	switch {
	case ch == nil:
		return nil, fails("channel_not_found")
	case ch.IsArchived:
		return nil, fails("is_archived")
	case !ch.isMember(c.opt.BotUserID):
		return nil, fails("not_in_channel")
	case !ch.isMember(c.args.str("user")):
		return nil, fails("user_not_in_channel")
	}
	m := c.newMessage(ch.ID, what)
	c.whisper(m, c.args.str("user"))
	return map[string]any{"message_ts": m.TS}, nil
}

func getPermalink(c *call) (map[string]any, *apiError) {
	ch := c.people.channels[c.args.str("channel")]
	if ch == nil {
		return nil, fails("channel_not_found")
	}
	m := c.find(ch.ID, c.args.str("message_ts"), "")
	if m == nil {
		return nil, fails("message_not_found")
	}
	link := "https://" + c.opt.TeamDomain + ".slack.com/archives/" + ch.ID + "/p" + strings.ReplaceAll(m.TS, ".", "")
	return map[string]any{"channel": ch.ID, "permalink": link}, nil
}
