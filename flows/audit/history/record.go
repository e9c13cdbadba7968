package history

import (
	"time"

	"breakglass/flows"
)

// record is a row as exports write it: its texts as bytes that lie somewhere, its times
// as text in UTC, to the nanosecond; empty is the zero time. It comes from a Row, or, in
// a fraction of the time, from the JSON that a request is kept as.
type record struct {
	id, state, flow, target, scope, requester, beneficiary []byte

	seconds              int64
	reason               []byte
	fields               []recordField
	incident, title, url []byte
	number               int64
	door, submitted, why []byte
	votes                []recordVote
	self                 bool
	onCall               *recordOnCall
	decidedBy, decided   []byte
	denyWhy              []byte
	granted, ends, ended []byte
	cause, endedBy       []byte
	endWhy               []byte
	overdue              bool
	review               *Review
	fault, receipt, hash []byte
	entries              int64
	endOfChain           []byte
}

type recordVote struct{ by, at, door []byte }

type recordField struct{ name, value []byte }

type recordOnCall struct {
	policy, policyName, schedule []byte
	level                        int64
	start, end, readAt           []byte
	override                     string
}

// record is the row as a record.
func (r *Row) record() *record {
	var votes []recordVote
	for i := range r.Votes {
		votes = append(votes, recordVote{[]byte(r.Votes[i].By), moment(r.Votes[i].At), []byte(r.Votes[i].Door)})
	}
	var fields []recordField
	for _, f := range r.Fields {
		fields = append(fields, recordField{[]byte(f.Name), []byte(f.Value)})
	}
	return &record{
		id: []byte(r.ID), state: []byte(r.State), flow: []byte(r.Flow), target: []byte(r.Target), scope: []byte(r.Scope),
		requester: []byte(r.Requester), beneficiary: []byte(r.Beneficiary), seconds: r.Seconds, reason: []byte(r.Reason), fields: fields,
		incident: []byte(r.Incident), number: int64(r.Number), title: []byte(r.Title), url: []byte(r.URL), door: []byte(r.Door),
		submitted: moment(r.Submitted), why: []byte(r.Why), votes: votes, self: r.Self, onCall: r.OnCall.record(), decidedBy: []byte(r.DecidedBy),
		decided: moment(r.Decided), denyWhy: []byte(r.DenyWhy), granted: moment(r.Granted), ends: moment(r.Ends), ended: moment(r.Ended),
		cause: []byte(r.Cause), endedBy: []byte(r.EndedBy), endWhy: []byte(r.EndWhy), overdue: r.Overdue, review: r.Review,
		fault: []byte(r.Fault), receipt: []byte(r.Receipt), hash: []byte(r.Hash), entries: r.Entries, endOfChain: []byte(r.EndOfChain),
	}
}

func moment(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	return t.UTC().AppendFormat(nil, time.RFC3339Nano)
}

func (c *OnCall) record() *recordOnCall {
	if c == nil {
		return nil
	}
	return &recordOnCall{
		policy: []byte(c.Policy), policyName: []byte(c.PolicyName), schedule: []byte(c.Schedule), level: int64(c.Level),
		start: moment(c.Start), end: moment(c.End), readAt: moment(c.ReadAt), override: c.Override,
	}
}

// reviewRow is a review as rows show it, nil where there is none.
func reviewRow(v *flows.Review) *Review {
	if v == nil || v.State == flows.ReviewNone {
		return nil
	}
	return &Review{State: v.State, Due: v.DueAt.UTC(), Overdue: v.Overdue, Verdict: v.Verdict, By: v.By, At: v.At.UTC(), Note: v.Note.Raw()}
}

// onCallRow is what a self-approval rested on as rows show it, nil where there is nothing.
func onCallRow(p *flows.OnCallProof) *OnCall {
	if p == nil {
		return nil
	}
	e := &p.Entry
	return &OnCall{
		Policy: e.PolicyID, PolicyName: e.PolicyName, Schedule: e.ScheduleID, Level: e.Level, Start: e.Start.UTC(), End: e.End.UTC(),
		Override: e.Override.String(), ReadAt: p.ReadAt.UTC(),
	}
}
