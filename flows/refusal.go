package flows

import (
	"errors"
	"fmt"
)

// Code names a refusal; front doors map it to their own status by one table.
type Code string

// The refusals.
const (
	RefusedUnknownFlow     Code = "unknown_flow"
	RefusedUnknownTarget   Code = "unknown_target"
	RefusedNotAllowed      Code = "not_allowed"       // the flow does not let this person ask
	RefusedStanding        Code = "standing"          // guest, stranger, bot, deleted, foreign
	RefusedInput           Code = "input"             // a field is wrong; Field says which
	RefusedDuplicate       Code = "duplicate"         // an open request for the same person and target exists
	RefusedTooMany         Code = "too_many"          // limits on asking
	RefusedNotEligible     Code = "not_eligible"      // this person may not decide this
	RefusedOwnRequest      Code = "own_request"       // self-approval is not open here
	RefusedOnCallUnknown   Code = "on_call_unknown"   // PagerDuty could not say
	RefusedAlreadyDecided  Code = "already_decided"   // somebody was faster
	RefusedAlreadyVoted    Code = "already_voted"     // one person is one vote
	RefusedState           Code = "state"             // the life cycle has no such step from here
	RefusedLapsed          Code = "lapsed"            // too late
	RefusedIncident        Code = "incident"          // the incident is not as the flow requires
	RefusedRulesChanged    Code = "rules_changed"     // routed again; look at the new card
	RefusedEndOnly         Code = "end_only"          // nothing is given right now
	RefusedUnknownRequest  Code = "unknown_request"   // no such request
	RefusedStaleCard       Code = "stale_card"        // a button that is no longer good
	RefusedCouldNotCheck   Code = "could_not_check"   // a fact that must be known is not
	RefusedContentMismatch Code = "content_mismatch"  // what was approved is not what is asked
	RefusedCannotSend      Code = "cannot_send"       // Slack refuses the destination
	RefusedStepUp          Code = "step_up"           // a fresh sign-in is needed first
	RefusedNobody          Code = "nobody_can_decide" // not even the fallback
)

// Refusal is a no: a code, a sentence for the person that says what was not done,
// and what to do next. It is an answer, not an error of the program.
type Refusal struct {
	Code  Code
	Field string // the input it is about, for per-field errors; may be empty
	Say   string // one or two sentences, for the person
	Next  string // what to do next; may be empty
}

// Error makes a refusal an error, so that it travels through ports.
func (r *Refusal) Error() string {
	if r.Next == "" {
		return r.Say
	}
	return r.Say + " " + r.Next
}

// Refuse builds a refusal; format and args make the sentence.
func Refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Say: fmt.Sprintf(format, args...)}
}

// Then adds what to do next.
func (r *Refusal) Then(next string) *Refusal {
	c := *r
	c.Next = next
	return &c
}

// AsRefusal finds the refusal in err.
func AsRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	ok := errors.As(err, &r)
	return r, ok
}

// Temporary wraps an error of an outside system that another try may cure. After
// says when the system asked to be left alone until; zero leaves it to the worker.
type Temporary struct {
	Err   error
	After int // seconds, from Retry-After or ratelimit-reset
}

// Error is the cause.
func (t *Temporary) Error() string { return t.Err.Error() }

// Unwrap gives the cause to errors.Is and errors.As.
func (t *Temporary) Unwrap() error { return t.Err }

// Permanent marks an error that no further try can cure (a deleted channel, a
// refused field); the worker gives up and raises the alarm.
type Permanent struct{ Err error }

// Error is the cause.
func (p *Permanent) Error() string { return p.Err.Error() }

// Unwrap gives the cause to errors.Is and errors.As.
func (p *Permanent) Unwrap() error { return p.Err }
