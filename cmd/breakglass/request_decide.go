package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"breakglass/flows"
)

func (c *cli) requestApprove() *cobra.Command { return c.decision("approve", "Approve a request") }

func (c *cli) requestDeny() *cobra.Command { return c.decision("deny", "Deny a request, and say why") }

// decision decides about what was shown just before: the server counts it only for that.
func (c *cli) decision(verb, short string) *cobra.Command {
	var server, reason, hash string
	cmd := &cobra.Command{
		Use: verb + " REQUEST", Short: short, Args: oneArg,
		Long: short + ". Shows what is asked, and decides about exactly that. Who may decide is looked at again,\nas at a click in Slack.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			id, err := r.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			path := "/v1/requests/" + url.PathEscape(id)
			var s shown
			if err := r.call(cmd.Context(), http.MethodGet, path, nil, &s); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(c.out, "%s asks for %s for %s: %s\n", s.Requester, s.Label, s.Duration, terminal(flows.NewText(s.Reason))); err != nil {
				return err
			}
			in := map[string]string{"decision": verb, "hash": s.Hash}
			if hash != "" {
				in["hash"] = hash
			}
			if reason != "" {
				in["reason"] = reason
			}
			if err := r.call(cmd.Context(), http.MethodPost, path+"/decisions", in, &s); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.out, s.line())
			return err
		},
	}
	c.serverFlag(cmd, &server)
	cmd.Flags().StringVar(&hash, "hash", "", "decide only about what has this content `HASH`")
	if verb == "deny" {
		cmd.Flags().StringVar(&reason, "reason", "", "`WHY` not; the requester reads it")
	}
	return cmd
}

func (c *cli) requestCancel() *cobra.Command { return c.step("cancel", "Withdraw a request") }

func (c *cli) requestDone() *cobra.Command { return c.step("done", "Hand access back") }

func (c *cli) step(verb, short string) *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use: verb + " REQUEST", Short: short + ", through a server", Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			id, err := r.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var s shown
			if err := r.call(cmd.Context(), http.MethodPost, "/v1/requests/"+url.PathEscape(id)+"/"+verb, nil, &s); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.out, s.line())
			return err
		},
	}
	c.serverFlag(cmd, &server)
	return cmd
}
