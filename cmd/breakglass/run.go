package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// Exit codes of the program.
const (
	exitOK     = 0
	exitError  = 1
	exitUsage  = 2 // the command was not understood
	exitRefuse = 3 // a person may not, or a check found mistakes
)

// cli is what commands work with: everything from outside comes in here.
type cli struct {
	getenv func(string) string
	in     io.Reader
	out    io.Writer
	err    io.Writer
	tty    bool
}

// failure is an error with a hint and an exit code.
type failure struct {
	err  error
	hint string
	code int
}

// Error is the cause.
func (f *failure) Error() string { return f.err.Error() }

// Unwrap gives the cause.
func (f *failure) Unwrap() error { return f.err }

// hint wraps err with what to do next.
func hint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &failure{err: err, hint: fmt.Sprintf(format, args...), code: exitError}
}

// run is the whole program behind main: one place that prints errors, one exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &cli{getenv: getenv, in: stdin, out: stdout, err: stderr, tty: terminalAt(stderr) && getenv("NO_COLOR") == ""}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	code, next := exitError, ""
	var f *failure
	var usage usageError
	switch {
	case errors.As(err, &f):
		code, next = f.code, f.hint
	case errors.As(err, &usage):
		code, next = exitUsage, usage.next
		if next == "" {
			next = cmd.CommandPath() + " --help"
		}
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintf(stderr, "error: %s\n", plainLine(err.Error()))
	}
	if next != "" {
		fmt.Fprintf(stderr, "hint: %s\n", plainLine(next))
	}
	return code
}

// errSaid is an error whose words are on the screen already.
var errSaid = errors.New("said")

// terminalAt reports whether a person reads w on a terminal.
func terminalAt(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (c *cli) root() *cobra.Command {
	root := group("breakglass", "Access when you are on call")
	root.Long = "Breakglass gives access when you are on call: asked for in Slack, routed by PagerDuty,\n" +
		"tied to the incident, gone when it is over, provable afterwards.\n\n" +
		"Start with:  breakglass demo\n\n" +
		"Exit codes:  0 done · 1 failed · 2 not understood · 3 mistakes were found"
	root.SilenceErrors, root.SilenceUsage = true, true
	root.Version = Version
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(usage)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "help COMMAND", Short: "Show how a command is used", RunE: func(_ *cobra.Command, args []string) error {
		cmd, rest, err := root.Find(args)
		if err == nil {
			err = knownCommand(cmd, rest)
		}
		if err != nil {
			return err
		}
		return cmd.Help()
	}})
	for _, g := range [...]struct {
		title    string
		commands []*cobra.Command
	}{
		{"Try it, without any account:", []*cobra.Command{c.demo(), c.fake()}},
		{"Set it up:", []*cobra.Command{c.adapter(), c.check(), c.doctor(), c.imports(), c.migrate(), c.backup(), c.slack()}},
		{"Use it:", []*cobra.Command{c.serve(), c.reload(), c.request(), c.people(), c.audit(), c.curl(), c.loginCommand(), c.logout(), c.token()}},
		{"In an emergency:", []*cobra.Command{c.end(), c.freeze(), c.unfreeze(), c.restore()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, cmd := range g.commands {
			cmd.GroupID = g.title
			root.AddCommand(cmd)
		}
	}
	root.AddCommand(c.version())
	return root
}

// Version is the build's version, set by the linker.
var Version = "dev"

func (c *cli) version() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		_, err := fmt.Fprintln(c.out, "breakglass", Version)
		return err
	}}
}
