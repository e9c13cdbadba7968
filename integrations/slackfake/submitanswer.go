package slackfake

import (
	"encoding/json"
	"fmt"
	"strings"
)

// applySubmission does what the app answered to view_submission: nothing means
// close. Called with the lock held.
func (a *Actor) applySubmission(v *View, e Exchange) error {
	if strings.TrimSpace(e.ResponseBody) == "" {
		a.ws.dropView(v)
		return nil
	}
	var answer struct {
		Action string            `json:"response_action"`
		View   json.RawMessage   `json:"view"`
		Errors map[string]string `json:"errors"`
	}
	if err := json.Unmarshal([]byte(e.ResponseBody), &answer); err != nil {
		return a.ws.badAnswer(e, "the answer is neither empty nor a JSON object: %v", err)
	}
	switch answer.Action {
	case "clear":
		a.ws.dropStack(v)
		return nil
	case "errors":
		return a.ws.showErrors(v, e, answer.Errors)
	case "update", "push":
		return a.ws.replaceView(v, e, answer.Action, answer.View)
	default:
		return a.ws.badAnswer(e, "response_action %q is not errors, update, push or clear", answer.Action)
	}
}

// showErrors marks fields; only input blocks can carry one. Called with the
// lock held.
func (ws *Workspace) showErrors(v *View, e Exchange, errs map[string]string) error {
	if len(errs) == 0 {
		return ws.badAnswer(e, "response_action errors without errors")
	}
	inputs := map[string]bool{}
	for _, b := range v.blocks {
		if block, _ := b.(map[string]any); block["type"] == "input" {
			inputs[fmt.Sprint(block["block_id"])] = true
		}
	}
	for _, id := range sortedKeys(errs) {
		if !inputs[id] {
			return ws.badAnswer(e, "an error for block_id %q, which is no input block of the view", id)
		}
		if errs[id] == "" {
			return ws.badAnswer(e, "an empty error for block_id %q", id)
		}
	}
	v.Errors = errs
	return nil
}

// replaceView updates the view that was submitted, or pushes one onto it.
// Called with the lock held.
func (ws *Workspace) replaceView(v *View, e Exchange, action string, raw json.RawMessage) error {
	decoded, err := decode(raw)
	if err != nil {
		return ws.badAnswer(e, "response_action %s without a view: %v", action, err)
	}
	obj, bad := ws.checkView(decoded, onModal, "/view")
	if bad == nil && ws.views.byID[v.ID] == nil {
		return nil // the app closed it meanwhile
	}
	if bad == nil && action == "update" {
		if bad = ws.uniqueExternalID(obj, v); bad == nil {
			ws.updateView(v, obj)
			return nil
		}
	}
	if bad == nil {
		if bad = ws.uniqueExternalID(obj, nil); bad == nil && ws.pushView(v, obj) == nil {
			bad = wrong("push_limit_reached", "%d modals lie on one another already", maxStack)
		}
	}
	if bad != nil {
		return ws.badAnswer(e, "%s: %s", bad.code, bad.detail)
	}
	return nil
}

// CloseView closes a modal by its cancel button, or with its whole stack where
// the app set clear_on_close; the app is told where it asked for that.
func (a *Actor) CloseView(view View) (Outcome, error) {
	return a.closeView(view, view.ClearOnClose)
}

// CloseAll closes a modal and all that lie in its stack, as the X in its corner
// does.
func (a *Actor) CloseAll(view View) (Outcome, error) { return a.closeView(view, true) }

func (a *Actor) closeView(view View, all bool) (Outcome, error) {
	ws := a.ws
	ws.mu.Lock()
	v := ws.views.byID[view.ID]
	if v == nil || v.User != a.id || v.Type != string(onModal) {
		ws.mu.Unlock()
		return Outcome{}, fmt.Errorf("slackfake: %s has no modal %s open", a.id, view.ID)
	}
	p := ws.interaction("view_closed", ws.people.users[a.id])
	p["view"], p["is_cleared"] = ws.viewJSON(v), all
	d := delivery{kind: "view_closed", url: ws.endpoints.Interactions, payload: p, format: asPayload}
	tell := v.NotifyOnClose
	if all {
		ws.dropStack(v)
	} else {
		ws.dropView(v)
	}
	ws.mu.Unlock()
	if !tell {
		return Outcome{}, nil
	}
	e, err := a.dispatch(d)
	return Outcome{Exchange: e}, err
}
