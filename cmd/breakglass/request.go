package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"breakglass/flows"
)

func (c *cli) request() *cobra.Command {
	cmd := &cobra.Command{Use: "request", Short: "List, show and end requests"}
	cmd.AddCommand(c.requestList(), c.requestShow(), c.requestEnd())
	return cmd
}

func (c *cli) requestList() *cobra.Command {
	var s settings
	var output, person, incident, since string
	var states []string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List requests, newest first", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := flows.RequestFilter{Incident: flows.IncidentID(incident), Limit: limit}
			if since != "" {
				d, err := time.ParseDuration(since)
				if err != nil {
					return misused("--since %s: a length of time, for example 24h", since)
				}
				f.Since = now().Add(-d)
			}
			for _, st := range states {
				f.States = append(f.States, flows.State(st))
			}
			st, err := c.openRead(cmd.Context(), s)
			if err != nil {
				return err
			}
			defer st.Close()
			if person != "" {
				f.Person = flows.PersonID(person)
			}
			all, err := st.Requests(cmd.Context(), f)
			if err != nil {
				return err
			}
			return c.rows(output, requestRows(all))
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table, json or csv")
	cmd.Flags().StringVar(&person, "person", "", "only of this person, TEAM/USER as in the audit")
	cmd.Flags().StringVar(&incident, "incident", "", "only for this PagerDuty incident id")
	cmd.Flags().StringVar(&since, "since", "", "only submitted within, for example 24h")
	cmd.Flags().StringSliceVar(&states, "state", nil, "only in these states")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}

// requestRow is a request as listings show it.
type requestRow struct {
	ID        flows.RequestID  `json:"id"`
	State     flows.State      `json:"state"`
	Target    flows.TargetID   `json:"target"`
	Requester flows.PersonID   `json:"requester"`
	For       string           `json:"for"`
	Incident  int              `json:"incident,omitempty"`
	DecidedBy flows.PersonID   `json:"decided_by,omitempty"`
	Submitted time.Time        `json:"submitted_at"`
	Ends      time.Time        `json:"ends_at,omitzero"`
	Cause     flows.EndCause   `json:"end_cause,omitempty"`
	Flow      flows.FlowID     `json:"flow"`
	PagerDuty flows.IncidentID `json:"incident_id,omitempty"`
}

func requestRows(all []flows.Request) []requestRow {
	out := make([]requestRow, 0, len(all))
	for i := range all {
		r := &all[i]
		out = append(out, requestRow{
			ID: r.ID, State: r.State, Target: r.Content.Target, Requester: r.Content.Requester, For: flows.Span(r.Content.Duration),
			Incident: r.Content.Incident.Number, DecidedBy: r.DecidedBy, Submitted: r.SubmittedAt, Ends: r.EndsAt, Cause: r.EndCause,
			Flow: r.Content.Flow, PagerDuty: r.Incident(),
		})
	}
	return out
}

// rows prints a listing in the form that was asked for.
func (c *cli) rows(output string, rows []requestRow) error {
	if output == "json" {
		enc := json.NewEncoder(c.out)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	}
	t := table.NewWriter()
	t.SetOutputMirror(c.out)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"request", "state", "target", "requester", "for", "incident", "decided by", "submitted", "ends"})
	for _, r := range rows {
		t.AppendRow(table.Row{r.ID, r.State, cell(string(r.Target)), cell(string(r.Requester)), r.For, number(r.Incident), cell(string(r.DecidedBy)), stamp(r.Submitted), stamp(r.Ends)})
	}
	switch output {
	case "csv":
		t.RenderCSV()
	case "table":
		if len(rows) == 0 {
			_, err := fmt.Fprintln(c.out, "No requests.")
			return err
		}
		t.Render()
	default:
		return misused("--output %s: write table, json or csv", output)
	}
	return nil
}

// cell keeps a spreadsheet from reading a value as a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

func (c *cli) requestShow() *cobra.Command {
	var s settings
	var output string
	cmd := &cobra.Command{
		Use: "show REQUEST", Short: "Show a request and everything recorded about it", Args: oneArg,
		Long: "Shows a request and its audit entries in order. REQUEST is the whole id or its last six characters.",
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := c.openRead(cmd.Context(), s)
			if err != nil {
				return err
			}
			defer st.Close()
			id, err := find(cmd.Context(), st, args[0])
			if err != nil {
				return err
			}
			rec, err := st.Load(cmd.Context(), id)
			if err != nil {
				return hint(fmt.Errorf("request %s: %w", args[0], err), "breakglass request list")
			}
			entries, err := st.Entries(cmd.Context(), string(id))
			if err != nil {
				return err
			}
			if output == "json" {
				enc := json.NewEncoder(c.out)
				enc.SetIndent("", "  ")
				return enc.Encode(map[string]any{"request": rec.Request, "holding": rec.Holding, "entries": entryRows(entries)})
			}
			return printRequest(c.out, rec, entries)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

// printRequest shows a request for people: what was asked, then what happened.
func printRequest(w io.Writer, rec flows.Record, entries []flows.Sealed) error {
	r := rec.Request
	p := &printer{w: w}
	p.line("%s  %s", r.ID, r.State)
	p.pair("asked by", string(r.Content.Requester))
	if r.Content.Beneficiary != r.Content.Requester {
		p.pair("for", string(r.Content.Beneficiary))
	}
	p.pair("target", string(r.Content.Target)+" in flow "+string(r.Content.Flow)+", for "+flows.Span(r.Content.Duration))
	p.pair("reason", terminal(r.Content.Reason))
	if r.Content.Incident.ID != "" {
		p.pair("incident", fmt.Sprintf("#%d %s (%s)", r.Content.Incident.Number, terminal(r.Content.Incident.Title), r.Incident()))
	}
	if r.Route != nil {
		p.pair("route", plainWords(r.Route.Why))
	}
	if r.DecidedBy != "" {
		p.pair("decided by", string(r.DecidedBy)+" at "+stamp(r.DecidedAt))
	}
	if !r.EndsAt.IsZero() {
		p.pair("ends", stamp(r.EndsAt)+" "+string(r.EndCause))
	}
	p.line("\n%d entries, end of the chain %.16s…", len(entries), r.Chain.Hash)
	for _, e := range entries {
		p.line("  %3d  %s  %-14s %s", e.Seq, stamp(e.At), e.Verb, e.Hash[:16])
	}
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) pair(name, value string) { p.line("  %-11s %s", name, value) }
