package slackfake

import (
	"fmt"
	"slices"
	"strings"
)

// Surface is where something can be clicked: a Message or a View.
type Surface interface {
	ref() surfaceRef
}

// surfaceRef finds a surface again.
type surfaceRef struct{ channel, ts, view string }

func (m Message) ref() surfaceRef { return surfaceRef{channel: m.Channel, ts: m.TS} }
func (v View) ref() surfaceRef    { return surfaceRef{view: v.ID} }

// spot is an element on a surface, as it is now.
type spot struct {
	msg               *Message
	view              *View
	block, el         map[string]any
	blockID, actionID string
	kind              string // the element's type
}

func (s spot) key() string { return s.blockID + "/" + s.actionID }

// state is what was entered on the surface.
func (s spot) state() map[string]map[string]any {
	if s.view != nil {
		return s.view.state
	}
	return s.msg.state
}

// open finds the surface, if the person can see it. Called with the lock held.
func (a *Actor) open(on Surface) (spot, []any, error) {
	if _, err := a.person(); err != nil {
		return spot{}, nil, err
	}
	r := on.ref()
	if r.view != "" {
		v := a.ws.views.byID[r.view]
		if v == nil || v.User != a.id {
			return spot{}, nil, fmt.Errorf("slackfake: %s has no view %s open", a.id, r.view)
		}
		return spot{view: v}, v.blocks, nil
	}
	m := a.ws.find(r.channel, r.ts, a.id)
	ch := a.ws.people.channels[r.channel]
	if m == nil || ch == nil || !ch.isMember(a.id) {
		return spot{}, nil, fmt.Errorf("slackfake: %s sees no message %s in %s", a.id, r.ts, r.channel)
	}
	return spot{msg: m}, m.blocks, nil
}

// locate finds an element by "action_id", "block_id/action_id", the block_id of
// a block with one element, or the text of a button. Called with the lock held.
func (a *Actor) locate(on Surface, key string) (spot, error) {
	s, blocks, err := a.open(on)
	if err != nil {
		return s, err
	}
	return s.among(blocks, key)
}

// among picks the element that key names out of blocks.
func (s spot) among(blocks []any, key string) (spot, error) {
	var byID, byBlock, byText []spot
	var seen []string
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		here := s
		here.block = block
		here.blockID, _ = block["block_id"].(string)
		eachElement(block, func(el map[string]any) {
			here.el = el
			here.actionID, _ = el["action_id"].(string)
			here.kind, _ = el["type"].(string)
			seen = append(seen, here.key())
			switch key {
			case here.actionID, here.key():
				byID = append(byID, here)
			case here.blockID:
				byBlock = append(byBlock, here)
			case textOf(el["text"]):
				byText = append(byText, here)
			}
		})
	}
	for _, found := range [][]spot{byID, byBlock, byText} {
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return s, fmt.Errorf("slackfake: %q names %d elements: use block_id/action_id", key, len(found))
		}
	}
	return s, fmt.Errorf("slackfake: no element %q; there are: %s", key, strings.Join(seen, ", "))
}

// Element is something on a surface that a person can use.
type Element struct {
	BlockID  string `json:"block_id"`
	ActionID string `json:"action_id"`
	Type     string `json:"type"`
	Text     string `json:"text"` // of a button
	Value    string `json:"value"`
	URL      string `json:"url"`
	Style    string `json:"style"`
	// Label, Hint and Optional are those of the input block around it.
	Label    string `json:"label"`
	Hint     string `json:"hint"`
	Optional bool   `json:"optional"`
	// Options is what a menu offers by itself; external ones: see Suggest.
	Options []Option `json:"options,omitempty"`
}

// Elements lists what a person can use in the message, from top to bottom.
func (m Message) Elements() []Element { return elements(m.Blocks) }

// Elements lists what a person can use in the view, from top to bottom.
func (v View) Elements() []Element { return elements(v.Blocks) }

func elements(raw []byte) []Element {
	out := []Element{}
	for _, b := range decodeBlocks(raw) {
		block, _ := b.(map[string]any)
		blockID, _ := block["block_id"].(string)
		eachElement(block, func(el map[string]any) {
			e := Element{
				BlockID: blockID, Text: textOf(el["text"]), Label: textOf(block["label"]), Hint: textOf(block["hint"]),
				Optional: block["optional"] == true, Options: readOptions(allOptions(el)),
			}
			e.ActionID, _ = el["action_id"].(string)
			e.Type, _ = el["type"].(string)
			e.Value, _ = el["value"].(string)
			e.URL, _ = el["url"].(string)
			e.Style, _ = el["style"].(string)
			out = append(out, e)
		})
	}
	return out
}

// Shown is all text a person reads in the message: that of its blocks, or its
// plain text when it has none. Menus and confirmation dialogs are closed.
func (m Message) Shown() string {
	if len(m.Blocks) == 0 {
		return m.Text
	}
	return shown(m.Blocks)
}

// Shown is all text a person reads in the view.
func (v View) Shown() string { return strings.TrimSpace(v.Title + "\n" + shown(v.Blocks)) }

// shown joins the text objects of blocks, one a line, in reading order.
func shown(raw []byte) string {
	hidden := []string{"confirm", "options", "option_groups", "initial_options"} // shown on a click only
	var lines []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			if s, ok := v["text"].(string); ok {
				lines = append(lines, s)
			}
			keys := slices.DeleteFunc(sortedKeys(v), func(k string) bool { return slices.Contains(hidden, k) })
			order := []string{"label", "text", "fields", "elements", "element", "accessory", "hint"}
			slices.SortStableFunc(keys, func(x, y string) int { return slices.Index(order, x) - slices.Index(order, y) })
			for _, k := range keys {
				walk(v[k])
			}
		}
	}
	for _, b := range decodeBlocks(raw) {
		walk(b)
	}
	return strings.Join(lines, "\n")
}

func decodeBlocks(raw []byte) []any {
	v, err := decode(raw)
	if err != nil {
		return nil
	}
	blocks, _ := v.([]any)
	return blocks
}
