package flows

import (
	"context"
	"slices"
	"time"
)

// Route is the outcome of the reducer, or the fallback: who is asked, in stages.
type Route struct {
	Stages   []Stage
	Origin   RouteOrigin
	Why      string    // why the route is what it is, for people: "not on call, so the managers on call decide"
	Tainted  bool      // a fact was unknown while it was made: no self-approval, no smaller quorum
	Flow     string    // Flow.Hash at the time
	Fallback *Stage    // who stands in when a fact is unknown at a click; nil: nobody can
	Evidence *Evidence `json:"-"` // stands in the audit entry of the step, not in the request
}

// RouteOrigin says where a route came from.
type RouteOrigin string

// The origins.
const (
	FromHandler  RouteOrigin = "handler"
	FromFallback RouteOrigin = "fallback"
)

// Stage is one group of people who are asked together.
type Stage struct {
	Approvers   []PersonID  // who may decide
	Destination Destination // where the card is shown; it gives nobody a say
	Quorum      int
	Timeout     time.Duration
	Why         string // why these people: "on call for mgr_on_call, level 1"
	Self        bool   // exactly the requester: self-approval
	Fallback    bool   // these people stand in because there was no other answer
}

// Destination is where a card is shown: a DM to each approver, or one channel.
type Destination struct {
	Channel string // "#name" or id; empty: a DM to each approver
}

// Has reports whether p may decide in the stage.
func (s Stage) Has(p PersonID) bool {
	return slices.Contains(s.Approvers, p)
}

// Proposal is what a handler returned, before the engine holds its ceilings to it.
// A nil *Proposal is "no route".
type Proposal struct {
	Stages []ProposedStage
}

// ProposedStage is one destination value of the handler language: slack.user,
// slack.group, slack.channel, or one leg of slack.fallback.
type ProposedStage struct {
	People    []PersonID // slack.user, slack.group: who is asked and may decide
	Unlinked  []string   // people the handler named whom no link ties to a Slack user; for the why
	Channel   string     // slack.channel: where the card is shown; People may then be empty
	Group     bool       // of slack.group: whoever happens to be in it, so no self-approval unless AllowSelf says so
	AllowSelf *bool      // allow_self= as given; nil where not said
	Quorum    int        // 0: the flow's
	Timeout   time.Duration
	Why       string // made by the modules: "on call for mgr_on_call"
}

// ReduceInput is one evaluation of a flow's reducer.
type ReduceInput struct {
	Flow    *Flow
	Request *Request
	Links   Links
	Now     time.Time
	MaxAge  time.Duration // how old an on-call answer may be
	Click   bool          // at a person's click; see OnCallQuery.Click
}

// Evaluation is what running the reducer gave. The reducer never decides: Decide
// holds the flow's ceilings to it.
type Evaluation struct {
	Proposal *Proposal // nil: no route
	Fault    string    // what broke, for the operator: file:line and message; empty when nothing did
	Tainted  bool      // a host call failed or was unknown, whatever the handler caught or returned
	Calls    []HostCall
	Prints   []string // print() output
	Took     time.Duration
}

// HostCall is one question the handler asked, with the answer it got: the evidence
// that makes a decision reproducible.
type HostCall struct {
	Name   string // "pagerduty.is_on_call"
	Args   []Arg
	Answer any // canonical: bool, int64, string, []any, map[string]any, Personal
	Entry  any // of the rota, that a bare yes rested on; as Answer
	Result Tri // Unknown where the call failed
	Error  string
	ReadAt time.Time // when the vendor answered (a cached answer keeps its time)
	Digest string
}

// Arg is one argument of a host call.
type Arg struct {
	Name  string
	Value any // as HostCall.Answer
}

// Reducer runs handlers; flows/handler implements it. It never returns an error:
// what broke is in the Evaluation.
type Reducer interface {
	Reduce(ctx context.Context, in ReduceInput) Evaluation
}

// Evidence is what a route or decision rested on.
type Evidence struct {
	Handler string // SourceHash
	Flow    string // Flow.Hash
	Calls   []HostCall
	Fault   string
	Tainted bool
	At      time.Time
	OnCall  *OnCallProof // for self-approval: the entry that satisfied the rule
}

// OnCallProof is the on-call entry that allowed a self-approval.
type OnCallProof struct {
	Entry  OnCallEntry
	ReadAt time.Time
	Digest string
}
