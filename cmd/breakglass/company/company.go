// Package company is a small simulated company around a real Breakglass: a Slack
// workspace, a PagerDuty account and a database that gives access by webhook, all
// real HTTP servers on loopback, and the program itself on a store of its own. The
// demo plays in it, and the test language bot/bottest speaks about it. It never
// imports testing. Read company.go (who is who), then wait.go.
package company

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/config"
	"breakglass/flows/handler"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/secrets"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// The company's made-up credentials; they open nothing anywhere.
const (
	Team          = "T0DEMO01"
	AppID         = "A0GLASS1"
	botToken      = "demo-bot-token"
	signingSecret = "demo-signing-secret-of-no-workspace"
	pagerKey      = "demo-pagerduty-key"
	webhookSecret = "demo-webhook-secret"
	SlackClient   = "1111.2222"
	SignInSecret  = "demo-sign-in-secret"
	databaseKey   = "whsec_ZGVtby1kYXRhYmFzZS1rZXktMDEyMzQ1Njc4OWFi"
)

// The people: the engineer on call, one who is not, two managers on call, the head of
// SRE who is not, an auditor, a guest.
const (
	Dana  = "U0DANA"
	Sam   = "U0SAM"
	Mara  = "U0MARA"
	Noor  = "U0NOOR"
	Lena  = "U0LENA"
	Audi  = "U0AUDI"
	Guest = "U0GUEST"
)

// PagerDuty's ids.
const (
	PolicyPrimary  = "PPRIM01"
	PolicyManagers = "PMGRS01"
	Service        = "PSVC001"
)

// Options say how the company is set up.
type Options struct {
	Clock flows.Clock // everybody's clock. Required.
	IDs   flows.IDs   // required
	Dir   string      // where the store is kept. Required, unless DSN is set.
	DSN   string      // another store
	Log   *slog.Logger
	// Config is the directory of the configuration; empty: the example.
	Config string
	// Listen addresses; empty: a free port on loopback.
	SlackListen, PagerDutyListen, DatabaseListen, PublicListen, InternalListen string
	// ControlToken opens the simulators' control API; empty: there is none.
	ControlToken string
	Owner        string
	// App changes how Breakglass itself is started; nil: not at all.
	App        func(*app.Options)
	Enterprise string // the organisation that the Slack workspace belongs to; empty: none
	// Events are those that Slack tells, such as "user_change"; none unless named.
	Events []string
	// Strict keeps Slack's rate limits in the workspace, and us under them.
	Strict bool
}

// Company is the company with everything in it running.
type Company struct {
	Slack     *slackfake.Workspace
	PagerDuty *pagerdutyfake.Account
	Database  *receiver.Receiver
	App       *app.App
	Config    *config.Config
	o         Options
}

// Open starts the simulators and then Breakglass against them.
func Open(ctx context.Context, o Options) (*Company, error) {
	c, err := OpenSimulators(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := c.StartApp(ctx); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// OpenSimulators starts the simulators only: Breakglass is started by StartApp, or is
// another process that loads Load and says by Connect where it listens.
func OpenSimulators(ctx context.Context, o Options) (*Company, error) {
	c := &Company{o: o}
	if err := errors.Join(c.openSlack(), c.openPagerDuty(), c.openDatabase()); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// StartApp starts Breakglass (again) on the company's store.
func (c *Company) StartApp(ctx context.Context) error {
	var diags config.Diagnostics
	c.Config, diags = Load(c.o.Config, c.Addresses(), c.o.Clock, c.o.Log)
	if err := diags.Err(); err != nil {
		return fmt.Errorf("load the configuration: %w", err)
	}
	var err error
	if c.App, err = c.start(ctx, c.owner()); err != nil {
		return err
	}
	return c.Connect(c.App.PublicAddr())
}

// Replica starts another Breakglass on the same database (PostgreSQL only). Who starts
// it stops it; Connect sends traffic its way.
func (c *Company) Replica(ctx context.Context, owner string) (*app.App, error) {
	return c.start(ctx, owner)
}

func (c *Company) start(ctx context.Context, owner string) (*app.App, error) {
	dsn := c.o.DSN
	if dsn == "" {
		dsn = "sqlite:" + filepath.Join(c.o.Dir, "breakglass.db")
	}
	o := app.Options{
		Config: c.Config, DSN: dsn, PublicListen: or(c.o.PublicListen), InternalListen: or(c.o.InternalListen),
		Clock: c.o.Clock, IDs: c.o.IDs, Log: c.o.Log, Owner: owner, Version: "demo", SlackPaced: c.o.Strict,
		Load: func() (*config.Config, error) {
			cfg, diags := Load(c.o.Config, c.Addresses(), c.o.Clock, c.o.Log)
			return cfg, diags.Err()
		},
	}
	if c.o.App != nil {
		c.o.App(&o)
	}
	a, err := app.New(ctx, o)
	if err != nil {
		return nil, err
	}
	return a, a.Start(ctx)
}

// Connect tells the simulators where Breakglass listens: the address of its public door.
func (c *Company) Connect(public string) error {
	base := "http://" + public
	c.Slack.SetEndpoints(slackfake.Endpoints{
		Commands: base + "/slack/commands", Interactions: base + "/slack/interactions", Options: base + "/slack/options", Events: base + "/slack/events",
	})
	_, err := c.PagerDuty.Subscribe(pagerdutyfake.Subscription{ID: "PHOOK01", URL: base + "/pagerduty/webhooks", Secrets: []string{webhookSecret}})
	return err
}

func (c *Company) owner() string {
	if c.o.Owner != "" {
		return c.o.Owner
	}
	return "demo"
}

func or(addr string) string {
	if addr == "" {
		return "127.0.0.1:0"
	}
	return addr
}

// Addresses are where the simulators listen, as URLs.
type Addresses struct{ Slack, PagerDuty, Database string }

// Addresses says where the company's simulators listen.
func (c *Company) Addresses() Addresses {
	return Addresses{Slack: c.Slack.URL(), PagerDuty: c.PagerDuty.URL(), Database: c.Database.URL()}
}

// Load reads the configuration of dir (empty: the example) with the simulators'
// addresses and secrets.
func Load(dir string, at Addresses, clock flows.Clock, log *slog.Logger) (*config.Config, config.Diagnostics) {
	sources := secrets.New(secrets.Options{Getenv: Getenv, Clock: clock, Log: log})
	opts := config.Options{
		Variables:    map[string]string{"slack_api": at.Slack + "/api/", "pagerduty_api": at.PagerDuty, "database_webhook": at.Database},
		CheckHandler: CheckHandler, Secrets: app.Secrets(sources),
	}
	if dir != "" {
		return config.Load(dir, opts)
	}
	return config.LoadFS(config.Example(), opts)
}

// CheckHandler finds the problems of a handler file, in the configuration's words.
func CheckHandler(name string, src []byte) []config.Problem {
	var out []config.Problem
	for _, p := range handler.Check(name, src) {
		out = append(out, config.Problem{Line: p.Line, Column: p.Col, Message: sentence(p.Message), Suggestion: sentence(p.Hint)})
	}
	return out
}

// sentence makes one of a handler's words about itself. What is named at the beginning
// keeps its small letter.
func sentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".?!") {
		return s
	}
	return s + "."
}

// Getenv is the environment of the example configuration.
func Getenv(name string) string {
	return map[string]string{
		"SLACK_BOT_TOKEN": botToken, "SLACK_SIGNING_SECRET": signingSecret, "PAGERDUTY_API_KEY": pagerKey,
		"PAGERDUTY_WEBHOOK_SECRET": webhookSecret, "DATABASE_WEBHOOK_KEY": databaseKey,
		"SIGN_IN_SECRET": SignInSecret,
	}[name]
}

// Close stops Breakglass and then the simulators.
func (c *Company) Close(ctx context.Context) error {
	var all error
	if c.App != nil {
		all = errors.Join(all, c.App.Stop(ctx))
	}
	if c.Database != nil {
		all = errors.Join(all, c.Database.Close())
	}
	if c.PagerDuty != nil {
		all = errors.Join(all, c.PagerDuty.Close())
	}
	if c.Slack != nil {
		all = errors.Join(all, c.Slack.Close())
	}
	return all
}

// Person is a Slack user of the company as the domain knows them.
func Person(user string) flows.PersonID { return flows.Person(Team, user) }
