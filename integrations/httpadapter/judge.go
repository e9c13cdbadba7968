package httpadapter

import (
	"context"
	"errors"
	"slices"
	"time"

	"breakglass/flows"
)

// pass is what lets a call through: a rule of the adapter itself, or a rule of a target
// with the grant that opens it.
type pass struct {
	rule     flows.Rule
	target   flows.TargetID
	request  flows.RequestID
	incident flows.IncidentID
	ends     time.Time
}

// judge finds the rule that lets the call through. The store is asked at every call, so
// that what has ended is over.
func (c *call) judge() *refusal {
	no := c.open()
	if no == nil {
		return c.attribute()
	}
	if no.Code == CodeFault {
		return no
	}
	for _, t := range c.p.o.Catalog().AdapterTargets[c.a.ID] {
		reason, ok := c.granted(t)
		switch {
		case ok:
			return c.attribute()
		case reason == nil:
			continue
		case reason.Code == CodeFault:
			return reason
		case rank(reason.Code) > rank(no.Code):
			no = reason
		}
	}
	return no
}

// rank orders reasons: the one that says most about what would help is given.
func rank(code flows.Code) int {
	return slices.Index([]flows.Code{CodeRule, CodeCallers, CodeNoGrant, CodeExpired, CodeIncident}, code)
}

// open looks at the rules that need no grant.
func (c *call) open() *refusal {
	i := slices.IndexFunc(c.a.Allow, func(r flows.Rule) bool { return r.Match(c.r.Method, c.to.Segments, "") })
	if i < 0 {
		return refuse(CodeRule, "No rule of adapter %s lets %s %s through, so it was not sent.", c.a.ID, c.r.Method, c.to.Path())
	}
	switch member, err := c.isCaller(); {
	case err != nil:
		return c.fault("look up who may call", err)
	case member:
		c.pass = pass{rule: c.a.Allow[i]}
		return nil
	}
	return refuse(CodeCallers, "Adapter %s is not open to you, so the call was not sent.", c.a.ID).then("Its callers are named in the configuration.")
}

// isCaller reports whether the adapter's own rules are open to the person. Guests and
// whoever cannot be looked up are no members.
func (c *call) isCaller() (bool, error) {
	me := c.by.Actor.Person
	if c.by.Actor.Standing != flows.StandingMember {
		return false, nil
	}
	var failed error
	for _, p := range c.a.Callers { // one after the other: a group that cannot be read makes nobody else less
		if p.IsUser() {
			if flows.Person(c.p.o.Catalog().Team, string(p)) == me {
				return true, nil
			}
			continue
		}
		members, err := c.p.o.Members.Members(c.r.Context(), []flows.Principal{p})
		if slices.Contains(members, me) {
			return true, nil
		}
		failed = errors.Join(failed, err)
	}
	return false, failed
}

// granted looks at the rules of one target. Nil and false: none of them is meant.
func (c *call) granted(t flows.AdapterTarget) (*refusal, bool) {
	rules := slices.DeleteFunc(slices.Clone(t.Allow), func(r flows.Rule) bool { return !c.wouldMatch(r) })
	if len(rules) == 0 {
		return nil, false
	}
	refused := func(code flows.Code, format string, args ...any) *refusal {
		no := refuse(code, format, args...)
		no.rule, no.target = rules[0], t.Target
		return no.then("Ask for it in Slack: /access " + string(t.Target))
	}
	ctx, me := c.r.Context(), c.by.Actor.Person
	h, err := c.p.o.Grants.Holding(ctx, flows.HoldingKey{Person: me, Target: t.Target})
	if err != nil {
		return c.fault("look for a grant", err), false
	}
	var other bool
	for _, holder := range h.Holders {
		req, err := c.p.o.Grants.Request(ctx, holder.Request)
		switch {
		case errors.Is(err, flows.ErrNotFound):
			continue
		case err != nil:
			return c.fault("read a grant", err), false
		case !c.p.active(&req, me, t.Target):
			continue
		}
		incident := req.Incident()
		for _, r := range rules {
			if r.Match(c.r.Method, c.to.Segments, incident) {
				c.pass = pass{rule: r, target: t.Target, request: req.ID, incident: incident, ends: req.EndsAt}
				return nil, true
			}
		}
		other = true
	}
	if other {
		return refused(CodeIncident, "Your access to %s is for another incident, or for none, so the call was not sent.", t.Target), false
	}
	if c.had(ctx, t.Target) {
		return refused(CodeExpired, "Your access to %s has ended, so the call was not sent.", t.Target), false
	}
	return refused(CodeNoGrant, "This needs access to %s, which you do not have, so the call was not sent.", t.Target), false
}

// wouldMatch reports whether the rule lets the call through for some incident.
func (c *call) wouldMatch(r flows.Rule) bool {
	if !r.NamesIncident() {
		return r.Match(c.r.Method, c.to.Segments, "")
	}
	return slices.ContainsFunc(c.to.Segments, func(s string) bool { return r.Match(c.r.Method, c.to.Segments, flows.IncidentID(s)) })
}

// active reports whether a request gives somebody the target now.
func (p *Proxy) active(r *flows.Request, who flows.PersonID, target flows.TargetID) bool {
	return r.State == flows.StateActive && r.Content.Beneficiary == who && r.Content.Target == target && r.Content.Scope == "" &&
		p.o.Clock.Now().Before(r.EndsAt) && !p.o.Ended(r.ID)
}

// lately is how long ago access is said to have ended, rather than not to be there.
const lately = 24 * time.Hour

// had reports whether the caller had access to the target lately.
func (c *call) had(ctx context.Context, target flows.TargetID) bool {
	all, err := c.p.o.Grants.Requests(ctx, flows.RequestFilter{
		Person: c.by.Actor.Person, Target: target, Since: c.p.o.Clock.Now().Add(-lately), Limit: 5,
		States: []flows.State{flows.StateEnding, flows.StateEnded, flows.StateActive},
	})
	return err == nil && slices.ContainsFunc(all, func(r flows.Request) bool { return r.Content.Beneficiary == c.by.Actor.Person })
}

// attribute finds the address that the upstream takes the caller for.
func (c *call) attribute() *refusal {
	if !c.a.CallerAsFrom {
		return nil
	}
	link, ok := c.p.o.Catalog().Links.Of(c.by.Actor.Person)
	if ok && link.Email != "" && !link.Proposed {
		c.from = link.Email
		return nil
	}
	if !c.pass.rule.Changes() {
		return nil
	}
	return refuse(CodeNoEmail, "The upstream wants to know who changes something, and your person block has no e-mail address. The call was not sent.").
		then("An admin adds email to your person block.")
}

// fault is a refusal because something broke; the cause is for the log.
func (c *call) fault(doing string, err error) *refusal {
	c.p.log.ErrorContext(c.r.Context(), "judge a call", "doing", doing, "adapter", c.a.ID, "error", err)
	return refuse(CodeFault, "Whether you may make this call could not be looked up, so it was not sent.").then("Try again in a while.")
}
