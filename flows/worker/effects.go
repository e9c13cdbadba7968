package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
)

// Targets finds what executes grants of a kind.
type Targets interface {
	Target(kind string) (flows.Target, bool)
}

// Effects are the jobs that follow from the life cycle.
type Effects struct {
	Engine    *flows.Engine
	Targets   Targets
	Directory flows.Directory
	Incidents flows.Incidents
	Notes     flows.IncidentWriter
	Links     Permalinks // of cards in channels, for notes; nil: notes name none
	Live      LiveIncidents
	Over      Over // nil: incidents of requests that are over are not followed
	Grants    Grants
	// Doubt says why a request is not what its audit entries say, and nothing is given by
	// it; nil: nobody looks.
	Doubt func(ctx context.Context, id flows.RequestID) (why string, err error)
	Note  func(r flows.Request, n flows.Noted, name func(flows.PersonID) string) string // words of an incident note
}

// Handlers are the kinds of jobs that this package does.
func (e *Effects) Handlers() map[flows.JobKind]Handler {
	return map[flows.JobKind]Handler{
		flows.JobRoute:     e.step(flows.VerbRoute),
		flows.JobForward:   e.step(flows.VerbForward),
		flows.JobLapse:     e.step(flows.VerbLapse),
		flows.JobRemind:    e.aside(flows.Remind),
		flows.JobExpiring:  e.aside(flows.Expiring),
		flows.JobExtended:  e.Engine.Extended,
		flows.JobReview:    e.Engine.AskReview,
		flows.JobGiveUp:    e.giveUp,
		flows.JobGrant:     e.grant,
		flows.JobRevoke:    e.revoke,
		flows.JobNote:      e.note,
		flows.JobOpen:      e.open,
		flows.JobReconcile: e.reconcile,
	}
}

// step is a job that is one command of the engine's own.
func (e *Effects) step(v flows.Verb) Handler {
	return func(ctx context.Context, j flows.Job) error {
		_, err := e.do(ctx, j, flows.Command{Verb: v}, true)
		return err
	}
}

func (e *Effects) aside(decide func(flows.Request, flows.Facts, time.Time) flows.Outcome) Handler {
	return func(ctx context.Context, j flows.Job) error {
		_, err := e.Engine.Aside(ctx, flows.RequestID(j.Subject), flows.Finish{Job: &j}, decide)
		return err
	}
}

// do has the engine take a command about the job's request; last closes the job.
func (e *Effects) do(ctx context.Context, j flows.Job, cmd flows.Command, last bool) (flows.Result, error) {
	cmd.ID, cmd.Actor = flows.RequestID(j.Subject), flows.ByEngine()
	fin := flows.Finish{}
	if last {
		fin.Job = &j
	}
	return e.Engine.Do(ctx, cmd, fin)
}

// giveUp ends a grant that was not confirmed within the wait limit, and an approval
// that was never acted on.
func (e *Effects) giveUp(ctx context.Context, j flows.Job) error {
	rec, err := e.Engine.Load(ctx, flows.RequestID(j.Subject))
	if err != nil {
		return gone(err)
	}
	cmd := flows.Command{Verb: flows.VerbGrantFailed, Fault: "the target did not confirm within the wait limit"}
	if rec.Request.State == flows.StateApproved {
		cmd = flows.Command{Verb: flows.VerbLapse}
	}
	_, err = e.do(ctx, j, cmd, true)
	return err
}

// grant gives the access: begin, read what the person has already, order, confirm.
// Each part may be repeated by another try or another process.
func (e *Effects) grant(ctx context.Context, j flows.Job) error {
	rec, err := e.Engine.Load(ctx, flows.RequestID(j.Subject))
	if err != nil {
		return gone(err)
	}
	if rec.Request.State == flows.StateApproved {
		res, err := e.do(ctx, j, flows.Command{Verb: flows.VerbActivate}, false)
		if err != nil {
			return err
		}
		if res.Refusal != nil {
			return &flows.Temporary{Err: res.Refusal, After: 5} // end-only: the wait limit decides
		}
		if rec, err = e.Engine.Load(ctx, flows.RequestID(j.Subject)); err != nil {
			return err
		}
	}
	if rec.Request.State != flows.StateGranting {
		return e.Engine.Finish(ctx, flows.Finish{Job: &j})
	}
	if why := e.Engine.EndOnly(); why != "" { // since it began; the wait limit decides
		return &flows.Temporary{Err: errors.New("nothing is given: " + why), After: 5}
	}
	target, order, err := e.order(ctx, rec, flows.JobGrant)
	if err == nil {
		err = e.believed(ctx, rec.Request.ID)
	}
	if err != nil {
		return e.failed(ctx, j, err)
	}
	if rec, err = e.observe(ctx, rec, target, order); err != nil {
		return e.failed(ctx, j, err)
	}
	// The fence must be from a reading in which the request was granting: an end that
	// comes later has a higher one, and its revocation cannot be undone by this order.
	if order.Fence, order.Until = rec.Holding.Version, e.until(rec); rec.Request.State != flows.StateGranting {
		return e.Engine.Finish(ctx, flows.Finish{Job: &j})
	}
	receipt, err := target.Grant(ctx, order)
	if err != nil {
		return e.failed(ctx, j, fmt.Errorf("grant at target %s: %w", order.Target.ID, err))
	}
	_, err = e.do(ctx, j, flows.Command{Verb: flows.VerbGranted, Receipt: receipt.ID}, true)
	return err
}

// observe stores what the person had before we first grant it, so that it is never
// removed as if it were ours, and that the target is told from now on. It returns the
// request as it stands then.
func (e *Effects) observe(ctx context.Context, rec flows.Record, t flows.Target, o flows.Order) (flows.Record, error) {
	if own, _ := rec.Holding.Of(o.Request); !own.Unused {
		return rec, nil // an earlier try may have granted: what is there now may be ours
	}
	had := flows.Unknown
	if !rec.Holding.Given() {
		reading, err := t.Read(ctx, o)
		if err != nil {
			return rec, fmt.Errorf("read at target %s: %w", o.Target.ID, err)
		}
		had = reading.Has
	}
	_, err := e.Engine.Aside(ctx, o.Request, flows.Finish{}, func(r flows.Request, f flows.Facts, now time.Time) flows.Outcome {
		return flows.Observed(r, f, now, had)
	})
	if err != nil {
		return rec, err
	}
	return e.Engine.Load(ctx, o.Request)
}

// failed ends a grant that no further try can make; anything else is tried again
// until the wait limit.
func (e *Effects) failed(ctx context.Context, j flows.Job, cause error) error {
	if _, ok := errors.AsType[*flows.Permanent](cause); !ok {
		return cause
	}
	_, err := e.do(ctx, j, flows.Command{Verb: flows.VerbGrantFailed, Fault: cause.Error()}, true)
	return err
}

// believed holds a request to its entries before the target is told to give anything.
func (e *Effects) believed(ctx context.Context, id flows.RequestID) error {
	if e.Doubt == nil {
		return nil
	}
	why, err := e.Doubt(ctx, id)
	if err == nil && why != "" {
		err = &flows.Permanent{Err: fmt.Errorf("the request is not what its audit entries say: %s. Nothing was given", why)}
	}
	return err
}

// overdueAfter is how late an end may be before the operator is alarmed.
const overdueAfter = time.Minute

// revoke ends the access at the target first, and calls it ended only then. It is
// tried until the target confirms, for ever.
func (e *Effects) revoke(ctx context.Context, j flows.Job) error {
	rec, err := e.Engine.Load(ctx, flows.RequestID(j.Subject))
	if err != nil {
		return gone(err)
	}
	switch rec.Request.State {
	case flows.StateApproved, flows.StateGranting, flows.StateActive:
		res, err := e.do(ctx, j, flows.Command{Verb: flows.VerbEnd, Cause: e.cause(rec.Request)}, false)
		if err != nil {
			return err
		}
		if res.Refusal != nil { // too early: the end was moved, and the job with it
			return e.Engine.Finish(ctx, flows.Finish{Job: &j})
		}
		if rec, err = e.Engine.Load(ctx, flows.RequestID(j.Subject)); err != nil {
			return err
		}
	}
	if rec.Request.State != flows.StateEnding {
		return e.Engine.Finish(ctx, flows.Finish{Job: &j})
	}
	back, left, err := e.take(ctx, rec)
	if err != nil {
		return e.overdue(ctx, rec, err)
	}
	_, err = e.do(ctx, j, flows.Command{Verb: flows.VerbRevoked, Left: left, Back: back}, true)
	return err
}

func (e *Effects) cause(r flows.Request) flows.EndCause {
	if r.EndCause != "" && !e.Engine.Now().Before(r.EndsAt) {
		return r.EndCause
	}
	return flows.EndTime
}

// EndAtTarget has the target end a request's access without asking or telling the
// store: for the time in which that does not write. The usual revocation repeats it.
func (e *Effects) EndAtTarget(ctx context.Context, rec flows.Record) error {
	own, known := rec.Holding.Of(rec.Request.ID)
	if rec.Holding.Holders = nil; known { // the caller has looked at the others
		own.Leaving = true
		rec.Holding.Holders = []flows.Holder{own}
	}
	_, _, err := e.take(ctx, rec)
	return err
}

// take has the target end the access, unless somebody else's grant carries it on, the
// person had it before us, or the target was never told to give it. back is what the
// target says afterwards.
func (e *Effects) take(ctx context.Context, rec flows.Record) (back *flows.Reading, left bool, err error) {
	if _, still := rec.Holding.Longest(); still {
		return nil, false, nil
	}
	if own, _ := rec.Holding.Of(rec.Request.ID); rec.Holding.Before == flows.Yes || own.Unused {
		return nil, true, nil
	}
	target, order, err := e.order(ctx, rec, flows.JobRevoke)
	if err != nil {
		return nil, false, err
	}
	if err := target.Revoke(ctx, order); err != nil {
		return nil, false, fmt.Errorf("revoke at target %s: %w", order.Target.ID, err)
	}
	reading, err := target.Read(ctx, order)
	if err != nil {
		return nil, false, fmt.Errorf("read back at target %s: %w", order.Target.ID, err)
	}
	if reading.Has == flows.Yes {
		return nil, false, &flows.Temporary{Err: fmt.Errorf("target %s confirmed the revocation but still reports access", order.Target.ID)}
	}
	return &reading, false, nil
}

func (e *Effects) overdue(ctx context.Context, rec flows.Record, cause error) error {
	if e.Engine.Now().Sub(rec.Request.EndsAt) < overdueAfter {
		return cause
	}
	if _, err := e.Engine.Aside(ctx, rec.Request.ID, flows.Finish{}, func(r flows.Request, f flows.Facts, now time.Time) flows.Outcome {
		return flows.Overdue(r, f, now, cause.Error())
	}); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

// order makes the order for a target; the key is the same for every try.
func (e *Effects) order(ctx context.Context, rec flows.Record, kind flows.JobKind) (flows.Target, flows.Order, error) {
	c := rec.Request.Content
	catalog := e.Engine.Catalog()
	spec := catalog.Targets[c.Target]
	if spec == nil {
		return nil, flows.Order{}, &flows.Permanent{Err: fmt.Errorf("target %s is not in the configuration", c.Target)}
	}
	t, ok := e.Targets.Target(spec.Kind)
	if !ok {
		return nil, flows.Order{}, &flows.Permanent{Err: fmt.Errorf("target %s: nothing executes kind %q", c.Target, spec.Kind)}
	}
	o := flows.Order{
		Key: flows.JobKey(kind, string(rec.Request.ID)), Fence: rec.Holding.Version, Request: rec.Request.ID, Person: c.Beneficiary,
		Target: spec, Scope: c.Scope, Until: e.until(rec), Incident: c.Incident,
	}
	if l, ok := catalog.Links.Of(c.Beneficiary); kind != flows.JobGrant || ok && !l.Proposed { // what ends access names all it may have been given by
		o.Link = l
	}
	o.Profile = e.profile(ctx, c.Beneficiary)
	return t, o, nil
}

// profileWithin bounds what an effect waits for Slack.
const profileWithin = time.Second

// profile is for display only: the ids decide. A Slack that is slow keeps no effect back.
func (e *Effects) profile(ctx context.Context, p flows.PersonID) flows.Profile {
	ctx, cancel := context.WithTimeout(ctx, profileWithin)
	defer cancel()
	found, err := e.Directory.Profile(ctx, p, false)
	if err != nil {
		return flows.Profile{Person: p}
	}
	return found
}

// until is the longest any holder of the access may have it.
func (e *Effects) until(rec flows.Record) time.Time {
	h, _ := rec.Holding.Longest()
	return h.Until
}

// gone closes a job whose request does not exist (any more).
func gone(err error) error {
	if errors.Is(err, flows.ErrNotFound) {
		return &flows.Permanent{Err: err}
	}
	return err
}

// Sweep puts back the jobs of requests that are past due and have none: the net
// under the jobs.
func (e *Effects) Sweep(ctx context.Context, past []flows.RequestID) error {
	for _, id := range past {
		rec, err := e.Engine.Load(ctx, id)
		if err != nil {
			return fmt.Errorf("load past-due request %s: %w", id, err)
		}
		kind := flows.JobRevoke
		switch rec.Request.State {
		case flows.StateSubmitted, flows.StatePending:
			kind = flows.JobLapse
		case flows.StateApproved:
			kind = flows.JobGiveUp
		}
		j := flows.Job{Kind: kind, Key: flows.JobKey(kind, string(id)), Subject: string(id), RunAt: e.Engine.Now()}
		if kind == flows.JobRevoke {
			j.Lane = rec.Request.Content.Key().Lane()
		}
		if err := e.Engine.Finish(ctx, flows.Finish{Also: func(flows.Outcome) []flows.Job { return []flows.Job{j} }}); err != nil {
			return fmt.Errorf("put back job %s: %w", j.Key, err)
		}
	}
	return nil
}
