package pagerdutyfake

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options says what kind of account to simulate. Only Now is required.
type Options struct {
	// Now is the account's clock; everything computed and every timestamp
	// comes from it.
	Now func() time.Time
	// Rand makes ids and secrets. Nil means a fixed seed, so that two runs
	// make the same ids.
	Rand *rand.Rand
	// Keys are the API keys that exist at the start. An account without keys
	// refuses everything.
	Keys []Key
	// Subdomain is the account's name in links; "acme" if empty.
	Subdomain string
	// WebURL replaces https://<subdomain>.pagerduty.com in html_url.
	WebURL string
	// Abilities are what the plan includes; nil means a usual set.
	Abilities []string
	// RequestsPerMinute is the limit per key (or per user, for user tokens);
	// 0 means PagerDuty's 960, below 0 means none.
	RequestsPerMinute int
	// OnCallsPerMinute and IncidentWritesPerMinute are the extra limits of
	// GET /oncalls and of POST and PUT /incidents; 0 means none.
	OnCallsPerMinute, IncidentWritesPerMinute int
	// QuietLimits leaves the ratelimit headers out of answers with 429.
	QuietLimits bool
	// LedgerSize bounds the ledger of requests and the list of deliveries;
	// 0 means 10,000.
	LedgerSize int
	// WebhookTimeout is how long a receiver may take; 0 means 5 s.
	WebhookTimeout time.Duration
	// WebhookBackoff is the pause before attempt n+1 (n from 1); nil doubles
	// from one second up to an hour.
	WebhookBackoff func(n int) time.Duration
	// Pause waits for d or until ctx ends; nil waits in real time.
	Pause func(ctx context.Context, d time.Duration) error
	// ControlToken opens the control API under /control/; empty keeps it shut.
	ControlToken string
	// Log receives one line per request and delivery; nil is silent.
	Log *slog.Logger
}

// Account is the simulated account. All its methods are safe to call from
// several goroutines.
type Account struct {
	opts   Options
	routes []route
	life   *lifetime
	client *http.Client

	mu        sync.Mutex
	rand      *rand.Rand
	changed   chan struct{}
	keys      map[string]*Key
	limits    map[string]*bucket
	inFlight  map[string]int
	users     table[User]
	schedules table[Schedule]
	policies  table[Policy]
	services  table[Service]
	incidents table[Incident]
	numbers   map[int]string
	fields    table[CustomField]
	trail     []auditRecord
	hooks     table[Subscription]
	delivery  deliveries
	faults    []*liveFault
	lastFault int
	ledger    ledger

	server  *http.Server
	address string
}

// New makes an empty account. It panics when Options.Now is missing, because
// an account without a clock can answer nothing.
func New(o Options) *Account {
	if o.Now == nil {
		panic("pagerdutyfake.New: Options.Now is required: pass the clock the account should run on")
	}
	o = o.withDefaults()
	a := &Account{
		opts:     o,
		life:     newLifetime(),
		rand:     o.Rand,
		changed:  make(chan struct{}),
		keys:     map[string]*Key{},
		limits:   map[string]*bucket{},
		inFlight: map[string]int{},
		numbers:  map[int]string{},
		ledger:   ledger{size: o.LedgerSize},
		delivery: deliveries{queues: map[string]*queue{}},
		client: &http.Client{
			Timeout:       o.WebhookTimeout,
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	for _, k := range o.Keys {
		a.AddKey(k)
	}
	a.routes = restRoutes()
	return a
}

func (o Options) withDefaults() Options {
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(20, 26))
	}
	if o.Subdomain == "" {
		o.Subdomain = "acme"
	}
	if o.WebURL == "" {
		o.WebURL = "https://" + o.Subdomain + ".pagerduty.com"
	}
	if o.Abilities == nil {
		o.Abilities = []string{"teams", "read_only_users", "service_support_hours", "urgencies", "manual_alert_grouping", "audit_trail"}
	}
	if o.RequestsPerMinute == 0 {
		o.RequestsPerMinute = 960
	}
	if o.LedgerSize == 0 {
		o.LedgerSize = 10_000
	}
	if o.WebhookTimeout == 0 {
		o.WebhookTimeout = 5 * time.Second
	}
	if o.WebhookBackoff == nil {
		o.WebhookBackoff = doubling
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func doubling(n int) time.Duration {
	if n > 12 {
		return time.Hour
	}
	return min(time.Second<<(n-1), time.Hour)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Handler answers the REST API and, under /control/, the control API.
func (a *Account) Handler() http.Handler {
	control := a.controlHandler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isControl(r.URL.Path) {
			control.ServeHTTP(w, r)
			return
		}
		a.serveREST(w, r)
	})
}

// Start listens on addr ("127.0.0.1:0" picks a free port) and serves until Close.
func (a *Account) Start(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	s := &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(a.opts.Log.Handler(), slog.LevelDebug)}
	a.mu.Lock()
	a.server, a.address = s, l.Addr().String()
	a.mu.Unlock()
	a.life.run(func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.opts.Log.Error("serve", "err", err)
		}
	})
	return nil
}

// URL is the base address after Start, without a slash at its end.
func (a *Account) URL() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.address == "" {
		return ""
	}
	return "http://" + a.address
}

// Close stops the server and the webhook deliveries and waits for them to end.
func (a *Account) Close() error {
	a.mu.Lock()
	s := a.server
	a.mu.Unlock()
	var err error
	if s != nil {
		err = s.Close()
	}
	a.life.end()
	return err
}

// Wait returns when cond is true. It looks again whenever something changed
// in the account, and gives up with the context's error.
func (a *Account) Wait(ctx context.Context, cond func() bool) error {
	for {
		a.mu.Lock()
		changed := a.changed
		a.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the account to change: %w", ctx.Err())
		}
	}
}

// notify wakes those who Wait; the caller holds a.mu.
func (a *Account) notify() {
	close(a.changed)
	a.changed = make(chan struct{})
}

func sameToken(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
