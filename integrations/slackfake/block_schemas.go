package slackfake

import (
	"math"
	"slices"
)

// surface is where blocks are shown; each allows other block types.
type surface string

const (
	onMessage surface = "message"
	onModal   surface = "modal"
	onHome    surface = "home"
)

// maxBlocks is how many blocks a surface takes.
func (s surface) maxBlocks() int {
	if s == onMessage {
		return 50
	}
	return 100
}

// allows says whether a block type may appear on the surface.
func (s surface) allows(block string) bool {
	modern := []string{"context_actions", "data_visualization", "markdown", "plan", "table", "task_card"}
	switch s {
	case onMessage:
		return block != "alert" && block != "file"
	case onModal:
		return !slices.Contains(modern, block) && block != "card" && block != "carousel" && block != "file"
	default:
		return !slices.Contains(modern, block) && block != "file" && block != "alert"
	}
}

// schemas holds what is known of every block and element type. It is built
// once and never changed.
type schemas struct {
	blocks   map[string]schema
	elements map[string]schema
}

func newSchemas() schemas {
	return schemas{blocks: blockSchemas(), elements: elementSchemas()}
}

// The element types that go into each block type.
var (
	selectTypes = []string{"static_select", "external_select", "users_select", "conversations_select", "channels_select"}
	multiTypes  = []string{
		"multi_static_select", "multi_external_select", "multi_users_select",
		"multi_conversations_select", "multi_channels_select",
	}
	pickerTypes  = []string{"checkboxes", "radio_buttons", "datepicker", "timepicker"}
	actionTypes  = slices.Concat([]string{"button", "overflow", "workflow_button", "datetimepicker", "rich_text_input"}, pickerTypes, selectTypes, multiTypes)
	sectionTypes = slices.Concat([]string{"button", "overflow", "workflow_button", "image"}, pickerTypes, selectTypes, multiTypes)
	inputTypes   = slices.Concat([]string{
		"plain_text_input", "email_text_input", "url_text_input", "number_input",
		"rich_text_input", "file_input", "datetimepicker",
	}, pickerTypes, selectTypes, multiTypes)
)

// blockSchemas is one entry per block type: section 1.4 of Slack's limits as
// data.
func blockSchemas() map[string]schema {
	base := schema{"type": must(anything), "block_id": may(str(0, 255))}
	image := imageSchema(2000, 3000)
	all := map[string]schema{
		"section": base.with(schema{
			"text": may(anyText(3000)), "fields": may(list(1, 10, anyText(2000))),
			"accessory": may(element(sectionTypes...)), "expand": may(boolean),
		}),
		"divider": base,
		"header":  base.with(schema{"text": must(plainText(150)), "level": may(integer(1, 4))}),
		"image":   base.with(image).with(schema{"title": may(plainText(2000))}),
		"actions": base.with(schema{"elements": must(list(1, 25, element(actionTypes...)))}),
		"context": base.with(schema{"elements": must(list(1, 10, contextElement))}),
		"input": base.with(schema{
			"label": must(plainText(2000)), "hint": may(plainText(2000)), "optional": may(boolean),
			"dispatch_action": may(boolean), "element": must(element(inputTypes...)),
		}),
		"rich_text": base.with(schema{"elements": must(list(0, math.MaxInt, anything))}),
		"markdown":  base.with(schema{"text": must(str(1, 12000))}),
		"alert": base.with(schema{
			"text": must(anyText(200)), "level": may(enum("default", "info", "warning", "error", "success")),
		}),
		"card": base.with(schema{
			"hero_image": may(object(image)), "icon": may(object(image)), "title": may(mrkdwnText(150)),
			"subtitle": may(mrkdwnText(150)), "body": may(mrkdwnText(200)), "actions": may(list(1, 3, element("button"))),
		}),
		"table": base.with(schema{
			"rows": must(list(1, 100, list(1, 20, anything))), "column_settings": may(list(0, 20, anything)),
		}),
		"video": base.with(schema{
			"video_url": must(str(1, 3000)), "thumbnail_url": must(str(1, 3000)), "alt_text": must(str(1, 2000)),
			"title": must(plainText(199)), "title_url": may(str(1, 3000)), "author_name": may(str(1, 49)),
			"provider_name": may(str(1, 255)), "provider_icon_url": may(str(1, 3000)), "description": may(plainText(200)),
		}),
		"file": base.with(schema{"external_id": must(str(1, 255)), "source": must(enum("remote"))}),
	}
	// Newer types that no limit is known of: only their surface is checked.
	for _, name := range []string{
		"carousel", "context_actions", "container", "data_table", "data_visualization", "plan", "task_card", "layout",
	} {
		all[name] = nil
	}
	return all
}

func imageSchema(alt, url int) schema {
	return schema{
		"type": must(enum("image")), "alt_text": must(str(1, alt)),
		"image_url": may(str(1, url)), "slack_file": may(anything),
		"image_width": may(anything), "image_height": may(anything), "image_bytes": may(anything),
	}
}

// contextElement accepts an image or a text of any length Slack takes.
func contextElement(c *checker, at string, v any) {
	obj, ok := c.object(at, v)
	if !ok {
		return
	}
	if obj["type"] == "image" {
		imageSchema(2000, 3000).check(c, at, obj)
		return
	}
	anyText(3000)(c, at, v)
}
