package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"breakglass/flows"
	"breakglass/flows/audit/history"
)

func (c *cli) request() *cobra.Command {
	return group("request", "Ask, decide, and list, show and end requests", c.requestList(), c.requestShow(), c.requestCreate(), c.requestWait(),
		c.requestApprove(), c.requestDeny(), c.requestReview(), c.requestCancel(), c.requestDone(), c.requestExtend(), c.requestEnd())
}

func (c *cli) requestList() *cobra.Command {
	var s settings
	var f filter
	var output, server string
	cmd := &cobra.Command{
		Use: "list", Short: "List requests, newest first", Args: noArgs,
		Long: "Lists requests, newest first: all of a database, or of a server those that are yours or wait for you." + lookHere,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("output", output, "table", "json", "csv"); err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			if r, err := c.over(s, server); r != nil || err != nil {
				if err != nil {
					return err
				}
				return c.listOver(cmd.Context(), r, &f, output)
			}
			if f.which != "" {
				return misused("--which %s: a database has everybody's; whose is asked of a server, with --server", f.which)
			}
			st, called, err := c.openRead(cmd.Context(), s)
			if err != nil {
				return err
			}
			defer st.Close()
			which, err := f.filter(called)
			if err != nil {
				return err
			}
			all, err := st.Requests(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.rows(output, requestRows(all), called)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&server, "server", "", "`URL` of a server, to ask its API")
	cmd.Flags().StringVar(&f.which, "which", "", "`WHOSE` on a server: mine unless said, waiting for you, reviews that you may do, or all for admins and auditors")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`FORM`: table, json or csv")
	cmd.Flags().StringVar(&f.person, "person", "", "only by or for `PERSON`: a name of the configuration, or TEAM/USER")
	cmd.Flags().StringVar(&f.incident, "incident", "", "only for the PagerDuty incident with this `ID`; or none: only those that belong to no incident")
	cmd.Flags().StringVar(&f.since, "since", "", "only submitted within this `TIME`, for example 24h or 30d")
	cmd.Flags().StringSliceVar(&f.states, "state", nil, "only in these `STATES`, for example active,ending")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "at most `N`")
	return cmd
}

// filter is what the flags of a listing say.
type filter struct {
	person, incident, since, which string
	states                         []string
	limit                          int
	within                         time.Duration
}

// check refuses flags that mean nothing, before anything is opened.
func (f *filter) check() (err error) {
	if f.since != "" {
		if f.within, err = long("since", f.since); err != nil {
			return err
		}
	}
	var known []string
	for _, s := range flows.States() {
		known = append(known, string(s))
	}
	for _, s := range f.states {
		if err := oneOf("state", s, known...); err != nil {
			return err
		}
	}
	if f.which != "" {
		if err := oneOf("which", f.which, "mine", "waiting", "reviews", "all"); err != nil {
			return err
		}
	}
	if f.limit < 1 {
		return misused("--limit %d: write a number above 0", f.limit)
	}
	return nil
}

func (f *filter) filter(called names) (flows.RequestFilter, error) {
	out := flows.RequestFilter{Limit: f.limit}
	if out.Bare = flows.SaysNone(f.incident); !out.Bare {
		out.Incident = flows.IncidentID(f.incident)
	}
	if f.within > 0 {
		out.Since = now().Add(-f.within)
	}
	for _, s := range f.states {
		out.States = append(out.States, flows.State(s))
	}
	var err error
	if f.person != "" {
		out.Person, err = called.id(f.person)
	}
	return out, err
}

// requestRow is a request as listings show it.
type requestRow struct {
	ID          flows.RequestID  `json:"id"`
	State       flows.State      `json:"state"`
	Flow        flows.FlowID     `json:"flow"`
	Target      flows.TargetID   `json:"target"`
	Requester   flows.PersonID   `json:"requester"`
	Beneficiary flows.PersonID   `json:"beneficiary"`
	For         string           `json:"for"`
	Incident    flows.IncidentID `json:"incident,omitempty"`
	Number      int              `json:"incident_number,omitempty"`
	Submitted   time.Time        `json:"submitted_at"`
	DecidedBy   flows.PersonID   `json:"decided_by,omitempty"`
	Approvers   []flows.PersonID `json:"approved_by,omitempty"`
	Decided     time.Time        `json:"decided_at,omitzero"`
	Ends        time.Time        `json:"ends_at,omitzero"`
	Cause       flows.EndCause   `json:"end_cause,omitempty"`
	Overdue     bool             `json:"overdue,omitempty"`
	Review      string           `json:"review,omitempty"`
}

// incident is the request's, or that it has none, in a word.
func (r *requestRow) incident() flows.IncidentID {
	if r.Incident == "" {
		return flows.NoIncident
	}
	return r.Incident
}

func requestRows(all []flows.Request) []requestRow {
	out := make([]requestRow, 0, len(all))
	for i := range all {
		out = append(out, rowOf(&all[i]))
	}
	return out
}

func rowOf(r *flows.Request) requestRow {
	return requestRow{
		ID: r.ID, State: r.State, Flow: r.Content.Flow, Target: r.Content.Target, Requester: r.Content.Requester,
		Beneficiary: r.Content.Beneficiary, For: flows.Span(r.Content.Duration), Incident: r.Incident(), Number: r.IncidentNow().Number,
		Submitted: r.SubmittedAt, DecidedBy: r.DecidedBy, Approvers: r.Approvers(), Decided: r.DecidedAt, Ends: r.EndsAt, Cause: r.EndCause, Overdue: r.Overdue,
		Review: r.ReviewWord(),
	}
}

// rows prints a listing in the form that was asked for. CSV has what JSON has, with
// whole ids; the table is for reading, with names.
func (c *cli) rows(output string, rows []requestRow, called names) error {
	p := &printer{w: c.out}
	if output == "json" {
		return p.json(rows)
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	if output == "csv" {
		t.AppendHeader(table.Row{"id", "state", "flow", "target", "requester", "beneficiary", "for", "incident", "incident_number",
			"submitted_at", "decided_by", "decided_at", "ends_at", "end_cause", "approved_by"})
		for _, r := range rows {
			t.AppendRow(table.Row{r.ID, r.State, cell(string(r.Flow)), cell(string(r.Target)), cell(string(r.Requester)), cell(string(r.Beneficiary)),
				r.For, cell(string(r.incident())), number(r.Number), csvTime(r.Submitted), cell(string(r.DecidedBy)), csvTime(r.Decided), csvTime(r.Ends), r.Cause,
				cell(everyone(r.Approvers, func(p flows.PersonID) string { return string(p) }, " "))})
		}
		p.line("%s", t.RenderCSV())
		return p.err
	}
	if len(rows) == 0 {
		p.line("No requests.")
		return p.err
	}
	p.table(rows, called)
	return p.err
}

func state(r requestRow) string {
	if r.Overdue {
		return string(r.State) + ", overdue"
	}
	if r.Review != "" {
		return string(r.State) + ", " + r.Review
	}
	return string(r.State)
}

func asked(r requestRow, called names) string {
	if r.Beneficiary != r.Requester {
		return called.of(r.Requester) + " for " + called.of(r.Beneficiary)
	}
	return called.of(r.Requester)
}

func decided(r requestRow, called names) string {
	switch r.DecidedBy {
	case "":
		return ""
	case r.Requester:
		return "themselves"
	}
	if len(r.Approvers) > 0 {
		return everyone(r.Approvers, called.of, " and ")
	}
	return called.of(r.DecidedBy)
}

// everyone is several people, each as it is called.
func everyone(all []flows.PersonID, called func(flows.PersonID) string, between string) string {
	out := make([]string, 0, len(all))
	for _, p := range all {
		out = append(out, called(p))
	}
	return strings.Join(out, between)
}

// cell keeps a spreadsheet from reading a value as a formula.
func cell(s string) string { return history.Cell(s) }

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
