package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/slackfake"
)

func (c *cli) fakeSlack() *cobra.Command {
	var o fakeOptions
	var bot, signing string
	cmd := &cobra.Command{
		Use: "slack", Short: "Run a simulated Slack workspace", Args: noArgs,
		Long: "Runs a Slack workspace that is not Slack: the Web API with its limits and error codes, signed commands\n" +
			"and clicks to Breakglass, and people who act by the control API. Keeps nothing, until Ctrl-C.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(map[string]string{"bot-token": bot, "signing-secret": signing}); err != nil {
				return err
			}
			opt := slackfake.Options{
				Now: now, BotToken: bot, SigningSecret: signing, Commands: []string{"/access"}, ControlToken: o.token, Log: o.log(c.err),
				Events: []string{"app_home_opened", "app_uninstalled", "tokens_revoked"},
			}
			if o.people == "demo" {
				opt.TeamID, opt.TeamDomain, opt.AppID = company.Team, "demo", company.AppID
			}
			if o.app != "" {
				opt.Endpoints = slackfake.Endpoints{
					Commands: o.app + "/slack/commands", Interactions: o.app + "/slack/interactions",
					Options: o.app + "/slack/options", Events: o.app + "/slack/events",
				}
			}
			ws, err := slackfake.New(opt)
			if err != nil {
				return err
			}
			if o.people == "demo" {
				company.FillSlack(ws)
			}
			if err := ws.Start(o.addr); err != nil {
				return hint(err, "take another port with --addr 127.0.0.1:0")
			}
			return c.stay(cmd.Context(), slackPage(o, ws), ws.Close)
		},
	}
	o.flags(cmd, "127.0.0.1:8401", "commands, clicks and events")
	cmd.Flags().StringVar(&bot, "bot-token", "xoxb-fake-bot-token", "made-up `TOKEN` that Breakglass calls with")
	cmd.Flags().StringVar(&signing, "signing-secret", "fake-signing-secret", "made-up `SECRET` that requests to Breakglass are signed with")
	return cmd
}

// slackPage says where the workspace is, how to point Breakglass at it, and how to act.
func slackPage(o fakeOptions, ws *slackfake.Workspace) string {
	at, cfg := ws.URL(), ws.Config()
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Slack simulator   %s   workspace %s, bot user %s", at, cfg.TeamID, ws.Bot())
	line("%s", sendsTo("Commands and clicks go to", o.app))
	line("\nWhere breakglass serve runs:\n")
	line("  export SLACK_BOT_TOKEN=%s SLACK_SIGNING_SECRET=%s", quoted(cfg.BotToken), quoted(cfg.SigningSecret))
	line("\nIn breakglass.hcl:\n")
	line(`  secret "slack_bot_token" {
    source = "env"
    name   = "SLACK_BOT_TOKEN"
  }
  secret "slack_signing_secret" {
    source = "env"
    name   = "SLACK_SIGNING_SECRET"
  }
  integration "slack" "main" {
    external_id    = %q
    bot_token      = secret.slack_bot_token
    signing_secret = secret.slack_signing_secret
    api_url        = %q
    simulated      = true
  }`, cfg.TeamID, at+"/api/")
	if o.people == "empty" {
		line("\nNobody is here yet. Add a person, a user group and a channel with the bot in it, by the control API:\n")
		line("  %s", o.header())
		line("  %s", curl("PUT", at+"/control/users/U0DANA", `{"name":"dana","real_name":"Dana","email":"dana@acme.example"}`))
		line("  %s", curl("PUT", at+"/control/groups/S0ENG", `{"handle":"engineering","users":["U0DANA"]}`))
		line("  %s", curl("PUT", at+"/control/channels/C0PROD", `{"name":"prod-access","members":["U0DANA","`+ws.Bot()+`"]}`))
		line("\nThen type a command as her:\n")
	} else {
		line("\nThe people of breakglass demo are here. Type a command as Dana, by the control API:\n")
		line("  %s", o.header())
	}
	line("  %s", curl("POST", at+"/control/users/U0DANA/slash", `{"command":"/access","text":"help"}`))
	line("\nAll of the control API: integrations/slackfake/README.md. Ctrl-C stops it.")
	return b.String()
}

func sendsTo(what, app string) string {
	if app == "" {
		return "Nothing is sent anywhere (--app is empty)."
	}
	return what + " " + app + "."
}
