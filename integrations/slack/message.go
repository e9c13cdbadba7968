package slack

import (
	"context"
	"encoding/json"
	"fmt"

	slackgo "github.com/slack-go/slack"
)

// Message is what is shown in a channel or DM. Text is mrkdwn, and Blocks a Block
// Kit array; whoever built them has escaped what people typed.
type Message struct {
	// Text is a full sentence, for notifications, screen readers and search. It is
	// never empty, with or without blocks.
	Text string
	// Blocks is what is shown; empty shows Text.
	Blocks json.RawMessage
	// ThreadTS answers in a thread.
	ThreadTS string
	// Broadcast shows a thread's answer in the channel too.
	Broadcast bool
	// ReplaceOriginal replaces the message that was clicked (Respond only).
	ReplaceOriginal bool
	// DeleteOriginal removes it (Respond only); Text may then be empty.
	DeleteOriginal bool
	// InChannel shows the answer to everybody, not to the person alone (Respond only).
	InChannel bool
}

// rawBlock is a block that goes out as the caller made it.
type rawBlock json.RawMessage

// BlockType and ID make it a block of slack-go, which does not ask.
func (b rawBlock) BlockType() slackgo.MessageBlockType { return "" }

// ID is not known without reading the block.
func (b rawBlock) ID() string { return "" }

// MarshalJSON gives the block's own bytes.
func (b rawBlock) MarshalJSON() ([]byte, error) { return b, nil }

// rawBlocks takes an array apart.
func rawBlocks(array json.RawMessage) ([]slackgo.Block, error) {
	if len(array) == 0 {
		return []slackgo.Block{}, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(array, &list); err != nil {
		return nil, fmt.Errorf("the blocks are not a JSON array: %w", err)
	}
	out := make([]slackgo.Block, len(list))
	for i, b := range list {
		out[i] = rawBlock(b)
	}
	return out, nil
}

// options is the message as slack-go takes it. Text and blocks always go together,
// links are not unfolded.
func (m Message) options(method string) ([]slackgo.MsgOption, error) {
	if m.Text == "" {
		return nil, refuse(method, "the message has no text, which notifications and screen readers read")
	}
	blocks, err := rawBlocks(m.Blocks)
	if err != nil {
		return nil, refuse(method, "%w", err)
	}
	opts := []slackgo.MsgOption{
		slackgo.MsgOptionText(m.Text, false),
		slackgo.MsgOptionDisableLinkUnfurl(),
		slackgo.MsgOptionDisableMediaUnfurl(),
	}
	if len(blocks) > 0 || method == "chat.update" {
		opts = append(opts, slackgo.MsgOptionBlocks(blocks...)) // none: an update clears those that were there
	}
	if m.ThreadTS != "" {
		opts = append(opts, slackgo.MsgOptionTS(m.ThreadTS))
		if m.Broadcast {
			opts = append(opts, slackgo.MsgOptionBroadcast())
		}
	}
	return opts, nil
}

// Post sends a message to a channel (id) or a person (user id) and returns where it
// is: keep both as they are. After *flows.Temporary it may have been sent all the same.
func (c *Client) Post(ctx context.Context, channel string, msg Message) (channelID, ts string, err error) {
	const method = "chat.postMessage"
	opts, err := msg.options(method)
	if err != nil {
		return "", "", err
	}
	if channel == "" {
		return "", "", refuse(method, "no channel is given")
	}
	err = c.call(ctx, method, channel, func(ctx context.Context, api *slackgo.Client) error {
		var err error
		channelID, ts, err = api.PostMessageContext(ctx, channel, opts...)
		return err
	})
	if err != nil {
		return "", "", err
	}
	return channelID, ts, nil
}

// Update replaces a message of ours, text and blocks. message_not_found,
// cant_update_message and edit_window_closed are *flows.Permanent: post a new one.
func (c *Client) Update(ctx context.Context, channel, ts string, msg Message) error {
	const method = "chat.update"
	opts, err := msg.options(method)
	if err != nil {
		return err
	}
	if channel == "" || ts == "" {
		return refuse(method, "which message is not given")
	}
	return c.call(ctx, method, "", func(ctx context.Context, api *slackgo.Client) error {
		_, _, _, err := api.UpdateMessageContext(ctx, channel, ts, opts...)
		return err
	})
}

// Ephemeral shows a message to one person in a channel. Slack does not promise that
// it is seen, and it cannot be changed later: only for answers to what they just did.
func (c *Client) Ephemeral(ctx context.Context, channel, user string, msg Message) error {
	const method = "chat.postEphemeral"
	opts, err := msg.options(method)
	if err != nil {
		return err
	}
	if channel == "" || user == "" {
		return refuse(method, "no channel or nobody to show it to is given")
	}
	return c.call(ctx, method, "", func(ctx context.Context, api *slackgo.Client) error {
		_, err := api.PostEphemeralContext(ctx, channel, user, opts...)
		return err
	})
}

// Permalink is the address of a message.
func (c *Client) Permalink(ctx context.Context, channel, ts string) (string, error) {
	var link string
	err := c.call(ctx, "chat.getPermalink", "", func(ctx context.Context, api *slackgo.Client) error {
		var err error
		link, err = api.GetPermalinkContext(ctx, &slackgo.PermalinkParameters{Channel: channel, Ts: ts})
		return err
	})
	return link, err
}
