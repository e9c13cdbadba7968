package slackfake_test

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"breakglass/integrations/slackfake"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	b.AddChannel(slackfake.Channel{ID: "C0OUT", Name: "outside", Members: []string{"U0DANA"}})
	_, err := b.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: "C0PROD"})
	wantCode(t, err, "missing_scope")
	b.SetToken("xoxb-reader", slackfake.Token{Kind: slackfake.BotToken, Scopes: append(slackfake.DefaultBotScopes(), "channels:history")})
	reader := client(b.Workspace, "xoxb-reader")
	var stamps []string
	for _, text := range []string{"one", "two", "three"} {
		_, ts, err := reader.PostMessageContext(ctx, "C0PROD", slack.MsgOptionText(text, false))
		noError(t, err)
		stamps = append(stamps, ts)
	}
	_, _, _, err = reader.UpdateMessageContext(ctx, "C0PROD", stamps[1], slack.MsgOptionText("two!", false))
	noError(t, err)
	read := func(p slack.GetConversationHistoryParameters) (string, *slack.GetConversationHistoryResponse) {
		p.ChannelID = "C0PROD"
		page, err := reader.GetConversationHistoryContext(ctx, &p)
		noError(t, err)
		var texts []string
		for _, m := range page.Messages {
			texts = append(texts, m.Text)
			if edited := m.Edited != nil; edited != (m.Timestamp == stamps[1]) || m.BotID == "" {
				t.Errorf("%s: edited %v, bot %q", m.Text, edited, m.BotID)
			}
		}
		return strings.Join(texts, " "), page
	}
	if got, _ := read(slack.GetConversationHistoryParameters{}); got != "three two! one" {
		t.Errorf("the channel has %s", got)
	}
	first, page := read(slack.GetConversationHistoryParameters{Limit: 2})
	second, _ := read(slack.GetConversationHistoryParameters{Limit: 2, Cursor: page.ResponseMetaData.NextCursor})
	if first != "three two!" || !page.HasMore || second != "one" {
		t.Errorf("the pages are %s and %s", first, second)
	}
	if got, _ := read(slack.GetConversationHistoryParameters{Oldest: stamps[0], Latest: stamps[2]}); got != "two!" {
		t.Errorf("between the two stands %s", got)
	}
	if got, _ := read(slack.GetConversationHistoryParameters{Oldest: stamps[1], Inclusive: true}); got != "three two!" {
		t.Errorf("from the second on stands %s", got)
	}
	for channel, code := range map[string]string{"C0NONE": "channel_not_found", "C0OUT": "not_in_channel"} {
		_, err := reader.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: channel})
		wantCode(t, err, code)
	}
}
