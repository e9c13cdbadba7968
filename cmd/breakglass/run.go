package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Exit codes of the program.
const (
	exitOK     = 0
	exitError  = 1
	exitUsage  = 2
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
	c := &cli{getenv: getenv, in: stdin, out: stdout, err: stderr}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitError
	var f *failure
	var usage usageError
	switch {
	case errors.As(err, &f):
		code = f.code
	case errors.As(err, &usage):
		code = exitUsage
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintf(stderr, "error: %v\n", err)
	}
	if f != nil && f.hint != "" {
		fmt.Fprintf(stderr, "hint: %s\n", f.hint)
	}
	return code
}

// errSaid is an error whose words are on the screen already.
var errSaid = errors.New("said")

type usageError struct{ error }

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "breakglass",
		Short: "Access when you are on call",
		Long: "Breakglass gives access when you are on call: asked for in Slack, routed by PagerDuty,\n" +
			"tied to the incident, gone when it is over, provable afterwards.\n\n" +
			"Start with:  breakglass demo",
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(c.serve(), c.demo(), c.fake(), c.check(), c.migrate(), c.slack(), c.request(), c.doctor(), c.version())
	return root
}

// Version is the build's version, set by the linker.
var Version = "dev"

func (c *cli) version() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		_, err := fmt.Fprintln(c.out, "breakglass", Version)
		return err
	}}
}
