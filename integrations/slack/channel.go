package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"breakglass/flows"

	slackgo "github.com/slack-go/slack"
)

// Channel is what matters about a channel before something is posted there.
type Channel struct {
	ID       string
	Name     string // without #
	Shared   bool   // with another organisation (Slack Connect), or about to be
	Member   bool   // the app is in it
	Archived bool
	Private  bool
}

// nameCacheAge is how long the names of channels are believed; ids never change.
const nameCacheAge = 10 * time.Minute

// maxChannelPages bounds the walk through the workspace's channels, 999 a page.
const maxChannelPages = 50

// ChannelInfo reads a channel by id, or by "#name" among those the app can see.
func (c *Client) ChannelInfo(ctx context.Context, nameOrID string) (Channel, error) {
	id := nameOrID
	if name, ok := strings.CutPrefix(nameOrID, "#"); ok {
		var err error
		if id, err = c.channelID(ctx, name); err != nil {
			return Channel{}, fmt.Errorf("find the channel %s: %w", nameOrID, err)
		}
	}
	ch, err := c.channels.get(ctx, id, false, func(ctx context.Context) (Channel, error) { return c.readChannel(ctx, id) })
	if err != nil {
		return Channel{}, fmt.Errorf("read the channel %s: %w", nameOrID, err)
	}
	return ch, nil
}

func (c *Client) readChannel(ctx context.Context, id string) (Channel, error) {
	var got *slackgo.Channel
	err := c.call(ctx, "conversations.info", "", func(ctx context.Context, api *slackgo.Client) error {
		var err error
		got, err = api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: id})
		return err
	})
	if err != nil {
		return Channel{}, err
	}
	return Channel{
		ID: got.ID, Name: got.Name, Shared: got.IsExtShared || got.IsPendingExtShared,
		Member: got.IsMember || got.IsIM, Archived: got.IsArchived, Private: got.IsPrivate,
	}, nil
}

// channelID finds a channel by name. One that is not among the names remembered is
// looked for once more: it may be new.
func (c *Client) channelID(ctx context.Context, name string) (string, error) {
	_, remembered := c.names.peek("all")
	for _, fresh := range []bool{false, true} {
		if fresh && !remembered {
			break
		}
		names, err := c.names.get(ctx, "all", fresh, c.readNames)
		if err != nil {
			return "", err
		}
		if id, ok := names[name]; ok {
			return id, nil
		}
	}
	return "", &flows.Permanent{Err: &Error{Method: "conversations.list", Code: "channel_not_found"}}
}

func (c *Client) readNames(ctx context.Context) (map[string]string, error) {
	const method = "conversations.list"
	names := map[string]string{}
	cursor := ""
	for range maxChannelPages {
		var page []slackgo.Channel
		var next string
		err := c.call(ctx, method, "", func(ctx context.Context, api *slackgo.Client) error {
			var err error
			page, next, err = api.GetConversationsContext(ctx, &slackgo.GetConversationsParameters{
				Cursor: cursor, Limit: 999, ExcludeArchived: true, Types: []string{"public_channel", "private_channel"},
			})
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, ch := range page {
			names[ch.Name] = ch.ID
		}
		if next == "" {
			return names, nil
		}
		if next == cursor {
			return nil, &flows.Temporary{Err: &Error{Method: method, Code: codeMalformed, Messages: []string{"the pages go in a circle"}}}
		}
		cursor = next
	}
	return nil, &flows.Permanent{Err: fmt.Errorf("the workspace has more than %d pages of channels; configure the channel by its id", maxChannelPages)}
}
