package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	channel, own, whole, err := c.own(ctx, nameOrID, maxHistoryPages)
	if err == nil && !whole {
		err = &flows.Temporary{Err: &Error{Method: history, Code: codeMalformed, Messages: []string{"the pages do not end"}}}
	}
	return channel, own, err
}

// OwnLately reads those among the newest messages of a channel, so many pages of 200. An
// app without the scope is *flows.Permanent, and nothing is asked for.
func (c *Client) OwnLately(ctx context.Context, nameOrID string, pages int) (own []Posted, err error) {
	me, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	if len(me.Scopes) > 0 && !slices.Contains(me.Scopes, "channels:history") && !slices.Contains(me.Scopes, "groups:history") {
		return nil, &flows.Permanent{Err: errors.New("the Slack app has neither the scope channels:history nor groups:history")}
	}
	_, own, _, err = c.own(ctx, nameOrID, pages)
	return own, err
}

const history = "conversations.history"

// own reads at most so many pages; whole says that there are no more.
func (c *Client) own(ctx context.Context, nameOrID string, pages int) (channel string, own []Posted, whole bool, err error) {
	info, err := c.ChannelInfo(ctx, nameOrID)
	if err != nil {
		return "", nil, false, err
	}
	me, err := c.Self(ctx)
	if err != nil {
		return "", nil, false, err
	}
	cursor := ""
	for range pages {
		var page *slackgo.GetConversationHistoryResponse
		err := c.call(ctx, history, info.ID, func(ctx context.Context, api *slackgo.Client) error {
			var err error
			page, err = api.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{ChannelID: info.ID, Cursor: cursor, Limit: 200})
			return err
		})
		if err != nil {
			return "", nil, false, fmt.Errorf("read the channel %s: %w", nameOrID, err)
		}
		for _, m := range page.Messages {
			if m.User == me.User || m.BotID != "" && m.BotID == me.Bot {
				own = append(own, Posted{TS: m.Timestamp, Text: m.Text, Edited: m.Edited != nil})
			}
		}
		next := page.ResponseMetaData.NextCursor
		if next == "" {
			return info.ID, own, true, nil
		}
		if next == cursor {
			break
		}
		cursor = next
	}
	return info.ID, own, false, nil
}
