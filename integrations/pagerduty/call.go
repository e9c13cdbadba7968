package pagerduty

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"
	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"

	"breakglass/flows"
)

// request is one call. Its path holds only fixed words and ids that passed isID.
type request struct {
	method string
	path   string
	query  url.Values
	body   []byte
	from   string // the From header; only writes carry it
	click  bool
}

func get(path string, query url.Values, click bool) request {
	return request{method: http.MethodGet, path: path, query: query, click: click}
}

// String names the call for errors, without its query: that may name people.
func (r request) String() string { return r.method + " " + r.path }

// reply is an answer as it came, whole.
type reply struct {
	status int
	header http.Header
	body   []byte
	asked  time.Time // our clock, before the request left
	date   time.Time // PagerDuty's clock; ours where it sent no Date
}

// call sends r with retries, time-outs, the budget and the rotation of the token, and
// returns an answer with a 2xx status. Errors are errNoSuch for 404, *flows.Temporary
// where another try may help, else *flows.Permanent.
func (c *Client) call(ctx context.Context, r request) (*reply, error) {
	own, cancel := context.WithTimeout(ctx, c.lim.CallTimeout)
	defer cancel()
	var last *reply
	var used string
	err := c.token.Try(own, func(token string) (rejected bool, err error) {
		if used = token; !usableToken(token) {
			return false, errors.New("the API token is empty or holds characters that no token has")
		}
		last, err = c.tries(own, token, r)
		return err == nil && last.status == http.StatusUnauthorized, err
	})
	if err != nil {
		return nil, c.explain(ctx, own, r, err)
	}
	if last.status/100 == 2 {
		return last, nil
	}
	return nil, c.refused(r, last, used)
}

// usableToken keeps a broken secret from becoming a header: the library would send it.
func usableToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// tries sends r until it is answered: a GET several times, anything else once.
func (c *Client) tries(ctx context.Context, token string, r request) (*reply, error) {
	policies := []failsafe.Policy[*reply]{timeout.New[*reply](c.lim.AttemptTimeout)}
	if r.method == http.MethodGet {
		policies = []failsafe.Policy[*reply]{c.retry(ctx), policies[0]}
	}
	return failsafe.With(policies...).WithContext(ctx).GetWithExecution(func(e failsafe.Execution[*reply]) (*reply, error) {
		if e.Attempts() > 1 {
			c.stats.retries.Add(1)
		}
		return c.attempt(e.Context(), token, r, e.Attempts() > 1)
	})
}

func (c *Client) retry(ctx context.Context) retrypolicy.RetryPolicy[*reply] {
	return retrypolicy.NewBuilder[*reply]().
		HandleIf(func(r *reply, err error) bool { return ctx.Err() == nil && worthRetry(r, err) }).
		AbortIf(func(r *reply, _ error) bool { return r != nil && after(r) > c.lim.MaxWait }).
		WithMaxAttempts(c.lim.Tries).
		WithBackoff(c.lim.Backoff, c.lim.MaxWait).
		WithJitterFactor(0.2).
		WithDelayFunc(func(e failsafe.ExecutionAttempt[*reply]) time.Duration {
			if r := e.LastResult(); r != nil && after(r) > 0 {
				return after(r)
			}
			return -1
		}).
		ReturnLastFailure().
		Build()
}

func worthRetry(r *reply, err error) bool {
	var over *overBudget
	switch {
	case errors.As(err, &over), errors.Is(err, errTooLong), notTrusted(err):
		return false
	case err != nil:
		return true
	}
	return r.status == http.StatusTooManyRequests || r.status >= 500 && r.status != http.StatusNotImplemented
}

// after is how long PagerDuty asked to wait; 0 where it did not say.
func after(r *reply) time.Duration {
	if r.status != http.StatusTooManyRequests && r.status != http.StatusServiceUnavailable {
		return 0
	}
	for _, name := range []string{"Retry-After", "Ratelimit-Reset"} {
		v := r.header.Get(name)
		if s, err := strconv.Atoi(v); err == nil && s >= 0 {
			return time.Duration(min(s, 3600)) * time.Second
		}
		if at, err := http.ParseTime(v); err == nil {
			return max(at.Sub(r.date), 0)
		}
	}
	return 0
}

// attempt sends r once and reads the whole answer.
func (c *Client) attempt(ctx context.Context, token string, r request, again bool) (*reply, error) {
	onCall := r.path == "/oncalls"
	if err := c.budget.take(spend{onCall: onCall, click: r.click, again: again}); err != nil {
		return nil, err
	}
	c.stats.requests.Add(1)
	if onCall {
		c.stats.onCallReads.Add(1)
	}
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, bare(err)
	}
	if r.from != "" {
		req.Header.Set("From", r.from)
	}
	asked := c.clock.Now()
	resp, err := c.vendor(token).Do(req, true)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out, err := c.read(resp, asked)
	if err != nil {
		return nil, err
	}
	c.heed(out)
	return out, nil
}

// vendor is the library's client with our transport under it. It is made for each
// try, so that a rotated token is nowhere kept; it must never be printed.
func (c *Client) vendor(token string) *pd.Client {
	opts := []pd.ClientOptions{pd.WithAPIEndpoint(c.base)}
	if c.oauth {
		opts = append(opts, pd.WithOAuth())
	}
	v := pd.NewClient(token, opts...)
	v.HTTPClient = c.http
	return v
}

var errTooLong = errors.New("the answer is too long to be believed")

func (c *Client) read(resp *http.Response, asked time.Time) (*reply, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.lim.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off: %w", bare(err))
	}
	if int64(len(body)) > c.lim.MaxBody {
		return nil, errTooLong
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		date = c.clock.Now()
	}
	return &reply{status: resp.StatusCode, header: resp.Header, body: body, asked: asked, date: date}, nil
}

// heed pauses what is not urgent when PagerDuty says that a limit is reached or near:
// others may use the same key.
func (c *Client) heed(r *reply) {
	if r.status == http.StatusTooManyRequests {
		c.stats.throttled.Add(1)
		wait := after(r)
		if wait == 0 {
			wait = 5 * time.Second
		}
		c.budget.pause(wait)
		return
	}
	limit, err1 := strconv.Atoi(r.header.Get("Ratelimit-Limit"))
	left, err2 := strconv.Atoi(r.header.Get("Ratelimit-Remaining"))
	reset, err3 := strconv.Atoi(r.header.Get("Ratelimit-Reset"))
	if err1 == nil && err2 == nil && err3 == nil && left >= 0 && left < limit/20 {
		c.budget.pause(time.Duration(min(max(reset, 1), 60)) * time.Second)
	}
}

// errorIsTemporary reports whether another try may cure err.
func errorIsTemporary(err error) bool {
	var t *flows.Temporary
	return errors.As(err, &t)
}
