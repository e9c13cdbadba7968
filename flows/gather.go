package flows

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// OnCallMaxAge is how old an on-call fact may be when somebody decides. It is asked
// for younger than that, so that it is not too old when the decision is made.
const (
	OnCallMaxAge = 60 * time.Second
	askMaxAge    = 45 * time.Second
)

// DenialsFor is how long a denial is shown on later cards for the same.
const DenialsFor = 24 * time.Hour

// facts reads what Decide needs for the command. What cannot be read becomes unknown
// in the facts, not an error; only the store's errors are errors.
func (e *Engine) facts(ctx context.Context, rec *Record, cmd *Command) (Facts, error) {
	if e.o.Refresh != nil {
		e.o.Refresh(ctx)
	}
	f := e.baseFacts(rec)
	if rec != nil && !stepsFrom(cmd.Verb, rec.Request.State) {
		return f, nil // refused whatever the facts
	}
	g := gathering{e: e, f: &f, cmd: cmd, content: cmd.Content}
	if rec != nil {
		g.content, g.req = rec.Request.Content, &rec.Request
	}
	g.actor(ctx)
	g.again()
	switch cmd.Verb {
	case VerbSubmit:
		g.requester(ctx)
		g.incident(ctx)
		return f, errors.Join(g.counts(ctx), g.earlier(ctx))
	case VerbRoute, VerbReroute:
		_, _ = e.o.Directory.Profile(ctx, g.content.Requester, false) // what it shows may set the link aside
		g.again()
		g.link()
		g.evaluate(ctx, false)
	case VerbApprove:
		g.requester(ctx)
		g.incident(ctx)
		g.evaluate(ctx, true)
	case VerbDeny:
		g.link()
		g.incident(ctx)
		g.evaluate(ctx, true)
	case VerbReview:
		g.reviewer(ctx)
	case VerbRevoke, VerbForward:
		if who := cmd.Actor; who.Person != "" && !who.Admin && who.Person != g.req.DecidedBy {
			g.link()
			g.evaluate(ctx, true)
		}
	}
	return f, nil
}

func (e *Engine) baseFacts(rec *Record) Facts {
	f := Facts{Catalog: e.o.Catalog(), Limits: e.o.Limits, EndOnly: e.o.EndOnly()}
	if rec != nil {
		f.Holding, f.Cards = rec.Holding, rec.Cards
	}
	return f
}

// gathering is one reading of facts.
type gathering struct {
	e       *Engine
	f       *Facts
	cmd     *Command
	content Content
	req     *Request
}

// actor looks the clicker up, now: standing and admin role.
func (g *gathering) actor(ctx context.Context) {
	a := &g.cmd.Actor
	if a.Person == "" {
		return // the engine, or the owner of the process: its door said what it may
	}
	a.Standing = g.standing(ctx, a.Person)
	a.Admin = Roll{Catalog: func() *Catalog { return g.f.Catalog }, Directory: g.e.o.Directory}.Admin(ctx, a.Person)
}

func (g *gathering) standing(ctx context.Context, p PersonID) Standing {
	if g.f.Catalog.Team != "" && p.Team() != g.f.Catalog.Team && !p.IsService() {
		return StandingForeign
	}
	profile, err := g.e.o.Directory.Profile(ctx, p, true)
	if err != nil {
		return StandingUnknown
	}
	g.f.Profiles = append(g.f.Profiles, profile)
	return profile.Standing
}

// requester looks up who asked: still active, still allowed by the flow.
func (g *gathering) requester(ctx context.Context) {
	c := g.content
	if c.Requester == g.cmd.Actor.Person {
		g.f.Requester = g.cmd.Actor.Standing
	} else {
		g.f.Requester = g.standing(ctx, c.Requester)
	}
	if c.Beneficiary != c.Requester && g.f.Requester == StandingMember {
		g.f.Requester = g.standing(ctx, c.Beneficiary)
	}
	g.again()
	g.link()
	flow := g.f.flow(&c)
	if flow == nil {
		return
	}
	allowed, err := g.e.o.Directory.Members(ctx, flow.Requesters)
	switch {
	case contains(allowed, c.Requester) && (c.Beneficiary == c.Requester || contains(allowed, c.Beneficiary)):
		g.f.Allowed = Yes
	case err == nil:
		g.f.Allowed = No
	}
}

// again takes the catalog as it is now: somebody was looked up, and an account that is
// not what it was sets a link aside.
func (g *gathering) again() { g.f.Catalog = g.e.o.Catalog() }

func (g *gathering) link() {
	if link, ok := g.f.Catalog.Links.Of(g.content.Requester); ok {
		g.f.Link = &link
	}
}

// incident reads the incident, if the request names one.
func (g *gathering) incident(ctx context.Context) {
	id := g.content.Incident.ID
	if g.req != nil {
		id = g.req.Incident()
	}
	if id == "" {
		return
	}
	inc, err := g.e.o.Incidents.Incident(ctx, string(id))
	switch {
	case err == nil:
		g.f.Incident, g.f.IncidentIs = &inc, Yes
		if g.cmd.Verb == VerbSubmit {
			g.cmd.Content.Incident = inc.Ref() // what PagerDuty says, not what the form says
		}
	case errors.Is(err, ErrNotFound):
		g.f.IncidentIs = No
	}
}

// evaluate runs the reducer, resolves the fallback and asks, where self-approval is
// at stake, who is on call: the engine's own reading, whatever the handler did.
func (g *gathering) evaluate(ctx context.Context, click bool) {
	flow := g.f.flow(&g.content)
	if flow == nil {
		return
	}
	people, err := g.e.o.Directory.Members(ctx, flow.Fallback.Approvers)
	g.f.Fallback, g.f.FallbackOK = g.able(ctx, people), err == nil || len(people) > 0
	ev := g.e.o.Reducer.Reduce(ctx, ReduceInput{
		Flow: flow, Request: g.req, Links: g.f.Catalog.Links, Now: g.e.o.Clock.Now(), MaxAge: askMaxAge, Click: click,
	})
	if ev.Proposal != nil {
		for i := range ev.Proposal.Stages {
			ev.Proposal.Stages[i].People = g.able(ctx, ev.Proposal.Stages[i].People)
		}
	}
	g.f.Evaluation = &ev
	if flow.SelfApproval != SelfOnCall || !namesOnly(ev.Proposal, g.content.Requester) {
		return
	}
	answer := g.e.onCall(ctx, flow.OnCall.Policies, click)
	g.f.OnCall = &answer
}

// lookedUp is how many people of a group are looked up before they are asked: Slack
// takes 100 users.info a minute, and a route may not wait for that.
const lookedUp = 20

// able leaves out people of whom Slack says that they cannot decide: who left, guests,
// bots. Who cannot be looked up stays, and so does everybody in a larger group, where
// somebody is left in any case: the click is looked at again anyway.
func (g *gathering) able(ctx context.Context, people []PersonID) []PersonID {
	if len(people) > lookedUp {
		return people
	}
	fit := make([]bool, len(people))
	var all sync.WaitGroup
	var broke atomic.Value
	for i, p := range people { // at once: a slow Slack is waited for once
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					broke.Store(fmt.Sprint(p))
				}
			}()
			profile, err := g.e.o.Directory.Profile(ctx, p, false)
			fit[i] = err != nil || profile.Standing == StandingMember || p == g.content.Requester
		})
	}
	all.Wait()
	if p := broke.Load(); p != nil {
		panic(p) // where the worker recovers
	}
	out := make([]PersonID, 0, len(people))
	for i, p := range people {
		if fit[i] {
			out = append(out, p)
		}
	}
	return out
}

// onCall asks for the policies a flow counts, or for any.
func (e *Engine) onCall(ctx context.Context, policies []string, click bool) OnCallAnswer {
	if len(policies) == 0 {
		policies = []string{""}
	}
	var all OnCallAnswer
	for i, p := range policies {
		a := e.o.OnCall.OnCall(ctx, OnCallQuery{Policy: p, MaxAge: askMaxAge, Click: click})
		if !a.Known {
			return a
		}
		if i == 0 || a.ReadAt.Before(all.ReadAt) {
			all.ReadAt = a.ReadAt
		}
		all.Known, all.Pages, all.Digest = true, all.Pages+a.Pages, all.Digest+a.Digest
		all.Entries = append(all.Entries, a.Entries...)
	}
	return all
}

func namesOnly(p *Proposal, who PersonID) bool {
	if p == nil {
		return false
	}
	for _, s := range p.Stages {
		if len(s.People) == 1 && s.People[0] == who {
			return true
		}
	}
	return false
}

// counts reads what the limits on asking need. These come from the store, so an
// error is an error.
func (g *gathering) counts(ctx context.Context) error {
	c, o := g.content, g.e.o
	var err error
	if g.f.Holding, err = o.Ledger.Holding(ctx, c.Key()); err != nil {
		return fmt.Errorf("read the holding of %s: %w", c.Key().Lane(), err)
	}
	asking, err := o.Ledger.Holding(ctx, AskingKey(c.Requester))
	if err != nil {
		return fmt.Errorf("read how often %s has asked: %w", c.Requester, err)
	}
	g.f.Asking = asking.Version
	if g.f.Undecided, err = o.Counts.UndecidedFor(ctx, c.Key()); err != nil {
		return fmt.Errorf("look for an open request: %w", err)
	}
	if g.f.AskedLately, err = o.Counts.Asked(ctx, c.Requester, o.Clock.Now().Add(-time.Hour)); err != nil {
		return fmt.Errorf("count requests: %w", err)
	}
	if g.f.OpenCount, err = o.Counts.Open(ctx, c.Requester, c.Flow); err != nil {
		return fmt.Errorf("count open requests: %w", err)
	}
	denied, err := o.Counts.RecentDenials(ctx, c.Key(), o.Clock.Now().Add(-DenialsFor))
	if err != nil {
		return fmt.Errorf("count denials: %w", err)
	}
	g.f.Denials = len(denied)
	return nil
}
