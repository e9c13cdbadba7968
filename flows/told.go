package flows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Told is an audit entry of a request as far as the request itself is held to it.
type Told struct {
	At    time.Time
	Verb  string
	Bytes []byte
	By    PersonID // who decided, as the opening beside the entry says; empty: nobody, or erased
}

// mostWait is more than any approval waits for its target.
const mostWait = time.Hour

// Contradiction says where a request, or what is kept of who holds its access (nil: that is
// not looked at), is otherwise than its own entries say; empty where it is as they tell.
// What the program writes never contradicts itself, since all are of one transaction:
// somebody has written past it.
func Contradiction(r *Request, h *Holding, entries []Told) string {
	t := telling{r: r, before: Unknown.String()}
	for i := range entries {
		if why := t.entry(&entries[i]); why != "" {
			return why
		}
	}
	if why := t.compare(); why != "" || h == nil {
		return why
	}
	return t.compareHolding(h)
}

// telling is what the entries have told so far.
type telling struct {
	r     *Request
	n     int64
	state State
	as    State
	cause EndCause

	submitted, decided, granted, over time.Time
	decidedBy                         PersonID
	votes                             []Vote
	until                             time.Time // the end that was given; zero: none was
	review                            ReviewState

	gone          time.Time // the incident was seen resolved at
	moved, opened IncidentID
	before        string // what the person had before: unknown until it was read; empty: entries do not say
}

// entry takes the next entry.
func (t *telling) entry(e *Told) string {
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

// toldFacts are the facts of the entries that say when access ends, of which incident it
// is, and what was there before.
type toldFacts struct {
	Facts struct {
		EndsAt int64      `json:"ends_at"`
		Grace  int64      `json:"grace_seconds"`
		As     State      `json:"as"`
		Cause  EndCause   `json:"cause"`
		Into   IncidentID `json:"into"`
		Opened IncidentID `json:"incident"`
		Before string     `json:"had_before"`
	} `json:"facts"`
}

func (t *telling) step(e *Told, from, to State) string {
	switch verb := Verb(e.Verb); {
	case verb == VerbSubmit:
		t.submitted = e.At
		return t.names(e)
	case verb == VerbRoute || verb == VerbReroute:
		t.votes = nil
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
	switch {
	case from == to:
	case to == StateApproved || to == StateDenied:
		t.decided, t.decidedBy = e.At, e.By
	case to == StateActive:
		t.granted = e.At
	case to.Final():
		t.over = e.At
	}
	return ""
}

// names holds the request to what was asked: its hash stands in the entry.
func (t *telling) names(e *Told) string {
	if !bytes.Contains(e.Bytes, []byte(`"request":"`+t.r.Hash+`"`)) {
		return "is about something else than the request says"
	}
	return ""
}

// facts takes what an entry says about the incident, the end, and what was there before.
func (t *telling) facts(e *Told) string {
	var said toldFacts
	if json.Unmarshal(e.Bytes, &said) != nil {
		return "cannot be read"
	}
	switch e.Verb {
	case "incident_merged":
		t.moved = said.Facts.Into
	case "incident_opened":
		t.opened = said.Facts.Opened
	case "observed":
		t.before = said.Facts.Before
	case string(VerbGranted):
		if said.Facts.Before == "" { // an earlier version's
			t.before = ""
		}
		if said.Facts.Before != t.before {
			return "says that " + had(said.Facts.Before) + ", and nobody read that"
		}
	}
	return t.ends(e, &said)
}

// ends takes what an entry says about the end: it can only move earlier.
func (t *telling) ends(e *Told, said *toldFacts) string {
	at := time.UnixMilli(said.Facts.EndsAt)
	if e.Verb == "incident_resolved" {
		t.gone = e.At
		at = e.At.Add(time.Duration(said.Facts.Grace) * time.Second)
	}
	switch given := !t.until.IsZero(); {
	case said.Facts.As != "":
		t.as, t.cause = said.Facts.As, said.Facts.Cause
		if given && t.cause == EndTime && millis(e.At) < millis(t.until) {
			return "ends access before its time"
		}
	case said.Facts.EndsAt == 0 && e.Verb != "incident_resolved":
	case e.Verb == string(VerbGranted), given && at.Before(t.until):
		t.until = at
	}
	return ""
}

// compare holds the request to all that was told.
func (t *telling) compare() string {
	r := t.r
	switch {
	case t.n != r.Chain.Len:
		return fmt.Sprintf("the request knows %d entries, and there are %d", r.Chain.Len, t.n)
	case t.state != r.State:
		return fmt.Sprintf("the request is %s, and its entries say %q", r.State, t.state)
	case !same(r.SubmittedAt, t.submitted):
		return "it was submitted at another time than its entries say"
	case !forgotten(r) && r.Content.Hash(r.ID) != r.Hash:
		return "what is asked is not what was submitted"
	case !t.decided.IsZero() && !same(r.DecidedAt, t.decided), t.decided.IsZero() && r.State.Live():
		return "it was decided at another time than its entries say"
	case t.decidedBy != "" && r.DecidedBy != t.decidedBy && r.DecidedBy.Team() != "erased":
		return "somebody else decided than its entries say"
	case !same(r.GrantedAt, t.granted):
		return "access began at another time than its entries say"
	case !r.EndedAt.IsZero() && !same(r.EndedAt, t.over):
		return "it was over at another time than its entries say"
	case r.ReviewIs() != t.review:
		return "its review stands otherwise than its entries say"
	case r.State == StateEnding && t.as != "" && (r.EndsAs != t.as || r.EndCause != t.cause):
		return "it ends otherwise than its entries say"
	}
	for _, compare := range [...]func() string{t.compareEnd, t.compareIncident, t.compareVotes} {
		if why := compare(); why != "" {
			return why
		}
	}
	return ""
}

// compareIncident holds the request to the incident that it is for, which ends it, and
// for which alone its access may be.
func (t *telling) compareIncident() string {
	r := t.r
	known := same(r.IncidentGone, t.gone) || t.gone.IsZero() && r.Content.Extends != "" && same(r.IncidentGone, t.submitted)
	switch {
	case r.State.Final():
		return ""
	case r.MovedTo != t.moved, r.Opened.ID != t.opened:
		return "it is for another incident than its entries say"
	case !known:
		return "its incident was resolved at another time than its entries say"
	}
	return ""
}

// compareHolding holds what is kept of who holds the access to the request: by it the
// target is told, at the end, to take away what was given, and nothing else.
func (t *telling) compareHolding(h *Holding) string {
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
func (t *telling) compareEnd() string {
	r := t.r
	switch latest := t.decided.Add(mostWait + r.Content.Duration); {
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
func (t *telling) compareVotes() string {
	r := t.r
	if r.State != StatePending && r.State != StateApproved && r.State != StateGranting && r.State != StateActive {
		return ""
	}
	for _, v := range r.Votes {
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

// forgotten reports whether what was asked was changed because somebody was erased: who
// asked, whom it is for, or whom its words named.
func forgotten(r *Request) bool {
	c := &r.Content
	gone := c.Requester.Team() == "erased" || c.Beneficiary.Team() == "erased" || strings.Contains(c.Reason.Raw(), "erased/")
	for _, f := range c.Fields {
		gone = gone || strings.Contains(f.Value.Raw(), "erased/")
	}
	return gone && r.State.Final()
}

// bothStates reads the two states of an entry. Their bytes are canonical: after the facts come
// from, prev, seq and to, and a quotation mark within a value is escaped.
func bothStates(b []byte) (from, to State, ok bool) {
	text := string(b[max(bytes.LastIndex(b, []byte(`,"from":"`)), 0):])
	rest, ok := strings.CutPrefix(text, `,"from":"`)
	if !ok {
		return "", "", false
	}
	first, rest, ok := strings.Cut(rest, `"`)
	if !ok {
		return "", "", false
	}
	_, rest, ok = strings.Cut(rest, `,"to":"`)
	second, _, closed := strings.Cut(rest, `"`)
	return State(first), State(second), ok && closed
}
