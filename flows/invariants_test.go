package flows_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
)

// invariants is what the check remembers between steps; violations carry the name
// under which the failure model lists them.
type invariants struct {
	seen     map[flows.RequestID]flows.Request // as of the last step
	entries  map[string]int                    // length of each chain as of the last step
	acked    []string
	refusals int // answered to people
	refused  int // entries that record one
	effects  int
	broken   error
}

func (i *invariants) fail(name string, format string, args ...any) {
	if i.broken == nil {
		i.broken = fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
	}
}

// watch compares the store with what it was, right after each effect, while the
// world is still as it was when the step was decided.
func (h *history) watch() {
	for id, now := range h.mem.Requests {
		was := h.inv.seen[id]
		if was.Version == now.Version {
			continue
		}
		h.watchOne(was, now)
		h.inv.seen[id] = now
	}
	for ; h.inv.effects < len(h.Target.Log); h.inv.effects++ {
		h.watchEffect(h.inv.effects)
	}
}

func (h *history) watchOne(was, now flows.Request) {
	i := &h.inv
	if h.told {
		held := h.mem.Holdings[now.Content.Key()]
		if why := flows.Contradiction(&now, &held, told(h.mem.Chains[string(now.ID)])); why != "" {
			i.fail("told", "%s: %s", now.ID, why)
		}
	}
	if len(now.Votes) > len(was.Votes) {
		h.watchVote(was, now, now.Votes[len(now.Votes)-1])
	}
	if was.State.Live() && now.State.Live() && now.EndsAt.After(was.EndsAt) {
		i.fail("I8", "the end of %s grew from %s to %s", now.ID, was.EndsAt, now.EndsAt)
	}
	if began := h.mem.Holdings[now.Content.Key()].Since; was.State != flows.StateActive && now.State == flows.StateActive && !began.IsZero() && now.EndsAt.After(began.Add(maxTotal)) {
		i.fail("max_total", "%s lasts until %s and the access began at %s", now.ID, now.EndsAt, began)
	}
	h.watchReview(was, now)
	if was.Version == 0 && now.Content.Extends != "" {
		h.watchExtension(now)
	}
	if was.State.Final() && (now.State != was.State || len(now.Votes) != len(was.Votes)) {
		i.fail("I7", "%s changed after it was %s", now.ID, was.State)
	}
	if now.IncidentGone != was.IncidentGone && now.IncidentGone.Sub(h.SawResolved).Abs() > 2*time.Hour {
		i.fail("I14", "%s ends by an incident that nobody read as resolved", now.ID)
	}
	if was.State == flows.StateEnding && now.State.Final() {
		key := now.Content.Key()
		if _, still := h.mem.Holdings[key].Longest(); !still && h.Target.Has[key] && h.mem.Holdings[key].Before != flows.Yes && !h.leftAlone(now) {
			i.fail("I9", "%s is called %s and the target still gives access", now.ID, now.State)
		}
	}
}

// watchExtension holds an extension against what it extends.
func (h *history) watchExtension(r flows.Request) {
	was, known := h.mem.Requests[r.Content.Extends]
	if !known || was.Content.Requester != r.Content.Requester || was.Content.Key() != r.Content.Key() || was.GrantedAt.IsZero() {
		h.inv.fail("I8", "%s extends %s, which is not there or another's", r.ID, r.Content.Extends)
	}
}

// leftAlone reports whether the last entry says the access was there before us.
func (h *history) leftAlone(r flows.Request) bool {
	chain := h.mem.Chains[string(r.ID)]
	return bytes.Contains(chain[len(chain)-1].Bytes, []byte(`"left_as_it_was":true`))
}

// watchVote holds each approval against the world as it is at this moment.
func (h *history) watchVote(was, r flows.Request, v flows.Vote) {
	i := &h.inv
	f := h.Catalog.Flows[r.Content.Flow]
	self := r.Own(v.By)
	switch {
	case v.Hash != r.Content.Hash(r.ID):
		i.fail("I6", "%s was approved for another content hash", r.ID)
	case h.Standings[v.By] != flows.StandingMember || h.SlackDown:
		i.fail("I6", "%s was approved by a %s account", r.ID, h.Standings[v.By])
	case h.Standings[r.Content.Requester] != flows.StandingMember:
		i.fail("I6", "%s was approved for a %s account", r.ID, h.Standings[r.Content.Requester])
	case !v.At.Before(was.LapsesAt):
		i.fail("I7", "%s was approved after it lapsed", r.ID)
	case self && !r.SelfMade:
		i.fail("I5", "%s was approved by its requester, unmarked", r.ID)
	case !self && !h.mayDecide(r, v.By):
		i.fail("I6", "%s was approved by %s, who is not asked", r.ID, v.By)
	case h.PagerDown && !h.fallbackAsked(r, v.By):
		i.fail("I15", "%s was approved by %s while on call was unknown", r.ID, v.By)
	case f.Incident == flows.IncidentRequired && !h.PagerDown && h.IncidentsAt[r.Incident()].Status == flows.IncidentResolved && was.IncidentGone.IsZero():
		i.fail("I6", "%s was approved for a resolved incident", r.ID)
	}
	for n, x := range r.Votes {
		for _, y := range r.Votes[n+1:] {
			if x.By == y.By {
				i.fail("I6", "%s counts %s twice", r.ID, x.By)
			}
		}
	}
	if !r.DecidedAt.IsZero() && r.State != flows.StateDenied {
		h.watchApproved(r, f, self)
	}
}

func (h *history) watchApproved(r flows.Request, f *flows.Flow, self bool) {
	i := &h.inv
	if !self {
		if len(r.Votes) < f.Quorum {
			i.fail("I6", "%s was approved with %d of %d votes", r.ID, len(r.Votes), f.Quorum)
		}
		return
	}
	_, onCall := h.OnDuty["primary"][pagerDuty(r.Content.Requester)]
	switch {
	case f.SelfApproval == flows.SelfNever:
		i.fail("I5", "%s was self-approved in a flow without self-approval", r.ID)
	case h.PagerDown:
		i.fail("I15", "%s was self-approved while on call was unknown", r.ID)
	case !onCall:
		i.fail("I5", "%s was self-approved by somebody who is not on call", r.ID)
	case r.Proof == nil:
		i.fail("I5", "%s was self-approved without proof", r.ID)
	case r.DecidedAt.Sub(r.Proof.ReadAt) > flows.OnCallMaxAge:
		i.fail("I5", "%s rests on a reading %s old", r.ID, r.DecidedAt.Sub(r.Proof.ReadAt))
	}
}

// mayDecide is the rule in the test's own words: the managers on call, or the
// fallback where it was asked.
func (h *history) mayDecide(r flows.Request, p flows.PersonID) bool {
	if _, on := h.OnDuty["mgr_on_call"][pagerDuty(p)]; on && !h.PagerDown {
		return true
	}
	return h.fallbackAsked(r, p)
}

// fallbackAsked reports whether p is in the fallback and the fallback was asked.
func (h *history) fallbackAsked(r flows.Request, p flows.PersonID) bool {
	asked := r.FallbackOpen
	for n, s := range r.Route.Stages {
		asked = asked || n <= r.Stage && s.Fallback
	}
	if !asked {
		return false
	}
	for _, a := range h.Catalog.Flows[r.Content.Flow].Fallback.Approvers {
		if string(a) == p.User() {
			return true
		}
	}
	return false
}

func (h *history) watchEffect(n int) {
	i, e := &h.inv, h.Target.Log[n]
	r := h.mem.Requests[e.Request]
	if !e.Revoke && r.DecidedAt.IsZero() {
		i.fail("I1", "the target granted %s before a decision", e.Request)
	}
	for _, before := range h.Target.Log[:n] {
		if before.Key != e.Key {
			continue
		}
		if before.Fence > e.Fence {
			i.fail("I18", "an order of %s with fence %d landed after fence %d", e.Request, e.Fence, before.Fence)
		}
		if !e.Revoke && !before.Revoke && before.Request == e.Request {
			i.fail("I4", "the target granted %s twice", e.Request)
		}
	}
	if !e.Revoke && r.State.Final() && r.StillThrough == "" && !h.leftAlone(r) {
		i.fail("I18", "the target granted %s after it was %s", e.Request, r.State)
	}
}

// check holds the whole store to the invariants.
func (h *history) check() error {
	i := &h.inv
	for id, r := range h.mem.Requests {
		h.checkRequest(id, r)
	}
	for name := range h.mem.Chains {
		h.checkChain(name)
	}
	if i.refused < i.refusals {
		i.fail("I22", "%d refusals, %d recorded", i.refusals, i.refused)
	}
	for key, n := range h.mem.Handled {
		if n > 1 {
			i.fail("I13", "inbox row %s was handled %d times", key, n)
		}
	}
	for _, key := range i.acked {
		if _, ok := h.mem.Inbox[key]; !ok {
			i.fail("I12", "acknowledged row %s is gone", key)
		}
	}
	for _, j := range h.mem.Jobs {
		if bytes.Contains(j.Args, []byte("canary")) {
			i.fail("I16", "typed text stands in job %s", j.Key)
		}
	}
	return i.broken
}

// checkChain looks at what was added to a chain since the last check.
func (h *history) checkChain(name string) {
	i, chain := &h.inv, h.mem.Chains[name]
	from := i.entries[name]
	if len(chain) < from {
		i.fail("I10", "chain %s shrank", name)
		return
	}
	if err := h.mem.CheckChain(name, from); err != nil {
		i.fail("I10", "%v", err)
	}
	for _, e := range chain[from:] {
		if e.Verb == "refused" {
			i.refused++
		}
		if bytes.Contains(e.Bytes, []byte("canary")) || bytes.Contains(e.Bytes, []byte("UDANA")) {
			i.fail("I16", "personal data stands in the bytes of %s/%d", name, e.Seq)
		}
	}
	i.entries[name] = len(chain)
}

func (h *history) checkRequest(id flows.RequestID, r flows.Request) {
	i := &h.inv
	if r.State.Live() {
		j, ok := h.mem.Jobs[flows.JobKey(flows.JobRevoke, string(id))]
		if !ok || j.RunAt.After(r.EndsAt) && r.State != flows.StateEnding && j.Attempts == 0 {
			i.fail("I2", "%s is %s without a revoke job in time", id, r.State)
		}
	}
	state, decisions := flows.StateNone, 0
	chain := h.mem.Chains[string(id)]
	for _, e := range chain {
		from, to, err := fromTo(e.Bytes)
		if err != nil || from != state {
			i.fail("I11", "%s: entry %d goes from %q, the state was %q (%v)", id, e.Seq, from, state, err)
		}
		if (from != to || flows.CanStep(flows.Verb(e.Verb), from, to)) && !flows.CanStep(flows.Verb(e.Verb), from, to) {
			i.fail("I19", "%s: %s from %q to %q is no step", id, e.Verb, from, to)
		}
		if to == flows.StateApproved || to == flows.StateDenied {
			if from != to {
				decisions++
			}
		}
		state = to
	}
	switch {
	case state != r.State:
		i.fail("I11", "%s is %s, its last entry says %s", id, r.State, state)
	case decisions > 1:
		i.fail("I3", "%s was decided %d times", id, decisions)
	case r.Chain.Len != int64(len(chain)) || r.Chain.Hash != chain[len(chain)-1].Hash:
		i.fail("I11", "%s does not carry the end of its chain", id)
	}
	rec, err := h.mem.Load(context.Background(), id)
	if h.mem.Interleave == nil && (err != nil || rec.Request.Version != r.Version) {
		i.fail("I21", "reading %s changed it", id)
	}
}

// fromTo reads the two states out of an entry's canonical bytes, which have them after
// everything that people said.
func fromTo(b []byte) (from, to flows.State, err error) {
	rest, ok := afterLast(b, `,"from":"`)
	state, rest, ok2 := bytes.Cut(rest, []byte(`"`))
	if !ok || !ok2 {
		return "", "", errors.New("no from")
	}
	_, rest, ok = bytes.Cut(rest, []byte(`,"to":"`))
	next, _, ok2 := bytes.Cut(rest, []byte(`"`))
	if !ok || !ok2 {
		return "", "", errors.New("no to")
	}
	return flows.State(state), flows.State(next), nil
}

// afterLast is what follows the last sep in b.
func afterLast(b []byte, sep string) (after []byte, found bool) {
	if i := bytes.LastIndex(b, []byte(sep)); i >= 0 {
		return b[i+len(sep):], true
	}
	return nil, false
}

// checkQuiet is what must hold when all works and nothing is left to do.
func (h *history) checkQuiet() error {
	i := &h.inv
	for id, r := range h.mem.Requests {
		if !r.State.Final() {
			i.fail("I9", "%s is still %s, ends at %s, now %s", id, r.State, r.EndsAt, h.Clock.Now())
		}
		if r.ReviewIs() == flows.ReviewOpen && !r.Review.Overdue {
			i.fail("review", "%s is to be reviewed, and nobody was reminded", id)
		}
	}
	for key, has := range h.Target.Has {
		if has {
			i.fail("I9", "%s has access that nobody holds", key.Lane())
		}
	}
	for key, holding := range h.mem.Holdings {
		if len(holding.Holders) > 0 {
			i.fail("I9", "holding %s is still held", key.Lane())
		}
	}
	for key := range h.mem.Jobs {
		i.fail("I17", "job %s was never done", key)
	}
	for _, key := range i.acked {
		if h.mem.Handled[key] != 1 {
			i.fail("I12", "acknowledged row %s was handled %d times", key, h.mem.Handled[key])
		}
	}
	before := h.Clock.Now()
	h.restart()
	h.settle()
	for id, r := range h.mem.Requests {
		if r.Version != i.seen[id].Version {
			i.fail("I20", "a second start changed %s", id)
		}
	}
	if h.Clock.Now().Sub(before) > time.Hour {
		i.fail("I20", "a second start found something to do")
	}
	return i.broken
}

func pagerDuty(p flows.PersonID) flows.PagerDutyUser { return flows.PagerDutyUser("P" + p.User()[1:]) }

// told is a chain as a request is held to it.
func told(chain []flows.Sealed) []flows.Told {
	out := make([]flows.Told, 0, len(chain))
	for _, e := range chain {
		t := flows.Told{At: e.At, Verb: e.Verb, Bytes: e.Bytes}
		for _, o := range e.Openings {
			if o.Path == "actor.person" {
				t.By = flows.PersonID(o.Value)
			}
			if o.Path == "facts.reason" && e.Verb != "submit" || o.Path == "facts.note" {
				t.Said = o.Value
			}
		}
		out = append(out, t)
	}
	return out
}
