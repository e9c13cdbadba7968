package slackfake

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Options says what workspace to simulate. Only Now is required; every other
// field has a working default, which New's Workspace reports by Config.
type Options struct {
	// Now is the workspace's clock: message timestamps, signatures, the life
	// of trigger_ids and response_urls and the rate limits all read it.
	Now func() time.Time
	// After runs f once d has passed, and returns what cancels it: the three
	// seconds an app has to answer, event retries, slow answers. Default:
	// real time.
	After func(d time.Duration, f func()) (cancel func() bool)
	// Rand makes ids, trigger_ids and response_urls. Default: a generator
	// that always gives the same sequence for the same Seed.
	Rand io.Reader
	// Seed of the default Rand.
	Seed uint64

	// TeamID and TeamDomain name the workspace; EnterpriseID its organisation
	// (empty: none).
	TeamID, TeamDomain, EnterpriseID string
	// AppID, BotID, BotUserID and BotName are the app as it is installed.
	AppID, BotID, BotUserID, BotName string
	// BotToken opens the Web API with BotScopes; AppToken is the app-level
	// (xapp) token. Tests and demos use made-up ones.
	BotToken, AppToken string
	// BotScopes is what the installation granted. Default: DefaultBotScopes.
	BotScopes []string
	// SigningSecret signs every delivery to the app.
	SigningSecret string
	// ClientID and ClientSecret are the app's for Sign in with Slack; empty: it
	// has none.
	ClientID, ClientSecret string

	// Endpoints is where the app listens; SetEndpoints changes it later.
	Endpoints Endpoints
	// Commands are the slash commands the app has registered. Empty: any.
	Commands []string
	// Events are the event types the app subscribed to; each change to the
	// workspace that Slack would report as one of them is delivered.
	Events []string
	// RateLimits says how strictly Slack's rate limits are kept.
	RateLimits RateLimits
	// AckTimeout is how long the app has to answer. Default: 3 s.
	AckTimeout time.Duration
	// LedgerSize bounds the exchanges that are kept. Default: 10,000.
	LedgerSize int
	// ControlToken opens the control API. Empty: there is none.
	ControlToken string
	// Transport carries deliveries to the app. Default: a plain one.
	Transport http.RoundTripper
	// Log receives one line per exchange at debug level. Default: silent.
	Log *slog.Logger
}

// Endpoints are the addresses an app enters in its Slack configuration.
type Endpoints struct {
	Commands     string `json:"commands"`     // slash commands
	Interactions string `json:"interactions"` // buttons, modals, shortcuts
	Options      string `json:"options"`      // external selects; empty: Interactions
	Events       string `json:"events"`       // Events API
}

// DefaultBotScopes is what an app that posts, opens modals and looks people up
// asks for.
func DefaultBotScopes() []string {
	return []string{
		"commands", "chat:write", "im:write", "users:read", "users:read.email",
		"usergroups:read", "channels:read", "groups:read", "im:read", "mpim:read",
	}
}

// errNoClock explains the one thing New cannot choose by itself.
var errNoClock = errors.New("slackfake: Options.Now is nil: pass the clock that the app under test reads, or the system's")

// withDefaults fills in what was left empty.
func (o Options) withDefaults() (Options, error) {
	if o.Now == nil {
		return o, errNoClock
	}
	if o.After == nil {
		o.After = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	if o.Rand == nil {
		o.Rand = newSeededRand(o.Seed)
	}
	defaultTo(&o.TeamID, "T0FAKE00001")
	defaultTo(&o.TeamDomain, "acme-fake")
	defaultTo(&o.AppID, "A0FAKE00001")
	defaultTo(&o.BotID, "B0FAKE00001")
	defaultTo(&o.BotUserID, "U0BREAKGLASS")
	defaultTo(&o.BotName, "breakglass")
	defaultTo(&o.BotToken, "xoxb-fake-bot-token")
	defaultTo(&o.AppToken, "xapp-fake-app-token")
	defaultTo(&o.SigningSecret, "fake-signing-secret")
	if o.BotScopes == nil {
		o.BotScopes = DefaultBotScopes()
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = 3 * time.Second
	}
	if o.LedgerSize == 0 {
		o.LedgerSize = 10_000
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

func defaultTo(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
