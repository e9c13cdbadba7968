package pagerduty

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"breakglass/flows"
)

// Options says which account to use and how carefully. APIToken and Clock are required.
type Options struct {
	// Region is "us" (the default) or "eu"; ignored where BaseURL is given.
	Region string
	// BaseURL replaces the region's address: a company proxy or a simulator.
	BaseURL string
	// AllowHTTP permits a BaseURL without TLS on another machine. Loopback needs no
	// permission.
	AllowHTTP bool
	// APIToken is a general-access key, a user token or, with OAuth, a scoped app token.
	APIToken flows.Secret
	// OAuth sends the token as "Bearer".
	OAuth bool
	// From is the login e-mail of the PagerDuty user that notes and incidents are
	// written as; empty makes the client read-only.
	From string
	// Clock is the one source of time; time-outs of single calls run in real time.
	Clock flows.Clock
	// Log receives faults; nil is silent.
	Log *slog.Logger
	// Transport replaces the network, for tests.
	Transport http.RoundTripper
	// Limits bounds what is asked of PagerDuty; zero fields mean the defaults.
	Limits Limits
	// ReadOverrides says that every answer, and not only one for a click, must tell
	// whether a shift comes from an override: true when a loaded flow denies them.
	// Nil means never.
	ReadOverrides func() bool
}

// Limits bounds how much and how long. Zero fields mean the default in brackets.
type Limits struct {
	PerMinute        int           // requests in any 60 s, retries included; PagerDuty allows 960 [900]
	OnCallsPerMinute int           // of these, GET /oncalls [300]
	ClickReserve     int           // of PerMinute, kept for people who wait on a button [90]
	AttemptTimeout   time.Duration // one try, body included [4s]
	CallTimeout      time.Duration // one call with its retries [10s]
	ReadTimeout      time.Duration // one refresh of the snapshot with all its calls [30s]
	MaxWait          time.Duration // longest pause before a retry; beyond it the call gives up [2s]
	Backoff          time.Duration // first pause where PagerDuty names none [300ms]
	Tries            int           // tries of a GET; anything else is tried once [3]
	MaxPages         int           // pages of 100 read for one list; more is unknown [100]
	MaxBody          int64         // bytes of one answer [8 MiB]
	MaxSkew          time.Duration // between PagerDuty's clock and ours; beyond it answers are unknown [1m]
	NamesAge         time.Duration // how old the directory of policies and schedules may be [10m]
	KeepFresh        time.Duration // how long after the last question the snapshot is kept fresh [5m]
	PickerAge        time.Duration // how old the picker's list of open incidents may be [10s]
}

// Share is one of n equal shares of the requests, for processes that use the same key.
func (l Limits) Share(n int) Limits {
	l = l.withDefaults()
	n = max(n, 1)
	l.PerMinute, l.OnCallsPerMinute, l.ClickReserve = max(l.PerMinute/n, 1), max(l.OnCallsPerMinute/n, 1), l.ClickReserve/n
	return l
}

func (l Limits) withDefaults() Limits {
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	orTime := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	orInt(&l.PerMinute, 900)
	orInt(&l.OnCallsPerMinute, 300)
	orInt(&l.ClickReserve, 90)
	l.OnCallsPerMinute = min(l.OnCallsPerMinute, l.PerMinute)
	l.ClickReserve = min(l.ClickReserve, l.PerMinute/2, l.OnCallsPerMinute/2)
	orInt(&l.Tries, 3)
	orInt(&l.MaxPages, 100)
	orTime(&l.AttemptTimeout, 4*time.Second)
	orTime(&l.CallTimeout, 10*time.Second)
	orTime(&l.ReadTimeout, 30*time.Second)
	orTime(&l.MaxWait, 2*time.Second)
	orTime(&l.Backoff, 300*time.Millisecond)
	orTime(&l.MaxSkew, time.Minute)
	orTime(&l.NamesAge, 10*time.Minute)
	orTime(&l.KeepFresh, 5*time.Minute)
	orTime(&l.PickerAge, 10*time.Second)
	if l.MaxBody <= 0 {
		l.MaxBody = 8 << 20
	}
	return l
}

// Client is one PagerDuty account. It is safe for use by several goroutines.
type Client struct {
	base          string
	token         flows.Secret
	oauth         bool
	from          string
	clock         flows.Clock
	log           *slog.Logger
	http          *http.Client
	lim           Limits
	readOverrides func() bool

	budget    *budget
	names     *directory
	board     *board
	overrides *overrideBook
	picker    *picker
	author    *author
	life      *lifetime
	stats     counters
}

var (
	_ flows.OnCall         = (*Client)(nil)
	_ flows.Incidents      = (*Client)(nil)
	_ flows.IncidentWriter = (*Client)(nil)
)

// New makes a client. It talks to nobody; Start and the first question do.
func New(o Options) (*Client, error) {
	base, err := baseURL(o)
	if err != nil {
		return nil, fmt.Errorf("pagerduty: %w", err)
	}
	if o.APIToken.IsZero() {
		return nil, errors.New("pagerduty: no API token is configured; set api_token to a secret")
	}
	if o.Clock == nil {
		return nil, errors.New("pagerduty: no clock was given")
	}
	if o.From != "" {
		if a, err := mail.ParseAddress(o.From); err != nil || a.Address != o.From {
			return nil, fmt.Errorf("pagerduty: from = %q is not an e-mail address; give the login of a PagerDuty user", o.From)
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ReadOverrides == nil {
		o.ReadOverrides = func() bool { return false }
	}
	c := &Client{
		base: base, token: o.APIToken, oauth: o.OAuth, from: o.From, clock: o.Clock, log: o.Log,
		http: hardened(o.Transport), lim: o.Limits.withDefaults(), readOverrides: o.ReadOverrides, life: newLifetime(),
	}
	c.budget = newBudget(c.clock.Now, c.lim)
	c.names = newDirectory(c)
	c.board = newBoard(c)
	c.overrides = newOverrideBook(c)
	c.picker = newPicker(c)
	c.author = &author{c: c}
	return c, nil
}

// String keeps everything but the address out of %v and %+v.
func (c *Client) String() string { return "PagerDuty at " + c.base }

// GoString does the same for %#v.
func (c *Client) GoString() string { return c.String() }

// hardened is an HTTP client that follows no redirect: an answer from elsewhere is
// nobody's answer. Time-outs and the cap on bodies are call.go's.
func hardened(rt http.RoundTripper) *http.Client {
	if rt == nil {
		rt = newTransport()
	}
	return &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           16,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// The vendor's addresses.
const (
	usAPI = "https://api.pagerduty.com"
	euAPI = "https://api.eu.pagerduty.com"
)

func baseURL(o Options) (string, error) {
	if o.BaseURL == "" {
		switch o.Region {
		case "", "us":
			return usAPI, nil
		case "eu":
			return euAPI, nil
		}
		return "", fmt.Errorf("region = %q is unknown; use \"us\" or \"eu\", or set base_url", o.Region)
	}
	u, err := url.Parse(o.BaseURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return "", errors.New("base_url must be an address such as https://api.pagerduty.com, without user, query or fragment")
	}
	if strings.Contains(u.Path, "..") || strings.ContainsAny(u.EscapedPath(), "%;\\") {
		return "", errors.New("the path of base_url must be plain")
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && (o.AllowHTTP || loopback(u.Hostname())):
	default:
		return "", fmt.Errorf("base_url %s://%s would send the API token unencrypted; use https", u.Scheme, u.Host)
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
