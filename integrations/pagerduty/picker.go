package pagerduty

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"breakglass/flows"
)

// pickerPages is how many pages of open incidents the picker offers at most.
const pickerPages = 3

// picker keeps the lists of open incidents for a moment: a person who types into the
// picker asks for them with every key.
type picker struct {
	c *Client

	lists *recent[flows.PagerDutyUser, openIncidents]
	reads *shared[flows.PagerDutyUser, openIncidents]
}

type openIncidents struct {
	asked time.Time
	list  []flows.Incident
	cut   bool // there are more
	err   error
}

// of is what is assigned to one person; to anybody, if nobody is named.
func (o openIncidents) of(who flows.PagerDutyUser) openIncidents {
	if who == "" {
		return o
	}
	o.list = slices.DeleteFunc(slices.Clone(o.list), func(i flows.Incident) bool { return !slices.Contains(i.Assignees, who) })
	return o
}

func newPicker(c *Client) *picker {
	return &picker{
		c: c, lists: newRecent[flows.PagerDutyUser, openIncidents](500), reads: newShared[flows.PagerDutyUser, openIncidents](c),
	}
}

// OpenIncidents implements flows.Incidents: acknowledged before triggered, the newest
// first, from a list that is at most Limits.PickerAge old.
func (c *Client) OpenIncidents(ctx context.Context, q flows.IncidentQuery) ([]flows.Incident, error) {
	if q.Assignee != "" && !isID(string(q.Assignee)) {
		return nil, fmt.Errorf("open incidents of %q: %w", tame(string(q.Assignee)), errBadID)
	}
	o := c.picker.open(ctx, q.Assignee)
	if o.err != nil {
		return nil, fmt.Errorf("list open incidents: %w", o.err)
	}
	list := slices.Clone(o.list)
	if q.Limit > 0 && len(list) > q.Limit {
		list = list[:q.Limit]
	}
	return list, nil
}

// open takes one person's incidents out of everybody's: when many ask in an incident,
// that is one read every few seconds instead of one each. Only where there are too many
// for that is PagerDuty asked for the person's own.
func (p *picker) open(ctx context.Context, who flows.PagerDutyUser) openIncidents {
	if before, ok := p.lists.get(""); who == "" || !ok || !before.cut {
		if all := p.recent(ctx, ""); who == "" || all.err != nil || !all.cut {
			return all.of(who)
		}
	}
	return p.recent(ctx, who)
}

// recent is a list that was just read, by somebody or now.
func (p *picker) recent(ctx context.Context, who flows.PagerDutyUser) openIncidents {
	if o, ok := p.lists.get(who); ok && fresh(o.asked, p.c.clock.Now(), p.c.lim.PickerAge) {
		return o
	}
	o, err := p.reads.get(ctx, who, func(ctx context.Context) openIncidents { return p.read(ctx, who) })
	if err != nil {
		return openIncidents{err: err}
	}
	return o
}

func (p *picker) read(ctx context.Context, who flows.PagerDutyUser) openIncidents {
	o := openIncidents{asked: p.c.clock.Now()}
	o.list, o.err = p.c.openList(ctx, who, pickerPages, true)
	if _, ok := errors.AsType[*errTooMany](o.err); ok {
		o.err, o.cut = nil, true // a picker may show the newest few hundred
	}
	slices.SortStableFunc(o.list, func(a, b flows.Incident) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Number, a.Number))
	})
	if o.err == nil {
		p.lists.put(who, o)
	}
	return o
}

func rank(i flows.Incident) int {
	if i.Status == flows.IncidentAcknowledged {
		return 0
	}
	return 1
}
