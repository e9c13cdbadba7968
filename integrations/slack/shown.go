package slack

import (
	"context"
	"fmt"
	"strings"

	"breakglass/flows"

	slackgo "github.com/slack-go/slack"
)

// Seen is a message as it stands in a conversation now.
type Seen struct {
	Own    bool // this app posted it
	Person bool // a person did
	Blocks []Shown
}

// Shown is one block of a message: what it is, its id, and the text in it.
type Shown struct{ Kind, ID, Text string }

// Message reads one message of a conversation, not of a thread. It needs the scope
// channels:history, groups:history or im:history, by the conversation. One that is not
// there is flows.ErrNotFound; one that may not be read is *flows.Permanent.
func (c *Client) Message(ctx context.Context, channel, ts string) (Seen, error) {
	me, err := c.Self(ctx)
	if err != nil {
		return Seen{}, err
	}
	var page *slackgo.GetConversationHistoryResponse
	err = c.call(ctx, history, "", func(ctx context.Context, api *slackgo.Client) error {
		var err error
		page, err = api.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{
			ChannelID: channel, Oldest: ts, Latest: ts, Inclusive: true, Limit: 1,
		})
		return err
	})
	if err != nil {
		return Seen{}, fmt.Errorf("read the message %s/%s: %w", channel, ts, err)
	}
	for _, m := range page.Messages {
		if m.Timestamp != ts {
			continue
		}
		out := Seen{Own: m.User == me.User || m.BotID != "" && m.BotID == me.Bot, Person: m.BotID == ""}
		for _, b := range m.Blocks.BlockSet {
			if s, ok := b.(*slackgo.SectionBlock); ok && s.Text != nil {
				kind, id, _ := strings.Cut(s.BlockID, " ")
				out.Blocks = append(out.Blocks, Shown{Kind: kind, ID: id, Text: s.Text.Text})
			}
		}
		return out, nil
	}
	return Seen{}, fmt.Errorf("message %s/%s: %w", channel, ts, flows.ErrNotFound)
}

// shown makes of each block of a message one with nothing but its kind, its id and the
// text in it: slack-go fails on a whole page for one element that it does not know.
func shown(answer map[string]any) {
	messages, _ := answer["messages"].([]any)
	for _, m := range messages {
		message, _ := m.(map[string]any)
		if message == nil {
			continue
		}
		blocks, _ := message["blocks"].([]any)
		out := make([]any, 0, len(blocks))
		for _, b := range blocks {
			block, _ := b.(map[string]any)
			kind, _ := block["type"].(string)
			id, _ := block["block_id"].(string)
			var texts []string
			gather(block["text"], &texts)
			gather(block["fields"], &texts)
			if kind == "context" {
				gather(block["elements"], &texts)
			}
			out = append(out, map[string]any{
				"type": "section", "block_id": kind + " " + id,
				"text": map[string]any{"type": "mrkdwn", "text": strings.Join(texts, "\n")},
			})
		}
		message["blocks"] = out
	}
}

// gather adds the text of a text object, or of each in a list.
func gather(v any, to *[]string) {
	switch x := v.(type) {
	case map[string]any:
		if s, ok := x["text"].(string); ok {
			*to = append(*to, s)
		}
	case []any:
		for _, e := range x {
			gather(e, to)
		}
	}
}
