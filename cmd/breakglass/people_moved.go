package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"breakglass/flows/people"
)

func (c *cli) peopleMoved() *cobra.Command {
	var f peopleFlags
	cmd := &cobra.Command{
		Use: "moved OLD NEW", Short: "Confirm the links of which only the company's e-mail domain changed", Args: twoArgs,
		Long: "When the company's e-mail domain OLD becomes NEW, the addresses of everybody change, and their links are set\n" +
			"aside. This confirms those of which nothing else changed: the same accounts, members still, the same name\n" +
			"before the @, and nobody else with that address. It says which, and which not and why.\n" + throughServer,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("output", f.output, "table", "json"); err != nil {
				return err
			}
			f.body.Moved = people.Move{From: args[0], To: args[1]}
			return c.movePeople(cmd.Context(), f)
		},
	}
	f.all(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "`FORM`: table or json")
	cmd.Flags().BoolVar(&f.body.Dry, "dry-run", false, "only say what would be done")
	return cmd
}

// movePeople has the server look, and says what it did.
func (c *cli) movePeople(ctx context.Context, f peopleFlags) error {
	door, err := c.knock(ctx, f)
	if err != nil {
		return err
	}
	say := c.progress()
	say("asking Slack and PagerDuty about everybody")
	resp, err := enter(ctx, door, "/v1/people/moved", f.body, 0)
	say("")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var r people.MovedReport
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&r); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	p := &printer{w: c.out}
	if f.output == "json" {
		return p.json(r)
	}
	for _, l := range r.Confirmed {
		p.line("  confirmed  %s  %s", l.Person.User(), l.Name)
	}
	for _, l := range r.Left {
		p.line("  set aside  %s  %s: %s", l.Person.User(), l.Name, l.Why)
	}
	tail := "."
	if !r.Applied {
		tail = ". Nothing was done: this was a dry run."
	}
	p.line("%d confirmed, %d stay set aside%s", len(r.Confirmed), len(r.Left), tail)
	return p.err
}
