package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows/config"
	"breakglass/store"
)

func (c *cli) serve() *cobra.Command {
	var s settings
	var public, internal, format, door string
	cmd := &cobra.Command{
		Use: "serve", Short: "Run Breakglass", Args: noArgs,
		Long: "Runs Breakglass until it is told to stop (SIGTERM, Ctrl-C). Two listeners: the public one is for\n" +
			"Slack and PagerDuty and nothing else, the internal one (loopback unless set) for everything else.\n" +
			"SIGHUP has it load its configuration again, as breakglass reload does.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := c.logger(format)
			if err != nil {
				return err
			}
			cfg, err := c.load(s, log)
			if err != nil {
				return err
			}
			dsn, err := s.dsn(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			return c.run(cmd.Context(), app.Options{
				Config: cfg, DSN: dsn, PublicListen: public, InternalListen: internal, Clock: app.SystemClock{}, IDs: app.RandomIDs{}, Door: door,
				Log: log, Owner: owner(), Version: Version, SlackPaced: true, Load: c.loadAgain(s, log),
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&public, "public", "", "`ADDRESS` for Slack and PagerDuty, instead of the configured one")
	cmd.Flags().StringVar(&internal, "internal", "", "`ADDRESS` for everything else, instead of the configured one")
	cmd.Flags().StringVar(&door, "door", "", "`FILE` that lets commands of this machine write (request end); unless said, beside the SQLite file")
	cmd.Flags().StringVar(&format, "log", "text", "`FORM` of the log on standard error: text or json")
	return cmd
}

// run serves until ctx ends, and then has ten seconds to let go.
func (c *cli) run(ctx context.Context, o app.Options) error {
	a, err := app.New(ctx, o)
	switch {
	case errors.Is(err, store.ErrInUse):
		return hint(err, "only one process serves a SQLite file; reading commands work beside it. For replicas use PostgreSQL.")
	case errors.Is(err, store.ErrSchema):
		return hint(err, "run: breakglass migrate")
	case err != nil:
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // one that comes during the start may not end it
	defer signal.Stop(hup)
	err = a.Start(ctx)
	if err == nil {
		runtime.GC() // pools keep what they have over one collection: 12 MB of buffers of the migrations
		debug.FreeOSMemory()
		letGoOfCode()
		err = untilStopped(ctx, a, hup)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, a.Stop(stopping))
}

// untilStopped waits for the end, and loads the configuration again when it is told to.
func untilStopped(ctx context.Context, a *app.App, hup <-chan os.Signal) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.Again():
			return hint(errors.New("the database could not be written when this process started, and can be now"), "start it again; whatever supervises it should")
		case <-hup:
			_ = a.Reload(ctx) // it tells the log, the operators and the audit
		}
	}
}

// loadAgain reads the configuration for a running server, and prints every mistake.
func (c *cli) loadAgain(s settings, log *slog.Logger) func() (*config.Config, error) {
	return func() (*config.Config, error) {
		cfg, diags, err := c.read(s, log)
		if err != nil {
			return nil, err
		}
		return cfg, errors.Join(diags.Write(c.err, c.tty), diags.Err())
	}
}

func (c *cli) logger(format string) (*slog.Logger, error) {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(c.err, nil)), nil
	}
	return slog.New(slog.NewTextHandler(c.err, nil)), oneOf("log", format, "text", "json")
}

// owner names this process on leases: host, process and start.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "host"
	}
	return fmt.Sprintf("%s/%d/%d", host, os.Getpid(), app.SystemClock{}.Now().UnixNano())
}
