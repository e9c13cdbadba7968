package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"breakglass/flows"

	slackgo "github.com/slack-go/slack"
)

// VendorAPIURL is where Slack's Web API is.
const VendorAPIURL = "https://slack.com/api/"

// Options says which workspace is called and how.
type Options struct {
	// APIURL is the address of the Web API, with or without a slash at its end.
	// Default: VendorAPIURL.
	APIURL string
	// BotToken is the installation's token, read at each call. Required.
	BotToken flows.Secret
	// Team is the workspace, "T0123ABC": people of any other are foreign. Required.
	Team string
	// Enterprise is the organisation the workspace belongs to; people whose home
	// is another workspace of it count as members if they are in Team too. May be
	// empty.
	Enterprise string
	// Clock is read by caches and rate limits. Required.
	Clock flows.Clock
	// Log gets Slack's warnings and rate limits. Default: silent.
	Log *slog.Logger
	// Transport carries the calls. Default: one of our own.
	Transport http.RoundTripper
	// Timeout bounds one call from dialling to the last byte. Default: 10 s.
	Timeout time.Duration
	// MaxWait is how long a call may wait for its turn under Slack's rate limits
	// before it is given back as *flows.Temporary. Default: 5 s.
	MaxWait time.Duration
	// NoPacing calls as fast as it is asked to: for simulators that keep no limits.
	NoPacing bool
	// CacheFor is how old an answer about a person, a group, a channel or ourselves
	// may be when it is not asked for fresh. At most, and by default, 60 s.
	CacheFor time.Duration
}

// Client is a workspace as one installation sees it. All methods are safe for
// concurrent use. Errors are *flows.Temporary where another try may help and
// *flows.Permanent where none can; either has an *Error inside when Slack said no.
type Client struct {
	token    flows.Secret
	team     string
	org      string
	endpoint string
	hosts    responseHosts
	http     *http.Client
	pace     *pacer
	clock    flows.Clock
	log      *slog.Logger

	self     cache[Identity]
	profiles cache[flows.Profile]
	handles  cache[map[string]string]
	members  cache[[]string]
	names    cache[map[string]string]
	channels cache[Channel]
}

// maxCacheAge is the most that CacheFor can be: DESIGN rule 5 counts on it.
const maxCacheAge = 60 * time.Second

// New checks the options and makes a client; it calls nobody yet.
func New(opt Options) (*Client, error) {
	if opt.APIURL == "" {
		opt.APIURL = VendorAPIURL
	}
	api, err := url.Parse(opt.APIURL)
	switch {
	case err != nil || api.Host == "" || (api.Scheme != "https" && api.Scheme != "http"):
		return nil, fmt.Errorf("slack api_url %q is not an http or https address", opt.APIURL)
	case api.User != nil || api.RawQuery != "" || api.Fragment != "":
		return nil, fmt.Errorf("slack api_url on %s has a user, a query or a fragment; leave them out", api.Host)
	case opt.BotToken.IsZero():
		return nil, errors.New("slack: no bot token is configured")
	case opt.Team == "":
		return nil, errors.New("slack: the team (external_id, \"T…\") is not set, so nobody could be told from a stranger")
	case opt.Clock == nil:
		return nil, errors.New("slack: Options.Clock is nil")
	}
	opt = opt.withDefaults()
	methods := newMethods()
	c := &Client{
		token: opt.BotToken, team: opt.Team, org: opt.Enterprise, clock: opt.Clock, log: opt.Log,
		endpoint: strings.TrimSuffix(opt.APIURL, "/") + "/",
		hosts:    newResponseHosts(api),
		pace:     newPacer(opt.Clock, methods, opt.MaxWait, opt.NoPacing),
		http: &http.Client{
			Transport: &guard{base: opt.Transport, methods: methods},
			Timeout:   opt.Timeout,
			// The guard refuses redirects before this is asked; it stands for a
			// guard that one day does not.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	c.self = newCache[Identity](opt.Clock, opt.CacheFor)
	c.profiles = newCache[flows.Profile](opt.Clock, opt.CacheFor)
	c.handles = newCache[map[string]string](opt.Clock, opt.CacheFor)
	c.members = newCache[[]string](opt.Clock, opt.CacheFor)
	c.channels = newCache[Channel](opt.Clock, opt.CacheFor)
	c.names = newCache[map[string]string](opt.Clock, nameCacheAge)
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 32,
			IdleConnTimeout:     90 * time.Second,
			TLSHandshakeTimeout: 5 * time.Second,
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 5 * time.Second
	}
	if o.CacheFor <= 0 || o.CacheFor > maxCacheAge {
		o.CacheFor = maxCacheAge
	}
	return o
}

// Close gives idle connections back.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call makes one call in its turn, with each version of the token until one is
// taken. place is the channel of a message, for the limit that each has.
func (c *Client) call(ctx context.Context, method, place string, do func(context.Context, *slackgo.Client) error) error {
	var last error
	err := c.token.Try(ctx, func(token string) (bool, error) {
		if strings.TrimSpace(token) == "" {
			return true, nil
		}
		if err := c.pace.wait(ctx, method, place); err != nil {
			last = err
			return false, err
		}
		last = classify(method, do(ctx, c.api(token)))
		c.heed(method, last)
		return rejected(last), last
	})
	switch {
	case err == nil || errors.Is(err, last):
		return err
	case last == nil: // the secret could not be read, or is empty
		return &flows.Temporary{Err: fmt.Errorf("slack %s was not called: %w", method, err)}
	}
	return &flows.Temporary{After: 60, Err: fmt.Errorf("%w: %w; set a valid bot token, nothing is sent until then", last, err)}
}

// api is slack-go for one call. Its own retries stay off: they would send twice
// and sleep inside the call.
func (c *Client) api(token string) *slackgo.Client {
	return slackgo.New(token,
		slackgo.OptionHTTPClient(c.http),
		slackgo.OptionAPIURL(c.endpoint),
		slackgo.OptionOnWarning(func(path string, _ any, w *slackgo.Warning) {
			c.log.Debug("slack warns", "method", path, "codes", w.Codes, "warnings", w.Warnings)
		}),
	)
}

// heed keeps away from a method for as long as Slack asked.
func (c *Client) heed(method string, err error) {
	var e *Error
	if !errors.As(err, &e) || e.Status != http.StatusTooManyRequests {
		return
	}
	c.log.Warn("slack limits the rate of calls", "method", method, "retry_after", e.After)
	c.pace.hold(method, time.Duration(e.After)*time.Second)
}
