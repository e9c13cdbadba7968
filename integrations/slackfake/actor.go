package slackfake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Actor is a person who does things in the workspace. What the app answers is
// applied before a method returns. An error is either that a person could not
// do this (no such button, not in the channel) or a *DeliveryError: the app
// failed, and the person was told.
type Actor struct {
	ws      *Workspace
	id      string
	channel string
}

// Outcome is what came of an action.
type Outcome struct {
	// Exchange is the delivery to the app; its Seq is 0 when the action sent
	// none.
	Exchange Exchange `json:"exchange"`
	// Confirm is the dialog that was confirmed on the way, if there was one.
	Confirm *Confirm `json:"confirm,omitempty"`
}

// Confirm is a confirmation dialog as a person sees it.
type Confirm struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Yes   string `json:"confirm"`
	No    string `json:"deny"`
}

// User returns a person to act as.
func (ws *Workspace) User(id string) *Actor { return &Actor{ws: ws, id: id} }

// ID is the person's user id.
func (a *Actor) ID() string { return a.id }

// In returns the same person, standing in a channel (id or name): where slash
// commands come from. Without it they come from the app's direct message.
func (a *Actor) In(channel string) *Actor { return &Actor{ws: a.ws, id: a.id, channel: channel} }

// person checks that the person can act at all. Called with the lock held.
func (a *Actor) person() (*User, error) {
	u := a.ws.people.users[a.id]
	switch {
	case u == nil:
		return nil, fmt.Errorf("slackfake: no user %q: add it first", a.id)
	case u.Deleted:
		return nil, fmt.Errorf("slackfake: %s is deactivated and cannot do anything", a.id)
	}
	return u, nil
}

// place is the channel the person stands in. Called with the lock held.
func (a *Actor) place() (*Channel, error) {
	if a.channel == "" {
		return a.ws.openDM(a.id), nil
	}
	ch := a.ws.channelByRef(a.channel)
	if ch == nil || !ch.isMember(a.id) {
		return nil, fmt.Errorf("slackfake: %s is not in channel %q", a.id, a.channel)
	}
	return ch, nil
}

// Slash types a slash command and shows what the app answers.
func (a *Actor) Slash(command, text string) (Outcome, error) {
	d, ch, err := a.slashDelivery(command, text)
	if err != nil {
		return Outcome{}, err
	}
	e, err := a.ws.deliver(d)
	a.ws.mu.Lock()
	defer a.ws.mu.Unlock()
	if err == nil {
		err = a.applySlash(ch, e)
	}
	if err != nil {
		a.ws.notify(a.id, "%s failed with the error %q", command, codeOf(err))
	}
	return Outcome{Exchange: e}, err
}

func (a *Actor) slashDelivery(command, text string) (delivery, *Channel, error) {
	ws := a.ws
	ws.mu.Lock()
	defer ws.mu.Unlock()
	u, err := a.person()
	if err != nil {
		return delivery{}, nil, err
	}
	ch, err := a.place()
	if err != nil {
		return delivery{}, nil, err
	}
	if len(ws.opt.Commands) > 0 && !slices.Contains(ws.opt.Commands, command) {
		return delivery{}, nil, fmt.Errorf("slackfake: %s is not a valid command: the app registered %v", command, ws.opt.Commands)
	}
	form := map[string]any{
		"token": verificationToken, "team_id": ws.opt.TeamID, "team_domain": ws.opt.TeamDomain,
		"channel_id": ch.ID, "channel_name": ch.shownName(), "user_id": u.ID, "user_name": u.Name,
		"command": command, "text": strings.TrimSpace(text), "api_app_id": ws.opt.AppID,
		"is_enterprise_install": "false",
		"response_url":          ws.newResponseURL("commands", u.ID, ch.ID, nil),
		"trigger_id":            ws.newTrigger(u.ID, nil),
	}
	if ws.opt.EnterpriseID != "" {
		form["enterprise_id"], form["enterprise_name"] = ws.opt.EnterpriseID, ws.opt.TeamDomain
	}
	return delivery{kind: "slash_command", url: ws.endpoints.Commands, payload: form, format: asForm}, ch, nil
}

// applySlash shows the answer to a slash command. Called with the lock held.
func (a *Actor) applySlash(ch *Channel, e Exchange) error {
	if strings.TrimSpace(e.ResponseBody) == "" {
		return nil
	}
	re := reply{Text: e.ResponseBody}
	if strings.HasPrefix(e.ResponseHeader.Get("Content-Type"), "application/json") {
		re = reply{}
		if err := json.Unmarshal([]byte(e.ResponseBody), &re); err != nil {
			return a.ws.badAnswer(e, "the answer says it is JSON and is not: %v", err)
		}
	}
	if bad := a.ws.applyReply(&responseURL{user: a.id, channel: ch.ID}, re); bad != nil {
		return a.ws.badAnswer(e, "the answer cannot be shown: %s: %s", bad.code, bad.detail)
	}
	return nil
}

// badAnswer notes an answer that Slack cannot use. Called with the lock held.
func (ws *Workspace) badAnswer(e Exchange, format string, values ...any) error {
	why := fmt.Errorf(format, values...)
	ws.violate("bad_answer", e.Kind, "%v", why)
	return &DeliveryError{Kind: e.Kind, Code: "bad_answer", Status: e.Status, cause: why}
}

// shownName is the name payloads give a channel.
func (c *Channel) shownName() string {
	switch {
	case c.IsIM:
		return "directmessage"
	case c.IsMPIM || c.IsPrivate:
		return "privategroup"
	default:
		return c.Name
	}
}

// DM lists the messages of the person's direct message with the app.
func (a *Actor) DM() []Message {
	a.ws.mu.Lock()
	id := a.ws.openDM(a.id).ID
	a.ws.mu.Unlock()
	return a.ws.Messages(id)
}

// Messages lists the messages of a channel, as Workspace.Messages does.
func (a *Actor) Messages(channel string) []Message { return a.ws.Messages(channel) }

// Ephemerals lists the messages that only this person sees, oldest first.
func (a *Actor) Ephemerals() []Message {
	a.ws.mu.Lock()
	defer a.ws.mu.Unlock()
	return copyMessages(a.ws.messages.ephemeral[a.id])
}

// OpenViews lists the person's open modals; the one in front is last.
func (a *Actor) OpenViews() []View { return a.ws.OpenViews(a.id) }

// Front returns the modal in front, if one is open.
func (a *Actor) Front() (View, bool) {
	views := a.OpenViews()
	if len(views) == 0 {
		return View{}, false
	}
	return views[len(views)-1], true
}

// Home returns the person's Home tab, if the app published one.
func (a *Actor) Home() (View, bool) { return a.ws.Home(a.id) }

// Notices lists what Slack told the person about failures of the app.
func (a *Actor) Notices() []Notice { return a.ws.Notices(a.id) }

// Say writes a message as this person and returns it. Subscribed apps that are
// in the channel get message.im, message.channels or message.groups.
func (a *Actor) Say(channel, text string) (Message, error) {
	ws := a.ws
	ws.mu.Lock()
	ch, err := a.In(channel).place()
	if _, cannot := a.person(); cannot != nil {
		err = cannot
	}
	if err != nil {
		ws.mu.Unlock()
		return Message{}, err
	}
	m := &Message{Channel: ch.ID, TS: ws.newTS(), User: a.id, Text: text}
	ws.post(m)
	said, event, heard := *m, ws.messageJSON(m), ch.isMember(ws.opt.BotUserID)
	event["channel"], event["channel_type"], event["event_ts"] = ch.ID, ch.eventType(), m.TS
	ws.mu.Unlock()
	if heard {
		ws.emitIfSubscribed(ch.subscription(), event)
	}
	return said, nil
}

// subscription is the event type an app subscribes to for messages here.
func (c *Channel) subscription() string {
	if c.IsIM || c.IsMPIM {
		return "message." + c.eventType()
	}
	return "message." + c.eventType() + "s"
}

// eventType is what events call this kind of conversation.
func (c *Channel) eventType() string {
	switch {
	case c.IsIM:
		return "im"
	case c.IsMPIM:
		return "mpim"
	case c.IsPrivate:
		return "group"
	default:
		return "channel"
	}
}
