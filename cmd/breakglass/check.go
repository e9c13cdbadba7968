package main

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/flows"
	"breakglass/flows/config"
)

func (c *cli) check() *cobra.Command {
	var s settings
	var live bool
	var output string
	var only []string
	cmd := &cobra.Command{
		Use: "check [DIR]", Short: "Check the configuration, and say what it means", Args: optionalDir,
		Long: "Checks the configuration: every mistake at once, with its place and what to write instead. Then says\n" +
			"what each flow means. Asks nobody, unless told to: --live asks Slack and PagerDuty whether everything\n" +
			"that is named is there, and who would qualify right now under each rule. It changes nothing.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("output", output, "text", "json"); err != nil {
				return err
			}
			if len(args) == 1 {
				s.dir = args[0]
			}
			return c.checked(cmd.Context(), s, checking{only: only, live: live, json: output == "json"})
		},
	}
	s.configFlags(cmd)
	cmd.Flags().BoolVar(&live, "live", false, "ask Slack and PagerDuty too")
	cmd.Flags().StringSliceVar(&only, "flow", nil, "explain only these `FLOWS`")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORM`: text or json")
	return cmd
}

func optionalDir(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return misused("%s takes one directory, not %d", cmd.CommandPath(), len(args))
	}
	return nil
}

// checking is how a configuration is checked.
type checking struct {
	only       []string
	live, json bool
}

// report is what a check found, as JSON.
type report struct {
	OK          bool                `json:"ok"`
	Diagnostics []config.Diagnostic `json:"diagnostics"`
	Flows       []today             `json:"flows,omitempty"`
}

// checked checks, prints, and is an error where there are mistakes.
func (c *cli) checked(ctx context.Context, s settings, how checking) error {
	cfg, diags, err := c.read(s, nil)
	if err != nil {
		return err
	}
	out := report{OK: cfg != nil, Diagnostics: append([]config.Diagnostic{}, diags.All()...)}
	if !how.json {
		if err := diags.Write(c.err, c.tty); err != nil {
			return err
		}
	}
	if cfg != nil {
		ids, err := chosen(cfg.Catalog, how.only)
		if err != nil {
			return err
		}
		if err := c.explained(ctx, s, cfg, ids, how, &out); err != nil {
			return err
		}
	}
	if how.json {
		if err := (&printer{w: c.out}).json(out); err != nil {
			return err
		}
	}
	if !out.OK {
		return &failure{err: errSaid, code: exitRefuse}
	}
	return nil
}

// chosen are the flows that are explained: all, or those that are named.
func chosen(cat *flows.Catalog, only []string) ([]flows.FlowID, error) {
	if only == nil {
		return cat.FlowOrder, nil
	}
	var known []string
	for _, id := range cat.FlowOrder {
		known = append(known, string(id))
	}
	out := make([]flows.FlowID, 0, len(only))
	for _, name := range only {
		if err := oneOf("flow", name, known...); err != nil {
			return nil, err
		}
		out = append(out, flows.FlowID(name))
	}
	return out, nil
}

// explained says what the flows mean, and with --live how things stand at the vendors.
func (c *cli) explained(ctx context.Context, s settings, cfg *config.Config, ids []flows.FlowID, how checking, out *report) error {
	var l *live
	if how.live {
		own := cfg.Catalog.Links
		cfg, _, _ = c.withStored(ctx, s, cfg)
		l = newLive(cfg, c.progress())
		l.own = own
		l.ask(ctx, ids)
		l.progress("")
		if err := ctx.Err(); err != nil {
			return err
		}
		found := cfg.Report(l.found)
		out.OK, out.Flows = !found.HasErrors(), l.flows
		out.Diagnostics = append(out.Diagnostics, found.All()...)
		if !how.json {
			defer func() { _ = writeFindings(c.err, found, c.tty) }()
		}
	}
	if how.json {
		return nil
	}
	p := &printer{w: c.out}
	for i, id := range ids {
		if err := cfg.Explain(c.out, id); err != nil {
			return err
		}
		if l != nil {
			l.flows[i].print(p, l.names, cfg.Catalog.Flows[id])
		}
		p.line("")
	}
	p.line("%s", verdict(cfg, l, out.OK))
	return p.err
}

// verdict is the last line of a check: whether all is well, and of what.
func verdict(cfg *config.Config, l *live, ok bool) string {
	cat := cfg.Catalog
	sum := and([]string{
		count(len(cat.Flows), "flow", "flows"), count(len(cat.Targets), "target", "targets"), count(len(cat.Links.All()), "person", "people"),
	})
	if cat.World == flows.WorldSimulated {
		sum += ", simulated"
	}
	switch {
	case !ok:
		return "The configuration loads: " + sum + ". At Slack or PagerDuty not everything is as it says:\n"
	case l != nil && len(l.found) > 0:
		return "No mistakes: " + sum + ". Slack and PagerDuty have everything that is named, but look at this:\n"
	case l != nil:
		return "All is well: " + sum + "; Slack and PagerDuty have everything that is named."
	}
	return "No mistakes: " + sum + ". Slack and PagerDuty were not asked; check --live does that."
}

// writeFindings prints what the vendors have otherwise. The summary of diagnostics
// says that nothing was loaded, which is not so here.
func writeFindings(w io.Writer, found config.Diagnostics, color bool) error {
	var b bytes.Buffer
	if err := found.Write(&b, color); err != nil {
		return err
	}
	_, err := io.WriteString(w, strings.Replace(b.String(), ". Nothing was loaded.\n", ".\n", 1))
	return err
}
