package slack

import (
	"context"
	"net/url"
	"strings"

	slackgo "github.com/slack-go/slack"
)

// responseHosts says where a response_url may point: to Slack's own host for them,
// or to where the API is configured to be. A payload is signed, but what it names is
// still not where we send things for anybody.
type responseHosts struct{ scheme, host string }

func newResponseHosts(api *url.URL) responseHosts {
	return responseHosts{scheme: api.Scheme, host: strings.ToLower(api.Host)}
}

func (h responseHosts) allow(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Host == "" {
		return false
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == h.scheme && host == h.host {
		return true
	}
	return u.Scheme == "https" && (host == "hooks.slack.com" || host == "hooks.slack-gov.com")
}

// Respond answers at a response_url: at most five times in 30 minutes, and the only
// way to change an ephemeral message. The address is a capability: it is not kept,
// not logged and in no error. used_url and expired_url are *flows.Permanent.
func (c *Client) Respond(ctx context.Context, responseAddress string, msg Message) error {
	if !c.hosts.allow(responseAddress) {
		return refuse(responseURL, "the address is not one of Slack's")
	}
	kind := slackgo.ResponseTypeEphemeral
	if msg.InChannel {
		kind = slackgo.ResponseTypeInChannel
	}
	opts := []slackgo.MsgOption{slackgo.MsgOptionResponseURL(responseAddress, kind)}
	if msg.DeleteOriginal {
		opts = append(opts, slackgo.MsgOptionDeleteOriginal(responseAddress))
	} else {
		content, err := msg.options(responseURL)
		if err != nil {
			return err
		}
		opts = append(opts, content...)
	}
	if msg.ReplaceOriginal {
		opts = append(opts, slackgo.MsgOptionReplaceOriginal(responseAddress))
	}
	// The address itself is what authorises: no token goes there, and no other
	// version of a token would help.
	_, _, _, err := c.api("").SendMessageContext(withResponseURL(ctx), "", opts...)
	return classify(responseURL, err)
}
