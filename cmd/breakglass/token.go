package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func (c *cli) token() *cobra.Command {
	return group("token", "Make, list and end tokens", c.tokenCreate(), c.tokenList(), c.tokenRevoke())
}

// tokenRow is a token as the API shows it.
type tokenRow struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Holder  string    `json:"holder"`
	By      string    `json:"made_by"`
	Scopes  []string  `json:"scopes,omitempty"`
	Created time.Time `json:"created_at"`
	Expires time.Time `json:"expires_at"`
	Secret  string    `json:"secret,omitempty"`
}

func (c *cli) tokenCreate() *cobra.Command {
	var server string
	var service bool
	var scopes []string
	var days int
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a token, which is shown this once", Args: oneArg,
		Long: "Makes a token that acts as you, or with --service as a service, which never decides. Its secret is\n" +
			"printed this once, alone on standard output; put it into BREAKGLASS_TOKEN where it is used.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			var made tokenRow
			in := map[string]any{"name": args[0], "service": service, "scopes": scopes, "days": days}
			if err := r.call(cmd.Context(), http.MethodPost, "/v1/tokens", in, &made); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(c.err, "%s acts as %s until %s. Its secret is shown this once:\n", made.ID, made.Holder, stamp(made.Expires)); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.out, made.Secret)
			return err
		},
	}
	c.serverFlag(cmd, &server)
	cmd.Flags().BoolVar(&service, "service", false, "of a service with that name, which acts for itself; for admins")
	cmd.Flags().StringSliceVar(&scopes, "scope", []string{"read", "ask"}, "what it may be used for: `SCOPES` read, ask, decide, call")
	cmd.Flags().IntVar(&days, "days", 30, "how long it lives, at most 90 `DAYS`")
	return cmd
}

func (c *cli) tokenList() *cobra.Command {
	var server, output string
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List your tokens, logins and sessions", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("output", output, "table", "json", "csv"); err != nil {
				return err
			}
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			path := "/v1/tokens"
			if all {
				path += "?all=true"
			}
			var got struct {
				Tokens []tokenRow `json:"tokens"`
			}
			if err := r.call(cmd.Context(), http.MethodGet, path, nil, &got); err != nil {
				return err
			}
			return c.tokenRows(output, got.Tokens)
		},
	}
	c.serverFlag(cmd, &server)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`FORM`: table, json or csv")
	cmd.Flags().BoolVar(&all, "all", false, "everybody's; for admins")
	return cmd
}

func (c *cli) tokenRows(output string, rows []tokenRow) error {
	p := &printer{w: c.out}
	if output == "json" {
		return p.json(rows)
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(table.Row{"id", "kind", "name", "acts as", "may", "made", "ends"})
	for _, r := range rows {
		t.AppendRow(table.Row{r.ID, r.Kind, cell(r.Name), cell(r.Holder), strings.Join(r.Scopes, " "), stamp(r.Created), stamp(r.Expires)})
	}
	if output == "csv" {
		p.line("%s", t.RenderCSV())
		return p.err
	}
	for line := range strings.SplitSeq(t.Render(), "\n") {
		p.line("%s", strings.TrimRight(line, " "))
	}
	return p.err
}

func (c *cli) tokenRevoke() *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "End a token, login or session", Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			if err := r.call(cmd.Context(), http.MethodDelete, "/v1/tokens/"+url.PathEscape(args[0]), nil, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "%s is ended.\n", args[0])
			return err
		},
	}
	c.serverFlag(cmd, &server)
	return cmd
}
