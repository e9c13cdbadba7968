package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/config"
	"breakglass/integrations/secrets"
	"breakglass/store"
)

// settings are the flags that every command about an installation has.
type settings struct {
	mapped bool // see store.Options
	dir    string
	db     string
	vars   []string
}

func (s *settings) flags(cmd *cobra.Command) {
	s.configFlags(cmd)
	cmd.Flags().StringVar(&s.db, "db", "", "`DATABASE` instead of the configured one: a file, or postgres://…")
}

// configFlags are the flags of commands that need no database.
func (s *settings) configFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.dir, "config", "c", ".", "`DIR` of the configuration: breakglass.hcl and the handlers")
	cmd.Flags().StringArrayVar(&s.vars, "var", nil, "give a variable block a value, `NAME=VALUE`; may be repeated")
}

// read reads the configuration; it is nil where there are mistakes.
func (c *cli) read(s settings, log *slog.Logger) (*config.Config, config.Diagnostics, error) {
	vars := map[string]string{}
	for _, v := range s.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return nil, config.Diagnostics{}, misused("--var %s: write NAME=VALUE", v)
		}
		vars[name] = value
	}
	sources := secrets.New(secrets.Options{Getenv: c.getenv, Clock: app.SystemClock{}, Log: log})
	cfg, diags := config.Load(s.dir, config.Options{Variables: vars, CheckHandler: company.CheckHandler, Secrets: app.Secrets(sources)})
	return cfg, diags, nil
}

// load reads the configuration; mistakes are printed all at once, with their places.
func (c *cli) load(s settings, log *slog.Logger) (*config.Config, error) {
	cfg, diags, err := c.read(s, log)
	if err != nil {
		return nil, err
	}
	if err := diags.Write(c.err, c.tty); err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, &failure{err: errSaid, code: exitRefuse}
	}
	return cfg, nil
}

// dsn is where the store of an installation is.
func (s settings) dsn(ctx context.Context, cfg *config.Config) (string, error) {
	if s.db != "" {
		return s.db, nil
	}
	x, err := cfg.Settings.Server.Store.Expand(ctx)
	if err != nil {
		return "", fmt.Errorf("read where the store is: %w", err)
	}
	return x.Reveal(), nil
}

// openRead opens the store beside a server, to read, and says how people are called.
func (c *cli) openRead(ctx context.Context, s settings) (*store.Store, names, error) {
	dsn := s.db
	var called names
	if dsn == "" {
		cfg, err := c.load(s, nil)
		if err != nil {
			return nil, called, err
		}
		if dsn, err = s.dsn(ctx, cfg); err != nil {
			return nil, called, err
		}
		called.cfg = cfg
	}
	st, err := store.Open(ctx, store.Options{DSN: dsn, Now: app.SystemClock{}.Now, ReadOnly: true, Mapped: s.mapped})
	switch {
	case errors.Is(err, store.ErrSchema):
		return nil, called, hint(err, "breakglass migrate")
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("there is no database %s", strings.TrimPrefix(dsn, "sqlite:"))
		return nil, called, hint(err, "it is made when breakglass serve starts; name another with --db")
	case err != nil:
		return nil, called, hint(err, "say which database with --db")
	}
	if called.cfg != nil {
		links, err := st.Links(ctx)
		if err != nil {
			return nil, called, errors.Join(err, st.Close())
		}
		called.cfg, _ = called.cfg.WithLinks(links)
	}
	return st, called, nil
}

// withStored is a configuration with the links of its store, where that can be read.
func (c *cli) withStored(ctx context.Context, s settings, cfg *config.Config) (*config.Config, []flows.StoredLink, []flows.LinkConflict) {
	dsn, err := s.dsn(ctx, cfg)
	if err != nil {
		return cfg, nil, nil
	}
	st, err := store.Open(ctx, store.Options{DSN: dsn, Now: app.SystemClock{}.Now, ReadOnly: true})
	if err != nil {
		return cfg, nil, nil
	}
	defer st.Close()
	links, err := st.Links(ctx)
	if err != nil {
		return cfg, nil, nil
	}
	merged, conflicts := cfg.WithLinks(links)
	return merged, links, conflicts
}

func (c *cli) migrate() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "migrate", Short: "Bring the database's schema up to date", Args: noArgs,
		Long: "Brings the schema of the database up to date. PostgreSQL needs this before a new version serves;\nSQLite does it by itself at start. Running it twice does nothing.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dsn := s.db
			if dsn == "" {
				cfg, err := c.load(s, nil)
				if err != nil {
					return err
				}
				if dsn, err = s.dsn(cmd.Context(), cfg); err != nil {
					return err
				}
			}
			if err := store.Migrate(cmd.Context(), store.Options{DSN: dsn, Now: app.SystemClock{}.Now}); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.out, "The schema is up to date.")
			return err
		},
	}
	s.flags(cmd)
	return cmd
}
