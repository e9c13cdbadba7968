package slackfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// problem is one complaint about a payload; at is a JSON pointer.
type problem struct{ at, what string }

// String writes the complaint as Slack does in response_metadata.messages.
func (p problem) String() string {
	return fmt.Sprintf("[ERROR] %s [json-pointer:%s]", p.what, p.at)
}

// problems is what is wrong with a payload.
type problems []problem

func (ps problems) messages() []string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.String()
	}
	return out
}

// checker walks the blocks of one message or view.
type checker struct {
	schemas   schemas
	surface   surface
	problems  problems
	blockIDs  map[string]bool
	actionIDs map[string]bool // of the block being looked at
	inputs    int
	tables    int
	markdown  int
	focused   int
}

func (ws *Workspace) newChecker(s surface) *checker {
	return &checker{schemas: ws.schemas, surface: s, blockIDs: map[string]bool{}}
}

func (c *checker) report(at, what string) {
	c.problems = append(c.problems, problem{at, what})
}

// blocks judges an array of blocks as a whole.
func (c *checker) blocks(at string, v any) {
	list(0, c.surface.maxBlocks(), (*checker).block)(c, at, v)
	if c.tables > 1 {
		c.report(at, "only one table block is allowed per message")
	}
	if c.markdown > 12000 {
		c.report(at, "markdown blocks must be less than 12001 characters in all")
	}
}

// block judges one block.
func (c *checker) block(at string, v any) {
	obj, ok := c.object(at, v)
	if !ok {
		return
	}
	kind, _ := obj["type"].(string)
	s, known := c.schemas.blocks[kind]
	if !known || !c.surface.allows(kind) {
		c.report(at+"/type", "unsupported type: "+kind)
		return
	}
	c.actionIDs = map[string]bool{}
	if s != nil {
		s.check(c, at, obj)
	}
	c.blockID(at, obj)
	switch kind {
	case "section":
		if obj["text"] == nil && obj["fields"] == nil {
			c.report(at, "missing required field: text or fields")
		}
	case "image":
		if (obj["image_url"] == nil) == (obj["slack_file"] == nil) {
			c.report(at, "must provide exactly one of image_url and slack_file")
		}
	case "input":
		c.inputs++
		c.inputElement(at, obj)
	case "table":
		c.tables++
	case "markdown":
		text, _ := obj["text"].(string)
		c.markdown += utf8.RuneCountInString(text)
	}
}

// blockID demands that block ids differ.
func (c *checker) blockID(at string, obj map[string]any) {
	id, _ := obj["block_id"].(string)
	if id == "" {
		return
	}
	if c.blockIDs[id] {
		c.report(at+"/block_id", fmt.Sprintf("block_id %q already exists", id))
	}
	c.blockIDs[id] = true
}

// inputElement knows what only makes sense inside an input block.
func (c *checker) inputElement(at string, obj map[string]any) {
	el, _ := obj["element"].(map[string]any)
	if el["type"] == "file_input" && c.surface != onModal {
		c.report(at+"/element/type", "unsupported type: file_input")
	}
	if _, set := el["response_url_enabled"]; set && c.surface != onModal {
		c.report(at+"/element", "response_url_enabled is only allowed in modals")
	}
}

// decode reads JSON without losing digits, and refuses anything after it.
func decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read JSON: more than one value")
	}
	return v, nil
}
