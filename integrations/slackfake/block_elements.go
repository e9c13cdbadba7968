package slackfake

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
)

// elementSchemas is one entry per interactive element type.
func elementSchemas() map[string]schema {
	base := schema{"type": must(anything), "action_id": may(str(0, 255))}
	confirmable := base.with(schema{"confirm": may(confirm)})
	focusable := confirmable.with(schema{"focus_on_load": may(focus)})
	placed := focusable.with(schema{"placeholder": may(plainText(150))})
	style := may(enum("primary", "danger"))
	typed := base.with(schema{
		"focus_on_load": may(focus), "placeholder": may(plainText(150)), "dispatch_action_config": may(dispatchConfig),
	})
	all := map[string]schema{
		"button": confirmable.with(schema{
			"text": must(plainText(75)), "value": may(str(0, 2000)), "url": may(str(0, 3000)),
			"style": style, "accessibility_label": may(str(0, 75)),
		}),
		"workflow_button": confirmable.with(schema{
			"text": must(plainText(75)), "workflow": must(anything), "style": style, "accessibility_label": may(str(0, 75)),
		}),
		"overflow":      confirmable.with(schema{"options": must(options(1, 5, plainText(75), true))}),
		"image":         imageSchema(2000, 3000),
		"checkboxes":    focusable.with(schema{"options": must(options(1, 10, anyText(75), false)), "initial_options": may(options(1, 10, anyText(75), false))}),
		"radio_buttons": focusable.with(schema{"options": must(options(1, 10, anyText(75), false)), "initial_option": may(option(anyText(75), false))}),
		"datepicker":    placed.with(schema{"initial_date": may(pattern(`^\d{4}-\d{2}-\d{2}$`, "YYYY-MM-DD"))}),
		"timepicker": placed.with(schema{
			"initial_time": may(pattern(`^\d{2}:\d{2}$`, "HH:mm")), "timezone": may(str(1, 255)),
		}),
		"datetimepicker":   focusable.with(schema{"initial_date_time": may(integer(1_000_000_000, 9_999_999_999))}),
		"plain_text_input": typed.with(schema{"initial_value": may(str(0, 3000)), "multiline": may(boolean), "min_length": may(integer(0, 3000)), "max_length": may(integer(1, 3000))}),
		"email_text_input": typed.with(schema{"initial_value": may(str(0, 3000))}),
		"url_text_input":   typed.with(schema{"initial_value": may(str(0, 3000))}),
		"number_input":     typed.with(schema{"is_decimal_allowed": must(boolean), "initial_value": may(str(0, 255)), "min_value": may(str(0, 255)), "max_value": may(str(0, 255))}),
		"rich_text_input":  typed.with(schema{"initial_value": may(anything), "min_lines": may(integer(1, 100)), "max_lines": may(integer(1, 100))}),
		"file_input":       base.with(schema{"filetypes": may(list(0, math.MaxInt, anything)), "max_files": may(integer(1, 10))}),
	}
	maps.Copy(all, selectSchemas(placed))
	return all
}

// selectSchemas is the ten select menus: one or many of five sources.
func selectSchemas(base schema) map[string]schema {
	opts, one, many := options(1, 100, plainText(75), false), option(plainText(75), false), options(1, 100, plainText(75), false)
	groups := list(1, 100, object(schema{"label": must(plainText(75)), "options": must(options(1, 100, plainText(75), false))}))
	ids := list(1, 100, str(1, 255))
	multi := base.with(schema{"max_selected_items": may(integer(1, math.MaxInt64))})
	choice := schema{"options": may(opts), "option_groups": may(groups)}
	query := schema{"min_query_length": may(integer(0, 255))}
	conv := schema{"default_to_current_conversation": may(boolean), "filter": may(anything)}
	reply := schema{"response_url_enabled": may(boolean)}
	return map[string]schema{
		"static_select":              base.with(choice).with(schema{"initial_option": may(one)}),
		"external_select":            base.with(query).with(schema{"initial_option": may(one)}),
		"users_select":               base.with(schema{"initial_user": may(str(1, 255))}),
		"conversations_select":       base.with(conv).with(reply).with(schema{"initial_conversation": may(str(1, 255))}),
		"channels_select":            base.with(reply).with(schema{"initial_channel": may(str(1, 255))}),
		"multi_static_select":        multi.with(choice).with(schema{"initial_options": may(many)}),
		"multi_external_select":      multi.with(query).with(schema{"initial_options": may(many)}),
		"multi_users_select":         multi.with(schema{"initial_users": may(ids)}),
		"multi_conversations_select": multi.with(conv).with(schema{"initial_conversations": may(ids)}),
		"multi_channels_select":      multi.with(schema{"initial_channels": may(ids)}),
	}
}

// element accepts an interactive element of one of the given types, and notes
// its action_id, which must be unique in the block.
func element(types ...string) rule {
	return func(c *checker, at string, v any) {
		obj, ok := c.object(at, v)
		if !ok {
			return
		}
		kind, _ := obj["type"].(string)
		s, known := c.schemas.elements[kind]
		if !known || !slices.Contains(types, kind) {
			c.report(at+"/type", "unsupported type: "+kind)
			return
		}
		s.check(c, at, obj)
		if id, ok := obj["action_id"].(string); ok && id != "" {
			if c.actionIDs[id] {
				c.report(at+"/action_id", fmt.Sprintf("action_id %q already exists in this block", id))
			}
			c.actionIDs[id] = true
		}
		c.selectHasChoice(at, kind, obj)
		c.initialIsOffered(at, kind, obj)
	}
}

// initialIsOffered demands that what is chosen at first is one of the options,
// as they are written there.
func (c *checker) initialIsOffered(at, kind string, obj map[string]any) {
	switch kind {
	case "static_select", "multi_static_select", "radio_buttons", "checkboxes":
	default:
		return
	}
	offered := map[string]bool{}
	for _, o := range allOptions(obj) {
		offered[string(encode(o))] = true
	}
	initial, _ := obj["initial_options"].([]any)
	if one, ok := obj["initial_option"]; ok {
		initial = append(initial, one)
	}
	for _, o := range initial {
		if !offered[string(encode(o))] {
			c.report(at, "initial options must match the options exactly")
		}
	}
}

// allOptions lists the options of an element, those of its groups too.
func allOptions(el map[string]any) []any {
	all, _ := el["options"].([]any)
	groups, _ := el["option_groups"].([]any)
	for _, g := range groups {
		if group, ok := g.(map[string]any); ok {
			opts, _ := group["options"].([]any)
			all = slices.Concat(all, opts)
		}
	}
	return all
}

// selectHasChoice demands exactly one of options and option_groups.
func (c *checker) selectHasChoice(at, kind string, obj map[string]any) {
	if kind != "static_select" && kind != "multi_static_select" {
		return
	}
	_, opts := obj["options"]
	_, groups := obj["option_groups"]
	if opts == groups {
		c.report(at, "must provide exactly one of options and option_groups")
	}
}

// option accepts one choice of a menu; url belongs to overflow menus only.
func option(text rule, withURL bool) rule {
	s := schema{
		"text": must(text), "value": may(str(0, 75)), "description": may(anyText(75)),
	}
	if withURL {
		s["url"] = may(str(0, 3000))
	}
	return object(s)
}

// options accepts lo to hi choices with values that differ.
func options(lo, hi int, text rule, withURL bool) rule {
	each := list(lo, hi, option(text, withURL))
	return func(c *checker, at string, v any) {
		each(c, at, v)
		items, _ := v.([]any)
		seen := map[string]bool{}
		for i, item := range items {
			obj, _ := item.(map[string]any)
			value, ok := obj["value"].(string)
			if ok && seen[value] {
				c.report(fmt.Sprintf("%s/%d/value", at, i), fmt.Sprintf("duplicate value %q", value))
			}
			seen[value] = true
		}
	}
}

// confirm accepts a confirmation dialog.
func confirm(c *checker, at string, v any) {
	object(schema{
		"title": may(plainText(100)), "text": must(anyText(300)), "confirm": may(plainText(30)),
		"deny": may(plainText(30)), "style": may(enum("primary", "danger")),
	})(c, at, v)
}

// dispatchConfig accepts when a text input tells the app about typing.
func dispatchConfig(c *checker, at string, v any) {
	object(schema{"trigger_actions_on": may(list(0, 2, enum("on_enter_pressed", "on_character_entered")))})(c, at, v)
}

// focus accepts focus_on_load, once in a view.
func focus(c *checker, at string, v any) {
	boolean(c, at, v)
	if v == true {
		c.focused++
		if c.focused > 1 {
			c.report(at, "only one element can have focus_on_load set to true")
		}
	}
}

// pattern accepts strings of one form, which the complaint names.
func pattern(expr, form string) rule {
	re := regexp.MustCompile(expr)
	return func(c *checker, at string, v any) {
		if s, ok := v.(string); !ok || !re.MatchString(s) {
			c.report(at, "must have the form "+form)
		}
	}
}
