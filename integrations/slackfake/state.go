package slackfake

import "maps"

// stateKey is, per element type, the property of state.values that holds what
// a person entered, and the property of the element that it starts from.
type stateKey struct {
	property string
	initial  string
	many     bool
}

// stateKeyOf returns the key of an element type; buttons and menus that only
// fire have none.
func stateKeyOf(kind string) (stateKey, bool) {
	switch kind {
	case "plain_text_input", "email_text_input", "url_text_input", "number_input":
		return stateKey{"value", "initial_value", false}, true
	case "rich_text_input":
		return stateKey{"rich_text_value", "initial_value", false}, true
	case "static_select", "external_select", "radio_buttons":
		return stateKey{"selected_option", "initial_option", false}, true
	case "multi_static_select", "multi_external_select", "checkboxes":
		return stateKey{"selected_options", "initial_options", true}, true
	case "users_select":
		return stateKey{"selected_user", "initial_user", false}, true
	case "multi_users_select":
		return stateKey{"selected_users", "initial_users", true}, true
	case "conversations_select":
		return stateKey{"selected_conversation", "initial_conversation", false}, true
	case "multi_conversations_select":
		return stateKey{"selected_conversations", "initial_conversations", true}, true
	case "channels_select":
		return stateKey{"selected_channel", "initial_channel", false}, true
	case "multi_channels_select":
		return stateKey{"selected_channels", "initial_channels", true}, true
	case "datepicker":
		return stateKey{"selected_date", "initial_date", false}, true
	case "timepicker":
		return stateKey{"selected_time", "initial_time", false}, true
	case "datetimepicker":
		return stateKey{"selected_date_time", "initial_date_time", false}, true
	case "file_input":
		return stateKey{"files", "", true}, true
	default:
		return stateKey{}, false
	}
}

// initialState is state.values of blocks that are shown for the first time, or
// again: where block_id, action_id and type stayed the same, what was entered
// stays too, as in Slack.
func initialState(blocks []any, old map[string]map[string]any) map[string]map[string]any {
	values := map[string]map[string]any{}
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		blockID, _ := block["block_id"].(string)
		eachElement(block, func(el map[string]any) {
			kind, _ := el["type"].(string)
			key, ok := stateKeyOf(kind)
			if !ok {
				return
			}
			id, _ := el["action_id"].(string)
			if values[blockID] == nil {
				values[blockID] = map[string]any{}
			}
			if was, ok := old[blockID][id].(map[string]any); ok && was["type"] == kind {
				values[blockID][id] = was
				return
			}
			values[blockID][id] = entry(kind, key, el[key.initial])
		})
	}
	return values
}

// entry is one element's part of state.values.
func entry(kind string, key stateKey, value any) map[string]any {
	if value == nil && key.many {
		value = []any{}
	}
	out := map[string]any{"type": kind, key.property: value}
	if kind == "timepicker" && value == nil {
		out["selected_time"] = nil
	}
	return out
}

// withValue returns the state with one entry replaced; the old one is not
// changed, because payloads may still hold it.
func withValue(state map[string]map[string]any, blockID, actionID string, value map[string]any) map[string]map[string]any {
	out := maps.Clone(state)
	if out == nil {
		out = map[string]map[string]any{}
	}
	inner := maps.Clone(out[blockID])
	if inner == nil {
		inner = map[string]any{}
	}
	inner[actionID] = value
	out[blockID] = inner
	return out
}
