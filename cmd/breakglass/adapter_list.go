package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"breakglass/flows"
)

// adapterRow is an adapter as it is listed.
type adapterRow struct {
	Name    string              `json:"name"`
	BaseURL string              `json:"base_url"`
	Headers []string            `json:"headers"` // names; values are nobody's to see
	Secrets []string            `json:"secrets"` // names
	Allow   []string            `json:"allow"`
	Callers []flows.Principal   `json:"callers"`
	Targets map[string][]string `json:"targets"` // what a grant of each opens
}

func (c *cli) adapterList() *cobra.Command {
	var s settings
	var output string
	cmd := &cobra.Command{
		Use: "list", Short: "List the adapters and what may be called", Args: noArgs,
		Long: "Lists the adapters of the configuration: what may be called without a grant and by whom, and what each\n" +
			"target opens. It asks nobody, and reads no secret.",
		RunE: func(*cobra.Command, []string) error {
			if err := oneOf("output", output, "table", "json", "csv"); err != nil {
				return err
			}
			cfg, err := c.load(s, nil)
			if err != nil {
				return err
			}
			return c.adapterRows(output, adapterRows(cfg.Catalog))
		},
	}
	s.configFlags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`FORM`: table, json or csv")
	return cmd
}

func adapterRows(cat *flows.Catalog) []adapterRow {
	rows := []adapterRow{}
	for _, id := range slices.Sorted(maps.Keys(cat.Adapters)) {
		a := cat.Adapters[id]
		r := adapterRow{Name: string(id), BaseURL: a.BaseURL, Headers: []string{}, Secrets: secretsOf(a), Allow: ruleTexts(a.Allow), Callers: a.Callers, Targets: map[string][]string{}}
		for _, h := range a.Headers {
			r.Headers = append(r.Headers, h.Name)
		}
		for _, t := range cat.AdapterTargets[id] {
			r.Targets[string(t.Target)] = ruleTexts(t.Allow)
		}
		rows = append(rows, r)
	}
	return rows
}

// secretsOf are the names of the secrets that an adapter calls with.
func secretsOf(a *flows.Adapter) []string {
	out := []string{}
	for _, h := range a.Headers {
		out = append(out, h.Value.Secrets()...)
	}
	if a.AWS != nil {
		out = append(out, a.AWS.AccessKeyID.Name(), a.AWS.SecretKey.Name())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func ruleTexts(rules []flows.Rule) []string {
	out := make([]string, 0, len(rules))
	for _, r := range rules {
		out = append(out, r.String())
	}
	return out
}

func (c *cli) adapterRows(output string, rows []adapterRow) error {
	p := &printer{w: c.out}
	if output == "json" {
		return p.json(rows)
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(table.Row{"adapter", "needs", "who", "may call"})
	for _, r := range rows {
		t.AppendRow(table.Row{r.Name, "", "", r.BaseURL})
		callers := make([]string, 0, len(r.Callers))
		for _, who := range r.Callers {
			callers = append(callers, string(who))
		}
		for _, rule := range r.Allow {
			t.AppendRow(table.Row{r.Name, "nothing", strings.Join(callers, " "), rule})
		}
		for _, target := range slices.Sorted(maps.Keys(r.Targets)) {
			for _, rule := range r.Targets[target] {
				t.AppendRow(table.Row{r.Name, "a grant", "/access " + target, rule})
			}
		}
	}
	if output == "csv" {
		p.line("%s", t.RenderCSV())
		return p.err
	}
	for line := range strings.SplitSeq(t.Render(), "\n") {
		p.line("%s", strings.TrimRight(line, " "))
	}
	return p.err
}
