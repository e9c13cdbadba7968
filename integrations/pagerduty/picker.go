package pagerduty

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"breakglass/flows"
)

// pickerPages is how many pages of open incidents the picker offers at most.
const pickerPages = 3

// picker keeps the lists of open incidents for a moment: a person who types into the
// picker asks for them with every key.
type picker struct {
	c *Client

	mu      sync.Mutex
	lists   map[flows.PagerDutyUser]openIncidents
	reading map[flows.PagerDutyUser]chan struct{}
}

type openIncidents struct {
	asked time.Time
	list  []flows.Incident
	err   error
}

func newPicker(c *Client) *picker {
	return &picker{c: c, lists: map[flows.PagerDutyUser]openIncidents{}, reading: map[flows.PagerDutyUser]chan struct{}{}}
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

func (p *picker) open(ctx context.Context, who flows.PagerDutyUser) openIncidents {
	p.mu.Lock()
	if o, ok := p.lists[who]; ok && o.err == nil && fresh(o.asked, p.c.clock.Now(), p.c.lim.PickerAge) {
		p.mu.Unlock()
		return o
	}
	busy := p.reading[who]
	if busy == nil {
		busy = make(chan struct{})
		if !p.c.life.run(ctx, p.c.lim.ReadTimeout, func(ctx context.Context) { p.read(ctx, who, busy) }) {
			p.mu.Unlock()
			return openIncidents{err: errStopped}
		}
		p.reading[who] = busy
	}
	p.mu.Unlock()
	select {
	case <-busy:
	case <-ctx.Done():
		return openIncidents{err: waiting(ctx)}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lists[who]
}

func (p *picker) read(ctx context.Context, who flows.PagerDutyUser, busy chan struct{}) {
	o := openIncidents{asked: p.c.clock.Now()}
	o.list, o.err = p.c.openList(ctx, who, pickerPages, true)
	var many *errTooMany
	if errors.As(o.err, &many) {
		o.err = nil // a picker may show the newest few hundred
	}
	slices.SortStableFunc(o.list, func(a, b flows.Incident) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Number, a.Number))
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lists) > 500 {
		clear(p.lists)
	}
	p.lists[who] = o
	delete(p.reading, who)
	close(busy)
}

func rank(i flows.Incident) int {
	if i.Status == flows.IncidentAcknowledged {
		return 0
	}
	return 1
}
