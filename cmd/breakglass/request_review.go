package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/flows"
)

// requestReview says whether access that its requester approved was in order.
func (c *cli) requestReview() *cobra.Command {
	var server, verdict, note string
	cmd := &cobra.Command{
		Use: "review REQUEST", Short: "Say whether access that its requester approved was in order", Args: oneArg,
		Long: "Looks back at access that has ended and that its requester approved: was it in order? An auditor,\nan admin or one of the flow's fallback says so; nobody about their own.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("verdict", verdict, "ok", "not-ok"); err != nil {
				return err
			}
			if verdict != "ok" && strings.TrimSpace(note) == "" {
				return misused("--note: say what was not in order")
			}
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			id, err := r.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var s struct {
				shown
				Review struct {
					By string `json:"by"`
				} `json:"review"`
			}
			in := map[string]string{"verdict": strings.ReplaceAll(verdict, "-", "_")}
			if note != "" {
				in["note"] = note
			}
			if err := r.call(cmd.Context(), http.MethodPost, "/v1/requests/"+url.PathEscape(id)+"/review", in, &s); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "%s: %s's access to %s was reviewed by %s: %s\n", flows.RequestID(s.ID).Short(), s.Requester, s.Label, s.Review.By, verdict)
			return err
		},
	}
	c.serverFlag(cmd, &server)
	cmd.Flags().StringVar(&verdict, "verdict", "", "`VERDICT`: ok or not-ok")
	cmd.Flags().StringVar(&note, "note", "", "`NOTE`: recorded, and read by the requester; needed with not-ok")
	return cmd
}
