package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
)

// proofHelp is what --proof adds to the help of an export.
const proofHelp = "With --proof it writes every audit entry with its place in the tree, what opens its commitments, and every\n" +
	"checkpoint. Whoever has the file and the public key verifies it without the database: breakglass audit verify.\n"

// exportProof writes the whole log in the form that verify reads.
func (c *cli) exportProof(cmd *cobra.Command, s settings, file, door string, args []string) error {
	if len(args) > 0 {
		return misused("--proof is about the whole log, and goes without a QUERY")
	}
	ctx := cmd.Context()
	st, _, err := c.openRead(ctx, s)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := c.recordLook(ctx, s, door, history.Look{What: history.LookExport, Form: "proof"}); err != nil {
		return err
	}
	return c.into(file, func(w io.Writer) error {
		tally := c.tally("entries written")
		n, err := audit.Export(ctx, w, audit.Live(st), func(n int64) { tally(int(n)) })
		if err != nil {
			return hint(fmt.Errorf("after %d entries: %w", n, err), "what was written is not the whole")
		}
		_, err = fmt.Fprintf(c.err, "%d entries written.\n", n)
		return err
	})
}
