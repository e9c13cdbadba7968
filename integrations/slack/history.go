package slack

import (
	"context"
	"fmt"

	"breakglass/flows"

	slackgo "github.com/slack-go/slack"
)

// Posted is a message that stands in a channel.
type Posted struct {
	TS     string
	Text   string
	Edited bool // it is not what was posted at first
}

// maxHistoryPages bounds the walk through a channel, 200 messages a page.
const maxHistoryPages = 500

// Own reads the messages that this app posted into a channel, the newest first. It
// needs the scope channels:history, or groups:history for a private channel, which
// nothing else here needs.
func (c *Client) Own(ctx context.Context, nameOrID string) (channel string, own []Posted, err error) {
	info, err := c.ChannelInfo(ctx, nameOrID)
	if err != nil {
		return "", nil, err
	}
	me, err := c.AuthTest(ctx)
	if err != nil {
		return "", nil, err
	}
	const method = "conversations.history"
	cursor := ""
	for range maxHistoryPages {
		var page *slackgo.GetConversationHistoryResponse
		err := c.call(ctx, method, info.ID, func(ctx context.Context, api *slackgo.Client) error {
			var err error
			page, err = api.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{ChannelID: info.ID, Cursor: cursor, Limit: 200})
			return err
		})
		if err != nil {
			return "", nil, fmt.Errorf("read the channel %s: %w", nameOrID, err)
		}
		for _, m := range page.Messages {
			if m.User == me.User || m.BotID != "" && m.BotID == me.Bot {
				own = append(own, Posted{TS: m.Timestamp, Text: m.Text, Edited: m.Edited != nil})
			}
		}
		next := page.ResponseMetaData.NextCursor
		if next == "" {
			return info.ID, own, nil
		}
		if next == cursor {
			break
		}
		cursor = next
	}
	return "", nil, &flows.Temporary{Err: &Error{Method: method, Code: codeMalformed, Messages: []string{"the pages do not end"}}}
}
