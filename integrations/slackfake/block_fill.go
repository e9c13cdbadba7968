package slackfake

import (
	"bytes"
	"encoding/json"
)

// fillBlocks adds what Slack adds to blocks it stores: ids where the app gave
// none, and the defaults of text objects. Called with the lock held.
func (ws *Workspace) fillBlocks(blocks []any) {
	for _, b := range blocks {
		block, ok := b.(map[string]any)
		if !ok {
			continue
		}
		if id, _ := block["block_id"].(string); id == "" {
			block["block_id"] = ws.random(5, mixedAlphabet)
		}
		eachElement(block, func(el map[string]any) {
			if id, _ := el["action_id"].(string); id == "" {
				el["action_id"] = ws.random(5, mixedAlphabet)
			}
		})
		fillTexts(block)
	}
}

// fillTexts sets emoji and verbatim on every text object below v.
func fillTexts(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			fillTexts(item)
		}
	case map[string]any:
		_, isText := v["text"].(string)
		switch {
		case isText && v["type"] == "plain_text" && v["emoji"] == nil:
			v["emoji"] = true
		case isText && v["type"] == "mrkdwn" && v["verbatim"] == nil:
			v["verbatim"] = false
		}
		for _, item := range v {
			fillTexts(item)
		}
	}
}

// eachElement calls f for every interactive element of a block.
func eachElement(block map[string]any, f func(el map[string]any)) {
	var found []any
	switch block["type"] {
	case "section":
		found = []any{block["accessory"]}
	case "input":
		found = []any{block["element"]}
	case "actions", "context_actions":
		found, _ = block["elements"].([]any)
	case "card":
		found, _ = block["actions"].([]any)
	case "carousel":
		cards, _ := block["elements"].([]any)
		for _, c := range cards {
			if card, ok := c.(map[string]any); ok {
				eachElement(card, f)
			}
		}
	case "container":
		children, _ := block["child_blocks"].([]any)
		for _, c := range children {
			if child, ok := c.(map[string]any); ok {
				eachElement(child, f)
			}
		}
	}
	for _, e := range found {
		el, ok := e.(map[string]any)
		if ok && el["type"] != "image" {
			f(el)
		}
	}
}

// encode writes JSON; what it is given came from JSON or is made of it.
func encode(v any) json.RawMessage {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage(`null`)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
