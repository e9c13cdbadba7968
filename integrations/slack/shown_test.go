package slack_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/integrations/slack"
	"breakglass/integrations/slackfake"
)

const aCard = `[
 {"type":"section","text":{"type":"mrkdwn","text":"*Approved by <@U0DANA>*"}},
 {"type":"section","fields":[{"type":"mrkdwn","text":"For how long"},{"type":"mrkdwn","text":"1h"}]},
 {"type":"actions","block_id":"bg:actions:req_1","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"Done"}}]},
 {"type":"context","elements":[{"type":"mrkdwn","text":"foot"}]}]`

// A message is read as it stands now: who posted it, and the text of its blocks.
func TestMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	channel, ts, err := b.client.Post(t.Context(), "C0PROD", slack.Message{Text: "x", Blocks: json.RawMessage(aCard)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.Message(t.Context(), channel, ts); !permanent(err) {
		t.Fatalf("without the scope: %v", err)
	}
	b.SetToken(b.Config().BotToken, slackfake.Token{Kind: slackfake.BotToken, Scopes: append(slackfake.DefaultBotScopes(), "channels:history")})
	seen, err := b.client.Message(t.Context(), channel, ts)
	if err != nil || !seen.Own || seen.Person {
		t.Fatalf("seen %+v, %v", seen, err)
	}
	for i := range seen.Blocks {
		if seen.Blocks[i].Kind != "actions" {
			seen.Blocks[i].ID = ""
		}
	}
	want := []slack.Shown{{Kind: "section", Text: "*Approved by <@U0DANA>*"}, {Kind: "section", Text: "For how long\n1h"},
		{Kind: "actions", ID: "bg:actions:req_1"}, {Kind: "context", Text: "foot"}}
	if d := cmp.Diff(want, seen.Blocks); d != "" {
		t.Errorf("blocks (-want +have):\n%s", d)
	}
	if _, err := b.client.Message(t.Context(), channel, "1700000000.000001"); !errors.Is(err, flows.ErrNotFound) {
		t.Errorf("a message that is not there: %v", err)
	}
	if _, err := b.client.Message(t.Context(), "C0NONE", ts); !permanent(err) {
		t.Errorf("a channel that is not there: %v", err)
	}
}

func permanent(err error) bool {
	_, is := errors.AsType[*flows.Permanent](err)
	return is
}
