package slack

import (
	"context"
	"fmt"
	"strings"

	"breakglass/flows"

	slackgo "github.com/slack-go/slack"
)

// Identity is who the bot token says we are.
type Identity struct {
	Team       string // "T0123ABC"
	TeamName   string
	Enterprise string
	User       string // the app's user, "U…"
	Bot        string // "B…"
	URL        string // of the workspace, "https://acme.slack.com/"
	Scopes     []string
}

// Self is who we are, as AuthTest says it, no older than CacheFor: those who ask at the
// same time share one call.
func (c *Client) Self(ctx context.Context) (Identity, error) {
	return c.self.get(ctx, "", false, c.AuthTest)
}

// AuthTest asks Slack who we are. A token of another team than the configured one is
// *flows.Permanent: nothing may be sent there.
func (c *Client) AuthTest(ctx context.Context) (Identity, error) {
	var got *slackgo.AuthTestResponse
	err := c.call(ctx, "auth.test", "", func(ctx context.Context, api *slackgo.Client) error {
		var err error
		got, err = api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return Identity{}, err
	}
	id := Identity{
		Team: got.TeamID, TeamName: got.Team, Enterprise: got.EnterpriseID, User: got.UserID, Bot: got.BotID, URL: got.URL,
	}
	for s := range strings.SplitSeq(got.Header.Get("X-OAuth-Scopes"), ",") {
		if s = strings.TrimSpace(s); s != "" {
			id.Scopes = append(id.Scopes, s)
		}
	}
	if id.Team != c.team {
		return id, &flows.Permanent{Err: fmt.Errorf(
			"the bot token belongs to the Slack team %s and not to %s as configured; set the right token or external_id", id.Team, c.team)}
	}
	return id, nil
}
