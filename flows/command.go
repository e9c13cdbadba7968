package flows

import "time"

// Command asks for one step of a request's life.
type Command struct {
	Verb  Verb
	Actor Actor

	ID      RequestID // submit: the new request's id
	Content Content   // submit
	View    string    // submit: see Request.View
	Hash    string    // approve, deny: the content hash of what the person was shown
	Reason  Text      // deny, revoke, review
	Verdict Verdict   // review

	Cause   EndCause  // end
	At      time.Time // end: when, if not now (the incident's grace)
	Receipt string    // granted
	Fault   string    // grant_failed: the cause, for the operator
	Left    bool      // revoked: the access was there before us and was left as it was
	Back    *Reading  // revoked: what the target said when it was asked afterwards; nil: not asked
}

// Limits are the numbers the engine holds for every flow.
type Limits struct {
	WaitForGrant  time.Duration // a grant not confirmed by then is ended and failed
	IncidentGrace time.Duration // between the incident's resolution and the end
	RouteWithin   time.Duration // a request that cannot be routed for so long lapses
	ExpiryNotice  time.Duration // the holder is told so long before the end, at most a quarter of the grant
	AskedPerHour  int           // requests one person may submit in an hour
}

// DefaultLimits are DESIGN's numbers.
func DefaultLimits() Limits {
	return Limits{
		WaitForGrant: 10 * time.Minute, IncidentGrace: 10 * time.Minute, RouteWithin: time.Hour,
		ExpiryNotice: 10 * time.Minute, AskedPerHour: 30,
	}
}

// Facts are what was read for a decision, before it; Decide reads nothing else.
type Facts struct {
	Catalog *Catalog
	Limits  Limits
	EndOnly string // why nothing is given right now; empty: all is well

	Requester Standing // of the requester and, if another, the worse of the two
	Allowed   Tri      // whether the flow's requesters include the requester now
	Link      *Link    // the requester's usable link; nil: none

	Profiles []Profile // of who was looked up, as the directory has them

	Incident   *Incident // as read now, or at most a minute ago
	IncidentIs Tri       // Yes: read; No: there is no such incident; Unknown: could not be read

	Evaluation *Evaluation
	OnCall     *OnCallAnswer // who is on call, asked by the engine itself, for self-approval
	Fallback   []PersonID    // the flow's fallback approvers, resolved
	FallbackOK bool          // false: the fallback could not be resolved
	Reviewers  []PersonID    // whom to ask for a review, where that is people
	Auditor    bool          // review: who acts is one

	Earlier     *Request // submit: what is to be extended; nil: there is no such request
	Holding     Holding  // of an extension that is submitted: the earlier request's
	Cards       []Card
	Undecided   RequestID // another undecided request for the same person, target and scope
	Asking      int64     // version of the requester's AskingKey, read before what is counted
	OpenCount   int       // the requester's open requests in this flow
	AskedLately int       // in the last hour
	Denials     int       // of the same to the same person in the last day, shown on the card
}

// Outcome is what follows from a command. With a Refusal, the person gets a no; the
// rest of the outcome (the entry that records it, a reroute) is applied all the same.
type Outcome struct {
	Request Request // the new value, one version up
	Holding *Holding
	Entries []Entry
	Cards   []Card
	Jobs    []Job
	Cancel  []string
	Refusal *Refusal
}

// Changed reports whether there is anything to apply.
func (o Outcome) Changed() bool { return len(o.Entries) > 0 || o.Holding != nil }

// flow is the request's flow as loaded now; nil if it is gone.
func (f *Facts) flow(c *Content) *Flow {
	if f.Catalog == nil {
		return nil
	}
	return f.Catalog.Flows[c.Flow]
}

func (f *Facts) target(c *Content) *TargetSpec {
	if f.Catalog == nil {
		return nil
	}
	return f.Catalog.Targets[c.Target]
}
