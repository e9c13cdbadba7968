package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/config"
)

func (c *cli) doctor() *cobra.Command {
	var s settings
	var output string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look at the whole installation, and say what to do next", Args: noArgs,
		Long: "Looks at the configuration, the secrets, the database, Slack, PagerDuty, the people and the running\n" +
			"server, and says of each how it is and what to do next. It changes nothing. Exit code 1: a problem.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneOf("output", output, "text", "json"); err != nil {
				return err
			}
			d := &examination{At: now().Truncate(time.Second), Lines: []line{}, clock: app.SystemClock{}}
			progress := c.progress()
			d.progress = progress
			if err := d.examine(cmd.Context(), c, s); err != nil {
				return err
			}
			progress("")
			return d.print(&printer{w: c.out}, output == "json")
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORM`: text or json")
	return cmd
}

// condition is how something is.
type condition string

const (
	isOK      condition = "ok"
	isWarning condition = "warning"
	isProblem condition = "problem"
)

// line is one thing that was looked at.
type line struct {
	What string    `json:"what"`
	Is   condition `json:"is"`
	Says string    `json:"says"`
	Next []string  `json:"next,omitempty"` // what to do, in order
}

// examination is everything that was looked at.
type examination struct {
	OK    bool        `json:"ok"`
	At    time.Time   `json:"at"`
	World flows.World `json:"world,omitempty"`
	Lines []line      `json:"lines"`

	clock    flows.Clock
	progress func(string)
	cfg      *config.Config
	called   names

	links     []flows.StoredLink
	conflicts []flows.LinkConflict
}

func (d *examination) ok(what, format string, args ...any) {
	d.Lines = append(d.Lines, line{What: what, Is: isOK, Says: fmt.Sprintf(format, args...)})
}

func (d *examination) warning(what, says string, next ...string) {
	d.Lines = append(d.Lines, line{What: what, Is: isWarning, Says: says, Next: next})
}

func (d *examination) problem(what, says string, next ...string) {
	d.Lines = append(d.Lines, line{What: what, Is: isProblem, Says: says, Next: next})
}

// examine looks at everything, in the order in which things depend on each other.
func (d *examination) examine(ctx context.Context, c *cli, s settings) error {
	cfg, diags, err := c.read(s, nil)
	if err != nil {
		return err
	}
	if cfg == nil {
		d.mistakes(s, diags)
		return nil
	}
	d.cfg, d.World, d.called = cfg, cfg.Catalog.World, names{cfg, map[flows.PersonID]string{}}
	d.configuration(s, diags)
	readable := d.secrets(ctx)
	dsn, err := s.dsn(ctx, cfg)
	if err != nil {
		d.problem("store", capital(sentence(err)), "Make the secrets readable that the store's address is made of.")
	} else {
		d.store(ctx, dsn)
		d.cfg, d.links, d.conflicts = c.withStored(ctx, s, cfg)
		d.called.cfg = d.cfg
	}
	vendors, err := app.OpenVendors(cfg, app.VendorOptions{Clock: d.clock, Paced: true, MaxWait: time.Minute})
	if err != nil {
		d.problem("vendors", capital(sentence(err)), "breakglass check")
	} else {
		defer vendors.Close()
		slack := readable["slack"] && d.slack(ctx, vendors.Slack)
		if readable["pagerduty"] {
			d.pagerDuty(ctx, vendors.PagerDuty)
		}
		d.people(ctx, vendors.Slack, slack)
	}
	d.server(ctx, dsn)
	return ctx.Err()
}

// mistakes is all there is to say about a configuration that does not load.
func (d *examination) mistakes(s settings, diags config.Diagnostics) {
	n := 0
	for _, x := range diags.All() {
		if x.Severity == config.SeverityError {
			n++
		}
		if x.File == config.MainFile && x.Line == 0 {
			d.problem("configuration", sentence(errors.New(x.Message)), "Say where it is: breakglass doctor --config DIR",
				"Or begin: flows/config/example is a whole one, flows/config/README.md explains it.")
			return
		}
	}
	d.problem("configuration", count(n, "mistake", "mistakes")+"; nothing else was looked at.", "breakglass check --config "+s.dir)
}

func (d *examination) configuration(s settings, diags config.Diagnostics) {
	cat := d.cfg.Catalog
	says := and([]string{
		count(len(cat.Flows), "flow", "flows"), count(len(cat.Targets), "target", "targets"), count(len(cat.Links.All()), "person", "people"),
	})
	if warnings := len(diags.All()); warnings > 0 {
		d.warning("configuration", says+"; "+count(warnings, "warning", "warnings")+".", "breakglass check --config "+s.dir)
		return
	}
	d.ok("configuration", "%s.", says)
}

// secrets reads every secret; the answer says which vendor's token can be used.
func (d *examination) secrets(ctx context.Context) map[string]bool {
	all, usable := app.Credentials(d.cfg), map[string]bool{"slack": true, "pagerduty": true}
	bad := 0
	for _, cred := range all {
		err := cred.Check(ctx, d.cfg.Catalog.World)
		if err == nil {
			continue
		}
		bad++
		file, n := d.cfg.Where(cred.At)
		says, next := capital(sentence(err)), fmt.Sprintf("It is named at %s:%d, by %s.", file, n, cred.At)
		if cred.Needed {
			d.problem("secrets", says, next)
		} else {
			d.warning("secrets", says, next)
		}
		switch cred.Secret.Name() {
		case d.cfg.Settings.Slack.BotToken.Name():
			usable["slack"] = false
		case d.cfg.Settings.PagerDuty.APIToken.Name():
			usable["pagerduty"] = false
		}
	}
	if bad == 0 {
		d.ok("secrets", "%s, all readable.", count(len(all), "secret", "secrets"))
	}
	return usable
}

// print shows the page; a problem is an error whose words are on it.
func (d *examination) print(p *printer, asJSON bool) error {
	tally := map[condition]int{}
	for _, l := range d.Lines {
		tally[l.Is]++
	}
	d.OK = tally[isProblem] == 0
	if asJSON {
		if err := p.json(d); err != nil {
			return err
		}
	} else {
		d.page(p, tally)
	}
	if p.err == nil && !d.OK {
		return &failure{err: errSaid, code: exitError}
	}
	return p.err
}

func (d *examination) page(p *printer, tally map[condition]int) {
	world := ""
	if d.World == flows.WorldSimulated {
		world = ", simulated"
	}
	p.line("Breakglass, %s%s\n", minute(d.At), world)
	for _, l := range d.Lines {
		p.line("  %-8s %-14s %s", l.Is, l.What, l.Says)
		for i, next := range l.Next {
			mark := "→"
			if len(l.Next) > 1 {
				mark = fmt.Sprintf("%d.", i+1)
			}
			for line := range strings.SplitSeq(next, "\n") {
				p.line("  %-8s %-14s %s %s", "", "", mark, line)
				mark = strings.Repeat(" ", utf8.RuneCountInString(mark))
			}
		}
	}
	problems, warnings := count(tally[isProblem], "problem", "problems"), count(tally[isWarning], "warning", "warnings")
	switch {
	case tally[isProblem] > 0 && tally[isWarning] > 0:
		p.line("\n%s, %s.", problems, warnings)
	case tally[isProblem] > 0:
		p.line("\n%s.", problems)
	case tally[isWarning] > 0:
		p.line("\n%s, no problem.", warnings)
	default:
		p.line("\nAll is well.")
	}
}
