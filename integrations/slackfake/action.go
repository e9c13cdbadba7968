package slackfake

import "fmt"

// Click presses a button of a message or view, named as Elements lists it, and
// confirms the dialog if the button has one.
func (a *Actor) Click(on Surface, key string) (Outcome, error) {
	return a.click(func() (spot, error) { return a.locate(on, key) })
}

// ClickStale presses a button as it was when m was read, although the message
// may have been changed since: what a slow client can do.
func (a *Actor) ClickStale(m Message, key string) (Outcome, error) {
	return a.click(func() (spot, error) {
		s, _, err := a.open(m)
		if err != nil {
			return s, err
		}
		return s.among(m.blocks, key)
	})
}

func (a *Actor) click(find func() (spot, error)) (Outcome, error) {
	ws := a.ws
	ws.mu.Lock()
	s, err := find()
	if err == nil && s.kind != "button" && s.kind != "workflow_button" {
		err = fmt.Errorf("slackfake: %s is a %s: use Fill", s.key(), s.kind)
	}
	if err != nil {
		ws.mu.Unlock()
		return Outcome{}, err
	}
	act := map[string]any{"text": s.el["text"]}
	for _, k := range []string{"value", "style", "confirm"} {
		if v, ok := s.el[k]; ok {
			act[k] = v
		}
	}
	d := a.blockActions(s, act)
	ws.mu.Unlock()
	out := Outcome{Confirm: confirmOf(s.el)}
	out.Exchange, err = a.dispatch(d)
	return out, err
}

// Dismiss presses a button and then says no in its confirmation dialog: the app
// hears nothing.
func (a *Actor) Dismiss(on Surface, key string) (*Confirm, error) {
	a.ws.mu.Lock()
	defer a.ws.mu.Unlock()
	s, err := a.locate(on, key)
	if err != nil {
		return nil, err
	}
	if c := confirmOf(s.el); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("slackfake: %s asks for no confirmation", s.key())
}

// confirmOf reads an element's confirmation dialog with Slack's defaults.
func confirmOf(el map[string]any) *Confirm {
	obj, ok := el["confirm"].(map[string]any)
	if !ok {
		return nil
	}
	return &Confirm{
		Title: firstOf(textOf(obj["title"]), "Are you sure?"), Text: textOf(obj["text"]),
		Yes: firstOf(textOf(obj["confirm"]), "Yes"), No: firstOf(textOf(obj["deny"]), "Cancel"),
	}
}

// blockActions makes a block_actions delivery. Called with the lock held.
func (a *Actor) blockActions(s spot, act map[string]any) delivery {
	ws := a.ws
	act["type"], act["action_id"], act["block_id"], act["action_ts"] = s.kind, s.actionID, s.blockID, ws.newTS()
	p := ws.interaction("block_actions", ws.people.users[a.id])
	ws.addSource(p, s)
	p["trigger_id"] = ws.newTrigger(a.id, s.view)
	p["actions"] = []any{act}
	if s.msg != nil {
		p["state"] = map[string]any{"values": s.state()}
		p["response_url"] = ws.newResponseURL("actions", a.id, s.msg.Channel, s.msg)
	}
	return delivery{kind: "block_actions", url: ws.endpoints.Interactions, payload: p, format: asPayload}
}

// dispatch delivers an interaction whose answer is only an acknowledgement.
func (a *Actor) dispatch(d delivery) (Exchange, error) {
	e, err := a.ws.deliver(d)
	if err != nil {
		a.ws.mu.Lock()
		a.ws.notify(a.id, "The app did not respond to %s: %s", d.kind, codeOf(err))
		a.ws.mu.Unlock()
	}
	return e, err
}

// Fill enters a value: text, a choice, a person, a date. A string chooses an
// option by its value or text (of an external select: one the app offered, it
// is asked if need be), []string several of them, nil clears the field. An
// Option is sent as it is, offered or not: what a forged client can do. The app
// hears of it at once where Slack would tell it: outside input blocks, or with
// dispatch_action.
func (a *Actor) Fill(on Surface, key string, value any) (Outcome, error) {
	if err := a.askOptions(on, key, value); err != nil {
		return Outcome{}, err
	}
	ws := a.ws
	ws.mu.Lock()
	s, err := a.locate(on, key)
	if err != nil {
		ws.mu.Unlock()
		return Outcome{}, err
	}
	act, err := ws.enter(s, value)
	if err != nil || s.block["type"] == "input" && s.block["dispatch_action"] != true {
		ws.mu.Unlock()
		return Outcome{}, err
	}
	d := a.blockActions(s, act)
	ws.mu.Unlock()
	out := Outcome{Confirm: confirmOf(s.el)}
	out.Exchange, err = a.dispatch(d)
	return out, err
}
