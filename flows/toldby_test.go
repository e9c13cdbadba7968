package flows_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
)

// overwritten are what somebody might write over in a request that is over; each says
// whether there was anything to change.
var overwritten = map[string]func(r *flows.Request) bool{
	"whether its requester approved it": func(r *flows.Request) bool { r.SelfMade = !r.SelfMade; return true },
	"who decided":                       func(r *flows.Request) bool { r.DecidedBy += "X"; return true },
	"decided by nobody":                 func(r *flows.Request) bool { return empty(&r.DecidedBy) },
	"decided by somebody erased":        func(r *flows.Request) bool { r.DecidedBy = "erased/01"; return true },
	"who approved":                      func(r *flows.Request) bool { return ofVote(r, func(v *flows.Vote) { v.By += "X" }) },
	"when they did":                     func(r *flows.Request) bool { return ofVote(r, func(v *flows.Vote) { v.At = v.At.Add(time.Second) }) },
	"one approval more": func(r *flows.Request) bool {
		r.Votes = append(slices.Clip(r.Votes), flows.Vote{By: "T1/UX", At: r.SubmittedAt})
		return true
	},
	"one approval less": func(r *flows.Request) bool {
		r.Votes = r.Votes[:max(len(r.Votes)-1, 0)]
		return !r.DecidedAt.IsZero() && r.State != flows.StateDenied
	},
	"who ended it":      func(r *flows.Request) bool { r.EndedBy += "X"; return true },
	"ended by nobody":   func(r *flows.Request) bool { return empty(&r.EndedBy) },
	"for what cause":    func(r *flows.Request) bool { r.EndCause += "x"; return !r.GrantedAt.IsZero() },
	"later":             func(r *flows.Request) bool { r.EndsAt = r.EndsAt.Add(time.Hour); return !r.GrantedAt.IsZero() },
	"earlier":           func(r *flows.Request) bool { r.EndsAt = r.EndsAt.Add(-time.Hour); return !r.GrantedAt.IsZero() },
	"why it was denied": func(r *flows.Request) bool { r.DenyWhy = flows.NewText("x"); return r.State == flows.StateDenied },
	"why it was ended":  func(r *flows.Request) bool { r.EndWhy = flows.NewText("x"); return !r.GrantedAt.IsZero() },
	"ended for no reason": func(r *flows.Request) bool {
		had := !r.EndWhy.Empty()
		r.EndWhy = flows.Text{}
		return had
	},
	"who reviewed it": func(r *flows.Request) bool { return ofReview(r, func(v *flows.Review) { v.By += "X" }) },
	"when": func(r *flows.Request) bool {
		return ofReview(r, func(v *flows.Review) { v.At = v.At.Add(time.Second) })
	},
	"what that came to":    func(r *flows.Request) bool { return ofReview(r, func(v *flows.Review) { v.Verdict += "x" }) },
	"and what was noted":   func(r *flows.Request) bool { return ofReview(r, func(v *flows.Review) { v.Note = flows.NewText("x") }) },
	"reviewed by somebody": func(r *flows.Request) bool { return r.ReviewIs() == flows.ReviewOpen && unreviewed(r) },
	"what is asked, as if somebody were erased": func(r *flows.Request) bool {
		r.Content.Reason, r.Content.Duration = flows.NewText("erased/01"), r.Content.Duration/60
		return true
	},
}

func empty(p *flows.PersonID) bool {
	had := *p != ""
	*p = ""
	return had
}

func ofVote(r *flows.Request, change func(*flows.Vote)) bool {
	r.Votes = append([]flows.Vote(nil), r.Votes...)
	if len(r.Votes) > 0 {
		change(&r.Votes[0])
	}
	return len(r.Votes) > 0
}

func ofReview(r *flows.Request, change func(*flows.Review)) bool {
	if r.ReviewIs() != flows.ReviewClosed {
		return false
	}
	v := *r.Review
	r.Review = &v
	change(&v)
	return true
}

func unreviewed(r *flows.Request) bool {
	v := *r.Review
	v.By, r.Review = "T1/UX", &v
	return true
}

// playedOver plays some histories and hands over each request that is over, with its chain.
func playedOver(t *testing.T, n uint64, each func(r flows.Request, chain []flows.Sealed)) {
	t.Helper()
	for seed := uint64(1); seed <= n; seed++ {
		var all *history
		if err := play(seed, 24, func(h *history) { all, h.reviews = h, true }); err != nil {
			t.Fatal(err)
		}
		for id, r := range all.mem.Requests {
			if why := flows.Contradiction(&r, nil, told(all.mem.Chains[string(id)])); why != "" {
				t.Fatalf("seed %d, %s: %s", seed, id, why)
			}
			if !r.State.Final() {
				continue
			}
			chain := all.mem.Chains[string(id)]
			each(r, chain)
			if r.ReviewIs() == flows.ReviewOpen {
				r, chain = looked(t, all, r, chain)
				each(r, chain)
			}
		}
	}
}

// looked is a request after the review that the history did not come to.
func looked(t *testing.T, h *history, r flows.Request, chain []flows.Sealed) (flows.Request, []flows.Sealed) {
	t.Helper()
	cmd := flows.Command{
		Verb: flows.VerbReview, ID: r.ID, Verdict: flows.VerdictNotOK, Reason: flows.NewText("what for?"),
		Actor: flows.Actor{Person: adam, Door: flows.DoorSlack, Standing: flows.StandingMember, Admin: true},
	}
	out := flows.Decide(&r, cmd, flows.Facts{Catalog: h.Catalog}, h.Clock.Now())
	sealed, head, err := flows.Seal(string(r.ID), r.Chain, out.Entries, func([]byte) {})
	if err != nil || out.Refusal != nil {
		t.Fatal(err, out.Refusal)
	}
	out.Request.Chain = head
	return out.Request, append(slices.Clip(chain), sealed...)
}

// TestOverwrittenAfterwards: whatever is written over in a request that is over, its
// entries contradict.
func TestOverwrittenAfterwards(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("one goroutine, which the plain run follows through 300 histories")
	}
	found := map[string]int{}
	playedOver(t, 300, func(r flows.Request, chain []flows.Sealed) {
		for name, change := range overwritten {
			other := r
			if !change(&other) {
				continue
			}
			if found[name]++; flows.Contradiction(&other, nil, told(chain)) == "" {
				t.Errorf("%s: nothing is found in %s, %s", name, r.ID, r.State)
			}
		}
	})
	for name := range overwritten {
		if found[name] == 0 {
			t.Errorf("%s: nothing to try it on", name)
		}
	}
}

// TestNobodyErasedContradicts: whoever is erased from requests that are over, their entries
// do not contradict them for it.
func TestNobodyErasedContradicts(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("one goroutine, which the plain run follows through 50 histories")
	}
	n, changed := 0, 0
	playedOver(t, 50, func(r flows.Request, chain []flows.Sealed) {
		if r.ReviewIs() == flows.ReviewOpen {
			return
		}
		for i, p := range cast {
			r, entries := r, chain
			for _, p := range append([]flows.PersonID{p}, cast[:i]...)[:1+i%3] { // one, or more, one after the other
				r, entries = erasedFrom(t, r, entries, p)
			}
			n++
			if flows.Forgotten(&r) {
				changed++
			}
			if why := flows.Contradiction(&r, nil, told(entries)); why != "" {
				t.Errorf("without %s, %s that is %s: %s", p, r.ID, r.State, why)
			}
		}
	})
	if n < 200 || changed < 50 {
		t.Errorf("%d erasures, %d of whom had asked", n, changed)
	}
}

// erasedFrom is a request without a person, as the store leaves it.
func erasedFrom(t *testing.T, r flows.Request, chain []flows.Sealed, p flows.PersonID) (flows.Request, []flows.Sealed) {
	t.Helper()
	r.Forget(p)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(\b` + team + `/)?\b` + p.User() + `\b`)
	var out flows.Request
	if err := json.Unmarshal([]byte(names.ReplaceAllLiteralString(string(b), "erased/"+strings.Repeat("0", 3)+p.User()[1:])), &out); err != nil {
		t.Fatal(err)
	}
	left := make([]flows.Sealed, 0, len(chain))
	for _, e := range chain {
		var openings []flows.Opening
		for _, o := range e.Openings {
			if o.About != p && !names.MatchString(o.Value) {
				openings = append(openings, o)
			}
		}
		e.Openings = openings
		left = append(left, e)
	}
	return out, left
}
