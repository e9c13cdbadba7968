package httpadapter

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"breakglass/flows"
	"breakglass/integrations/reach"
)

func isRejected(err error) bool { return errors.Is(err, flows.ErrSecretRejected) }

// send calls the upstream, by the current value of the credential, and where that is
// refused by a fresh and then by the previous one. The answer is not read yet.
func (c *call) send(ctx context.Context) (*http.Response, *mask, *refusal) {
	cl, err := c.p.client(c.a)
	if err != nil {
		return nil, nil, c.broken("find the upstream", err)
	}
	c.fly.base = cl.base
	var resp *http.Response
	var m *mask
	h := c.headers()
	try := func(values []string) (bool, error) {
		if resp != nil {
			_ = resp.Body.Close() // of the try before
			resp = nil
		}
		req := c.request(ctx, cl, h)
		var plain []string
		if c.a.AWS != nil {
			signed, err := c.sign(ctx, req, values)
			if err != nil {
				return false, err
			}
			plain = signed
		}
		m = cl.masking(values, plain)
		r, err := cl.http.RoundTrip(req) //nolint:bodyclose // whoever passes it on closes it
		if err != nil {
			return false, &upstreamError{err}
		}
		resp = r
		return c.refusesCredential(r.StatusCode), nil
	}
	use := try
	if c.a.AWS != nil {
		use = func(values []string) (bool, error) { return c.awsValues(ctx, values, try) }
	}
	no, err := set(c, c.a.Headers, h, nil, use)
	switch {
	case err != nil:
		return nil, nil, c.failed(ctx, err)
	case no && resp != nil && resp.StatusCode == http.StatusUnauthorized:
		_ = resp.Body.Close() // says nothing that the caller needs
		c.fate.status = resp.StatusCode
		return nil, nil, refuse(CodeCredential, "The upstream of adapter %s refuses our credential. Your own is fine.", c.a.ID).then("An operator has to look at its secret.")
	}
	return resp, m, nil
}

// refusesCredential reports whether an answer says that another value of the credential
// could help. Amazon says 403 for it, and for what nobody may, too.
func (c *call) refusesCredential(status int) bool {
	return status == http.StatusUnauthorized || c.a.AWS != nil && status == http.StatusForbidden
}

// request is the call as the upstream gets it; the headers of h may still change.
func (c *call) request(ctx context.Context, cl *client, h http.Header) *http.Request {
	u := c.to.At(cl.base)
	req := &http.Request{
		Method: c.r.Method, URL: u, Host: cl.base.Host, Header: h.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: http.NoBody, ContentLength: int64(len(c.body)),
	}
	if len(c.body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(c.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.body)), nil }
	}
	return req.WithContext(ctx)
}

// upstreamError is that the upstream could not be called.
type upstreamError struct{ err error }

func (u *upstreamError) Error() string { return u.err.Error() }
func (u *upstreamError) Unwrap() error { return u.err }

// failed says why there is no answer.
func (c *call) failed(ctx context.Context, err error) *refusal {
	if cause := context.Cause(ctx); cause != nil {
		return c.overdue(cause)
	}
	var up *upstreamError
	switch {
	case errors.Is(err, reach.ErrAddress):
		c.p.log.WarnContext(ctx, "an adapter's name leads to an address that may not be called", "adapter", c.a.ID, "error", err)
		return refuse(CodeDown, "The name of the upstream of adapter %s leads to an address that may not be called.", c.a.ID).then("Nothing was sent.")
	case errors.As(err, &up):
		c.p.log.WarnContext(ctx, "call an upstream", "adapter", c.a.ID, "error", err)
		return refuse(CodeDown, "The upstream of adapter %s cannot be reached, or broke off.", c.a.ID).then("Whether it did something is not known; look before you call again.")
	}
	return c.broken("read the credential of an adapter", err)
}

func (c *call) broken(doing string, err error) *refusal {
	c.p.log.ErrorContext(c.r.Context(), "send a call", "doing", doing, "adapter", c.a.ID, "error", err)
	return refuse(CodeFault, "Adapter %s is broken here, so the call was not sent.", c.a.ID).then("The server's log has the cause.")
}

// overdue says why a call was cut before it was answered.
func (c *call) overdue(cause error) *refusal {
	switch {
	case errors.Is(cause, errEnded):
		no := refuse(CodeExpired, "Your access has ended while the call was under way.")
		no.target = c.pass.target
		return no.then("Whether the upstream did something is not known.")
	case errors.Is(cause, errSlow):
		return refuse(CodeSlow, "The upstream of adapter %s did not answer in time.", c.a.ID).then("Whether it did something is not known; look before you call again.")
	}
	return refuse(CodeDown, "The call was broken off.").then("Whether the upstream did something is not known.")
}

// heed leaves an upstream alone that asked for it.
func (c *call) heed(resp *http.Response) {
	h := resp.Header
	seconds := func(names ...string) time.Duration {
		for _, name := range names {
			if n, err := strconv.Atoi(h.Get(name)); err == nil && n > 0 {
				return time.Duration(min(n, 60)) * time.Second
			}
		}
		return 0
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		c.p.gate.pause(c.a.ID, max(seconds("Retry-After", "Ratelimit-Reset", "X-Ratelimit-Reset"), time.Second))
	case h.Get("Ratelimit-Remaining") == "0":
		c.p.gate.pause(c.a.ID, seconds("Ratelimit-Reset"))
	}
}
