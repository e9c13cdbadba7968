package main

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
)

func (c *cli) auditList() *cobra.Command {
	var s settings
	var output, after, door string
	var limit int
	cmd := &cobra.Command{
		Use: "list [QUERY]", Short: "List requests that answer a question, newest first",
		Long: "Lists a page of the requests that answer a question, newest first.\n\n" + askingHelp + lookHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("output", output, "table", "json", "csv", "jsonl"); err != nil {
				return err
			}
			if limit < 1 || limit > 1000 {
				return misused("--limit %d: write a number from 1 to 1000", limit)
			}
			st, called, err := c.openRead(cmd.Context(), s)
			if err != nil {
				return err
			}
			defer st.Close()
			q, err := question(args, called)
			if err != nil {
				return err
			}
			if q.After, err = query.ReadCursor(after); err != nil {
				return misused("--after: %v", err)
			}
			q.Limit = limit
			if err := c.recordLook(cmd.Context(), s, door, history.Look{What: history.LookList, Search: q.Search}); err != nil {
				return err
			}
			found, err := st.Search(cmd.Context(), q.Search)
			if err != nil {
				return err
			}
			return c.found(output, q, found, called)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`FORM`: table, json, jsonl or csv")
	cmd.Flags().StringVar(&after, "after", "", "go on at the `PLACE` where the page before ended")
	cmd.Flags().StringVar(&door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most `N`")
	return cmd
}

// found prints a page; what belongs to no row goes to standard error.
func (c *cli) found(output string, q query.Query, found flows.Found, called names) error {
	p, beside := &printer{w: c.out}, &printer{w: c.err}
	if q.Narrowed {
		beside.line("note: words were looked for since %s only; say since: for more", stamp(q.Since))
	}
	rows := make([]history.Row, 0, len(found.Requests))
	for i := range found.Requests {
		rows = append(rows, history.RowOf(&found.Requests[i]))
	}
	switch next := query.Cursor(found.Next); output {
	case "json":
		return p.json(map[string]any{"query": query.Write(q.Search), "requests": rows, "next": next})
	case "csv", "jsonl":
		if err := history.Print(c.out, history.Form(output), rows); err != nil {
			return err
		}
	default:
		if len(rows) == 0 {
			p.line("No requests.")
			return p.err
		}
		p.table(requestRows(found.Requests), called)
	}
	if found.Next.ID != "" {
		beside.line("more: --after %s", query.Cursor(found.Next))
	}
	if p.err != nil {
		return p.err
	}
	return beside.err
}

// incidentOf is the number of a request's incident, or that it has none.
func incidentOf(r requestRow) string {
	if r.Incident == "" && r.Number == 0 {
		return flows.NoIncident
	}
	return number(r.Number)
}

// table prints requests for people.
func (p *printer) table(rows []requestRow, called names) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(table.Row{"request", "state", "target", "for", "asked by", "incident", "submitted", "decided by", "ends"})
	for _, r := range rows {
		t.AppendRow(table.Row{r.ID.Short(), state(r), r.Target, r.For, asked(r, called), incidentOf(r), stamp(r.Submitted), decided(r, called), stamp(r.Ends)})
	}
	for line := range strings.SplitSeq(t.Render(), "\n") {
		p.line("%s", strings.TrimRight(line, " "))
	}
}
