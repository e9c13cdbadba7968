package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"breakglass/bot"
	"breakglass/flows"
	"breakglass/flows/doors"
	"breakglass/flows/handler"
	"breakglass/flows/people"
	"breakglass/flows/worker"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/slack"
	"breakglass/integrations/target"
	"breakglass/store"
)

// build makes every part and ties them together.
func (a *App) build(ctx context.Context) error {
	s := a.conf().Settings
	if a.o.PublicListen == "" {
		a.o.PublicListen = s.Server.PublicListen
	}
	if a.o.InternalListen == "" {
		a.o.InternalListen = s.Server.InternalListen
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	if err := a.checkSecrets(ctx); err != nil {
		return err
	}
	if err := a.openVendors(); err != nil {
		return err
	}
	a.guard = newGuard(a.o.Clock, a.store, a.log)
	a.line = newLifeline(a.store, a.o.Clock, a.log)
	a.guard.jumped = a.line.jumpedBack
	if a.again != nil {
		a.guard.hold("store", "the database could not be written when the program started")
	}
	targets, err := target.New(target.Options{Clock: a.o.Clock, Random: a.o.IDs.Random, Timeout: a.o.TargetTimeout})
	if err != nil {
		return err
	}
	handlers := map[flows.JobKind]worker.Handler{}
	a.effects = &worker.Effects{
		Targets: targets, Directory: a.people, Incidents: a.pager, Notes: a.pager, Links: a.slack, Live: live{a.store}, Over: a.store, Grants: a.store, Doubt: a.store.HoldOne, Note: a.witnessed(bot.IncidentNote(a.Catalog)),
	}
	a.runner = worker.New(worker.Options{
		Queue: a.store, Timetable: a.store, Clock: a.o.Clock, Log: a.log, Owner: a.o.Owner, Lease: leaseFor, Handlers: handlers,
		Sweep: a.effects.Sweep, GivenUp: a.givenUp,
	})
	a.buildEngine()
	a.effects.Engine = a.engine
	a.buildPeople()
	a.line.end = a.effects.EndAtTarget
	if err := a.buildBot(ctx); err != nil {
		return err
	}
	a.buildWeb()
	a.buildCalls()
	announcer := &bot.Announcer{
		Engine: a.engine, Cards: a.store, Slack: poster{a.slack}, Views: a.slack, Catalog: a.Catalog, Clock: a.o.Clock, IDs: a.o.IDs, Links: a.store,
	}
	if a.keeper, err = a.buildAudit(ctx); err != nil {
		return err
	}
	maps.Copy(handlers, a.effects.Handlers())
	handlers[flows.JobTree], handlers[flows.JobWitness] = a.keeper.Grow, a.keeper.Publish
	handlers[flows.JobCard], handlers[flows.JobNotice], handlers[flows.JobInbox] = announcer.Card, announcer.Notice, a.inbox
	handlers[flows.JobEndReport] = a.reportEnd
	handlers[flows.JobLinkCard], handlers[flows.JobPeople] = announcer.Link, a.who.Look
	handlers[flows.JobPurge] = doors.Purge(a.store, a.engine, a.o.Clock)
	handlers[flows.JobErase] = func(ctx context.Context, j flows.Job) error { return a.engine.RunErasure(ctx, j) }
	return nil
}

func (a *App) openStore(ctx context.Context) error {
	dsn := a.o.DSN
	if dsn == "" {
		x, err := a.conf().Settings.Server.Store.Expand(ctx)
		if err != nil {
			return fmt.Errorf("read where the store is: %w", err)
		}
		dsn = x.Reveal()
	}
	if a.o.Door == "" {
		a.o.Door = DoorFile(dsn)
	}
	if a.o.AuditKey == "" {
		a.o.AuditKey = AuditKeyFile(dsn)
	}
	opts := store.Options{DSN: dsn, Now: a.o.Clock.Now}
	st, err := store.Open(ctx, opts)
	if errors.Is(err, flows.ErrReadOnly) {
		st, err = a.openToEnd(ctx, opts, err)
	}
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	a.store = st
	a.book = people.NewBook(st)
	a.refreshBook(ctx)
	a.stops = append(a.stops, stop{"store", func(context.Context) error { return st.Close() }})
	if err := st.ClaimWorld(ctx, a.Catalog().World); err != nil && !errors.Is(err, flows.ErrReadOnly) {
		return fmt.Errorf("open the store: %w", err)
	}
	return nil
}

func (a *App) openVendors() error {
	v, err := OpenVendors(a.conf(), VendorOptions{Clock: a.o.Clock, Log: a.log, Paced: a.o.SlackPaced, PagerDuty: a.o.PagerDuty, Catalog: a.Catalog})
	if err != nil {
		return err
	}
	a.slack, a.pager = v.Slack, v.PagerDuty
	a.people = &directory{Directory: a.slack, catalog: a.Catalog, passes: a.store, clock: a.o.Clock, saw: a.book.Saw, last: map[flows.PersonID]flows.Standing{}}
	a.stops = append(a.stops, stop{"vendors", func(context.Context) error { v.Close(); return nil }})
	if secret := a.conf().Settings.PagerDuty.WebhookSecret; !secret.IsZero() {
		if a.hooks, err = pagerduty.NewWebhookVerifier(a.o.Clock, secret); err != nil {
			return fmt.Errorf("integration pagerduty: %w", err)
		}
	}
	return nil
}

func (a *App) buildEngine() {
	reducer := handler.New(handler.Options{OnCall: a.pager, Incidents: a.pager, Directory: a.people, Now: a.o.Clock.Now})
	a.engine = flows.NewEngine(flows.Options{
		Ledger: a.line, Chains: a.store, Counts: a.store, Reducer: reducer, OnCall: a.pager, Incidents: a.pager, Directory: a.people,
		Clock: a.o.Clock, IDs: a.o.IDs, Catalog: a.Catalog, EndOnly: a.guard.reason, Wake: a.runner, Owner: a.o.Owner, Version: a.o.Version,
		Lease: leaseFor, Refresh: a.refreshBook, Eraser: a.store, Retention: func() time.Duration { return a.conf().Settings.Audit.Retention },
	})
}

func (a *App) buildBot(ctx context.Context) error {
	s := a.conf().Settings.Slack
	// Its work is ended by Stop, in turn, and not by the signal to stop.
	b, err := bot.New(context.WithoutCancel(ctx), bot.Options{
		Team: s.Team, Enterprise: s.Enterprise, AppID: s.AppID, Signing: signing(s.SigningSecret, s.PreviousSigning), Catalog: a.Catalog, Inbox: a.store,
		Engine: a.engine, Emergency: emergency{a}, Foresight: a.engine, Erasures: a.engine, Cards: a.store, Requests: a.store, History: a.store, Recorder: a.engine, Directory: a.people, Workspace: a.workspace, LinkDesk: a.who, Newcomers: a.who, Incidents: a.pager, Views: a.slack, Slack: poster{a.slack},
		Clock: a.o.Clock, IDs: a.o.IDs, Wake: a.runner, Owner: a.o.Owner, Lease: leaseFor, Log: a.log,
	})
	if err != nil {
		return fmt.Errorf("slack front door: %w", err)
	}
	a.bot = b
	a.stops = append(a.stops, stop{"front door", b.Stop})
	return nil
}

// workspace is the address of the Slack workspace.
func (a *App) workspace(ctx context.Context) (string, error) {
	id, err := a.slack.Self(ctx)
	return id.URL, err
}

// inbox hands a kept payload to whoever reads its kind.
func (a *App) inbox(ctx context.Context, j flows.Job) error {
	row, err := a.store.InboxRow(ctx, j.Subject)
	if errors.Is(err, flows.ErrNotFound) {
		return &flows.Permanent{Err: fmt.Errorf("inbox row %s: %w", j.Subject, err)}
	}
	if err != nil {
		return err
	}
	if row.Kind == rowPagerDuty {
		return a.effects.Reread(ctx, flows.IncidentID(row.Body), flows.Finish{Job: &j, Inbox: row.Key})
	}
	return a.bot.HandleInbox(ctx, j)
}

// givenUp records that a job cannot be done, and tells the operators.
func (a *App) givenUp(ctx context.Context, j flows.Job, cause error) error {
	fin := flows.Finish{Job: &j}
	if channel := a.errorsTo(); channel != "" && j.Kind != flows.JobNotice {
		fin.Also = func(flows.Outcome) []flows.Job { return []flows.Job{faultNotice(j, channel, a.o.Clock)} }
	}
	return a.engine.Record(ctx, "system", flows.Entry{Verb: "job_given_up", Actor: flows.ByEngine(), Facts: map[string]any{
		"job": j.Key, "attempts": int64(j.Attempts + 1), "cause": cause.Error(),
	}}, fin)
}

func (a *App) errorsTo() string {
	for _, e := range a.conf().Settings.Environments {
		if e.ErrorsTo != "" {
			return e.ErrorsTo
		}
	}
	return ""
}

// live lists the incidents that something live belongs to.
type live struct{ s *store.Store }

// LiveIncidents implements worker.LiveIncidents.
func (l live) LiveIncidents(ctx context.Context) (map[flows.IncidentID][]flows.RequestID, error) {
	ids, err := l.s.LiveByIncident(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[flows.IncidentID][]flows.RequestID, len(ids))
	for _, id := range ids {
		if out[id], err = l.s.LiveWithIncident(ctx, id); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// poster sends what the front door shows. A channel shared with another company is
// refused: cards name people, incidents and reasons.
type poster struct{ c *slack.Client }

// Post implements bot.Poster.
func (p poster) Post(ctx context.Context, channel string, m bot.Message) (string, string, error) {
	if strings.HasPrefix(channel, "#") {
		info, err := p.c.ChannelInfo(ctx, channel)
		if err != nil {
			return "", "", err
		}
		if info.Shared {
			return "", "", &flows.Permanent{Err: fmt.Errorf("channel %s is shared with another organisation; cards are not shown there", channel)}
		}
		channel = info.ID
	}
	return p.c.Post(ctx, channel, slack.Message{Text: m.Text, Blocks: m.Blocks, ThreadTS: m.ThreadTS})
}

// Update implements bot.Poster.
func (p poster) Update(ctx context.Context, channel, ts string, m bot.Message) error {
	return p.c.Update(ctx, channel, ts, slack.Message{Text: m.Text, Blocks: m.Blocks})
}

// Ephemeral implements bot.Poster.
func (p poster) Ephemeral(ctx context.Context, channel, user string, m bot.Message) error {
	return p.c.Ephemeral(ctx, channel, user, slack.Message{Text: m.Text, Blocks: m.Blocks})
}
