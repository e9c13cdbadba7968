package bot

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// manifest is the Slack app as Slack's "create from manifest" takes it. Typed
// manifests write empty fields that Slack refuses, so it stands here as it is sent.
const manifest = `{
  "_metadata": {"major_version": 2, "minor_version": 1},
  "display_information": {
    "name": "Breakglass",
    "description": "Access when you are on call: asked for in Slack, routed by PagerDuty, gone when it is over.",
    "background_color": "#7a1f1f",
    "long_description": "Breakglass gives engineers access when they are on call. Ask with /access, name the PagerDuty incident and a reason; the people who may decide get a card with Approve and Deny. Access ends at its time, when the incident is resolved, or when you say that you are done, and every decision can be proved afterwards."
  },
  "features": {
    "app_home": {"home_tab_enabled": false, "messages_tab_enabled": true, "messages_tab_read_only_enabled": true},
    "bot_user": {"display_name": "Breakglass", "always_online": true},
    "shortcuts": [
      {"name": "Request access", "type": "global", "callback_id": "bg:request", "description": "Ask for access, for a while and for a reason"}
    ],
    "slash_commands": [
      {
        "command": "/access",
        "url": "{URL}/slack/commands",
        "description": "Ask for access, see what you have, say that you are done",
        "usage_hint": "[TARGET 1h 4711 reason] | list | done ID | help",
        "should_escape": false
      }
    ]
  },
  "oauth_config": {
    "scopes": {
      "bot": [
        "commands",
        "chat:write",
        "im:write",
        "users:read",
        "users:read.email",
        "usergroups:read",
        "channels:read",
        "groups:read",
        "channels:history",
        "groups:history",
        "im:history"
      ]
    }
  },
  "settings": {
    "event_subscriptions": {
      "request_url": "{URL}/slack/events",
      "bot_events": ["app_home_opened", "app_uninstalled", "tokens_revoked", "user_change"]
    },
    "interactivity": {
      "is_enabled": true,
      "request_url": "{URL}/slack/interactions",
      "message_menu_options_url": "{URL}/slack/options"
    },
    "org_deploy_enabled": false,
    "socket_mode_enabled": false,
    "token_rotation_enabled": false
  }
}
`

// Manifest is the manifest of the Slack app, as JSON, for a server that Slack
// reaches at publicURL ("https://breakglass.acme.example").
func Manifest(publicURL string) (string, error) {
	u, err := url.Parse(publicURL)
	switch {
	case publicURL == "":
		return "", errors.New("no public address is configured: Slack has to know where to send clicks to; set public_url")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", fmt.Errorf("public_url %q is not an http or https address", publicURL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("public_url on %s has a user, a query or a fragment; leave them out", u.Host)
	}
	base := u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/")
	if strings.ContainsAny(base, `"\`) {
		return "", fmt.Errorf("public_url on %s has a quote or backslash in it", u.Hostname())
	}
	return strings.ReplaceAll(manifest, "{URL}", base), nil
}
