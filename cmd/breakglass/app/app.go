// Package app is the program as a value: New ties the domain, the store, the front
// door and the integrations together, Start takes traffic, Stop lets go in reverse
// order. It is the only package that sees all of them.
//
// Read first: routes.go (every HTTP door and who may enter), app.go (start and stop),
// wire.go (which port is which adapter), guard.go (when nothing is given), lifeline.go
// (what ends all the same).
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"breakglass/bot"
	"breakglass/bot/web"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
	"breakglass/flows/config"
	"breakglass/flows/doors"
	"breakglass/flows/people"
	"breakglass/flows/worker"
	"breakglass/integrations/httpadapter"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/slack"
	"breakglass/store"
)

// Options are what an App is made of. Config, Clock and IDs are required.
type Options struct {
	Config         *config.Config
	DSN            string // of the store; empty: as the configuration says
	PublicListen   string // empty: as the configuration says
	InternalListen string // empty: as the configuration says
	Clock          flows.Clock
	IDs            flows.IDs
	Log            *slog.Logger // nil: silent
	Owner          string       // this process's name on leases; must differ between replicas
	Version        string
	AuditKey       string           // file of the key that signs checkpoints, if the configuration names none; empty: AuditKeyFile of the store
	Door           string           // file that lets commands of this machine write; empty: DoorFile of the store
	SlackPaced     bool             // keep under Slack's rate limits by ourselves; serve sets it
	PagerDuty      pagerduty.Limits // zero fields: the client's own
	TargetTimeout  time.Duration    // of one call; zero: the integration's own
	// Load reads the configuration again, for Reload; nil: it cannot be reloaded.
	Load func() (*config.Config, error)
}

// App is one running Breakglass.
type App struct {
	o            Options
	log          *slog.Logger
	config       atomic.Pointer[config.Config] // in force; see reload.go
	store        *store.Store
	slack        *slack.Client
	pager        *pagerduty.Client
	hooks        *pagerduty.WebhookVerifier // nil: no webhook is believed
	engine       *flows.Engine
	effects      *worker.Effects
	runner       *worker.Runner
	bot          *bot.Bot
	people       *directory
	book         *people.Book
	who          *people.People
	contradicted map[flows.LinkConflict]bool // said; keepPeople's own
	roll         flows.Roll
	web          *web.Web
	calls        *httpadapter.Proxy
	guard        *guard
	line         *lifeline
	keeper       *audit.Keeper
	again        *again // nil: the store was opened as it should be
	sinks        streams
	looks        history.Looks // of commands beside us

	public, internal   *http.Server
	publicLn, internLn net.Listener
	stops              []stop // in the order of starting
	running            sync.WaitGroup

	reloading  sync.Mutex
	mu         sync.Mutex
	ready      bool
	doorToken  []byte   // SHA-256
	consoleURL string   // where the internal listener is, for want of a better address
	badConfig  string   // why the last reload changed nothing
	altered    []string // requests that are not what their entries say
	outside    string   // how the database stands to the checkpoints in Slack; empty: there are none to be

	auditPublic string // the key that auditors pin; empty: nothing is signed
}

// stop is one thing to let go of, by name.
type stop struct {
	name string
	do   func(context.Context) error
}

// New opens the store and builds every part; nothing runs yet. Close what New opened
// by Stop, whether or not Start was called.
func New(ctx context.Context, o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{o: o, log: o.Log, contradicted: map[flows.LinkConflict]bool{}}
	a.config.Store(o.Config)
	if err := a.build(ctx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return nil, errors.Join(err, a.Stop(stopCtx))
	}
	return a, nil
}

// Start verifies the tail of the audit, ends what is overdue, and only then takes
// traffic. It returns when both listeners are open.
func (a *App) Start(ctx context.Context) error {
	if err := a.store.VerifyTail(ctx, 1000); err != nil {
		a.guard.set("audit", "the audit entries at the end of the database do not verify")
		a.log.ErrorContext(ctx, "the audit tail does not verify: end-only", "error", err)
	}
	a.standAudit(ctx)
	a.lookForRollback(ctx)
	a.lookBack(ctx)
	a.guard.look(ctx)
	if err := a.checkTargets(ctx, a.Catalog()); err != nil {
		return fmt.Errorf("%w; nothing was started", err)
	}
	if err := a.recordStart(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.stops = append(a.stops, stop{"jobs", func(ctx context.Context) error { cancel(); return a.drain(ctx) }})
	if err := a.pager.Start(run); err != nil {
		return fmt.Errorf("start reading PagerDuty: %w", err)
	}
	a.running.Go(func() { _ = a.runner.Run(run) })
	a.running.Go(func() { a.guard.watch(run) })
	a.running.Go(func() { a.keepPeople(run) })
	a.running.Go(func() { a.holdLine(run) })
	a.running.Go(func() { a.holdRequests(run) })
	a.running.Go(func() { a.holdToSlack(run) })
	a.running.Go(func() { a.bot.LearnWorkspace(run) })
	if err := a.startSinks(run); err != nil {
		return fmt.Errorf("start the sinks: %w", err)
	}
	a.runner.FirstPass(ctx, 2*time.Second)
	return a.listen(ctx)
}

// listen opens both doors.
func (a *App) listen(ctx context.Context) error {
	var err error
	if a.internLn, a.internal, err = a.serve(ctx, a.o.InternalListen, a.internalRoutes()); err != nil {
		return err
	}
	if a.publicLn, a.public, err = a.serve(ctx, a.o.PublicListen, a.publicRoutes()); err != nil {
		return err
	}
	a.stops = append(a.stops, stop{"calls to adapters", a.calls.Stop}) // before the listeners, which wait for them
	if err := a.openDoor(); err != nil && a.again == nil {
		return err
	}
	a.mu.Lock()
	a.ready, a.consoleURL = true, "http://"+a.InternalAddr()
	a.mu.Unlock()
	a.log.InfoContext(ctx, "serving", "public", a.PublicAddr(), "internal", a.InternalAddr(), "world", a.Catalog().World, "config", a.Catalog().Hash)
	return nil
}

func (a *App) serve(ctx context.Context, addr string, h http.Handler) (net.Listener, *http.Server, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w (is another breakglass running there?)", addr, err)
	}
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	a.running.Go(func() {
		if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("listener stopped", "addr", addr, "error", err)
		}
	})
	a.stops = append(a.stops, stop{"listener " + addr, s.Shutdown})
	return ln, s, nil
}

// Stop takes no more traffic, lets what is in hand finish until ctx ends, and closes
// the store. What is cut off stays in the store and is taken up at the next start.
func (a *App) Stop(ctx context.Context) error {
	a.mu.Lock()
	a.ready = false
	a.mu.Unlock()
	var all error
	for _, s := range slices.Backward(a.stops) {
		if err := s.do(ctx); err != nil {
			all = errors.Join(all, fmt.Errorf("stop %s: %w", s.name, err))
		}
	}
	a.stops = nil
	return all
}

// drain waits for what is in hand until ctx ends, and then gives it up.
func (a *App) drain(ctx context.Context) error {
	done := make(chan struct{})
	go func() { a.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		a.runner.Abort()
		<-done
		return ctx.Err()
	}
}

// PublicAddr is where Slack and PagerDuty enter, host:port.
func (a *App) PublicAddr() string { return a.publicLn.Addr().String() }

// InternalAddr is where everything else enters.
func (a *App) InternalAddr() string { return a.internLn.Addr().String() }

// Store is the open store, for commands and tests that read.
func (a *App) Store() *store.Store { return a.store }

// Catalog is the configuration in force, with the links of the store.
func (a *App) Catalog() *flows.Catalog { return a.book.Over(a.conf().Catalog) }

// Engine takes commands.
func (a *App) Engine() *flows.Engine { return a.engine }

// recordStart writes what an auditor wants to know about a start: which program,
// which configuration, which world.
func (a *App) recordStart(ctx context.Context) error {
	now := a.o.Clock.Now()
	jobs := []flows.Job{worker.ReconcileJob(now), audit.GrowJob(now.Add(audit.GrowEvery)), people.LookJob(now.Add(firstLook)), doors.PurgeJob(now.Add(firstPurge))}
	facts := a.configFacts(a.conf())
	facts["audit_key"] = a.auditPublic
	err := a.engine.Record(ctx, "system", flows.Entry{Verb: "started", Actor: flows.ByEngine(), Facts: facts}, flows.Finish{Also: func(flows.Outcome) []flows.Job { return jobs }})
	if errors.Is(err, flows.ErrReadOnly) {
		a.guard.set("store", "the database does not write")
		return nil // end-only: what is due is still ended
	}
	if err != nil {
		return fmt.Errorf("record the start: %w", err)
	}
	return nil
}
