package flows

import (
	"encoding/json"
	"time"
)

// JobKind names what a job does; flows/worker has one handler for each.
type JobKind string

// The kinds of jobs.
const (
	JobInbox     JobKind = "inbox"      // handle an inbox row; Subject is its key
	JobRoute     JobKind = "route"      // run the reducer and ask people
	JobCard      JobKind = "card"       // send or repair one card; Subject is the card's id
	JobNotice    JobKind = "notice"     // tell one person or channel something, once
	JobGrant     JobKind = "grant"      // give the access at the target
	JobRevoke    JobKind = "revoke"     // end the access at the target
	JobGiveUp    JobKind = "give_up"    // a grant was not confirmed within the wait limit
	JobRemind    JobKind = "remind"     // nobody answered yet
	JobForward   JobKind = "forward"    // a stage timed out
	JobLapse     JobKind = "lapse"      // nobody decided in time
	JobExpiring  JobKind = "expiring"   // access ends soon
	JobReview    JobKind = "review"     // ask for a review, and remind when it is due
	JobExtended  JobKind = "extended"   // write into a request's chain that another carries it on
	JobNote      JobKind = "note"       // write to the PagerDuty incident
	JobOpen      JobKind = "open"       // open a PagerDuty incident for the request
	JobReconcile JobKind = "reconcile"  // re-read the incidents that live requests belong to
	JobTree      JobKind = "tree"       // take what was written into the audit tree, and sign
	JobWitness   JobKind = "witness"    // publish checkpoints outside; Subject is the kind of place
	JobErase     JobKind = "erase"      // erase a person, once two admins said so; else the proposal lapses
	JobLinkCard  JobKind = "link_card"  // send or repair a card about a link; Subject is its id
	JobPeople    JobKind = "people"     // look whether the accounts of links are as they were
	JobPurge     JobKind = "purge"      // delete sessions, tokens and payloads that were over long ago
	JobEndReport JobKind = "end_report" // how an order of the kill switch stands
)

// Job is a durable effect: written in the transaction of the state that it follows
// from, tried until it is done, deleted in the transaction that applies its outcome.
type Job struct {
	ID       int64 // the store's; 0 until written
	Kind     JobKind
	Key      string // unique among stored jobs; writing it again moves RunAt and Args
	Subject  string // a RequestID, card id or inbox key
	Lane     string // jobs of one lane never run side by side; empty: no lane
	RunAt    time.Time
	Args     json.RawMessage // small; nil when Subject says all
	Attempts int             // how often it was tried and failed
	LastErr  string          // for the operator

	Rev        int64  // rises with every write by Key; see Change
	LeasedTo   string // the process that works on it; empty: free
	LeaseUntil time.Time
	Lease      int64 // rises with every claim; finishing needs the lease that was claimed
}

// JobKey is the usual key: one job of a kind for a subject.
func JobKey(kind JobKind, subject string) string { return string(kind) + ":" + subject }
