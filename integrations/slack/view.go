package slack

import (
	"bytes"
	"context"
	"encoding/json"

	slackgo "github.com/slack-go/slack"
)

// modal is a view as the caller wrote it; what slack-go would not pass on is an
// error here and not a surprise there.
type modal struct {
	Type            slackgo.ViewType         `json:"type"`
	Title           *slackgo.TextBlockObject `json:"title"`
	Blocks          json.RawMessage          `json:"blocks"`
	Close           *slackgo.TextBlockObject `json:"close"`
	Submit          *slackgo.TextBlockObject `json:"submit"`
	PrivateMetadata string                   `json:"private_metadata"`
	CallbackID      string                   `json:"callback_id"`
	ClearOnClose    bool                     `json:"clear_on_close"`
	NotifyOnClose   bool                     `json:"notify_on_close"`
	ExternalID      string                   `json:"external_id"`
}

func readModal(method string, view json.RawMessage) (slackgo.ModalViewRequest, error) {
	var m modal
	dec := json.NewDecoder(bytes.NewReader(view))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return slackgo.ModalViewRequest{}, refuse(method, "the view is not a modal: %w", err)
	}
	blocks, err := rawBlocks(m.Blocks)
	if err != nil {
		return slackgo.ModalViewRequest{}, refuse(method, "%w", err)
	}
	return slackgo.ModalViewRequest{
		Type: m.Type, Title: m.Title, Blocks: slackgo.Blocks{BlockSet: blocks}, Close: m.Close, Submit: m.Submit,
		PrivateMetadata: m.PrivateMetadata, CallbackID: m.CallbackID, ClearOnClose: m.ClearOnClose,
		NotifyOnClose: m.NotifyOnClose, ExternalID: m.ExternalID,
	}, nil
}

// OpenView opens a modal. A trigger lives three seconds and opens one: do this before
// anything else, and fill the modal by UpdateView.
func (c *Client) OpenView(ctx context.Context, triggerID string, view json.RawMessage) (viewID, hash string, err error) {
	return c.view(ctx, "views.open", view, func(ctx context.Context, api *slackgo.Client, m slackgo.ModalViewRequest) (*slackgo.ViewResponse, error) {
		return api.OpenViewContext(ctx, triggerID, m)
	})
}

// PushView lays another modal over the one that is open.
func (c *Client) PushView(ctx context.Context, triggerID string, view json.RawMessage) (viewID, hash string, err error) {
	return c.view(ctx, "views.push", view, func(ctx context.Context, api *slackgo.Client, m slackgo.ModalViewRequest) (*slackgo.ViewResponse, error) {
		return api.PushViewContext(ctx, triggerID, m)
	})
}

// UpdateView replaces an open modal. With a hash, only the one that has it: after
// hash_conflict somebody else changed it meanwhile, and not_found says it was closed;
// both are *flows.Permanent.
func (c *Client) UpdateView(ctx context.Context, viewID, hash string, view json.RawMessage) error {
	_, _, err := c.view(ctx, "views.update", view, func(ctx context.Context, api *slackgo.Client, m slackgo.ModalViewRequest) (*slackgo.ViewResponse, error) {
		return api.UpdateViewContext(ctx, m, "", hash, viewID)
	})
	return err
}

// view makes the call and reads where the view is.
func (c *Client) view(ctx context.Context, method string, raw json.RawMessage,
	do func(context.Context, *slackgo.Client, slackgo.ModalViewRequest) (*slackgo.ViewResponse, error),
) (viewID, hash string, err error) {
	m, err := readModal(method, raw)
	if err != nil {
		return "", "", err
	}
	err = c.call(ctx, method, "", func(ctx context.Context, api *slackgo.Client) error {
		r, err := do(ctx, api, m)
		if err == nil {
			viewID, hash = r.View.ID, r.View.Hash
		}
		return err
	})
	return viewID, hash, err
}

// PublishHome replaces a person's Home tab; view is a view of type "home".
func (c *Client) PublishHome(ctx context.Context, user string, view json.RawMessage) error {
	const method = "views.publish"
	var home struct {
		Type            slackgo.ViewType `json:"type"`
		Blocks          json.RawMessage  `json:"blocks"`
		PrivateMetadata string           `json:"private_metadata"`
		CallbackID      string           `json:"callback_id"`
	}
	dec := json.NewDecoder(bytes.NewReader(view))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&home); err != nil {
		return refuse(method, "the view is not a Home tab: %w", err)
	}
	blocks, err := rawBlocks(home.Blocks)
	if err != nil {
		return refuse(method, "%w", err)
	}
	return c.call(ctx, method, "", func(ctx context.Context, api *slackgo.Client) error {
		_, err := api.PublishViewContext(ctx, slackgo.PublishViewContextRequest{UserID: user, View: slackgo.HomeTabViewRequest{
			Type: home.Type, Blocks: slackgo.Blocks{BlockSet: blocks},
			PrivateMetadata: home.PrivateMetadata, CallbackID: home.CallbackID,
		}})
		return err
	})
}
