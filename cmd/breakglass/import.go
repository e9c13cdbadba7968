package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/flows/config/atlas"
	"breakglass/flows/config/source"
)

func (c *cli) imports() *cobra.Command {
	return group("import", "Take over what others wrote", c.importAtlas())
}

func (c *cli) importAtlas() *cobra.Command {
	var into, output string
	var dry bool
	cmd := &cobra.Command{
		Use: "atlas FILE", Short: "Take over the HTTP adapters of an Atlas configuration", Args: oneArg,
		Long: "Reads the configuration of Atlas, YAML documents of several kinds, and writes its HTTP adapters as ours:\n" +
			"on standard output, or with -f into a configuration. On standard error it says, line by line, what is\n" +
			"not taken over as it stands, and what is so instead. Credentials that stand in the file are left out.",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := oneOf("output", output, "text", "json"); err != nil {
				return err
			}
			src, err := c.readFile(args[0], atlas.MaxSize)
			if err != nil {
				return err
			}
			got, err := atlas.Read(src)
			if err != nil {
				return &failure{err: fmt.Errorf("%s cannot be read: %w", args[0], err), code: exitRefuse}
			}
			if err := c.atlasNotes(args[0], output, got.Notes); err != nil {
				return err
			}
			if len(got.Adapters) == 0 {
				return &failure{err: fmt.Errorf("%s has no HTTP adapter that can be taken over", args[0]), code: exitRefuse}
			}
			if into == "" {
				return c.printAdapters(got.Adapters)
			}
			return c.addAll(into, got.Adapters, dry)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&into, "file", "f", "", "write into this `CONFIG`: the directory, or one of its *.hcl files")
	f.BoolVar(&dry, "dry-run", false, "with -f: only show the difference")
	f.StringVarP(&output, "output", "o", "text", "`FORM` of the notes: text or json")
	return cmd
}

// atlasNotes prints what is not taken over as it stands.
func (c *cli) atlasNotes(file, output string, notes []atlas.Note) error {
	p := &printer{w: c.err}
	if output == "json" {
		return p.json(notes)
	}
	for _, n := range notes {
		p.line("%s:%d: %s: %s", file, n.Line, n.What, n.Advice)
	}
	return p.err
}

// printAdapters writes adapters with their secrets, each once.
func (c *cli) printAdapters(all []source.Adapter) error {
	secrets := map[string]string{}
	blocks := make([]string, 0, len(all))
	for i := range all {
		blocks = append(blocks, all[i].Blocks(secrets))
	}
	_, err := fmt.Fprint(c.out, strings.Join(blocks, "\n"))
	return err
}

// addAll writes adapters into a configuration, all or none.
func (c *cli) addAll(into string, all []source.Adapter, dry bool) error {
	d, err := openSource(into)
	if err != nil {
		return err
	}
	for i := range all {
		if len(all[i].Allow) > 0 {
			all[i].Callers = d.Requesters()
		}
		if err := d.AddAdapter(&all[i]); err != nil {
			return &failure{err: fmt.Errorf("%w; nothing was written", err), code: exitRefuse}
		}
	}
	return c.writeSource(d, dry)
}

// readMost reads a file that may not be larger than so much.
func readMost(in io.Reader, name string, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(b)) > most {
		return nil, errors.New(name + " is larger than " + fmt.Sprint(most>>20) + " MiB")
	}
	return b, nil
}
