package slackfake

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Values is what a person enters into a modal, by the names that Fill takes.
type Values map[string]any

// Submit fills a modal in and submits it, and does what the app answers. The
// error is a *DeliveryError when the app failed; that the app found errors in
// fields is no error: look at the view's Errors.
func (a *Actor) Submit(view View, values Values) (Outcome, error) {
	for _, key := range a.inOrder(view, values) {
		if _, err := a.Fill(view, key, values[key]); err != nil {
			return Outcome{}, fmt.Errorf("fill %q: %w", key, err)
		}
	}
	ws := a.ws
	ws.mu.Lock()
	v, err := a.submittable(view)
	if err != nil {
		ws.mu.Unlock()
		return Outcome{}, err
	}
	v.Submitting, v.Errors, v.Trouble = true, nil, ""
	d := a.viewSubmission(v)
	ws.touch()
	ws.mu.Unlock()
	e, err := ws.deliver(d)
	ws.mu.Lock()
	defer ws.mu.Unlock()
	v.Submitting = false
	if err == nil {
		err = a.applySubmission(v, e)
	}
	if err != nil {
		v.Trouble = "We had some trouble connecting. Try again?"
		ws.notify(a.id, "%s (%s)", v.Trouble, codeOf(err))
	}
	ws.touch()
	return Outcome{Exchange: e}, err
}

// inOrder sorts the names of values as the fields stand in the view; unknown
// ones come last, where Fill complains.
func (a *Actor) inOrder(view View, values Values) []string {
	a.ws.mu.Lock()
	defer a.ws.mu.Unlock()
	var keys []string
	left := map[string]bool{}
	for k := range values {
		left[k] = true
	}
	if v := a.ws.views.byID[view.ID]; v != nil {
		for _, e := range elements(encode(v.blocks)) {
			for _, k := range []string{e.BlockID + "/" + e.ActionID, e.ActionID, e.BlockID} {
				if left[k] {
					keys = append(keys, k)
					delete(left, k)
				}
			}
		}
	}
	return append(keys, sortedKeys(left)...)
}

// submittable checks what Slack's client checks before it submits. Called with
// the lock held.
func (a *Actor) submittable(view View) (*View, error) {
	if _, err := a.person(); err != nil {
		return nil, err
	}
	v := a.ws.views.byID[view.ID]
	if v == nil || v.User != a.id {
		return nil, fmt.Errorf("slackfake: %s has no view %s open", a.id, view.ID)
	}
	stacks := a.ws.views.stacks[a.id]
	i := stackOf(stacks, v)
	switch {
	case i < 0 || stacks[i][len(stacks[i])-1] != v:
		return nil, fmt.Errorf("slackfake: view %s is not in front", v.ID)
	case v.Submit == "":
		return nil, fmt.Errorf("slackfake: view %q has no submit button", v.Title)
	}
	var missing []string
	for _, b := range v.blocks {
		block, _ := b.(map[string]any)
		if why := v.incomplete(block); why != "" {
			missing = append(missing, why)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("slackfake: Slack does not submit this modal: %s", strings.Join(missing, "; "))
	}
	return v, nil
}

// incomplete says what is missing in an input block, or nothing.
func (v *View) incomplete(block map[string]any) string {
	if block["type"] != "input" {
		return ""
	}
	el, _ := block["element"].(map[string]any)
	blockID, _ := block["block_id"].(string)
	actionID, _ := el["action_id"].(string)
	kind, _ := el["type"].(string)
	key, _ := stateKeyOf(kind)
	e, _ := v.state[blockID][actionID].(map[string]any)
	value := e[key.property]
	if many, ok := value.([]any); value == nil || ok && len(many) == 0 {
		if block["optional"] == true {
			return ""
		}
		return fmt.Sprintf("%q is required", textOf(block["label"]))
	}
	text, isText := value.(string)
	if !isText || kind != "plain_text_input" {
		return ""
	}
	n := int64(utf8.RuneCountInString(text))
	if lo, ok := el["min_length"].(json.Number); ok && n < toInt(lo) {
		return fmt.Sprintf("%q needs at least %s characters", textOf(block["label"]), lo)
	}
	if hi, ok := el["max_length"].(json.Number); ok && n > toInt(hi) {
		return fmt.Sprintf("%q takes at most %s characters", textOf(block["label"]), hi)
	}
	if n > 3000 {
		return fmt.Sprintf("%q takes at most 3000 characters", textOf(block["label"]))
	}
	return ""
}

func toInt(n json.Number) int64 {
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return i
}

// viewSubmission makes the delivery. Called with the lock held.
func (a *Actor) viewSubmission(v *View) delivery {
	ws := a.ws
	p := ws.interaction("view_submission", ws.people.users[a.id])
	p["trigger_id"] = ws.newTrigger(a.id, v)
	p["view"] = ws.viewJSON(v)
	p["response_urls"] = a.responseURLs(v)
	return delivery{kind: "view_submission", url: ws.endpoints.Interactions, payload: p, format: asPayload}
}

// responseURLs makes one for every conversation that was chosen where the app
// asked for it. Called with the lock held.
func (a *Actor) responseURLs(v *View) []any {
	out := []any{}
	for _, b := range v.blocks {
		block, _ := b.(map[string]any)
		blockID, _ := block["block_id"].(string)
		eachElement(block, func(el map[string]any) {
			actionID, _ := el["action_id"].(string)
			e, _ := v.state[blockID][actionID].(map[string]any)
			chosen, _ := e["selected_conversation"].(string)
			if ch, ok := e["selected_channel"].(string); ok {
				chosen = ch
			}
			if el["response_url_enabled"] == true && chosen != "" {
				out = append(out, map[string]any{
					"block_id": blockID, "action_id": actionID, "channel_id": chosen,
					"response_url": a.ws.newResponseURL("app", a.id, chosen, nil),
				})
			}
		})
	}
	return out
}
