package slackfake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// delivery is one request to the app, before it is signed.
type delivery struct {
	kind    string         // slash_command, block_actions, view_submission…
	url     string         // where to
	payload map[string]any // what
	format  format         // how it is written
	header  http.Header    // further headers
}

// format is how a payload is written into a body.
type format int

const (
	asForm    format = iota // one form field per key: slash commands
	asPayload               // payload=JSON: interactions
	asJSON                  // JSON: events
)

// DeliveryError is why an interaction failed for the person who made it. Code
// is what Slack shows.
type DeliveryError struct {
	Kind   string
	Code   string // operation_timeout, dispatch_failed, http_error, bad_answer
	Status int    // the app's status, when it answered
	cause  error
}

// Error implements error.
func (e *DeliveryError) Error() string {
	msg := fmt.Sprintf("slackfake: %s to the app failed: %s", e.Kind, e.Code)
	if e.Status != 0 {
		msg += fmt.Sprintf(" (status %d)", e.Status)
	}
	if e.cause != nil {
		msg += ": " + e.cause.Error()
	}
	return msg
}

// Unwrap gives what went wrong underneath.
func (e *DeliveryError) Unwrap() error { return e.cause }

// errLate is the cause of an answer that took too long.
var errLate = errors.New("the app did not answer in time")

// Sign makes the value of X-Slack-Signature for a body, as Slack does.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + timestamp + ":"))
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// deliver sends one request to the app and waits for the answer, at most as
// long as Slack does.
func (ws *Workspace) deliver(d delivery) (Exchange, error) {
	fault := ws.deliveryFaultFor(d.kind)
	ws.pause(fault.Delay, nil)
	if fault.Drop {
		return Exchange{}, &DeliveryError{Kind: d.kind, Code: "operation_timeout", cause: errLate}
	}
	fault.bend(d.payload)
	body, contentType := d.body()
	req := ws.sign(body, fault)
	req.Set("Content-Type", contentType)
	maps.Copy(req, d.header)
	e, err := ws.send(d.kind, d.url, req, body, fault)
	if fault.Duplicate { // what the app says to the second copy is ignored
		_, _ = ws.send(d.kind, d.url, req, body, fault)
	}
	if fault.LoseAck && err == nil {
		err = &DeliveryError{Kind: d.kind, Code: "operation_timeout", cause: errLate}
	}
	return e, err
}

// body writes the payload.
func (d delivery) body() (raw []byte, contentType string) {
	switch d.format {
	case asForm:
		form := url.Values{}
		for k, v := range d.payload {
			form.Set(k, fmt.Sprint(v))
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded"
	case asPayload:
		form := url.Values{"payload": {string(encode(d.payload))}}
		return []byte(form.Encode()), "application/x-www-form-urlencoded"
	default:
		return encode(d.payload), "application/json"
	}
}

// sign makes the headers of a delivery.
func (ws *Workspace) sign(body []byte, fault DeliveryFault) http.Header {
	ws.mu.Lock()
	secret := ws.secret
	ws.mu.Unlock()
	if fault.BadSignature {
		secret += " (forged)"
	}
	ts := strconv.FormatInt(ws.opt.Now().Add(-fault.Stale).Unix(), 10)
	return http.Header{
		"User-Agent":                {"Slackbot 1.0 (+https://api.slack.com/robots)"},
		"Accept":                    {"application/json,*/*"},
		"X-Slack-Request-Timestamp": {ts},
		"X-Slack-Signature":         {Sign(secret, ts, body)},
	}
}

// send posts signed bytes, records the exchange and judges the answer.
func (ws *Workspace) send(kind, to string, header http.Header, body []byte, fault DeliveryFault) (Exchange, error) {
	e := Exchange{
		At: ws.opt.Now(), Direction: ToApp, Kind: kind, URL: to, Fault: fault.name(),
		RequestHeader: header, RequestBody: string(body),
	}
	res, err := ws.post3s(to, header, body)
	e.Took = ws.since(e.At)
	e.Status, e.ResponseHeader, e.ResponseBody = res.status, res.header, string(res.raw)
	bad := judge(kind, res, err)
	if bad != nil {
		e.Error = bad.Code
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	e = ws.record(e)
	if bad == nil {
		return e, nil
	}
	if !fault.provokes() && bad.Code != "dispatch_failed" {
		ws.violate(violationOf(bad), kind, "%s", bad.Error())
	}
	return e, bad
}

// judge says what is wrong with an app's answer, or nil.
func judge(kind string, res response, err error) *DeliveryError {
	switch {
	case errors.Is(err, errLate):
		return &DeliveryError{Kind: kind, Code: "operation_timeout", cause: errLate}
	case err != nil:
		return &DeliveryError{Kind: kind, Code: "dispatch_failed", cause: err}
	case res.status < 200 || res.status > 299:
		return &DeliveryError{Kind: kind, Code: "http_error", Status: res.status}
	}
	return nil
}

func violationOf(e *DeliveryError) string {
	if e.Code == "operation_timeout" {
		return "late_answer"
	}
	return "bad_answer"
}

// post3s posts to the app and gives up after the time that Slack allows.
func (ws *Workspace) post3s(to string, header http.Header, body []byte) (response, error) {
	if to == "" {
		return response{}, errors.New("the app has no address for this: call SetEndpoints")
	}
	ctx, cancel := context.WithCancelCause(ws.life)
	defer cancel(nil)
	stop := ws.opt.After(ws.opt.AckTimeout, func() { cancel(errLate) })
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return response{}, fmt.Errorf("the app's address: %w", err)
	}
	req.Header = header.Clone()
	res, err := ws.client.Do(req)
	if err != nil {
		return response{}, orCause(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // nothing is left to read
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return response{}, orCause(ctx, err)
	}
	return response{status: res.StatusCode, header: res.Header, raw: raw}, nil
}

// orCause prefers why the context ended over what that broke.
func orCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// errRedirect is what an app's redirect counts as.
var errRedirect = errors.New("the app redirected; Slack does not follow")

func refuseRedirects(*http.Request, []*http.Request) error { return errRedirect }

// background runs f unless the workspace is closed; Close waits for it.
func (ws *Workspace) background(f func()) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.life.Err() == nil {
		ws.running.Go(f)
	}
}

// Notice is something Slack itself told a person: that the app failed.
type Notice struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// Notices lists what Slack told a person about failures, oldest first.
func (ws *Workspace) Notices(user string) []Notice {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return append([]Notice{}, ws.notices[user]...)
}

// notify tells a person that the app failed. Called with the lock held.
func (ws *Workspace) notify(user, format string, values ...any) {
	n := Notice{At: ws.opt.Now(), Text: fmt.Sprintf(format, values...)}
	ws.notices[user] = append(ws.notices[user], n)
	ws.touch()
}
