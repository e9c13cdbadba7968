package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/flows/config/openapi"
	"breakglass/flows/config/source"
)

func (c *cli) adapterRules() *cobra.Command {
	var from, file, adapter, target string
	var under []string
	var readOnly, dry bool
	cmd := &cobra.Command{
		Use: "rules", Short: "Write an adapter's rules from an OpenAPI document", Args: noArgs,
		Long: "Reads which calls an API has from its OpenAPI document (JSON or YAML) and writes them as rules: on\n" +
			"standard output, or with --adapter-name or --target-name into the configuration, in the place of what\n" +
			"is allowed there now. With --read-only only calls that read.",
		RunE: func(*cobra.Command, []string) error {
			if from == "" {
				return misused("say which document: --from-openapi FILE")
			}
			if adapter != "" && target != "" {
				return misused("--adapter-name and --target-name are too many: say one")
			}
			rules, err := c.rulesFrom(from, readOnly, under)
			if err != nil {
				return err
			}
			if adapter+target == "" {
				_, err := fmt.Fprintf(c.out, "allow = %s\n", source.List(rules))
				return err
			}
			d, err := openSource(file)
			if err != nil {
				return err
			}
			kind, name := "http_adapter", adapter
			if target != "" {
				kind, name = "target", target
			}
			if err := d.SetAllow(kind, name, rules); err != nil {
				return hint(fmt.Errorf("%w; nothing was written", err), "the adapters are %s", strings.Join(d.Adapters(), ", "))
			}
			return c.writeSource(d, dry)
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from-openapi", "", "`FILE` with the document, - for standard input")
	f.BoolVar(&readOnly, "read-only", false, "only calls that read")
	f.StringSliceVar(&under, "under", nil, "only calls whose path begins with one of these `PATHS`, as in /incidents")
	f.StringVarP(&file, "file", "f", ".", "`CONFIG`: the directory, or one of its *.hcl files")
	f.StringVar(&adapter, "adapter-name", "", "write them into the adapter of that `NAME`")
	f.StringVar(&target, "target-name", "", "write them into the target of that `NAME`")
	f.BoolVar(&dry, "dry-run", false, "only show the difference")
	return cmd
}

// rulesFrom makes rules of a document, and says which calls no rule can name.
func (c *cli) rulesFrom(file string, readOnly bool, under []string) ([]string, error) {
	src, err := c.readFile(file, openapi.MaxSize)
	if err != nil {
		return nil, err
	}
	calls, err := openapi.Calls(src)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", file, err)
	}
	var rules []string
	seen := map[string]bool{}
	for _, call := range calls {
		switch {
		case readOnly && !call.Reads(), len(under) > 0 && !below(call.Path, under):
		case call.Rule == "":
			fmt.Fprintf(c.err, "left out: %s %s: %s\n", call.Method, clean(call.Path), call.Why)
		case !seen[call.Rule]:
			seen[call.Rule] = true
			rules = append(rules, call.Rule)
		}
	}
	if len(rules) == 0 {
		return nil, fmt.Errorf("%s has no such call", file)
	}
	_, err = fmt.Fprintf(c.err, "%s of %d.\n", count(len(rules), "call", "calls"), len(calls))
	return rules, err
}

// below reports whether a path is one of others, or below it.
func below(path string, under []string) bool {
	for _, u := range under {
		if u = strings.TrimRight(u, "/"); path == u || strings.HasPrefix(path, u+"/") {
			return true
		}
	}
	return false
}

// readFile reads a whole file that somebody named, or standard input for "-".
func (c *cli) readFile(name string, most int64) ([]byte, error) {
	in := c.in
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no file %s", name)
		}
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	return readMost(in, name, most)
}
