package slackfake

import (
	"fmt"
	"time"
)

// triggerLife is how long a trigger_id can be exchanged for a view.
const triggerLife = 3 * time.Second

// triggerMemory is how long one that is too old is told from one that never was: a
// clock that is pushed by an hour is no reason to forget it.
const triggerMemory = 4 * time.Hour

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
	ws.sweep(now)
	id := fmt.Sprintf("%d.%d.%s", now.UnixMilli(), ws.version, ws.random(32, hexAlphabet))
	ws.triggers[id] = &trigger{user: user, view: from, made: now}
	return id
}

// sweep forgets old trigger_ids and response_urls, once a minute at most; until
// then they are told apart from ones that never were. Called with the lock held.
func (ws *Workspace) sweep(now time.Time) {
	if now.Sub(ws.swept) < time.Minute {
		return
	}
	ws.swept = now
	for id, t := range ws.triggers {
		if now.Sub(t.made) > triggerMemory {
			delete(ws.triggers, id)
		}
	}
	for path, r := range ws.responses {
		if now.Sub(r.made) > 2*responseLife {
			delete(ws.responses, path)
		}
	}
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
