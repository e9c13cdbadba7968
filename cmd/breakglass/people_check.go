package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/config"
	"breakglass/flows/people"
)

// peopleReport is what people check found.
type peopleReport struct {
	OK     bool             `json:"ok"` // nobody is kept from anything, and everything was read
	People int              `json:"people"`
	Found  []people.Finding `json:"found"`
	Unread []string         `json:"unread"` // what could not be asked
}

func (c *cli) peopleCheck() *cobra.Command {
	var s settings
	var output string
	cmd := &cobra.Command{
		Use: "check", Short: "Find who could not approve or decide tonight, and why", Args: noArgs,
		Long: "Reads everybody at Slack and PagerDuty, in a few calls, and says who could not approve their own request, decide,\n" +
			"or be asked tonight, and what to do: who is not linked, or whose link is not confirmed or was set aside,\n" +
			"deactivated accounts and guests, PagerDuty users that are not there, and who is on call now and nobody in\n" +
			"Slack. It changes nothing. Exit code 3: somebody is kept from something, or it is not known.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("output", output, "table", "json", "csv"); err != nil {
				return err
			}
			r, err := c.checkPeople(cmd.Context(), s)
			if err != nil {
				return err
			}
			if err := c.printCheck(output, r); err != nil {
				return err
			}
			if !r.OK {
				return &failure{err: errSaid, code: exitRefuse}
			}
			return nil
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`FORM`: table, json or csv")
	return cmd
}

// checkPeople reads both vendors and the database.
func (c *cli) checkPeople(ctx context.Context, s settings) (peopleReport, error) {
	cfg, err := c.load(s, nil)
	if err != nil {
		return peopleReport{}, err
	}
	t := people.Tonight{}
	cfg, t.Stored, t.Conflicts = c.withStored(ctx, s, cfg)
	t.Catalog = cfg.Catalog
	v, err := app.OpenVendors(cfg, app.VendorOptions{Clock: app.SystemClock{}, Paced: true, MaxWait: 5 * time.Minute})
	if err != nil {
		return peopleReport{}, err
	}
	defer v.Close()
	say := c.progress()
	defer say("")
	r := peopleReport{Unread: unread(ctx, v, cfg, &t, say)}
	if err := ctx.Err(); err != nil {
		return r, err
	}
	r.Found, r.People = t.Check(), len(t.Catalog.Links.All())
	r.OK = len(r.Unread) == 0 && !slices.ContainsFunc(r.Found, func(f people.Finding) bool { return f.Grave })
	return r, nil
}

// unread reads what a check looks at, and says what could not be read.
func unread(ctx context.Context, v app.Vendors, cfg *config.Config, t *people.Tonight, say func(string)) []string {
	out := []string{}
	failed := func(what string, err error) {
		if err != nil {
			out = append(out, what+": "+sentence(err))
		}
	}
	var err error
	say("reading everybody at Slack")
	t.Slack, err = v.Slack.People(ctx)
	failed("the people at Slack", err)
	say("reading everybody at PagerDuty")
	t.PagerDuty, err = v.PagerDuty.Users(ctx)
	failed("the people at PagerDuty", err)
	say("asking PagerDuty who is on call")
	answer := v.PagerDuty.OnCall(ctx, flows.OnCallQuery{MaxAge: time.Minute})
	if t.OnCall = answer.Entries; !answer.Known {
		failed("who is on call", errors.New("PagerDuty could not say"))
	}
	t.MayAsk, t.MayDecide = map[flows.FlowID][]flows.PersonID{}, map[flows.FlowID][]flows.PersonID{}
	for id, f := range cfg.Catalog.Flows {
		say("asking Slack who may ask and decide in " + string(id))
		t.MayAsk[id], err = v.Slack.Members(ctx, withoutServices(f.Requesters))
		failed("who may ask in "+string(id), err)
		t.MayDecide[id], err = v.Slack.Members(ctx, f.Fallback.Approvers)
		failed("who decides for want of others in "+string(id), err)
	}
	slices.Sort(out)
	return out
}

func withoutServices(all []flows.Principal) (out []flows.Principal) {
	for _, p := range all {
		if !strings.HasPrefix(string(p), "service:") {
			out = append(out, p)
		}
	}
	return out
}

func (c *cli) printCheck(output string, r peopleReport) error {
	p := &printer{w: c.out}
	switch output {
	case "json":
		return p.json(r)
	case "csv":
		w := csv.NewWriter(c.out)
		_ = w.Write([]string{"name", "slack", "pagerduty", "problem", "grave", "says", "next"}) // Flush says what went wrong
		for _, f := range r.Found {
			_ = w.Write([]string{cell(clean(f.Name)), cell(f.Person.User()), cell(string(f.PagerDuty)), string(f.Problem), fmt.Sprint(f.Grave), cell(f.Says), cell(f.Next)})
		}
		w.Flush()
		return w.Error()
	}
	if len(r.Found) > 0 {
		t := table.NewWriter()
		t.SetStyle(table.StyleLight)
		t.Style().Options = table.OptionsNoBordersAndSeparators
		t.AppendHeader(table.Row{"name", "slack", "problem", "why", "next"})
		for _, f := range r.Found {
			t.AppendRow(table.Row{clean(f.Name), f.Person.User(), f.Problem, f.Says, f.Next})
		}
		p.line("%s\n", t.Render())
	}
	for _, x := range r.Unread {
		p.line("Not known: %s", x)
	}
	grave := 0
	for _, f := range r.Found {
		if f.Grave {
			grave++
		}
	}
	switch {
	case grave > 0:
		p.line("%s linked; %s.", count(r.People, "person is", "people are"), count(grave, "thing keeps", "things keep")+" somebody from approving, deciding or being asked")
	case len(r.Unread) > 0:
		p.line("%s linked; whether all is well is not known.", count(r.People, "person is", "people are"))
	case len(r.Found) > 0:
		p.line("%s linked; nobody who may approve, decide or be asked is kept from it.", count(r.People, "person is", "people are"))
	default:
		p.line("All is well: %s linked, and nobody is kept from anything.", count(r.People, "person is", "people are"))
	}
	return p.err
}
