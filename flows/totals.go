package flows

import (
	"strings"
	"time"
)

// TotalName is what a running total counts, by day (UTC) and flow. Final states count
// under their own name.
type TotalName string

// The totals. Access that is active is all that began less all that is over.
const (
	TotalAsked    TotalName = "asked"
	TotalApproved TotalName = "approved"
	TotalSelf     TotalName = "self_approved" // of the approved ones
	TotalBegan    TotalName = "began"
	TotalOver     TotalName = "over"
)

// Of is the total of a part of them: began and over of one target, self_approved of one
// team. A team is the escalation policy by whose shift somebody was on call: what is known
// about the company's teams when the decision is made, and stands in its evidence.
func (n TotalName) Of(part string) TotalName { return n + "@" + TotalName(part) }

// Part is what the total is a part of, and the part; empty for one of all.
func (n TotalName) Part() (whole TotalName, part string) {
	name, part, _ := strings.Cut(string(n), "@")
	return TotalName(name), part
}

// WithoutShift is the team of self-approvals that rested on no shift.
const WithoutShift = "(no shift)"

// Team is whose shift a self-approval rested on.
func (r *Request) Team() string {
	switch {
	case r.Proof == nil:
		return WithoutShift
	case r.Proof.Entry.PolicyName != "":
		return r.Proof.Entry.PolicyName
	}
	return r.Proof.Entry.PolicyID
}

// CountsAs are the totals that get one more when the request enters the state it is in, in
// one order. Whoever counts requests asks here, and whoever holds totals to them.
func (r *Request) CountsAs() []TotalName { return r.appendCounts(nil, r.State) }

// appendCounts appends what CountsAs is in a state.
func (r *Request) appendCounts(names []TotalName, s State) []TotalName {
	switch s {
	case StateSubmitted:
		names = append(names, TotalAsked)
	case StateApproved:
		names = append(names, TotalApproved)
		if r.SelfMade {
			names = append(names, TotalSelf, TotalSelf.Of(r.Team()))
		}
		names = append(names, WaitBucket(r.DecidedAt.Sub(r.SubmittedAt)))
	case StateActive:
		names = append(names, TotalBegan, TotalBegan.Of(string(r.Content.Target)))
	case StateDenied, StateLapsed, StateCancelled, StateEnded, StateFailed:
		names = append(names, TotalName(s))
		if !r.GrantedAt.IsZero() {
			names = append(names, TotalOver, TotalOver.Of(string(r.Content.Target)))
		}
	}
	return names
}

// waits are the buckets of the time from asking to the approval.
var waits = [...]struct {
	within time.Duration
	name   TotalName
}{
	{time.Minute, "waited_1m"}, {5 * time.Minute, "waited_5m"}, {15 * time.Minute, "waited_15m"},
	{time.Hour, "waited_1h"}, {4 * time.Hour, "waited_4h"},
}

// WaitBucket is the total that an approval after so long adds to.
func WaitBucket(d time.Duration) TotalName {
	for _, w := range waits {
		if d <= w.within {
			return w.name
		}
	}
	return "waited_longer"
}

// WaitBuckets lists the buckets, shortest first.
func WaitBuckets() []TotalName {
	out := make([]TotalName, 0, len(waits)+1)
	for _, w := range waits {
		out = append(out, w.name)
	}
	return append(out, "waited_longer")
}

// Total is how often something happened in a flow on a day.
type Total struct {
	Day  time.Time // its beginning, UTC
	Flow FlowID
	Name TotalName
	N    int64
}

// Sums are the totals of some days: those of flows by day, and how much of them parts had in
// all these days. They are in no order, and one may come in several pieces.
type Sums struct {
	Days  []Total
	Parts []Total // without a day, of the flow that was asked for
}

// TargetDay is how often access to a target began and was over on a day.
type TargetDay struct {
	Target      TargetID
	Day         time.Time // its beginning, UTC
	Began, Over int64
}
