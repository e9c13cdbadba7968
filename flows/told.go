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
	By    PersonID // who did it, as the opening beside the entry says; empty: nobody, or erased
}

// mostWait is more than any approval waits for its target.
const mostWait = time.Hour

// Contradiction says where a request is otherwise than its own entries say; empty where
// it is as they tell. What the program writes never contradicts itself, since both are of
// one transaction: somebody has written past it.
func Contradiction(r *Request, entries []Told) string {
	t := telling{r: r}
	for i := range entries {
		if why := t.entry(&entries[i]); why != "" {
			return why
		}
	}
	return t.compare()
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

// toldFacts are the facts of the entries that say when access ends.
type toldFacts struct {
	Facts struct {
		EndsAt int64    `json:"ends_at"`
		Grace  int64    `json:"grace_seconds"`
		As     State    `json:"as"`
		Cause  EndCause `json:"cause"`
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
	case e.Verb == "incident_resolved", e.Verb == "clock_jumped_back", verb == VerbGranted, to == StateEnding && from != to:
		if why := t.ends(e); why != "" {
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

// ends takes what an entry says about the end: it can only move earlier.
func (t *telling) ends(e *Told) string {
	var said toldFacts
	if json.Unmarshal(e.Bytes, &said) != nil {
		return "cannot be read"
	}
	at := time.UnixMilli(said.Facts.EndsAt)
	if e.Verb == "incident_resolved" {
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
	if why := t.compareEnd(); why != "" {
		return why
	}
	return t.compareVotes()
}

// compareEnd holds the end to the one that was given.
func (t *telling) compareEnd() string {
	r := t.r
	switch latest := t.decided.Add(mostWait + r.Content.Duration); {
	case !r.State.Live():
		return ""
	case r.State == StateActive && !t.until.IsZero() && !same(r.EndsAt, t.until):
		return "access ends at another time than its entries say"
	case r.EndsAt.IsZero(), r.EndsAt.After(latest), r.State == StateEnding && !t.until.IsZero() && millis(r.EndsAt) > millis(t.until):
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

// forgotten reports whether what was asked was emptied, because somebody was erased.
func forgotten(r *Request) bool {
	return r.State.Final() && (r.Content.Requester.Team() == "erased" || r.Content.Beneficiary.Team() == "erased")
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
