package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (c *cli) reload() *cobra.Command {
	var s settings
	var door string
	cmd := &cobra.Command{
		Use: "reload", Short: "Have the running server load its configuration again", Args: noArgs,
		Long: "Has the server that runs on this machine load its configuration again, as the signal SIGHUP does. A good\n" +
			"one is in force at once; a bad one changes nothing. Listeners, store, integrations and their secrets are\n" +
			"only read at the start. Each replica is told for itself.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if door == "" {
				if door, err = c.doorFile(cmd.Context(), s); err != nil {
					return err
				}
			}
			out, err := throughDoor(cmd.Context(), door, "/v1/reload", nil)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "The configuration is in force: %.12s.\n", out.Config)
			return err
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
	return cmd
}
