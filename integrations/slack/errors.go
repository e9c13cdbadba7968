package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"breakglass/flows"
)

// Error is Slack's no, or an answer that cannot be believed.
type Error struct {
	Method   string   // "chat.update", or "response_url"
	Status   int      // of the HTTP answer
	Code     string   // Slack's word, "message_not_found"; or ours, see the constants
	Messages []string // what Slack adds, for the operator
	Needed   string   // the scope that is missing, for missing_scope
	After    int      // seconds Slack asked to be left alone
}

// What an answer is called when it has no code of Slack's.
const (
	codeUnexplained = "unexplained" // {"ok":false} and nothing else, which slack-go takes for a success
	codeMalformed   = "malformed"   // not JSON, not whole, or without what must be there
	codeTooLarge    = "too_large"   // more than we read
	codeRedirect    = "redirect"    // Slack's API does not redirect; whoever did is not followed
	codeStatus      = "http_status" // an HTTP status that says it all
)

// SlackCode is the word of Slack's API for what is wrong, so that a caller who does
// not know this package can ask for it: "message_not_found", "hash_conflict", ….
func (e *Error) SlackCode() string { return e.Code }

// Error says what was not done, and what to do where that is known.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "slack %s: ", e.Method)
	switch e.Code {
	case codeUnexplained:
		b.WriteString("Slack said no without saying why")
	case codeMalformed:
		b.WriteString("the answer is not one of Slack's API")
	case codeTooLarge:
		b.WriteString("the answer is larger than any of Slack's API")
	case codeRedirect:
		b.WriteString("the answer is a redirect, which is not followed; check api_url and the proxy")
	case codeStatus:
		fmt.Fprintf(&b, "HTTP status %d", e.Status)
	default:
		b.WriteString(e.Code)
	}
	if e.Needed != "" {
		fmt.Fprintf(&b, " (needs %s)", e.Needed)
	}
	if len(e.Messages) > 0 {
		fmt.Fprintf(&b, " (%s)", clip(strings.Join(e.Messages, "; "), 300))
	}
	if h := hint(e.Code); h != "" {
		b.WriteString("; " + h)
	}
	return b.String()
}

// hint is what the operator can do about a code.
func hint(code string) string {
	switch code {
	case "channel_not_found", "not_in_channel":
		return "nothing was posted; check the channel and invite the app to it"
	case "is_archived":
		return "nothing was posted; the channel is archived, configure another"
	case "missing_scope":
		return "add the scope to the app (breakglass slack manifest) and install it again"
	case "account_inactive":
		return "the app was uninstalled or its user deactivated; install it again"
	case "restricted_action":
		return "a workspace setting forbids it; ask a Slack admin"
	}
	return ""
}

// verdict is what an error means for whoever might try again.
type verdict int

const (
	tryAgain verdict = iota
	giveUp
	otherToken
)

// judge sorts Slack's errors: tokens that are refused, troubles that pass, and
// everything else, which no further try can cure.
func (e *Error) judge() verdict {
	switch e.Code {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired":
		return otherToken
	case codeUnexplained, codeMalformed, codeTooLarge, codeRedirect,
		"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable",
		"request_timeout", "team_added_to_org", "org_login_required", "failed_sending_dialog":
		return tryAgain
	}
	switch {
	case e.Status == http.StatusUnauthorized:
		return otherToken
	case e.Status >= 500, e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout:
		return tryAgain
	}
	return giveUp
}

// classify makes any error of a call what flows understands. The address of the
// call is cut out: a response_url is a capability.
func classify(method string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer in time: %w", err)
		}
		return &flows.Temporary{Err: fmt.Errorf("slack %s: %w; whether it was done is not known", method, err)}
	}
	if e.judge() == giveUp {
		return &flows.Permanent{Err: e}
	}
	return &flows.Temporary{Err: e, After: e.After}
}

// rejected reports whether another version of the token should be tried.
func rejected(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.judge() == otherToken
}

// refuse is an error of ours, before anything was sent.
func refuse(method, format string, args ...any) error {
	return &flows.Permanent{Err: fmt.Errorf("slack "+method+" was not called: "+format, args...)}
}

// clip shortens s to at most n bytes without cutting a letter.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
