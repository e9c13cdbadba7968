package flows

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// What entries tell of who did something and why, beyond what gives or ends access: it is
// what exports, evidence and pages show of requests that are over.

// act is a step that somebody made, as its entry tells. by and said are empty, too, where
// their openings are erased; nobody and silent say that there never were any.
type act struct {
	told, nobody, silent bool

	at   time.Time
	by   PersonID
	said string
}

func actOf(e *Told, said string) act {
	return act{told: true, nobody: ofNobody(e.Bytes), silent: !bytes.Contains(e.Bytes, []byte(said)), at: e.At, by: e.By, said: e.Said}
}

// ofNobody reports whether an entry names no person who acted. Who acted stands before all else.
func ofNobody(b []byte) bool {
	actor, _, ok := bytes.Cut(b, []byte(`},"at":`))
	return ok && bytes.HasPrefix(actor, []byte(`{"actor":{`)) && !bytes.Contains(actor, []byte(`"person":`))
}

// deed takes who made a step, and why.
func (t *Telling) deed(e *Told, from, to State) {
	switch verb := Verb(e.Verb); {
	case verb == VerbReview:
		t.reviewed = actOf(e, `"note":`)
		t.verdict = t.r.Review != nil && bytes.Contains(e.Bytes, []byte(`"verdict":"`+string(t.r.Review.Verdict)+`"`))
	case verb == VerbReroute:
		t.counted = -1
	case verb == VerbApprove:
		t.counted = numberOf(e.Bytes, `,"votes":`)
	}
	switch {
	case from == to:
	case to == StateApproved || to == StateDenied:
		t.decision, t.self = actOf(e, `"reason":`), selfOf(e.Bytes)
	case to == StateEnding, to == StateCancelled && Verb(e.Verb) == VerbCancel:
		t.ending = actOf(e, `"reason":`)
	case Verb(e.Verb) == VerbRevoked:
		t.due = numberOf(e.Bytes, `,"due_at":`)
	}
}

// selfOf is whether a decision was the requester's own; unknown where its entry does not
// say. Both facts are among the last, behind what others are quoted with.
func selfOf(b []byte) Tri {
	i := lastIndex(b, `,"shown":`)
	switch {
	case i < 0:
		return Unknown
	case bytes.HasSuffix(b[:i], []byte(`,"self":true`)):
		return Yes
	case bytes.HasSuffix(b[:i], []byte(`,"self":false`)):
		return No
	}
	return Unknown
}

// numberOf is the last number of a name in an entry; -1 where it has none.
func numberOf(b []byte, name string) int64 {
	i := lastIndex(b, name)
	if i < 0 {
		return -1
	}
	digits := b[i+len(name):]
	n, err := strconv.ParseInt(string(digits[:len(digits)-len(bytes.TrimLeft(digits, "0123456789"))]), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// compareDeeds holds the request to who did what, and to what they said.
func (t *Telling) compareDeeds() string {
	r := t.r
	switch {
	case t.decision.told && t.self != Unknown && r.SelfMade != (t.self == Yes), !t.decision.told && r.SelfMade:
		return "whether its requester approved it is told otherwise by its entries"
	case t.counted >= 0 && int64(len(r.Votes)) != t.counted:
		return "it has another number of approvals than its entries say"
	case otherThan(r.DecidedBy, t.decision):
		return "somebody else decided than its entries say"
	case r.State == StateDenied && t.unsaid(r.DenyWhy, t.decision):
		return "it was denied for another reason than its entries say"
	case otherThan(r.EndedBy, t.ending):
		return "somebody else ended it than its entries say"
	case t.unsaid(r.EndWhy, t.ending), t.ending.silent && !r.EndWhy.Empty():
		return "it was ended for another reason than its entries say"
	case t.otherReview():
		return "it was reviewed otherwise than its entries say"
	}
	return ""
}

func (t *Telling) otherReview() bool {
	v, a := t.r.Review, t.reviewed
	switch {
	case v == nil:
		return a.told
	case !a.told:
		return v.By != "" || v.Verdict != "" || !v.Note.Empty()
	}
	return otherThan(v.By, a) || !t.verdict || !same(v.At, a.at) || t.unsaid(v.Note, a) || a.silent && !v.Note.Empty()
}

// otherThan reports whether somebody else is said to have done it.
func otherThan(have PersonID, a act) bool {
	if !a.told || a.nobody {
		return have != ""
	}
	return a.by != "" && have != a.by
}

// unsaid reports whether a reason is not the one that was given. Whoever is erased takes
// the words of others about their requests with them.
func (t *Telling) unsaid(have Text, a act) bool {
	c := &t.r.Content
	gone := have.Empty() && (c.Requester.Team() == "erased" || c.Beneficiary.Team() == "erased")
	return a.said != "" && have.Raw() != a.said && !gone
}

// compareAsked holds what is asked to what was submitted. Of a request that somebody was
// erased from, whose hash cannot be made any more, it is what stands openly in the entry.
func (t *Telling) compareAsked() string {
	if t.asWas || t.forgotten && !t.otherAsked {
		return ""
	}
	return "what is asked is not what was submitted"
}

// asksOther reports whether a request asks for something else than stands openly in the
// entry of its submission.
func asksOther(c *Content, b []byte) bool {
	for _, m := range (object{{"flow", string(c.Flow)}, {"scope", string(c.Scope)}, {"seconds", int64(c.Duration / time.Second)}, {"target", string(c.Target)}}) {
		name := []byte(`,"` + m.name + `":`)
		i := bytes.LastIndex(b, name)
		if i < 0 {
			continue // a made-up past's
		}
		want, err := Canonical(m.value)
		rest, ok := bytes.CutPrefix(b[i+len(name):], want)
		if err != nil || !ok || len(rest) == 0 || rest[0] != ',' && rest[0] != '}' {
			return true
		}
	}
	return false
}

// Forgotten reports whether a request says itself that it asks for something else than was
// submitted because somebody was erased: who asked, whom it is for, or whom its words named.
func Forgotten(r *Request) bool { return forgotten(r) && !r.hashed() }

// forgotten is Forgotten of a request whose hash is not what it asks for.
func forgotten(r *Request) bool {
	c := &r.Content
	gone := c.Requester.Team() == "erased" || c.Beneficiary.Team() == "erased" || strings.Contains(c.Reason.Raw(), "erased/")
	for _, f := range c.Fields {
		gone = gone || strings.Contains(f.Value.Raw(), "erased/")
	}
	return gone && r.State.Final()
}

// hashed reports whether the hash of a request is that of what it asks for.
func (r *Request) hashed() bool {
	digits := r.Content.digits(r.ID)
	return string(digits[:]) == r.Hash
}
