package flows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// An extension is a request of its own that names a live one: it is routed and decided
// like any other, and where it is granted before that ends, the access goes on without
// a gap, since overlapping grants are counted. The flow's max_total holds for all of it.

// earlier reads the request that a new one extends, with its holding.
func (g *gathering) earlier(ctx context.Context) error {
	if g.content.Extends == "" {
		return nil
	}
	rec, err := g.e.o.Ledger.Load(ctx, g.content.Extends)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what is to be extended: %w", err)
	}
	g.f.Earlier, g.f.Holding = &rec.Request, rec.Holding
	return nil
}

// mayExtend says what is wrong with an extension; nil where none is asked for.
func (d *decision) mayExtend(f *Flow) *Refusal {
	c, was := d.cmd.Content, d.f.Earlier
	if c.Extends == "" {
		return nil
	}
	switch {
	case was == nil, was.Content.Requester != c.Requester:
		return Refuse(RefusedUnknownRequest, "There is no request %s of yours to extend. Nothing was submitted.", named(c.Extends.Short()))
	case was.Content.Key() != c.Key(), was.Content.Flow != c.Flow:
		return Refuse(RefusedInput, "An extension is of the same access. Nothing was submitted.").Then("Ask for the other one by itself.")
	case was.State != StateActive:
		return Refuse(RefusedState, "Only access that there is can be extended, and that request is %s. Nothing was submitted.", was.State).
			Then("Ask anew with /access.")
	case !d.now.Add(c.Duration).After(was.EndsAt):
		no := Refuse(RefusedInput, "You have this until %s in any case. Nothing was submitted.", Moment(was.EndsAt)).
			Then("Ask for longer than " + Span(was.EndsAt.Sub(d.now)) + " from now.")
		no.Field = "duration"
		return no
	}
	return d.total(f, c.Duration)
}

// sameIncident reports whether an extension names the incident of what it extends: that
// it is resolved by then is known, and no reason against it.
func (d *decision) sameIncident() bool {
	was := d.f.Earlier
	return d.cmd.Content.Extends != "" && was != nil && d.cmd.Content.Incident.ID == was.Incident()
}

// total refuses what would make access last longer than the flow's max_total, through
// all the grants that carry it on.
func (d *decision) total(f *Flow, more time.Duration) *Refusal {
	began := d.f.Holding.Since
	_, goesOn := d.f.Holding.Without(d.req.ID).Longest()
	if f.MaxTotal <= 0 || !goesOn || began.IsZero() || !d.now.Add(more).After(began.Add(f.MaxTotal)) {
		return nil
	}
	left := began.Add(f.MaxTotal).Sub(d.now).Truncate(time.Minute)
	no := Refuse(RefusedInput, "This access has lasted since %s, and %s allows %s without a break.", Moment(began), f.Label, Span(f.MaxTotal))
	no.Field = "duration"
	if left >= time.Minute {
		no.Say += " At most " + Span(left) + " more can be given now."
	}
	return no
}

// holdTotal moves the end of a grant that begins now to where max_total is reached.
func (d *decision) holdTotal() {
	f, began := d.f.flow(&d.req.Content), d.f.Holding.Since
	if _, goesOn := d.f.Holding.Without(d.req.ID).Longest(); f != nil && f.MaxTotal > 0 && goesOn && !began.IsZero() {
		d.req.EndsAt = earlier(d.req.EndsAt, began.Add(f.MaxTotal))
	}
}

// linkBack has the request that is extended say so in its own chain, too.
func (d *decision) linkBack() {
	was := d.req.Content.Extends
	if was == "" {
		return
	}
	args, err := json.Marshal(d.req.ID)
	if err != nil {
		panic(err) // a string
	}
	d.out.Jobs = append(d.out.Jobs, Job{Kind: JobExtended, Key: JobKey(JobExtended, string(d.req.ID)), Subject: string(was), RunAt: d.now, Args: args})
}

// Extended records on a live request that the access goes on through another.
func (e *Engine) Extended(ctx context.Context, j Job) error {
	var by RequestID
	if err := json.Unmarshal(j.Args, &by); err != nil {
		return &Permanent{Err: fmt.Errorf("read what extends request %s: %w", j.Subject, err)}
	}
	_, err := e.Aside(ctx, RequestID(j.Subject), Finish{Job: &j}, func(r Request, f Facts, now time.Time) Outcome {
		if r.State.Final() {
			return Outcome{Request: r} // it ended while this waited; the new one's chain names it
		}
		return aside(r, f, now, "extended", map[string]any{"by": string(by)}).finish()
	})
	return err
}
