package pagerduty

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"
	"github.com/failsafe-go/failsafe-go/timeout"

	"breakglass/flows"
)

var (
	// ErrNoIncident says that PagerDuty has no such incident.
	ErrNoIncident = fmt.Errorf("PagerDuty has no such incident: %w", flows.ErrNotFound)

	errNoSuch  = errors.New("PagerDuty says there is no such thing")
	errStopped = errors.New("the PagerDuty client has been stopped; nothing was asked")
)

// malformed says that an answer is not what PagerDuty documents.
type malformed struct{ what string }

func (m *malformed) Error() string { return "the answer is malformed: " + m.what }

// vendorError is an answer with an error status.
type vendorError struct {
	call   string
	status int
	code   int // PagerDuty's own
	text   string
}

func (e *vendorError) Error() string {
	s := fmt.Sprintf("%s: PagerDuty answered %d", e.call, e.status)
	if e.text != "" {
		s += ": " + e.text
	}
	if e.code != 0 {
		s += fmt.Sprintf(" (code %d)", e.code)
	}
	return s + hint(e)
}

func hint(e *vendorError) string {
	switch {
	case e.status/100 == 3:
		return "; redirects are not followed: check base_url"
	case e.status == http.StatusForbidden:
		return "; the API token may not do this: a read-only key cannot write, a scoped token needs the scope"
	case e.status == http.StatusPaymentRequired:
		return "; the account's plan does not include this"
	case e.code == 1008:
		return "; from must be the login e-mail of a PagerDuty user"
	}
	return ""
}

// bare drops the address from an error of net/http: its query may name people.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func notTrusted(err error) bool {
	var cert *tls.CertificateVerificationError
	return errors.As(err, &cert)
}

// explain tells what kept a call from being answered. given is the caller's context,
// own the call's.
func (c *Client) explain(given, own context.Context, r request, err error) error {
	c.stats.failures.Add(1)
	var over *overBudget
	wait := 0
	switch {
	case errors.As(err, &over):
		wait = int(over.after/time.Second) + 1
	case errors.Is(err, flows.ErrSecretRejected):
		err = fmt.Errorf("PagerDuty refused the API token (401): %w", err)
	case errors.Is(given.Err(), context.Canceled):
		err = fmt.Errorf("the question was given up: %w", given.Err())
	case errors.Is(given.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("no answer before the deadline: %w", given.Err())
	case own.Err() != nil, errors.Is(err, timeout.ErrExceeded):
		err = fmt.Errorf("no answer in time (%s a try, %s in all): %w", c.lim.AttemptTimeout, c.lim.CallTimeout, context.DeadlineExceeded)
	}
	return &flows.Temporary{Err: fmt.Errorf("%s: %w", r, err), After: wait}
}

// refused turns an answer with an error status into an error. The token never gets
// into it, even where the other side echoes it.
func (c *Client) refused(r request, got *reply, token string) error {
	c.stats.failures.Add(1)
	e := &vendorError{call: r.String(), status: got.status}
	var doc pd.APIError
	if json.Unmarshal(got.body, &doc) == nil && doc.APIError.Valid {
		o := doc.APIError.ErrorObject
		e.code, e.text = o.Code, strings.Join(append([]string{o.Message}, o.Errors...), ": ")
	}
	e.text = tame(strings.ReplaceAll(e.text, token, "[token]"))
	switch s := got.status; {
	case s == http.StatusNotFound:
		return fmt.Errorf("%w: %w", errNoSuch, e)
	case s == http.StatusTooManyRequests, s >= 500, s/100 == 3, s/100 == 1, s == http.StatusRequestTimeout:
		return &flows.Temporary{Err: e, After: int(after(got) / time.Second)}
	}
	return &flows.Permanent{Err: e}
}

// tame makes text of the other side fit for a log line.
func tame(s string) string {
	s = strings.Join(strings.Fields(flows.NewText(s).Raw()), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}

// garbled marks an answer of r that cannot be believed; another try may help.
func (c *Client) garbled(r request, err error) error {
	c.stats.failures.Add(1)
	return &flows.Temporary{Err: fmt.Errorf("%s: %w", r, err)}
}
