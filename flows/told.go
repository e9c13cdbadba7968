package flows

import (
	"bytes"
	"fmt"
	"time"
)

// Told is an audit entry of a request as far as the request itself is held to it.
type Told struct {
	At    time.Time
	Verb  string
	Bytes []byte
	By    PersonID // who decided, ended or reviewed, as the opening beside the entry says; empty: nobody, or erased
	Said  string   // and the reason that they gave, likewise
}

// mostWait is more than any approval waits for its target.
const mostWait = time.Hour

// Contradiction says where a request, or what is kept of who holds its access (nil: that is
// not looked at), is otherwise than its own entries say; empty where it is as they tell.
// What the program writes never contradicts itself, since all are of one transaction:
// somebody has written past it.
func Contradiction(r *Request, h *Holding, entries []Told) string {
	t := Tell(r)
	for i := range entries {
		t.Entry(&entries[i])
	}
	return t.Contradiction(h)
}

// Telling is what the entries of a request have told so far.
type Telling struct {
	r     *Request
	why   string // the first place where they contradict it, or each other
	n     int64
	state State
	as    State
	cause EndCause

	submitted, decided, granted, over time.Time
	votes                             []Vote
	until                             time.Time // the end that was given; zero: none was
	review                            ReviewState

	gone          time.Time // the incident was seen resolved at
	moved, opened IncidentID
	before        string // what the person had before: unknown until it was read; empty: entries do not say

	asWas, forgotten           bool // its hash is what it asks for; it says that somebody was erased from it
	otherAsked                 bool // than the request says, as far as it stands openly
	decision, ending, reviewed act
	self                       Tri
	counted                    int64       // approvals; -1: not said
	due                        int64       // when it was to end; -1: not said
	verdict                    bool        // it is the request's
	counts                     []TotalName // room for what it comes to
}

// Tell begins to hold a request to its entries. It stays as it is meanwhile.
func Tell(r *Request) *Telling {
	t := &Telling{}
	t.Begin(r)
	return t
}

// Begin is Tell into memory that is used again.
func (t *Telling) Begin(r *Request) {
	*t = Telling{r: r, before: Unknown.String(), counted: -1, due: -1, votes: t.votes[:0], counts: t.counts[:0]}
	t.asWas = r.hashed()
	t.forgotten = !t.asWas && forgotten(r)
}

// Forgotten is what the function of this name says of the request.
func (t *Telling) Forgotten() bool { return t.forgotten }

// Entry takes the next entry. It keeps nothing of its bytes.
func (t *Telling) Entry(e *Told) {
	if t.why == "" {
		t.why = t.entry(e)
	}
}

// Contradiction is what the function of this name says, after the last entry.
func (t *Telling) Contradiction(h *Holding) string {
	if t.why != "" {
		return t.why
	}
	if why := t.compare(); why != "" || h == nil {
		return why
	}
	return t.compareHolding(h)
}

// entry takes the next entry.
func (t *Telling) entry(e *Told) string {
	t.n++
	from, to, ok := bothStates(e.Bytes)
	switch {
	case !ok:
		return fmt.Sprintf("entry %d says nothing about a state", t.n)
	case from != t.state:
		return fmt.Sprintf("entry %d begins where nothing has led to: %q", t.n, from)
	case from != to && !CanStep(Verb(e.Verb), from, to):
		return fmt.Sprintf("entry %d makes a step that there is not: %s from %q to %q", t.n, e.Verb, from, to)
	}
	t.state = to
	if why := t.step(e, from, to); why != "" {
		return fmt.Sprintf("entry %d %s", t.n, why)
	}
	return ""
}

func (t *Telling) step(e *Told, from, to State) string {
	switch verb := Verb(e.Verb); {
	case verb == VerbSubmit:
		t.submitted = e.At
		t.otherAsked = t.forgotten && asksOther(&t.r.Content, e.Bytes)
		return t.names(e)
	case verb == VerbRoute || verb == VerbReroute:
		t.votes = t.votes[:0]
	case verb == VerbApprove:
		if why := t.names(e); why != "" {
			return why
		}
		t.votes = append(t.votes, Vote{By: e.By, At: e.At})
	case e.Verb == "review_opened":
		t.review = ReviewOpen
	case verb == VerbReview:
		t.review = ReviewClosed
	case e.Verb == "incident_resolved", e.Verb == "clock_jumped_back", verb == VerbGranted, to == StateEnding && from != to,
		e.Verb == "incident_merged", e.Verb == "incident_opened", e.Verb == "observed":
		if why := t.facts(e); why != "" {
			return why
		}
	}
	t.deed(e, from, to)
	switch {
	case from == to:
	case to == StateApproved || to == StateDenied:
		t.decided = e.At
	case to == StateActive:
		t.granted = e.At
	case to.Final():
		t.over = e.At
	}
	return ""
}

// names holds the request to what was asked: its hash stands in the entry.
func (t *Telling) names(e *Told) string {
	const before = `"request":"`
	for rest := e.Bytes; ; {
		i := bytes.Index(rest, []byte(before))
		if i < 0 {
			return "is about something else than the request says"
		}
		rest = rest[i+len(before):]
		if n := len(t.r.Hash); len(rest) > n && rest[n] == '"' && string(rest[:n]) == t.r.Hash {
			return ""
		}
	}
}

// facts takes what an entry says about the incident, the end, and what was there before.
func (t *Telling) facts(e *Told) string {
	said, ok := factsOf(e.Bytes)
	if !ok {
		return "cannot be read"
	}
	switch e.Verb {
	case "incident_merged":
		t.moved = said.Into
	case "incident_opened":
		t.opened = said.Opened
	case "observed":
		t.before = said.Before
	case string(VerbGranted):
		if said.Before == "" { // an earlier version's
			t.before = ""
		}
		if said.Before != t.before {
			return "says that " + had(said.Before) + ", and nobody read that"
		}
	}
	return t.ends(e, &said)
}

// ends takes what an entry says about the end: it can only move earlier.
func (t *Telling) ends(e *Told, said *toldFacts) string {
	at := time.UnixMilli(said.EndsAt)
	if e.Verb == "incident_resolved" {
		t.gone = e.At
		at = e.At.Add(time.Duration(said.Grace) * time.Second)
	}
	switch given := !t.until.IsZero(); {
	case said.As != "":
		t.as, t.cause = said.As, said.Cause
		if given && t.cause == EndTime && millis(e.At) < millis(t.until) {
			return "ends access before its time"
		}
	case said.EndsAt == 0 && e.Verb != "incident_resolved":
	case e.Verb == string(VerbGranted), given && at.Before(t.until):
		t.until = at
	}
	return ""
}

// compare holds the request to all that was told.
func (t *Telling) compare() string {
	r := t.r
	switch {
	case t.n != r.Chain.Len:
		return fmt.Sprintf("the request knows %d entries, and there are %d", r.Chain.Len, t.n)
	case t.state != r.State:
		return fmt.Sprintf("the request is %s, and its entries say %q", r.State, t.state)
	case !same(r.SubmittedAt, t.submitted):
		return "it was submitted at another time than its entries say"
	case !t.decided.IsZero() && !same(r.DecidedAt, t.decided), t.decided.IsZero() && r.State.Live():
		return "it was decided at another time than its entries say"
	case !same(r.GrantedAt, t.granted):
		return "access began at another time than its entries say"
	case !r.EndedAt.IsZero() && !same(r.EndedAt, t.over):
		return "it was over at another time than its entries say"
	case r.ReviewIs() != t.review:
		return "its review stands otherwise than its entries say"
	case r.State == StateEnding && t.as != "" && r.EndsAs != t.as, t.ending.told && t.as != "" && r.EndCause != t.cause:
		return "it ends otherwise than its entries say"
	}
	for _, compare := range [...]func() string{t.compareAsked, t.compareEnd, t.compareIncident, t.compareVotes, t.compareDeeds} {
		if why := compare(); why != "" {
			return why
		}
	}
	return ""
}

// compareIncident holds the request to the incident that it is for, which ends it, and
// for which alone its access may be.
func (t *Telling) compareIncident() string {
	r := t.r
	known := same(r.IncidentGone, t.gone) || t.gone.IsZero() && r.Content.Extends != "" && same(r.IncidentGone, t.submitted)
	switch over := r.State.Final(); {
	case r.MovedTo != t.moved && (!over || t.moved != ""), r.Opened.ID != t.opened && (!over || t.opened != ""):
		return "it is for another incident than its entries say"
	case over:
		return ""
	case !known:
		return "its incident was resolved at another time than its entries say"
	}
	return ""
}

// compareHolding holds what is kept of who holds the access to the request: by it the
// target is told, at the end, to take away what was given, and nothing else.
func (t *Telling) compareHolding(h *Holding) string {
	own, holds := h.Of(t.r.ID)
	switch given := !t.granted.IsZero(); {
	case !t.r.State.Live():
	case !holds:
		return "nothing holds its access"
	case own.Until.After(t.decided.Add(mostWait + t.r.Content.Duration)):
		return "its access is held for longer than its entries say"
	case own.Unused && (given || t.before == Yes.String() || t.before == No.String()):
		return "the target was never told to give its access, it is said, and it was given"
	case !own.Unused && t.before != "" && h.Before.String() != t.before:
		return "it is said that " + had(h.Before.String()) + " before it was given, and its entries say that " + had(t.before)
	}
	return ""
}

// had is in words what was there.
func had(tri string) string {
	switch tri {
	case Yes.String():
		return "the person had the access"
	case No.String():
		return "the person did not have the access"
	}
	return "it is not known whether the person had the access"
}

// compareEnd holds the end to the one that was given.
func (t *Telling) compareEnd() string {
	r := t.r
	switch latest := t.decided.Add(mostWait + r.Content.Duration); {
	case r.State.Final() && t.due >= 0 && millis(r.EndsAt) != t.due:
		return "access was to end at another time than its entries say"
	case r.State.Final() && !t.granted.IsZero() && !t.until.IsZero() && millis(r.EndsAt) > min(millis(t.until), millis(t.ending.at)):
		return "access was to last longer than its entries say"
	case !r.State.Live():
		return ""
	case r.State == StateActive && !t.until.IsZero() && !same(r.EndsAt, t.until):
		return "access ends at another time than its entries say"
	case r.EndsAt.IsZero(), r.EndsAt.After(latest), r.LatestEnd.After(latest), r.State == StateEnding && !t.until.IsZero() && millis(r.EndsAt) > millis(t.until):
		return "access lasts longer than its entries say"
	}
	return ""
}

// compareVotes holds the approvals to the entries since it was routed last.
func (t *Telling) compareVotes() string {
	for _, v := range t.r.Votes {
		found := false
		for _, told := range t.votes {
			found = found || same(v.At, told.At) && (told.By == "" || told.By == v.By)
		}
		if !found {
			return "it has an approval that no entry tells of"
		}
	}
	return ""
}

// same reports whether two times are one, as entries tell them: to the millisecond.
func same(a, b time.Time) bool { return millis(a) == millis(b) }
