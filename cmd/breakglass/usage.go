package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// usageError is a command that was written wrongly: nothing was done. Its exit code is
// exitUsage, and the hint is where the help is, or next.
type usageError struct {
	err  error
	next string
}

// Error is what is wrong.
func (u usageError) Error() string { return u.err.Error() }

// Unwrap gives the cause.
func (u usageError) Unwrap() error { return u.err }

// usage is what help shows below a command's description. It is no template: cobra's
// call methods by name, for which the linker has to keep every method there is.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	does := !cmd.HasAvailableSubCommands() || takesArgument(cmd)
	if does {
		fmt.Fprintf(&b, "Usage:  %s", cmd.UseLine())
		if cmd.HasAvailableLocalFlags() {
			fmt.Fprintf(&b, "\n\n%s", strings.TrimRight(cmd.LocalFlags().FlagUsages(), " \n"))
		}
	}
	if cmd.HasAvailableSubCommands() {
		if does {
			b.WriteString("\n\n")
		}
		fmt.Fprintf(&b, "Usage:  %s COMMAND", cmd.CommandPath())
		rest := "Commands:"
		for _, g := range cmd.Groups() {
			rest = "And:"
			fmt.Fprintf(&b, "\n\n%s", g.Title)
			listCommands(&b, cmd, func(c *cobra.Command) bool { return c.GroupID == g.ID })
		}
		fmt.Fprintf(&b, "\n\n%s", rest)
		listCommands(&b, cmd, func(c *cobra.Command) bool { return c.GroupID == "" && c.IsAvailableCommand() })
		fmt.Fprintf(&b, "\n\nHow one is used:  %s COMMAND --help", cmd.CommandPath())
	}
	_, err := fmt.Fprintln(cmd.OutOrStderr(), b.String())
	return err
}

// takesArgument says that cmd does something by itself, besides having others below it.
func takesArgument(cmd *cobra.Command) bool { return strings.Contains(cmd.Use, " ") }

func listCommands(b *strings.Builder, cmd *cobra.Command, which func(*cobra.Command) bool) {
	for _, c := range cmd.Commands() {
		if which(c) {
			fmt.Fprintf(b, "\n  %-10s %s", c.Name(), c.Short)
		}
	}
}

// misused says how a command was written wrongly.
func misused(format string, args ...any) error { return usageError{err: fmt.Errorf(format, args...)} }

// group is a command that only has others below it: by itself it shows its help.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: knownCommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(below...)
	return cmd
}

// knownCommand refuses a word that is no command below cmd, naming one that is close.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return misspelt(cmd.CommandPath()+" has no command "+args[0], args[0], names, cmd.CommandPath()+" %s")
}

// noArgs refuses words after the command.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misused("%s takes no argument, and %q is one", cmd.CommandPath(), args[0])
	}
	return nil
}

// oneArg wants exactly the one argument that the usage line names.
func oneArg(cmd *cobra.Command, args []string) error {
	switch what := strings.TrimPrefix(cmd.Use, cmd.Name()+" "); len(args) {
	case 0:
		return usageError{err: fmt.Errorf("%s needs a %s", cmd.CommandPath(), what), next: cmd.CommandPath() + " " + what}
	case 1:
		return nil
	default:
		return misused("%s takes one %s, not %d", cmd.CommandPath(), what, len(args))
	}
}

// oneOf refuses a flag's value that is none of the words.
func oneOf(flag, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	return misspelt(fmt.Sprintf("--%s %s: write %s", flag, value, either(words)), value, words, "--"+flag+" %s")
}

var flagName = regexp.MustCompile(`--([a-z][a-z-]+)`)

// flagError makes an error of the flag parser readable, and names a flag that is close.
func flagError(cmd *cobra.Command, err error) error {
	text, _, _ := strings.Cut(err.Error(), ": strconv.")
	name, unknown := strings.CutPrefix(text, "unknown flag: --")
	if !unknown {
		return usageError{err: errors.New(text)}
	}
	var names []string
	for _, m := range flagName.FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
		names = append(names, m[1])
	}
	return misspelt(cmd.CommandPath()+" has no flag --"+name, name, names, "--%s")
}

// misspelt is a usage error about a word, with the one that was probably meant.
func misspelt(what, word string, words []string, form string) error {
	u := usageError{err: errors.New(what)}
	if near := nearest(word, words); near != "" {
		u.next = "did you mean " + fmt.Sprintf(form, near) + "?"
	}
	return u
}

// nearest is the word that s was probably meant to be: at most two letters are wrong,
// or s is the beginning of it. Empty when there is none.
func nearest(s string, words []string) string {
	s = strings.ToLower(s)
	best, least := "", 3
	for _, w := range words {
		d := distance(s, w)
		if len(s) > 1 && strings.HasPrefix(w, s) {
			d = 1
		}
		if d < least && d < len(w) {
			best, least = w, d
		}
	}
	return best
}

// distance is how many letters must be changed, added or left out to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
