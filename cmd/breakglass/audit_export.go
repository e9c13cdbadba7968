package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"breakglass/flows/audit/history"
)

func (c *cli) auditExport() *cobra.Command {
	var s settings
	var form, file, door string
	var proof bool
	cmd := &cobra.Command{
		Use: "export [QUERY]", Short: "Write everything that answers a question",
		Long: "Writes all requests that answer a question, newest first, whatever their number.\n\n" + askingHelp +
			"\nThe forms: jsonl and json have everything about a request; csv what fits a table, with formulas made harmless;\n" +
			"sym is one event a line as Sym wrote them, with the PagerDuty incident.\n\n" + proofHelp + lookHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("format", form, "jsonl", "json", "csv", "sym"); err != nil {
				return err
			}
			if proof {
				return c.exportProof(cmd, s, file, door, args)
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
			if q.Narrowed {
				fmt.Fprintf(c.err, "note: words were looked for since %s only; say since: for more\n", stamp(q.Since))
			}
			if err := c.recordLook(cmd.Context(), s, door, history.Look{What: history.LookExport, Form: form, Search: q.Search}); err != nil {
				return err
			}
			return c.into(file, func(w io.Writer) error {
				x := history.Exporter{Finder: st, Chains: st, Name: called.of, Progress: c.tally("requests written")}
				n, err := x.Write(cmd.Context(), w, history.Form(form), q.Search)
				if err != nil {
					return hint(fmt.Errorf("after %d requests: %w", n, err), "what was written is not the whole")
				}
				_, err = fmt.Fprintf(c.err, "%s written.\n", count(n, "request", "requests"))
				return err
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVarP(&form, "format", "f", "jsonl", "`FORM`: jsonl, json, csv or sym")
	cmd.Flags().StringVar(&form, "output", "jsonl", "`FORM`: the same as --format")
	cmd.Flags().StringVar(&file, "file", "", "write into `FILE`, which must not exist, instead of standard output")
	cmd.Flags().BoolVar(&proof, "proof", false, "write the whole log with its proof, as audit verify reads it; without QUERY")
	cmd.Flags().StringVar(&door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
	return cmd
}

// into writes into a new file that only its owner can read, or to standard output. What
// was not written whole does not stay.
func (c *cli) into(file string, write func(io.Writer) error) error {
	if file == "" {
		return write(c.out)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return hint(fmt.Errorf("nothing was written: %w", err), "name a file that is not there yet with --file")
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if bad := f.Close(); err == nil {
		err = bad
	}
	if err != nil {
		_ = os.Remove(file) // it says too little to be kept
	}
	return err
}

// progressEvery is how often long work says how far it is.
const progressEvery = 3 * time.Second

// tally tells how far long work is, on standard error: on a terminal in one line
// that changes, elsewhere in a line now and then. Short work says nothing.
func (c *cli) tally(what string) func(int) { return c.tallyBy(now, what) }

func (c *cli) tallyBy(now func() time.Time, what string) func(int) {
	began := now()
	last := began
	every := progressEvery
	if c.tty {
		every /= 10
	}
	return func(n int) {
		at := now()
		if at.Sub(last) < every {
			return
		}
		last = at
		rate := float64(n) / at.Sub(began).Seconds()
		if c.tty {
			fmt.Fprintf(c.err, "\r%d %s, %.0f a second\x1b[K", n, what, rate)
			return
		}
		fmt.Fprintf(c.err, "%d %s, %.0f a second\n", n, what, rate)
	}
}
