package slackfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"
)

// Option is a choice in a menu.
type Option struct {
	Text        string `json:"text"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

// json writes the option as Slack does.
func (o Option) json() map[string]any {
	out := map[string]any{"value": o.Value, "text": plainTextJSON(o.Text)}
	if o.Description != "" {
		out["description"] = plainTextJSON(o.Description)
	}
	return out
}

func plainTextJSON(s string) map[string]any {
	return map[string]any{"type": "plain_text", "text": s, "emoji": true}
}

// enter puts a value into the surface's state and returns the action that says
// so. Called with the lock held.
func (ws *Workspace) enter(s spot, value any) (map[string]any, error) {
	if s.kind == "overflow" {
		opt, err := ws.choice(s, value)
		return map[string]any{"selected_option": opt}, err
	}
	key, ok := stateKeyOf(s.kind)
	if !ok {
		return nil, fmt.Errorf("slackfake: nothing can be entered into %s, a %s: use Click", s.key(), s.kind)
	}
	v, err := ws.valueFor(s, key, value)
	if err != nil {
		return nil, err
	}
	e := entry(s.kind, key, v)
	state := withValue(s.state(), s.blockID, s.actionID, e)
	if s.view != nil {
		s.view.state = state
	} else {
		s.msg.state = state
	}
	ws.touch()
	return maps.Clone(e), nil
}

// valueFor turns what a test or page says into what Slack keeps. Called with
// the lock held.
func (ws *Workspace) valueFor(s spot, key stateKey, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch key.property {
	case "selected_option":
		return ws.choice(s, value)
	case "selected_options":
		return each(value, func(v any) (any, error) { return ws.choice(s, v) })
	case "selected_user", "selected_channel", "selected_conversation":
		return ws.knownID(key.property, value)
	case "selected_users", "selected_channels", "selected_conversations":
		return each(value, func(v any) (any, error) { return ws.knownID(key.property, v) })
	case "selected_date":
		return formed(value, time.DateOnly)
	case "selected_time":
		return formed(value, "15:04")
	case "selected_date_time":
		return instant(value)
	case "value":
		if text := fmt.Sprint(value); text != "" {
			return text, nil
		}
		return nil, nil
	default:
		return value, nil
	}
}

// each applies f to one value or to several.
func each(value any, f func(any) (any, error)) (any, error) {
	out := []any{}
	var list []any
	switch v := value.(type) {
	case []string:
		for _, s := range v {
			list = append(list, s)
		}
	case []any:
		list = v
	case []Option:
		for _, o := range v {
			list = append(list, o)
		}
	default:
		list = []any{value}
	}
	for _, item := range list {
		got, err := f(item)
		if err != nil {
			return nil, err
		}
		out = append(out, got)
	}
	return out, nil
}

// choice finds an option by value or text. Called with the lock held.
func (ws *Workspace) choice(s spot, value any) (any, error) {
	if o, ok := value.(Option); ok {
		return o.json(), nil
	}
	want := fmt.Sprint(value)
	offered := allOptions(s.el)
	if external(s.kind) {
		offered = s.offered()
	}
	var texts []string
	for _, by := range []func(o map[string]any) any{
		func(o map[string]any) any { return o["value"] },
		func(o map[string]any) any { return textOf(o["text"]) },
	} {
		for _, o := range offered {
			opt, _ := o.(map[string]any)
			if by(opt) == want {
				return opt, nil
			}
			texts = append(texts, fmt.Sprint(by(opt)))
		}
	}
	return nil, fmt.Errorf("slackfake: %s offers no option %q; it offers %q", s.key(), want, texts)
}

func external(kind string) bool { return kind == "external_select" || kind == "multi_external_select" }

// offered lists what an external select has shown so far.
func (s spot) offered() []any {
	list := allInitial(s.el)
	if s.view != nil {
		return append(list, s.view.offered[s.key()]...)
	}
	return append(list, s.msg.offered[s.key()]...)
}

// allInitial lists the options an element starts with.
func allInitial(el map[string]any) []any {
	out, _ := el["initial_options"].([]any)
	if one, ok := el["initial_option"]; ok {
		return []any{one}
	}
	return append([]any{}, out...)
}

// knownID accepts ids of people and channels that a picker would show. Called
// with the lock held.
func (ws *Workspace) knownID(property string, value any) (any, error) {
	id := fmt.Sprint(value)
	u, ch := ws.people.users[id], ws.people.channels[id]
	switch property {
	case "selected_user", "selected_users":
		if u == nil || u.Deleted {
			return nil, fmt.Errorf("slackfake: the picker shows no user %q", id)
		}
	default:
		if u == nil && ch == nil {
			return nil, fmt.Errorf("slackfake: the picker shows no conversation %q", id)
		}
	}
	return id, nil
}

func formed(value any, layout string) (any, error) {
	if t, ok := value.(time.Time); ok {
		return t.Format(layout), nil
	}
	s := fmt.Sprint(value)
	if _, err := time.Parse(layout, s); err != nil {
		return nil, fmt.Errorf("slackfake: %q is not of the form %s", s, layout)
	}
	return s, nil
}

func instant(value any) (any, error) {
	if t, ok := value.(time.Time); ok {
		return json.Number(strconv.FormatInt(t.Unix(), 10)), nil
	}
	n, err := strconv.ParseInt(fmt.Sprint(value), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("slackfake: %v is not an instant: %w", value, err)
	}
	return json.Number(strconv.FormatInt(n, 10)), nil
}
