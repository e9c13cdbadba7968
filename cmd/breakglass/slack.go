package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"breakglass/bot"
)

func (c *cli) slack() *cobra.Command {
	return group("slack", "Print the manifest of the Slack app", c.slackManifest())
}

func (c *cli) slackManifest() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use: "manifest", Short: "Print the manifest of the Slack app", Args: noArgs,
		Long: "Prints the Slack app as Slack takes it: at api.slack.com/apps choose \"Create New App\", \"From a manifest\",\n" +
			"and paste it. The URL is how Slack reaches the public listener of breakglass serve.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if url == "" {
				return usageError{err: errors.New("no address is given, and Slack has to know where to send clicks to"), next: cmd.CommandPath() + " --url https://breakglass.acme.example"}
			}
			page, err := bot.Manifest(url)
			if err != nil {
				return usageError{err: err}
			}
			_, err = io.WriteString(c.out, page)
			return err
		},
	}
	cmd.Flags().StringVar(&url, "url", "", "`URL` at which Slack reaches Breakglass, https://…")
	return cmd
}
