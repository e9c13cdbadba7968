package slackfake_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"breakglass/integrations/slackfake"
)

func plain(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

func modal(blocks ...slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain("Access"), Submit: plain("Ask"), Close: plain("Cancel"),
		CallbackID: "access", NotifyOnClose: true, Blocks: slack.Blocks{BlockSet: blocks},
	}
}

func approveCard(text string) slack.MsgOption {
	button := slack.NewButtonBlockElement("approve", "nonce-1", plain("Approve"))
	button.Style = slack.StylePrimary
	button.Confirm = slack.NewConfirmationBlockObject(plain("Approve?"), plain("prod for 1h"), plain("Approve"), plain("No"))
	return slack.MsgOptionBlocks(
		slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, text, false, false), nil, nil),
		slack.NewActionBlock("decide", button, slack.NewButtonBlockElement("deny", "nonce-2", plain("Deny"))),
	)
}

// TestStory plays a request from slash command to decision with the real
// client and the real signature check.
func TestStory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	ctx := t.Context()
	a.on("/access", func(_ http.ResponseWriter, r *http.Request) {
		view := modal(
			slack.NewInputBlock("target", plain("Target"), nil, externalSelect("pick")),
			slack.NewInputBlock("reason", plain("Reason"), nil, slack.NewPlainTextInputBlockElement(nil, "text")),
		)
		_, err := b.api.OpenViewContext(ctx, r.PostForm.Get("trigger_id"), view)
		if err != nil {
			t.Errorf("views.open: %v", err)
		}
	})
	a.on("block_suggestion", answer(`{"options":[{"text":{"type":"plain_text","text":"Production"},"value":"prod"}]}`))
	dana := b.User("U0DANA")
	_, err := dana.Slash("/access", "")
	noError(t, err)
	view, ok := dana.Front()
	if !ok || view.Title != "Access" {
		t.Fatalf("front view = %+v, %v", view, ok)
	}
	_, err = dana.Submit(view, slackfake.Values{"target": "Production", "reason": "disk full"})
	noError(t, err)
	if got := a.last("view_submission").payload.View.State.Values["target"]["pick"].SelectedOption.Value; got != "prod" {
		t.Errorf("submitted target = %q, want prod", got)
	}
	if open := dana.OpenViews(); len(open) != 0 {
		t.Errorf("views open after submission: %d", len(open))
	}

	_, ts, err := b.api.PostMessageContext(ctx, "U0SAM", slack.MsgOptionText("Dana asks for prod", false), approveCard("*Dana* asks for prod"))
	noError(t, err)
	dm := b.User("U0SAM").DM()
	if len(dm) != 1 || dm[0].TS != ts || !strings.Contains(dm[0].Shown(), "*Dana* asks") {
		t.Fatalf("Sam's DM = %+v", dm)
	}
	out, err := b.User("U0SAM").Click(dm[0], "approve")
	noError(t, err)
	if out.Confirm == nil || out.Confirm.Text != "prod for 1h" {
		t.Errorf("confirm = %+v", out.Confirm)
	}
	click := a.last("block_actions").payload
	if act := click.ActionCallback.BlockActions[0]; act.Value != "nonce-1" || act.ActionID != "approve" {
		t.Errorf("action = %+v", act)
	}
	if click.Channel.ID != dm[0].Channel || click.Container.MessageTs != ts || click.User.ID != "U0SAM" {
		t.Errorf("payload = %+v", click)
	}
	_, _, _, err = b.api.UpdateMessageContext(ctx, dm[0].Channel, ts, slack.MsgOptionText("approved", false), slack.MsgOptionBlocks())
	noError(t, err)
	if now := b.User("U0SAM").DM()[0]; now.Text != "approved" || len(now.Elements()) != 0 || len(now.Edits) != 1 {
		t.Errorf("after update: %+v", now)
	}
	b.noViolations(t)
}

func externalSelect(id string) *slack.SelectBlockElement {
	el := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plain("Choose"), id)
	zero := 0
	el.MinQueryLength = &zero
	return el
}

func TestWaitSeesAChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := make(chan error, 1)
	go func() {
		done <- b.Wait(t.Context(), func() bool { return len(b.Messages("#prod-access")) == 1 })
	}()
	_, _, err := b.api.PostMessage("C0PROD", slack.MsgOptionText("hello", false))
	noError(t, err)
	noError(t, <-done)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Wait(ctx, func() bool { return false }); err == nil {
		t.Error("Wait ignored a context that ended")
	}
}
