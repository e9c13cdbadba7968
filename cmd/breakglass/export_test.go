package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"
)

// Main is the program, for the scripts.
func Main() { main() }

// Run is the program as a function, for tests.
var Run = run

// Command is a command that can be run, and whether it has a --door or a --server.
type Command struct {
	Path  string
	Doors bool
}

// Commands are all commands.
func Commands() []Command {
	var all []Command
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Runnable() {
			all = append(all, Command{cmd.CommandPath(), cmd.Flags().Lookup("door") != nil || cmd.Flags().Lookup("server") != nil})
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&cli{getenv: func(string) string { return "" }}).root())
	return all
}

// Tally tells how far an export is, by a clock, on a terminal or elsewhere.
func Tally(w io.Writer, tty bool, now func() time.Time) func(int) {
	return (&cli{err: w, tty: tty}).tallyBy(now, "requests written")
}

// PrintCalls is what audit show says of calls.
var PrintCalls = printCalls
