package main

import (
	"fmt"
	"regexp"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows/audit"
)

// keyName is what a key may be called: it is the origin of every checkpoint.
var keyName = regexp.MustCompile(`^[a-z0-9][a-z0-9./-]{2,60}$`)

func (c *cli) auditKey() *cobra.Command {
	return &cobra.Command{
		Use: "key NAME FILE", Short: "Make the key that signs checkpoints", Args: twoArgs,
		Long: "Makes a key pair. The private key goes into FILE, which only its owner can read and which must not be\n" +
			"there yet; the public one is printed, for auditors to pin. NAME is what the log is called in every\n" +
			"checkpoint, for example acme.example/breakglass. Move the private key to where your secrets are (or\n" +
			"leave it and use source = \"file\"), and name it:\n\n" +
			"  audit {\n    signing_key = secret.audit_signing_key\n  }",
		RunE: func(_ *cobra.Command, args []string) error {
			if !keyName.MatchString(args[0]) {
				return misused("%q cannot be the name of a key: use small letters, digits, dots, slashes and dashes, for example acme.example/breakglass", args[0])
			}
			private, public, err := audit.MakeKey(app.RandomIDs{}.Random, args[0])
			if err != nil {
				return err
			}
			if err := app.WriteKey(args[1], private); err != nil {
				return hint(err, "name a file that is not there yet, in a folder that is")
			}
			p := &printer{w: c.out}
			p.line("The private key is in %s. Whoever has it can sign in the log's name: move it to where your secrets are.", args[1])
			p.line("The public key, for auditors:")
			p.line("%s", public)
			return p.err
		},
	}
}

// twoArgs wants exactly the two arguments that the usage line names.
func twoArgs(cmd *cobra.Command, args []string) error {
	if len(args) != 2 {
		return usageError{err: fmt.Errorf("%s takes two arguments, not %d", cmd.CommandPath(), len(args)), next: cmd.Parent().CommandPath() + " " + cmd.Use}
	}
	return nil
}
