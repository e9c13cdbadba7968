package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
)

func (c *cli) auditErase() *cobra.Command {
	var s settings
	var door, ticket string
	cmd := &cobra.Command{
		Use: "erase PERSON", Short: "Propose to erase what is kept about a person", Args: oneArg,
		Long: "Destroys, for good, what opens the commitments about a person in the audit, what they typed, and their\n" +
			"ids in requests that are over. The entries themselves and every proof stay; one of them says what was\n" +
			"destroyed. This command only proposes it, through the server that runs on this machine; it happens once\n" +
			"two admins have confirmed it in Slack, with /access erase and the code, within a week. It is refused\n" +
			"while a request that names the person is not over, and for what is younger than the retention.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if ticket == "" {
				return misused("say with --ticket what the erasure is filed under; it is recorded for good, so no names of people")
			}
			st, called, err := c.openRead(cmd.Context(), s)
			if err != nil {
				return err
			}
			defer st.Close()
			person, err := called.id(args[0])
			if err != nil {
				return err
			}
			if door == "" {
				if door, err = c.doorFile(cmd.Context(), s); err != nil {
					return err
				}
			}
			resp, err := enter(cmd.Context(), door, "/v1/audit/erasures", app.ErasureBody{Person: string(person), Ticket: ticket}, 10*time.Minute) // it looks through everything
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			var out app.ErasureAnswer
			if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
				return fmt.Errorf("read the server's answer: %w", err)
			}
			p := &printer{w: c.out}
			p.line("Nothing is erased yet. It is about %d values in the audit and %d requests.", out.Values, out.Requests)
			p.line("Two admins have to confirm it in Slack until %s:  /access erase %s", out.Lapses.Format("2 January 15:04 MST"), out.Code)
			return p.err
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&ticket, "ticket", "", "`TICKET` that the erasure is filed under; it stands in the audit for good")
	cmd.Flags().StringVar(&door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
	return cmd
}
