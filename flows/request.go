package flows

import (
	"crypto/sha256"
	"strconv"
	"time"
)

// RequestID names a request: "req_" and 26 characters that sort by time.
type RequestID string

// Short is the form that people read out: the last six characters.
func (id RequestID) Short() string {
	if len(id) <= 6 {
		return string(id)
	}
	return string(id[len(id)-6:])
}

// Content is what was asked. It never changes once submitted; its hash is what an
// approval binds to.
type Content struct {
	Flow        FlowID
	Target      TargetID
	Scope       Scope
	Requester   PersonID
	Beneficiary PersonID // the same person unless asked on behalf
	Duration    time.Duration
	Reason      Text
	Incident    IncidentRef  `json:",omitzero"`
	Fields      []FieldValue `json:",omitzero"` // in the order of the flow's prompt fields
	Extends     RequestID    `json:",omitzero"` // the live request that this one carries on; empty: none
}

// FieldValue is the answer to one prompt field, in its canonical text form.
type FieldValue struct {
	Name  string
	Value Text
}

// Hash is the content hash: SHA-256 over the canonical bytes. Everything that will
// be applied is in it.
func (c *Content) Hash(id RequestID) string {
	digits := c.digits(id)
	return string(digits[:])
}

// digits is Hash without a string for it: a verification makes that of every request.
func (c *Content) digits(id RequestID) (digits [2 * sha256.Size]byte) {
	var room [1024]byte
	b, err := c.canonical(room[:0], id)
	if err != nil {
		panic(err) // strings, integers and lists only
	}
	sum := sha256.Sum256(b)
	AppendDigits(digits[:0], sum[:])
	return digits
}

// canonical appends the canonical bytes: the members by their names.
func (c *Content) canonical(b []byte, id RequestID) (_ []byte, err error) {
	text := func(name, value string) {
		if err == nil {
			b, err = appendString(append(b, name...), value)
		}
	}
	text(`{"beneficiary":`, string(c.Beneficiary))
	if c.Extends != "" {
		text(`,"extends":`, string(c.Extends))
	}
	b = append(b, `,"fields":[`...)
	for i := range c.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		text(`{"name":`, c.Fields[i].Name)
		text(`,"value":`, c.Fields[i].Value.Raw())
		b = append(b, '}')
	}
	b = append(b, ']')
	text(`,"flow":`, string(c.Flow))
	text(`,"id":`, string(id))
	text(`,"incident":`, string(c.Incident.ID))
	text(`,"reason":`, c.Reason.Raw())
	text(`,"requester":`, string(c.Requester))
	text(`,"scope":`, string(c.Scope))
	b = strconv.AppendInt(append(b, `,"seconds":`...), int64(c.Duration/time.Second), 10)
	text(`,"target":`, string(c.Target))
	return append(b, `,"v":1}`...), err
}

// Request is a request and everything that became of it. It is a value: Decide
// returns a changed copy, the store swaps it in if Version still stands.
type Request struct {
	ID      RequestID
	Version int64 // rises by one with every applied outcome
	Content Content
	Hash    string // Content.Hash

	State       State
	EndsAs      State `json:",omitzero"` // while ending: what it becomes
	SubmittedAt time.Time
	Door        Door   `json:",omitzero"`
	View        string `json:",omitzero"` // the modal that shows "working…" until the request is routed

	Route        *Route    `json:",omitzero"`
	Stage        int       `json:",omitzero"`
	StageSince   time.Time `json:",omitzero"`
	FallbackOpen bool      `json:",omitzero"` // the fallback was asked beside the current stage
	Reminded     bool      `json:",omitzero"`
	LapsesAt     time.Time `json:",omitzero"`
	Votes        []Vote    `json:",omitzero"`

	DecidedAt time.Time    `json:",omitzero"`
	DecidedBy PersonID     `json:",omitzero"`
	SelfMade  bool         `json:",omitzero"` // approved by the requester
	DenyWhy   Text         `json:",omitzero"`
	Denials   int          `json:",omitzero"` // how often the same was denied to the same person in the day before
	Proof     *OnCallProof `json:",omitzero"`

	Means           string        `json:",omitzero"` // TargetSpec.Means when it was approved: what must end the access
	GrantBy         time.Time     `json:",omitzero"` // a grant not confirmed by then is ended and failed
	LatestEnd       time.Time     `json:",omitzero"` // the end can only move earlier than this
	GrantedAt       time.Time     `json:",omitzero"`
	EndsAt          time.Time     `json:",omitzero"`
	EndCause        EndCause      `json:",omitzero"`
	EndedBy         PersonID      `json:",omitzero"`
	EndWhy          Text          `json:",omitzero"` // of a revocation; the holder reads it
	EndedAt         time.Time     `json:",omitzero"` // the target confirmed
	StillThrough    RequestID     `json:",omitzero"` // access goes on through this other grant
	Overdue         bool          `json:",omitzero"` // the end is late; alarmed
	Fault           string        `json:",omitzero"` // why a grant failed; for the operator
	Receipt         string        `json:",omitzero"` // the target's own id of the grant
	IncidentDark    time.Time     `json:",omitzero"` // the operators were told at that the incident cannot be read
	IncidentGone    time.Time     `json:",omitzero"` // the incident was seen resolved at
	Opened          IncidentRef   `json:",omitzero"` // the incident that was opened for the request, where the flow says so
	MovedTo         IncidentID    `json:",omitzero"` // the incident that the request's was merged into
	IncidentSeen    IncidentState `json:",omitzero"` // how the incident was when that was last recorded
	IncidentChanges int64         `json:",omitzero"` // how many changes of the incident were recorded

	Review *Review `json:",omitzero"` // of what the requester approved, where the flow asks for one

	Chain ChainHead
}

// Review is the look back at access that its requester approved. It is decided with the
// approval that there will be one, so that no later configuration takes it away.
type Review struct {
	State   ReviewState   `json:",omitzero"`
	Within  time.Duration `json:",omitzero"` // how long after the end it is due
	DueAt   time.Time     `json:",omitzero"`
	Overdue bool          `json:",omitzero"` // nobody did it in time; who may were reminded, once
	Verdict Verdict       `json:",omitzero"`
	By      PersonID      `json:",omitzero"`
	At      time.Time     `json:",omitzero"`
	Note    Text          `json:",omitzero"`
}

// Verdict is what a review came to.
type Verdict string

// The verdicts.
const (
	VerdictOK    Verdict = "ok"
	VerdictNotOK Verdict = "not_ok"
)

// Approvers are the people by whose approvals a request was approved, in the order in
// which they gave them; nobody where it was not.
func (r *Request) Approvers() []PersonID {
	if r.DecidedAt.IsZero() || r.State == StateDenied {
		return nil
	}
	var all []PersonID
	for _, v := range r.Votes {
		all = append(all, v.By)
	}
	if len(all) == 0 && r.DecidedBy != "" {
		all = append(all, r.DecidedBy)
	}
	return all
}

// ReviewIs is where the review of the request stands.
func (r *Request) ReviewIs() ReviewState {
	if r.Review == nil {
		return ReviewNone
	}
	return r.Review.State
}

// Vote is one person's approval.
type Vote struct {
	By   PersonID
	At   time.Time
	Door Door
	Hash string // the content hash that was approved
	Note Text   `json:",omitzero"` // what they wrote with it; may be empty

	SteppedUp time.Time `json:",omitzero"` // when they signed in anew to give it; zero: the target did not ask for that
}

// EndCause says why access ended.
type EndCause string

// The causes.
const (
	EndTime     EndCause = "time"
	EndDone     EndCause = "done"
	EndRevoked  EndCause = "revoked"
	EndIncident EndCause = "incident_resolved"
	EndShift    EndCause = "shift_ended"
	EndPerson   EndCause = "person_gone"
	EndTarget   EndCause = "target_removed"
	EndCancel   EndCause = "cancelled"
	EndFailed   EndCause = "grant_failed"
)

// Current is the stage that is being asked.
func (r *Request) Current() (Stage, bool) {
	if r.Route == nil || r.Stage >= len(r.Route.Stages) {
		return Stage{}, false
	}
	return r.Route.Stages[r.Stage], true
}

// Own reports whether p asked, or gets the access.
func (r *Request) Own(p PersonID) bool {
	return p == r.Content.Requester || p == r.Content.Beneficiary
}

// Due is when the engine must act next by itself; zero when nothing is due. Every
// replica sweeps for requests that are past it.
func (r *Request) Due() time.Time {
	switch r.State {
	case StateSubmitted, StatePending:
		return r.LapsesAt
	case StateApproved, StateGranting:
		return r.GrantBy
	case StateActive, StateEnding:
		return r.EndsAt
	}
	return time.Time{}
}

// HoldingKey names what effects are serialised on: one person's access to one
// target and scope.
type HoldingKey struct {
	Person PersonID
	Target TargetID
	Scope  Scope
}

// Key is the holding the request's grant belongs to.
func (c Content) Key() HoldingKey {
	return HoldingKey{Person: c.Beneficiary, Target: c.Target, Scope: c.Scope}
}

// AskingKey is no holding: under it every submission of a person is compared and
// bumped, so that two at once cannot both be the last that the limits allow.
func AskingKey(p PersonID) HoldingKey { return HoldingKey{Person: p} }

// Lane is the key as one string, for jobs that must not run side by side.
func (k HoldingKey) Lane() string {
	return string(k.Person) + "|" + string(k.Target) + "|" + string(k.Scope)
}

// Holding counts the grants that overlap for one key. Its version is the fence:
// every applied change bumps it, and a target is told the fence with every order,
// so that a late order cannot undo a newer one.
type Holding struct {
	Key     HoldingKey
	Version int64
	Before  Tri       // whether the person had the access before we first granted it
	Holders []Holder  // in the order in which they came
	Since   time.Time // when the access began that is there now, through whichever grants; zero: there is none
}

// Holder is one request that holds the access.
type Holder struct {
	Request RequestID
	Until   time.Time
	Unused  bool // approved only: the target has not been told
	Leaving bool // it ends, and the target has not confirmed that yet
}

// Without is the holding after the request let go.
func (h Holding) Without(id RequestID) Holding {
	kept := make([]Holder, 0, len(h.Holders))
	for _, x := range h.Holders {
		if x.Request != id {
			kept = append(kept, x)
		}
	}
	h.Holders = kept
	return h
}

// With is the holding with the request holding until t.
func (h Holding) With(id RequestID, t time.Time) Holding {
	own, known := h.Of(id)
	h = h.Without(id)
	h.Holders = append(h.Holders, Holder{Request: id, Until: t, Unused: own.Unused || !known})
	return h
}

// Of is the request's own part of the holding; false when it has none.
func (h Holding) Of(id RequestID) (Holder, bool) {
	for _, x := range h.Holders {
		if x.Request == id {
			return x, true
		}
	}
	return Holder{}, false
}

// marked is the holding with the request's part as mark makes it.
func (h Holding) marked(id RequestID, mark func(*Holder)) Holding {
	h.Holders = append([]Holder(nil), h.Holders...)
	for i := range h.Holders {
		if h.Holders[i].Request == id {
			mark(&h.Holders[i])
		}
	}
	return h
}

// Given reports whether the access is there, or may be, by any of the holders: those
// that leave count until the target has confirmed it.
func (h Holding) Given() bool {
	for _, x := range h.Holders {
		if !x.Unused {
			return true
		}
	}
	return false
}

// Longest is who carries the access on: of the holders to whom it was given and who
// do not leave, the one with the latest end; false when there is none. An approval
// that was not acted on yet carries nothing.
func (h Holding) Longest() (Holder, bool) {
	var best Holder
	for _, x := range h.Holders {
		if !x.Unused && !x.Leaving && (best.Request == "" || x.Until.After(best.Until)) {
			best = x
		}
	}
	return best, best.Request != ""
}
