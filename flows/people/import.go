package people

import (
	"context"
	"fmt"
	"slices"

	"breakglass/flows"
)

// Import links people as an admin's list says, all of them or none. With mistakes, or
// dry, it only reports.
func (p *People) Import(ctx context.Context, by flows.Actor, wishes []Wish, o ImportOptions) (Report, error) {
	var seen sight
	if !o.Unchecked {
		var err error
		if seen, err = p.lookAt(ctx, wishes); err != nil {
			return Report{}, fmt.Errorf("ask Slack and PagerDuty about the accounts: %w", err)
		}
	}
	if o.Dry {
		t, err := p.thought(ctx, wishes, seen, o)
		if err != nil {
			return Report{}, err
		}
		return t.report, nil
	}
	var t *plan
	err := p.o.Recorder.Relink(ctx, flows.Finish{}, func(ctx context.Context) (flows.Relinking, error) {
		var err error
		if t, err = p.thought(ctx, wishes, seen, o); err != nil || len(t.report.Mistakes) > 0 {
			return flows.Relinking{}, err
		}
		r := p.carryOut(t, by)
		r.Jobs = append(r.Jobs, p.redraws(t)...)
		return r, nil
	})
	if err != nil {
		return Report{}, err
	}
	t.report.Applied = len(t.report.Mistakes) == 0
	return t.report, p.o.Book.Refresh(ctx)
}

// thought is the import, thought through on what is stored now.
func (p *People) thought(ctx context.Context, wishes []Wish, seen sight, o ImportOptions) (*plan, error) {
	own := p.o.Own()
	t := &plan{o: o, own: own.Links, team: own.Team, seen: seen, report: Report{Steps: []Step{}, Checked: seen.checked}}
	var err error
	if t.stored, err = p.o.Store.Links(ctx); err != nil {
		return nil, err
	}
	if t.pins, err = p.o.Store.Pins(ctx); err != nil {
		return nil, err
	}
	t.think(wishes)
	return t, nil
}

// carryOut is what is written: each link with its entry, and one word to the operators.
func (p *People) carryOut(t *plan, by flows.Actor) flows.Relinking {
	now := p.o.Clock.Now()
	r := flows.Relinking{Unlinks: t.gone}
	did := map[flows.PersonID]Do{}
	for _, s := range t.report.Steps {
		did[s.Person] = s.Do
	}
	for _, l := range t.links {
		if l.Version == 1 || did[l.Person] == DoLink {
			l.By, l.At = by.Person, now
		}
		l.Confirmer, l.Confirmed = by.Person, now
		more := map[string]any{"did": string(did[l.Person])}
		if was, ok := of(t.gone, l.Person); ok {
			more["before"] = flows.Personal{About: l.Person, Value: string(was.PagerDuty)}
		}
		r.Links = append(r.Links, l)
		r.Entries = append(r.Entries, entry("person_linked", by, l, more))
	}
	if n := len(r.Links); n > 0 {
		r.Jobs = p.tell("linked", by, fmt.Sprintf("linked %s (%s)", t.whom(), t.o.Source))
	}
	return r
}

// whom names a few people, and counts many.
func (p *plan) whom() string {
	if len(p.links) > 3 {
		return fmt.Sprintf("%d people", len(p.links))
	}
	out := ""
	for i, l := range p.links {
		if i > 0 {
			out += ", "
		}
		out += flows.Mention(l.Person)
	}
	return out
}

// redraws brings the cards of links that are confirmed now up to date.
func (p *People) redraws(t *plan) (jobs []flows.Job) {
	for _, l := range slices.Concat(t.links, t.gone) {
		jobs = append(jobs, p.cards(l)...)
	}
	return jobs
}
