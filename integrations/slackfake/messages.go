package slackfake

import (
	"encoding/json"
	"slices"
)

// Message is a message as it is shown now. Blocks is Slack's JSON array.
type Message struct {
	Channel     string          `json:"channel"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts,omitempty"`
	User        string          `json:"user"` // who wrote it: the app's bot user, or a person
	BotID       string          `json:"bot_id,omitempty"`
	Text        string          `json:"text"`
	Blocks      json.RawMessage `json:"blocks,omitempty"`
	Attachments json.RawMessage `json:"attachments,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	// EphemeralFor is the only person who sees it; empty for a real message.
	EphemeralFor string `json:"ephemeral_for,omitempty"`
	// EditedTS is when it was last changed; Edits holds what it was before,
	// oldest first.
	EditedTS string     `json:"edited_ts,omitempty"`
	Edits    []Revision `json:"edits,omitempty"`

	blocks  []any                     // decoded, with ids filled in; never changed in place
	state   map[string]map[string]any // what people chose in it
	offered map[string][]any          // options that external selects offered
}

// Revision is what a message was until it was edited at TS.
type Revision struct {
	TS     string          `json:"ts"`
	Text   string          `json:"text"`
	Blocks json.RawMessage `json:"blocks,omitempty"`
}

// maxEdits is how many earlier forms of a message are kept.
const maxEdits = 100

// messages holds conversations in the order they were written.
type messages struct {
	byChannel map[string][]*Message
	ephemeral map[string][]*Message // by person
	byTS      map[string]*Message   // all of them: a ts is unique here
}

func newMessages() messages {
	return messages{
		byChannel: map[string][]*Message{}, ephemeral: map[string][]*Message{}, byTS: map[string]*Message{},
	}
}

// content is what an app sends to be shown in a message.
type content struct {
	text        string
	blocks      []any
	hasBlocks   bool
	attachments json.RawMessage
	metadata    json.RawMessage
	threadTS    string
}

// newMessage makes a message written by the app. Called with the lock held.
func (ws *Workspace) newMessage(channel string, c content) *Message {
	m := &Message{
		Channel: channel, TS: ws.newTS(), User: ws.opt.BotUserID, BotID: ws.opt.BotID,
		ThreadTS: c.threadTS, Attachments: c.attachments, Metadata: c.metadata,
	}
	ws.setContent(m, c)
	return m
}

// setContent replaces text and blocks. Called with the lock held.
func (ws *Workspace) setContent(m *Message, c content) {
	m.Text, m.blocks, m.Blocks = c.text, nil, nil
	if len(c.blocks) > 0 {
		ws.fillBlocks(c.blocks)
		m.blocks, m.Blocks = c.blocks, encode(c.blocks)
	}
	m.state = initialState(m.blocks, m.state)
}

// post adds a message to its channel. Called with the lock held.
func (ws *Workspace) post(m *Message) {
	ws.messages.byChannel[m.Channel] = append(ws.messages.byChannel[m.Channel], m)
	ws.messages.byTS[m.TS] = m
	ws.touch()
}

// whisper shows a message to one person only. Called with the lock held.
func (ws *Workspace) whisper(m *Message, user string) {
	m.EphemeralFor = user
	ws.messages.ephemeral[user] = append(ws.messages.ephemeral[user], m)
	ws.messages.byTS[m.TS] = m
	ws.touch()
}

// edit replaces a message's content and keeps the old one. Called with the
// lock held.
func (ws *Workspace) edit(m *Message, c content) {
	m.EditedTS = ws.newTS()
	kept := m.Edits[max(0, len(m.Edits)-maxEdits+1):]
	m.Edits = append(slices.Clone(kept), Revision{TS: m.EditedTS, Text: m.Text, Blocks: m.Blocks})
	if c.metadata != nil {
		m.Metadata = c.metadata
	}
	if c.attachments != nil {
		m.Attachments = c.attachments
	}
	ws.setContent(m, c)
	ws.touch()
}

// remove takes a message away. Called with the lock held.
func (ws *Workspace) remove(m *Message) {
	same := func(x *Message) bool { return x == m }
	delete(ws.messages.byTS, m.TS)
	if m.EphemeralFor != "" {
		ws.messages.ephemeral[m.EphemeralFor] = slices.DeleteFunc(ws.messages.ephemeral[m.EphemeralFor], same)
	} else {
		ws.messages.byChannel[m.Channel] = slices.DeleteFunc(ws.messages.byChannel[m.Channel], same)
	}
	ws.touch()
}

// find looks a message up, those only user can see included. Called with the
// lock held.
func (ws *Workspace) find(channel, ts, user string) *Message {
	m := ws.messages.byTS[ts]
	if m == nil || m.Channel != channel || m.EphemeralFor != "" && m.EphemeralFor != user {
		return nil
	}
	return m
}

// Messages lists a channel's messages as they are shown now, oldest first,
// without ephemeral ones. The channel is an id or a name.
func (ws *Workspace) Messages(channel string) []Message {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if c := ws.channelByRef(channel); c != nil {
		channel = c.ID
	}
	return copyMessages(ws.messages.byChannel[channel])
}

// Message returns one message as it is shown now.
func (ws *Workspace) Message(channel, ts string) (Message, bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if m := ws.find(channel, ts, ""); m != nil {
		return *m, true
	}
	return Message{}, false
}

func copyMessages(list []*Message) []Message {
	out := make([]Message, len(list))
	for i, m := range list {
		out[i] = *m
	}
	return out
}

// messageJSON writes a message in Slack's shape. Called with the lock held.
func (ws *Workspace) messageJSON(m *Message) map[string]any {
	out := map[string]any{
		"type": "message", "user": m.User, "ts": m.TS, "text": m.Text, "team": ws.opt.TeamID,
	}
	if m.BotID != "" {
		out["bot_id"], out["app_id"] = m.BotID, ws.opt.AppID
		out["bot_profile"] = map[string]any{
			"id": m.BotID, "app_id": ws.opt.AppID, "user_id": m.User, "name": ws.opt.BotName,
			"icons": map[string]any{}, "deleted": false, "updated": 0, "team_id": ws.opt.TeamID,
		}
	}
	for key, raw := range map[string]json.RawMessage{
		"blocks": m.Blocks, "attachments": m.Attachments, "metadata": m.Metadata,
	} {
		if raw != nil {
			out[key] = raw
		}
	}
	if m.ThreadTS != "" {
		out["thread_ts"] = m.ThreadTS
	}
	if m.EditedTS != "" {
		out["edited"] = map[string]any{"user": m.User, "ts": m.EditedTS}
	}
	if m.EphemeralFor != "" {
		out["is_ephemeral"] = true
	}
	return out
}
