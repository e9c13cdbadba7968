package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/bot/web"
	"breakglass/flows"
)

// end is the kill switch.
func (c *cli) end() *cobra.Command {
	var w wayIn
	var reason string
	var yes, all bool
	names := map[string]*string{}
	cmd := &cobra.Command{
		Use: "end", Short: "End everything of a person, target, flow or incident at once, or all there is", Args: noArgs,
		Long: "The kill switch: withdraws requests, ends access at the targets, waits for them and says what did not end.\n" +
			"It works while the server can give nothing, too. What does not end at once is tried again by the server\n" +
			"until it does. To keep new access from being given meanwhile, freeze first.\n" + byDoorOrAPI,
		RunE: func(cmd *cobra.Command, _ []string) error {
			kind, name, err := scope(names, all)
			if err != nil {
				return err
			}
			if kind == "all" && !yes {
				return usageError{err: errors.New("--all ends the access of everybody; nothing was ended"), next: "add --yes if that is meant"}
			}
			return c.endMany(cmd.Context(), w, map[string]string{"kind": kind, "name": name, "reason": reason})
		},
	}
	for _, kind := range flows.EndKinds() {
		if kind != "all" {
			names[kind] = cmd.Flags().String(kind, "", "end what belongs to this `"+strings.ToUpper(kind)+"`")
		}
	}
	w.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "end everything")
	cmd.Flags().BoolVar(&yes, "yes", false, "with --all: this is meant")
	cmd.Flags().StringVar(&reason, "reason", "", "`WHY`; it is recorded, and everybody reads it")
	return cmd
}

// scope is the one thing that was named.
func scope(names map[string]*string, all bool) (kind, name string, err error) {
	var said []string
	if all {
		kind, said = "all", []string{"--all"}
	}
	for _, k := range flows.EndKinds() {
		if v := names[k]; v != nil && *v != "" {
			kind, name, said = k, *v, append(said, "--"+k)
		}
	}
	switch len(said) {
	case 1:
		return kind, name, nil
	case 0:
		return "", "", misused("say what is to be ended: --person, --target, --flow, --incident or --all")
	}
	return "", "", misused("%s are too many: say one", strings.Join(said, " and "))
}

// endMany prints the server's progress as it comes.
func (c *cli) endMany(ctx context.Context, w wayIn, what any) error {
	resp, err := c.order(ctx, w, "/v1/end", what)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var line web.EndLine
	for dec := json.NewDecoder(resp.Body); !line.Done && line.Error == ""; {
		line = web.EndLine{}
		if err := dec.Decode(&line); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = errors.New("the server stopped answering")
			}
			return hint(err, "what was ordered is carried out all the same; ask again to see what is left")
		}
		if c.tty && line.Error == "" {
			fmt.Fprintf(c.err, "\r%d found, %d told to end, %d over ", line.Found, line.Ordered, line.Over)
		}
	}
	if c.tty {
		fmt.Fprintln(c.err)
	}
	return c.ended(line)
}

// ended says what became of it.
func (c *cli) ended(l web.EndLine) error {
	if l.Error != "" {
		return &failure{err: errors.New(l.Error), code: exitRefuse}
	}
	if l.Found == 0 {
		_, err := fmt.Fprintln(c.out, "There was nothing to end.")
		return err
	}
	fmt.Fprintf(c.out, "%d of %d are over.\n", l.Over, l.Found)
	if l.FromMemory > 0 {
		fmt.Fprintf(c.out, "The database does not write: %d were ended at the targets from memory, and are recorded when it does.\n", l.FromMemory)
	}
	if len(l.Left) == 0 {
		return nil
	}
	fmt.Fprintf(c.out, "%d are not:\n", len(l.Left))
	for _, u := range l.Left {
		fmt.Fprintf(c.out, "  %s  %s at %s: %s\n", u.ID, u.Person.User(), u.Target, u.Why)
	}
	return &failure{err: fmt.Errorf("%d have not ended", len(l.Left)), hint: "the server goes on trying; check these targets by hand", code: exitRefuse}
}

// freeze stops everything that gives access.
func (c *cli) freeze() *cobra.Command {
	return c.freezing("freeze", "Stop everything that gives access, until unfreeze",
		"Nothing is approved and nothing given from now on, on any replica, whatever anybody decides; what ends access\n"+
			"goes on. It stays so over restarts, until unfreeze. The channels of all flows are told. To take back what\n"+
			"was given before, use end.",
		"Everything is frozen: nothing is given until breakglass unfreeze. What was given before stays until it ends.")
}

// unfreeze lets access be given again.
func (c *cli) unfreeze() *cobra.Command {
	return c.freezing("unfreeze", "Let access be given again", "Lifts a freeze. Requests that waited can be decided again.",
		"Nothing is frozen any more: access can be given again.")
}

func (c *cli) freezing(verb, short, long, said string) *cobra.Command {
	var w wayIn
	var reason string
	cmd := &cobra.Command{
		Use: verb, Short: short, Args: noArgs, Long: long + "\n" + byDoorOrAPI,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := c.ordered(cmd.Context(), w, "/v1/"+verb, map[string]string{"reason": reason}); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.out, said)
			return err
		},
	}
	w.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "`WHY`; it is recorded, and everybody reads it")
	return cmd
}
