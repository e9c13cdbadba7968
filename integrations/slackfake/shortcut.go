package slackfake

// Shortcut runs a global shortcut of the app.
func (a *Actor) Shortcut(callbackID string) (Outcome, error) {
	ws := a.ws
	ws.mu.Lock()
	u, err := a.person()
	if err != nil {
		ws.mu.Unlock()
		return Outcome{}, err
	}
	p := ws.interaction("shortcut", u)
	p["callback_id"], p["action_ts"], p["trigger_id"] = callbackID, ws.newTS(), ws.newTrigger(a.id, nil)
	d := delivery{kind: "shortcut", url: ws.endpoints.Interactions, payload: p, format: asPayload}
	ws.mu.Unlock()
	e, err := a.dispatch(d)
	return Outcome{Exchange: e}, err
}

// MessageShortcut runs a shortcut of the app on a message.
func (a *Actor) MessageShortcut(callbackID string, m Message) (Outcome, error) {
	ws := a.ws
	ws.mu.Lock()
	s, _, err := a.open(m)
	if err != nil {
		ws.mu.Unlock()
		return Outcome{}, err
	}
	p := ws.interaction("message_action", ws.people.users[a.id])
	ws.addSource(p, s)
	delete(p, "container")
	p["callback_id"], p["action_ts"], p["trigger_id"] = callbackID, ws.newTS(), ws.newTrigger(a.id, nil)
	p["message_ts"] = m.TS
	p["response_url"] = ws.newResponseURL("app", a.id, m.Channel, nil)
	d := delivery{kind: "message_action", url: ws.endpoints.Interactions, payload: p, format: asPayload}
	ws.mu.Unlock()
	e, err := a.dispatch(d)
	return Outcome{Exchange: e}, err
}

// OpenHome looks at the app's Home tab: subscribed apps get app_home_opened.
func (a *Actor) OpenHome() error {
	ws := a.ws
	ws.mu.Lock()
	if _, err := a.person(); err != nil {
		ws.mu.Unlock()
		return err
	}
	event := map[string]any{
		"type": "app_home_opened", "user": a.id, "channel": ws.openDM(a.id).ID, "tab": "home", "event_ts": ws.newTS(),
	}
	if v := ws.views.homes[a.id]; v != nil {
		event["view"] = ws.viewJSON(v)
	}
	ws.mu.Unlock()
	ws.emitIfSubscribed("app_home_opened", event)
	return nil
}
