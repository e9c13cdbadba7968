package main

import (
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"breakglass/flows"
	"breakglass/flows/people"
	"breakglass/store"
)

// people are the commands about who is who.
func (c *cli) people() *cobra.Command {
	return group("people", "Say who is who: link Slack users to PagerDuty users and sign-ins", c.peopleList(), c.peopleCheck(), c.peopleImport(), c.peopleLink(), c.peopleUnlink(), c.peopleMoved())
}

// personRow is a person as listings show them.
type personRow struct {
	Slack       string              `json:"slack"`
	PagerDuty   flows.PagerDutyUser `json:"pagerduty,omitempty"`
	Email       string              `json:"email,omitempty"`
	Name        string              `json:"name"`
	Subject     string              `json:"subject,omitempty"`
	State       string              `json:"state"` // confirmed, claimed, proposed, declined, quarantined
	Source      flows.LinkSource    `json:"source"`
	Quarantined string              `json:"quarantined,omitempty"` // why
	By          flows.PersonID      `json:"made_by,omitempty"`
	At          time.Time           `json:"made_at,omitzero"`
	Confirmer   flows.PersonID      `json:"confirmed_by,omitempty"`
	Confirmed   time.Time           `json:"confirmed_at,omitzero"`
	Pins        []string            `json:"pinned_sign_ins,omitempty"` // issuers
}

// The states of a listing besides those of the store.
const (
	stateQuarantined = "quarantined"
	stateConflict    = "conflict"
)

func (c *cli) peopleList() *cobra.Command {
	var s settings
	var output string
	var states []string
	cmd := &cobra.Command{
		Use: "list", Short: "List who is linked to whom, and how far", Args: noArgs,
		Long: "Lists the links of the configuration and of the database. CSV has the columns of an import, so that what was\n" +
			"listed can be changed and imported. Reads the database, beside a running server too.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("output", output, "table", "json", "csv"); err != nil {
				return err
			}
			for _, x := range states {
				if err := oneOf("state", x, "confirmed", "claimed", "proposed", "declined", stateQuarantined, stateConflict); err != nil {
					return err
				}
			}
			rows, err := c.peopleRows(cmd.Context(), s)
			if err != nil {
				return err
			}
			if len(states) > 0 {
				rows = slices.DeleteFunc(rows, func(r personRow) bool { return !slices.Contains(states, r.State) })
			}
			return c.printPeople(output, rows)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`FORM`: table, json or csv")
	cmd.Flags().StringSliceVar(&states, "state", nil, "only in these `STATES`: confirmed, claimed, proposed, declined, quarantined, conflict")
	return cmd
}

// peopleRows reads everybody, by name.
func (c *cli) peopleRows(ctx context.Context, s settings) ([]personRow, error) {
	cfg, err := c.load(s, nil)
	if err != nil {
		return nil, err
	}
	st, _, err := c.openRead(ctx, s)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	stored, err := st.Links(ctx)
	if err != nil {
		return nil, err
	}
	pins, err := pinned(ctx, st)
	if err != nil {
		return nil, err
	}
	merged, conflicts := cfg.Catalog.WithLinks(stored, nil)
	against := map[flows.PersonID]string{}
	for _, x := range conflicts {
		against[x.Person] = x.Why
	}
	rows := []personRow{}
	for _, l := range cfg.Catalog.Links.All() {
		r := personRow{Slack: l.Person.User(), PagerDuty: l.PagerDuty, Email: l.Email, Name: l.Name, Subject: l.Subject, State: string(flows.LinkConfirmed), Source: flows.LinkByConfig}
		if _, usable := merged.Links.Of(l.Person); !usable {
			r.State, r.Quarantined = stateQuarantined, heldIn(stored, l)
		}
		rows = append(rows, r)
	}
	for _, l := range stored {
		_, same := cfg.Catalog.Links.Contradicts(l)
		if same || l.State == flows.LinkWatched {
			continue
		}
		r := personRow{
			Slack: l.Person.User(), PagerDuty: l.PagerDuty, Email: l.Email, Name: l.Name, Subject: l.Subject, State: string(l.State), Source: l.Source,
			By: l.By, At: l.At, Confirmer: l.Confirmer, Confirmed: l.Confirmed,
		}
		switch why := against[l.Person]; {
		case why != "":
			r.State, r.Quarantined = stateConflict, why
		case l.Held != "":
			r.State, r.Quarantined = stateQuarantined, l.Held
		}
		rows = append(rows, r)
	}
	for i := range rows {
		rows[i].Pins = pins[rows[i].Slack]
	}
	slices.SortFunc(rows, func(a, b personRow) int { return strings.Compare(a.Name+" "+a.Slack, b.Name+" "+b.Slack) })
	return rows, nil
}

func heldIn(stored []flows.StoredLink, l flows.Link) string {
	for _, s := range stored {
		if s.Person == l.Person && s.Held != "" {
			return s.Held
		}
	}
	return l.Quarantined
}

// pinned are the issuers whose sign-ins are pinned to a Slack user.
func pinned(ctx context.Context, st *store.Store) (map[string][]string, error) {
	pins, err := st.Pins(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, p := range pins {
		out[p.Person.User()] = append(out[p.Person.User()], p.Issuer)
	}
	return out, nil
}

func (c *cli) printPeople(output string, rows []personRow) error {
	p := &printer{w: c.out}
	switch {
	case output == "json":
		return p.json(rows)
	case output == "csv":
		return c.peopleCSV(rows)
	case len(rows) == 0:
		p.line("Nobody.")
		return p.err
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(table.Row{"name", "slack", "pagerduty", "state", "source", "sign-in", "why"})
	for _, r := range rows {
		signIn := ""
		switch {
		case r.Subject != "":
			signIn = "confirmed"
		case len(r.Pins) > 0:
			signIn = "pinned"
		}
		t.AppendRow(table.Row{r.Name, r.Slack, r.PagerDuty, r.State, r.Source, signIn, r.Quarantined})
	}
	p.line("%s", t.Render())
	return p.err
}

// peopleCSV writes what an import reads. Values that a spreadsheet would take for a formula
// cannot be there: the store's cells are strict, and so is the configuration.
func (c *cli) peopleCSV(rows []personRow) error {
	w := csv.NewWriter(c.out)
	_ = w.Write(append(people.Columns(), people.Listed()...)) // Flush says what went wrong
	for _, r := range rows {
		_ = w.Write([]string{
			cell(r.Slack), cell(string(r.PagerDuty)), cell(r.Email), cell(r.Name), cell(r.Subject), r.State, string(r.Source), r.Quarantined,
			cell(string(r.By)), csvTime(r.At), cell(string(r.Confirmer)), csvTime(r.Confirmed),
		})
	}
	w.Flush()
	return w.Error()
}
