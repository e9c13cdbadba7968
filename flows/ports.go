package flows

import (
	"context"
	"errors"
	"time"
)

// The store's answers that the engine knows.
var (
	// ErrConflict: somebody else changed what the outcome was decided on. Load and
	// decide again.
	ErrConflict = errors.New("changed by somebody else meanwhile")
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrLeaseLost: the job is no longer leased as it was; its outcome is not applied.
	ErrLeaseLost = errors.New("the job's lease was lost")
	// ErrDuplicate: an open request for the same person, target and scope exists.
	ErrDuplicate = errors.New("an open request for the same person and target exists")
	// ErrFrozen: an admin froze everything; nothing is approved and nothing given.
	ErrFrozen = errors.New("an admin froze everything that gives access")
	// ErrCrowded: as many devices wait to be confirmed as may.
	ErrCrowded = errors.New("too many devices wait to be confirmed")
	// ErrReadOnly: the store does not write (disk full, end-only mode).
	ErrReadOnly = errors.New("the store does not write")
)

// Record is everything Decide needs from the store about one request.
type Record struct {
	Request Request
	Holding Holding // zero Version when nobody ever held it
	Cards   []Card
}

// Change is one outcome to be applied in one transaction, all or nothing.
//
// Request, if not nil, is compared and swapped: the stored version must be
// Request.Version-1 (a new request has version 1). Its Chain head is the one after
// Entries, whose first entry must follow the stored head. Holding likewise by its
// version. Cards are upserted by ID. Jobs are upserted by Key: RunAt and Args become
// the new ones, Rev rises, Attempts start again; a job that is leased keeps its
// lease. A new job with LeasedTo set is written leased (Lease 1), unless its lane has
// a leased job: then it is written free. Cancel deletes jobs by key, leased or not.
// Done is the job whose outcome this is: it must still be leased as claimed
// (ErrLeaseLost otherwise); it is deleted, or, if its Rev has risen since the claim,
// freed to run again. Inbox, if not empty, marks that inbox row as handled. Passes are
// inserted at version 1, and compared and swapped above it; Pins are inserted
// (ErrConflict where the subject or the person has one). Unlinks and Unpins are deleted
// first, links at exactly that version; Links are inserted at version 1, and compared and
// swapped above it (ErrConflict where a side of one is taken). Tree adds to the tree over the
// entries. Freeze, if not nil, freezes (since when) or, with the zero time, lifts the
// freeze: while it lasts, no request may become approved or granting (ErrFrozen).
type Change struct {
	Request *Request
	Holding *Holding
	Chain   string // chain of Entries; the request's id unless Request is nil
	Entries []Sealed
	Cards   []Card
	Jobs    []Job
	Cancel  []string
	Done    *Job
	Inbox   string
	Passes  []Pass
	Pins    []Pin
	Unpins  []Pin
	Links   []StoredLink
	Unlinks []StoredLink
	Tree    *TreeGrowth
	Freeze  *time.Time
}

// Ledger is the store as the engine sees it. One Apply is one transaction.
type Ledger interface {
	// Load reads a request with its holding and cards. ErrNotFound.
	Load(ctx context.Context, id RequestID) (Record, error)
	// Holding reads a holding; a zero Version when there is none yet.
	Holding(ctx context.Context, key HoldingKey) (Holding, error)
	// Apply applies an outcome and returns c.Jobs as they are stored now: those whose
	// LeasedTo is what was asked for are the caller's to work on at once.
	// ErrConflict, ErrLeaseLost, ErrDuplicate, ErrFrozen, ErrReadOnly.
	Apply(ctx context.Context, c Change) ([]Job, error)
}

// Chains reads the heads of audit chains that no request carries ("system").
type Chains interface {
	// ChainHead is the end of a chain; the zero head for one without entries.
	ChainHead(ctx context.Context, chain string) (ChainHead, error)
}

// InboxRow is a payload that can change state, as verified, before it was answered.
type InboxRow struct {
	Key  string // made from the payload's own identifiers; a second delivery has the same
	Kind string // "block_actions", "view_submission", "pagerduty", …
	Body []byte // what the handler needs, without capabilities (no response_url, no trigger_id)
	At   time.Time
}

// Inbox keeps payloads before they are answered.
type Inbox interface {
	// Accept stores the row and its job in one transaction and returns the job as
	// stored. fresh is false when the key was there already: nothing is written then.
	Accept(ctx context.Context, row InboxRow, job Job) (stored Job, fresh bool, err error)
	// InboxRow reads a row back. ErrNotFound.
	InboxRow(ctx context.Context, key string) (InboxRow, error)
}

// Queue is the store as the worker sees it.
type Queue interface {
	// Claim leases up to limit jobs that are due at now and free (or whose lease ran
	// out), to owner until now+lease, at most one a lane and none in a lane that has
	// a leased job. Attempts are not counted here.
	Claim(ctx context.Context, owner string, now time.Time, lease time.Duration, limit int) ([]Job, error)
	// Retry gives a job back after a failure: free, due at runAt, one attempt more.
	// ErrLeaseLost.
	Retry(ctx context.Context, j Job, runAt time.Time, why string) error
	// Extend moves the lease of a job that is still worked on. ErrLeaseLost.
	Extend(ctx context.Context, j Job, until time.Time) error
}

// Timetable tells the worker when to wake.
type Timetable interface {
	// NextDue is when the earliest free job is due; false when there is none.
	NextDue(ctx context.Context) (time.Time, bool, error)
	// PastDue lists requests whose Due() has passed at now and for which the table has
	// no lapse, give-up or revoke job: the net under the jobs.
	PastDue(ctx context.Context, now time.Time, limit int) ([]RequestID, error)
}

// Finder answers the questions of front doors and commands.
type Finder interface {
	// Requests lists requests, newest first.
	Requests(ctx context.Context, f RequestFilter) ([]Request, error)
	// CardByToken finds the card whose current or next button value has the hash.
	// ErrNotFound.
	CardByToken(ctx context.Context, hash string) (Card, error)
	// Entries reads a chain in order, with the openings that are left.
	Entries(ctx context.Context, chain string) ([]Sealed, error)
}

// RequestFilter selects requests; zero fields select all.
type RequestFilter struct {
	Person   PersonID // requester or beneficiary
	Flow     FlowID
	Target   TargetID
	Incident IncidentID
	Bare     bool // without an incident
	States   []State
	Since    time.Time // submitted at or after
	Before   RequestID // keyset: only requests that sort before this one
	Limit    int       // 0: 50
}

// Directory is the company's Slack as the engine sees it. Errors mean unknown.
type Directory interface {
	// Profile reads a person; cached briefly, fresh when fresh is asked for.
	Profile(ctx context.Context, p PersonID, fresh bool) (Profile, error)
	// Members resolves principals (users, user groups) to people.
	Members(ctx context.Context, refs []Principal) ([]PersonID, error)
}

// IDs makes ids and randomness; tests pass a seeded one.
type IDs interface {
	// RequestID makes a new id that sorts by time.
	RequestID(now time.Time) RequestID
	// Random fills b with random bytes (salts, button values).
	Random(b []byte)
}

// Wake is told about jobs that were just written and are leased to this process, so
// that they are handled at once, and about ones that become due later.
type Wake interface {
	Wake(jobs []Job)
}
