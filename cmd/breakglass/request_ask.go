package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"breakglass/flows"
)

// shown is a request as the API shows it, as far as commands read it.
type shown struct {
	ID        string      `json:"id"`
	State     flows.State `json:"state"`
	Label     string      `json:"label"`
	Requester string      `json:"requester"`
	Duration  string      `json:"duration"`
	Reason    string      `json:"reason"`
	Hash      string      `json:"hash"`
	DecidedBy string      `json:"decided_by"`
	DenyWhy   string      `json:"denied_because"`
	EndsAt    time.Time   `json:"ends_at"`
	Votes     []struct {
		By string `json:"by"`
	} `json:"votes"`
	Route *struct {
		Why    string `json:"why"`
		Stage  int    `json:"stage"`
		Stages []struct {
			Approvers []string `json:"approvers"`
			Quorum    int      `json:"quorum"`
		} `json:"stages"`
	} `json:"route"`
}

// line is how things stand with a request, in a line.
func (s *shown) line() string {
	out := s.ID + " is " + string(s.State)
	switch {
	case s.State == flows.StatePending && s.Route != nil && s.Route.Stage < len(s.Route.Stages):
		stage := s.Route.Stages[s.Route.Stage]
		out += ": " + strings.Join(stage.Approvers, ", ") + " asked"
		if stage.Quorum > 1 {
			out += fmt.Sprintf(", %d of %d approvals", len(s.Votes), stage.Quorum)
		}
	case s.State == flows.StateDenied:
		out += " by " + s.DecidedBy + ": " + terminal(flows.NewText(s.DenyWhy))
	case s.State == flows.StateActive:
		out += " until " + stamp(s.EndsAt)
	}
	return out + "."
}

func (c *cli) requestCreate() *cobra.Command {
	var server, flow, length, reason, incident string
	var fields map[string]string
	var wait bool
	cmd := &cobra.Command{
		Use: "create TARGET", Short: "Ask for access", Args: oneArg,
		Long: "Asks for access to a target, in your own name, through a server: the way when Slack is down. Say which PagerDuty\n" +
			"incident it is for with --incident, or that there is none: --incident none. Prints the request's id; --wait waits until it is decided.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			in := map[string]any{"flow": flow, "target": args[0], "duration": length, "reason": reason}
			if incident != "" {
				in["incident"] = incident
			}
			if len(fields) > 0 {
				in["fields"] = fields
			}
			var made shown
			if err := r.call(cmd.Context(), http.MethodPost, "/v1/requests", in, &made); err != nil {
				return err
			}
			if _, err := fmt.Fprintln(c.out, made.ID); err != nil || !wait {
				return err
			}
			return c.waitFor(cmd.Context(), r, made.ID)
		},
	}
	c.serverFlag(cmd, &server)
	cmd.Flags().StringVar(&flow, "flow", "prod", "`FLOW` of the configuration")
	cmd.Flags().StringVar(&length, "for", "30m", "how `LONG`, for example 30m or 1h")
	cmd.Flags().StringVar(&reason, "reason", "", "`WHY`; approvers and auditors read it")
	cmd.Flags().StringVar(&incident, "incident", "", "PagerDuty incident, by its `ID` or number; or none, and the reason must then stand for itself")
	cmd.Flags().StringToStringVar(&fields, "field", nil, "answer to a question of the flow: `NAME=ANSWER`")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it is decided")
	return cmd
}

func (c *cli) requestExtend() *cobra.Command {
	var server, length, reason string
	var wait bool
	cmd := &cobra.Command{
		Use: "extend REQUEST", Short: "Ask for access to go on", Args: oneArg,
		Long: "Asks for what a request of yours gives to go on, before it ends: a request of its own, which is decided like\n" +
			"any other. Once it is granted the access goes on without a gap. Prints its id; --wait waits until it is decided.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			id, err := r.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var made shown
			in := map[string]any{"duration": length, "reason": reason}
			if err := r.call(cmd.Context(), http.MethodPost, "/v1/requests/"+url.PathEscape(id)+"/extensions", in, &made); err != nil {
				return err
			}
			if _, err := fmt.Fprintln(c.out, made.ID); err != nil || !wait {
				return err
			}
			return c.waitFor(cmd.Context(), r, made.ID)
		},
	}
	c.serverFlag(cmd, &server)
	cmd.Flags().StringVar(&length, "for", "30m", "how `LONG` from when that is approved, for example 30m or 1h")
	cmd.Flags().StringVar(&reason, "reason", "", "`WHY`; approvers and auditors read it")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it is decided")
	return cmd
}

func (c *cli) requestWait() *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use: "wait REQUEST", Short: "Wait until a request is decided, for gates", Args: oneArg,
		Long: "Waits until access is given, or will not be. Exit codes: 0 access works, 3 it was denied, cancelled,\nlapsed or failed, or is over.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			id, err := r.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.waitFor(cmd.Context(), r, id)
		},
	}
	c.serverFlag(cmd, &server)
	return cmd
}

// waitFor follows a request until it is decided, and begins again when the server
// closes the stream in between.
func (c *cli) waitFor(ctx context.Context, r *remote, id string) error {
	var last shown
	for {
		over, err := c.follow(ctx, r, id, &last)
		switch {
		case err != nil:
			return err
		case !over:
			continue
		case last.State == flows.StateActive:
			return nil
		}
		return &failure{err: fmt.Errorf("there is no access: the request is %s", last.State), code: exitRefuse}
	}
}

// follow reads one stream of a request's events. over says that nothing is left to
// wait for.
func (c *cli) follow(ctx context.Context, r *remote, id string, last *shown) (over bool, err error) {
	req, err := r.request(ctx, http.MethodGet, "/v1/requests/"+url.PathEscape(id)+"/events", nil)
	if err != nil {
		return false, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return false, hint(fmt.Errorf("the server does not answer: %w", err), "is it running at %s?", r.server)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var b [4096]byte
		n, _ := resp.Body.Read(b[:]) // its sentence, or nothing
		return false, refusedBy(resp.StatusCode, b[:n])
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var s shown
		if err := json.Unmarshal([]byte(data), &s); err != nil {
			return false, fmt.Errorf("read the server's event: %w", err)
		}
		if s.line() != last.line() {
			if _, err := fmt.Fprintln(c.err, s.line()); err != nil {
				return false, err
			}
		}
		*last = s
		if s.State == flows.StateActive || s.State == flows.StateEnding || s.State.Final() {
			return true, nil
		}
	}
	return false, errors.Join(ctx.Err(), ctxOnly(ctx, lines.Err()))
}

// ctxOnly drops the error of a stream that the server closed: it is opened again.
func ctxOnly(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return nil
	}
	return err
}
