package flows

import "strings"

// State is where a request stands.
type State string

// The states.
const (
	StateNone      State = "" // before submit
	StateSubmitted State = "submitted"
	StatePending   State = "pending"
	StateApproved  State = "approved"
	StateDenied    State = "denied"
	StateCancelled State = "cancelled"
	StateLapsed    State = "lapsed"
	StateGranting  State = "granting"
	StateActive    State = "active"
	StateEnding    State = "ending"
	StateEnded     State = "ended"
	StateFailed    State = "failed"
)

// Verb is a step of the life cycle.
type Verb string

// The verbs.
const (
	VerbSubmit      Verb = "submit"
	VerbRoute       Verb = "route"
	VerbReroute     Verb = "reroute"
	VerbApprove     Verb = "approve"
	VerbDeny        Verb = "deny"
	VerbForward     Verb = "forward"
	VerbCancel      Verb = "cancel"
	VerbLapse       Verb = "lapse"
	VerbActivate    Verb = "activate"
	VerbGranted     Verb = "granted"
	VerbGrantFailed Verb = "grant_failed"
	VerbDone        Verb = "done"
	VerbRevoke      Verb = "revoke"
	VerbEnd         Verb = "end"
	VerbRevoked     Verb = "revoked"
	VerbReview      Verb = "review" // of the review, a flag beside the state
)

// Step is one row of the life cycle: verb leads from From to To. As says what the
// ending is entered as, where it matters.
type Step struct {
	Verb Verb
	From State
	To   State
	As   State // only into ending: what it becomes when the target confirms
	Who  string
}

// lifecycle is the life cycle. The code, the SQL check constraint, the README
// diagram and the random-history test derive from it.
var lifecycle = [...]Step{
	{VerbSubmit, StateNone, StateSubmitted, "", "requester allowed by the flow"},
	{VerbRoute, StateSubmitted, StatePending, "", "engine"},
	{VerbRoute, StateSubmitted, StateApproved, "", "engine, when a hook approves"},
	{VerbRoute, StateSubmitted, StateDenied, "", "engine, when refused"},
	{VerbReroute, StatePending, StatePending, "", "engine, when handler, flow or facts changed"},
	{VerbApprove, StatePending, StatePending, "", "a person eligible now; quorum not reached"},
	{VerbApprove, StatePending, StateApproved, "", "a person eligible now"},
	{VerbDeny, StatePending, StateDenied, "", "a person eligible now"},
	{VerbForward, StatePending, StatePending, "", "engine at the time-out; an eligible person; requester after the reminder"},
	{VerbCancel, StateSubmitted, StateCancelled, "", "requester, beneficiary, admin"},
	{VerbCancel, StatePending, StateCancelled, "", "requester, beneficiary, admin"},
	{VerbCancel, StateApproved, StateEnding, StateCancelled, "requester, beneficiary, admin"},
	{VerbCancel, StateGranting, StateEnding, StateCancelled, "requester, beneficiary, admin"},
	{VerbLapse, StateSubmitted, StateLapsed, "", "engine"},
	{VerbLapse, StatePending, StateLapsed, "", "engine"},
	{VerbLapse, StateApproved, StateLapsed, "", "engine: a pre-approval not used in its window"},
	{VerbActivate, StateApproved, StateGranting, "", "engine at once; holder within the window of a pre-approval"},
	{VerbGranted, StateGranting, StateActive, "", "engine, when the target confirms"},
	{VerbGrantFailed, StateGranting, StateEnding, StateFailed, "engine"},
	{VerbDone, StateGranting, StateEnding, StateEnded, "holder"},
	{VerbDone, StateActive, StateEnding, StateEnded, "holder"},
	{VerbRevoke, StateApproved, StateEnding, StateEnded, "who decided, who could decide now, admin"},
	{VerbRevoke, StateGranting, StateEnding, StateEnded, "who decided, who could decide now, admin"},
	{VerbRevoke, StateActive, StateEnding, StateEnded, "who decided, who could decide now, admin"},
	{VerbEnd, StateApproved, StateEnding, StateEnded, "engine: time, incident, shift, holder deactivated, target removed"},
	{VerbEnd, StateGranting, StateEnding, StateEnded, "engine: time, incident, shift, holder deactivated, target removed"},
	{VerbEnd, StateActive, StateEnding, StateEnded, "engine: time, incident, shift, holder deactivated, target removed"},
	{VerbRevoked, StateEnding, StateEnded, "", "engine, when the target confirms"},
	{VerbRevoked, StateEnding, StateFailed, "", "engine, when the target confirms"},
	{VerbRevoked, StateEnding, StateCancelled, "", "engine, when the target confirms"},
}

// ReviewState is where the look back at access stands that its requester approved. It
// is a flag of its own, beside the state of the request.
type ReviewState string

// The states of a review.
const (
	ReviewNone   ReviewState = "" // none, or not yet: the access has not ended
	ReviewOpen   ReviewState = "open"
	ReviewClosed ReviewState = "closed"
)

// ReviewStep is one row of the life of a review.
type ReviewStep struct {
	Verb Verb
	From ReviewState
	To   ReviewState
	Who  string
}

// reviewing is the life of a review. What derives from lifecycle derives from it too.
var reviewing = [...]ReviewStep{
	{VerbRevoked, ReviewNone, ReviewOpen, "engine, when access has ended that its requester approved"},
	{VerbReview, ReviewOpen, ReviewClosed, "an auditor, an admin, one of the fallback; not who asked, had or decided it"},
}

// ReviewSteps is a copy of the table, for what derives from it.
func ReviewSteps() []ReviewStep { return append([]ReviewStep(nil), reviewing[:]...) }

// Lifecycle is a copy of the table, for what derives from it.
func Lifecycle() []Step { return append([]Step(nil), lifecycle[:]...) }

// States lists every state that a stored request can have, in the order of a life.
func States() []State {
	return []State{
		StateSubmitted, StatePending, StateApproved, StateDenied, StateCancelled, StateLapsed,
		StateGranting, StateActive, StateEnding, StateEnded, StateFailed,
	}
}

// CanStep reports whether the table has the row.
func CanStep(v Verb, from, to State) bool {
	for i := range lifecycle { // a verification asks for each entry
		if s := &lifecycle[i]; s.To == to && s.From == from && s.Verb == v {
			return true
		}
	}
	return false
}

// stepsFrom reports whether verb v has any row from state from. That of a review looks at
// the flag, not at the state.
func stepsFrom(v Verb, from State) bool {
	if v == VerbReview {
		return true
	}
	for _, s := range lifecycle {
		if s.Verb == v && s.From == from {
			return true
		}
	}
	return false
}

// Final reports whether nothing follows the state.
func (s State) Final() bool {
	switch s {
	case StateDenied, StateCancelled, StateLapsed, StateEnded, StateFailed:
		return true
	}
	return false
}

// Live reports whether access exists or may exist at the target.
func (s State) Live() bool {
	return s == StateApproved || s == StateGranting || s == StateActive || s == StateEnding
}

// Undecided reports whether people are still asked.
func (s State) Undecided() bool { return s == StateSubmitted || s == StatePending }

// reviewDiagram draws the review beside it.
func reviewDiagram() string {
	out := "    state review {\n"
	for _, s := range reviewing {
		from := "review_" + string(s.From)
		if s.From == ReviewNone {
			from = "[*]"
		}
		out += "        " + from + " --> review_" + string(s.To) + ": " + string(s.Verb) + "\n"
	}
	return out + "        review_" + string(ReviewClosed) + " --> [*]\n    }\n"
}

// Diagram draws the life cycle as Mermaid, for the README: one arrow for each pair of
// states, with every verb that leads along it.
func Diagram() string {
	type arrow struct{ from, to State }
	var order []arrow
	verbs := map[arrow][]string{}
	for _, s := range lifecycle {
		a := arrow{s.From, s.To}
		if verbs[a] == nil {
			order = append(order, a)
		}
		verbs[a] = append(verbs[a], string(s.Verb))
	}
	out := "stateDiagram-v2\n"
	for _, a := range order {
		from := string(a.from)
		if a.from == StateNone {
			from = "[*]"
		}
		out += "    " + from + " --> " + string(a.to) + ": " + strings.Join(verbs[a], ", ") + "\n"
	}
	for _, s := range States() {
		if s.Final() {
			out += "    " + string(s) + " --> [*]\n"
		}
	}
	return out + reviewDiagram()
}
