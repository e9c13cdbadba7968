package slackfake

import (
	"fmt"
	"time"
)

// triggerLife is how long a trigger_id can be exchanged for a view.
const triggerLife = 3 * time.Second

// trigger is one trigger_id: the right to open one view, once, soon.
type trigger struct {
	user string
	view *View // where it came from, for views.push
	made time.Time
	used bool
}

// newTrigger makes a trigger_id for an interaction by user. Called with the
// lock held.
func (ws *Workspace) newTrigger(user string, from *View) string {
	now := ws.opt.Now()
	for id, t := range ws.triggers { // old ones are told apart for an hour
		if now.Sub(t.made) > time.Hour {
			delete(ws.triggers, id)
		}
	}
	id := fmt.Sprintf("%d.%d.%s", now.UnixMilli(), ws.version, ws.random(32, hexAlphabet))
	ws.triggers[id] = &trigger{user: user, view: from, made: now}
	return id
}

// takeTrigger uses a trigger_id up. Called with the lock held.
func (ws *Workspace) takeTrigger(id string) (*trigger, *apiError) {
	t := ws.triggers[id]
	switch {
	case t == nil:
		return nil, wrong("invalid_trigger_id", "the workspace never gave out trigger_id %q", id)
	case t.used:
		return nil, wrong("exchanged_trigger_id", "trigger_id %q was used before", id)
	case ws.opt.Now().Sub(t.made) > triggerLife:
		return nil, wrong("expired_trigger_id", "trigger_id came %s after the interaction; %s is the limit",
			ws.opt.Now().Sub(t.made), triggerLife)
	}
	t.used = true
	return t, nil
}
