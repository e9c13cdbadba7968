package httpadapter

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"breakglass/flows"
)

// The codes of what is refused or goes wrong here; programs go by them.
const (
	CodeUnknown    flows.Code = "unknown_adapter"     // there is no adapter of that name
	CodeAmbiguous  flows.Code = "ambiguous"           // servers could read the call in different ways
	CodeForm       flows.Code = "form"                // what a call may not have: an upgrade, a form, a body too large
	CodeForeign    flows.Code = "cross_origin"        // a browser's session, from another site
	CodeRule       flows.Code = "rule"                // no rule lets it through, whoever asks
	CodeCallers    flows.Code = "not_a_caller"        // a rule of the adapter would, but not for this person
	CodeNoGrant    flows.Code = "no_grant"            // it needs an active grant
	CodeExpired    flows.Code = "grant_ended"         // there was one
	CodeIncident   flows.Code = "other_incident"      // the grant is for another incident, or for none
	CodeNoEmail    flows.Code = "no_email"            // From is wanted, and the caller's address is not known
	CodeTooFast    flows.Code = "too_fast"            // too many calls a minute
	CodeTooMany    flows.Code = "too_many"            // too many at a time
	CodeBusy       flows.Code = "upstream_busy"       // the upstream asked to be left alone
	CodeEndOnly    flows.Code = "end_only"            // nothing is given right now
	CodeUnrecorded flows.Code = "not_recorded"        // so it was not sent
	CodeFault      flows.Code = "fault"               // something broke here
	CodeDown       flows.Code = "upstream_down"       // it cannot be reached
	CodeSlow       flows.Code = "upstream_slow"       // it did not answer in time
	CodeCredential flows.Code = "upstream_credential" //nolint:gosec // a word: it refuses our credential
	CodeAnswer     flows.Code = "upstream_answer"     // it answered what is not passed on
)

// statuses are the HTTP statuses of the codes.
var statuses = map[flows.Code]int{
	CodeUnknown: http.StatusNotFound, CodeAmbiguous: http.StatusBadRequest, CodeForm: http.StatusBadRequest, CodeForeign: http.StatusForbidden,
	CodeRule: http.StatusForbidden, CodeCallers: http.StatusForbidden, CodeNoGrant: http.StatusForbidden, CodeExpired: http.StatusForbidden,
	CodeIncident: http.StatusForbidden, CodeNoEmail: http.StatusForbidden, CodeTooFast: http.StatusTooManyRequests,
	CodeTooMany: http.StatusTooManyRequests, CodeBusy: http.StatusTooManyRequests, CodeEndOnly: http.StatusServiceUnavailable,
	CodeUnrecorded: http.StatusServiceUnavailable, CodeFault: http.StatusInternalServerError, CodeDown: http.StatusBadGateway,
	CodeSlow: http.StatusGatewayTimeout, CodeCredential: http.StatusBadGateway, CodeAnswer: http.StatusBadGateway,
}

// Problem is how a call is refused: RFC 9457, with a code, and what would open it.
type Problem struct {
	Status int        `json:"status"`
	Title  string     `json:"title"`
	Detail string     `json:"detail"` // what happened, what was not done, what to do next
	Code   flows.Code `json:"code"`
	Rule   string     `json:"rule,omitempty"`   // that would let it through with a grant
	Target string     `json:"target,omitempty"` // that the rule belongs to
	Ask    string     `json:"ask,omitempty"`    // what to write in Slack to ask for it
	Call   string     `json:"call,omitempty"`   // its id in the audit
}

// AnswerHeader says who made an answer: "upstream", or "breakglass" where the call was
// refused or went wrong here.
const AnswerHeader = "Breakglass-Answer"

// refusal is a no with what belongs to it.
type refusal struct {
	*flows.Refusal
	rule   flows.Rule
	target flows.TargetID
	after  time.Duration // when another try makes sense; zero: not said
}

func refuse(code flows.Code, format string, args ...any) *refusal {
	return &refusal{Refusal: flows.Refuse(code, format, args...)}
}

func (r *refusal) then(next string) *refusal {
	r.Refusal = r.Refusal.Then(next)
	return r
}

// answer tells the caller why a call was not made, or not passed on.
func (r *refusal) answer(w http.ResponseWriter, call string) {
	status, ok := statuses[r.Code]
	if !ok {
		status = http.StatusForbidden
	}
	p := Problem{Status: status, Title: http.StatusText(status), Detail: r.Error(), Code: r.Code, Rule: r.rule.String(), Target: string(r.target), Call: call}
	if r.target != "" {
		p.Ask = "/access " + string(r.target)
	}
	h := w.Header()
	guard(h)
	h.Set("Content-Type", "application/problem+json")
	h.Set(AnswerHeader, "breakglass")
	if r.after > 0 {
		h.Set("Retry-After", strconv.Itoa(int((r.after+time.Second-1)/time.Second)))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p) // the caller has gone
}

// guard keeps an answer from being kept, or run, by a browser: it is shown below the
// address of the console.
func guard(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
}
