package slackfake

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Workspace is one simulated Slack workspace with one app installed in it. All
// methods are safe for concurrent use.
//
// Inside the package, a comment "called with the lock held" means ws.mu; no
// call to the app is ever made while it is held.
type Workspace struct {
	opt      Options
	life     *lifetime
	client   *http.Client
	handler  http.Handler
	schemas  schemas
	methods  map[string]method
	running  sync.WaitGroup // deliveries and retries under way
	serveErr chan error     // closed when the server has stopped

	mu         sync.Mutex
	server     *http.Server
	baseURL    string
	endpoints  Endpoints
	secret     string
	tokens     map[string]Token
	people     people
	messages   messages
	views      views
	triggers   map[string]*trigger
	responses  map[string]*responseURL
	buckets    map[string]*bucket
	faults     []*Fault
	deliveries []*DeliveryFault
	ledger     ledger
	violations []Violation
	openid     openID
	redirects  []string
	notices    map[string][]Notice
	changed    chan struct{}
	version    int64
	lastTS     int64
	swept      time.Time
	idFallback int
}

// New makes a workspace that has the app in it and nobody else.
func New(opt Options) (*Workspace, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	ws := &Workspace{
		openid:    openID{codes: map[string]*openIDCode{}},
		opt:       opt,
		life:      newLifetime(),
		schemas:   newSchemas(),
		methods:   newMethods(),
		endpoints: opt.Endpoints,
		secret:    opt.SigningSecret,
		tokens: map[string]Token{
			opt.BotToken: {Kind: BotToken, Scopes: slices.Clone(opt.BotScopes)},
			opt.AppToken: {Kind: AppToken, Scopes: []string{"connections:write"}},
		},
		people:    newPeople(),
		messages:  newMessages(),
		views:     newViews(),
		triggers:  map[string]*trigger{},
		responses: map[string]*responseURL{},
		buckets:   map[string]*bucket{},
		ledger:    ledger{limit: opt.LedgerSize},
		notices:   map[string][]Notice{},
		changed:   make(chan struct{}),
	}
	ws.client = &http.Client{Transport: opt.Transport, CheckRedirect: refuseRedirects}
	ws.handler = ws.routes()
	ws.AddUser(User{
		ID: opt.BotUserID, Name: opt.BotName, RealName: opt.BotName,
		IsBot: true, AppID: opt.AppID, BotID: opt.BotID,
	})
	return ws, nil
}

// Config returns the options as they stand after the defaults.
func (ws *Workspace) Config() Options {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.opt
}

// Handler serves the Web API, the response_urls and the control API. When it is
// used without Start, tell the workspace its address by SetURL.
func (ws *Workspace) Handler() http.Handler { return ws.handler }

// routes is every door on one page.
func (ws *Workspace) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method...}", ws.serveAPI)
	mux.HandleFunc("POST /api/openid.connect.token", ws.openIDToken)
	mux.HandleFunc("GET /.well-known/openid-configuration", ws.openIDConfiguration)
	mux.HandleFunc("GET /openid/connect/authorize", ws.openIDAuthorize)
	mux.HandleFunc("POST /openid/connect/authorize", ws.openIDAuthorize)
	mux.HandleFunc("GET /openid/connect/keys", ws.openIDKeys)
	mux.HandleFunc("POST /response/{rest...}", ws.serveResponseURL)
	mux.Handle("/control/", ws.controlRoutes())
	return mux
}

// Start listens on addr ("127.0.0.1:0" for any free port) and serves until
// Close.
func (ws *Workspace) Start(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("slackfake: listen on %s: %w", addr, err)
	}
	srv := &http.Server{Handler: ws.handler, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(ws.opt.Log.Handler(), slog.LevelWarn)}
	done := make(chan error, 1)
	ws.mu.Lock()
	if ws.server != nil {
		ws.mu.Unlock()
		return errors.Join(errors.New("slackfake: already started"), ln.Close())
	}
	ws.server, ws.serveErr = srv, done
	ws.baseURL = "http://" + ln.Addr().String()
	ws.mu.Unlock()
	go func() {
		err := srv.Serve(ln)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		done <- err
	}()
	return nil
}

// URL is the address of the workspace, without a slash at its end. The Web API
// is at URL()+"/api/".
func (ws *Workspace) URL() string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.baseURL
}

// SetURL tells a workspace that is served by somebody else's server where it
// can be reached: response_urls are made from it.
func (ws *Workspace) SetURL(url string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.baseURL = strings.TrimSuffix(url, "/")
}

// SetEndpoints says where the app listens from now on.
func (ws *Workspace) SetEndpoints(e Endpoints) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.endpoints = e
	ws.touch()
}

// RotateSigningSecret signs all further deliveries with another secret.
func (ws *Workspace) RotateSigningSecret(secret string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.secret = secret
}

// Close stops the server, cancels deliveries that are under way and waits for
// them to end.
func (ws *Workspace) Close() error {
	ws.life.end()
	ws.mu.Lock()
	srv, done := ws.server, ws.serveErr
	ws.server = nil
	ws.mu.Unlock()
	var err error
	if srv != nil {
		err = errors.Join(srv.Close(), <-done)
	}
	ws.running.Wait()
	ws.client.CloseIdleConnections()
	return err
}
