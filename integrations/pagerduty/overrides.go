package pagerduty

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"breakglass/flows"
)

// lookAhead is how far overrides are read ahead, and so how long a verdict can last.
const lookAhead = time.Hour

// overrideBook tells whether a shift comes from an override. It reads a schedule's
// overrides once per shift: a later override changes whose shift it is, or when the
// shift ends, and so makes another shift.
type overrideBook struct {
	c *Client

	verdicts *recent[shift, verdict]
	lists    *recent[thing, *overrideList]
	reads    *shared[thing, *overrideList]
}

// shift is what makes an on-call entry of a schedule one and the same.
type shift struct {
	schedule   string
	user       flows.PagerDutyUser
	start, end time.Time
}

type verdict struct {
	override flows.Tri
	until    time.Time
}

// overrideList is a reading of one schedule's overrides from asked to lookAhead later.
type overrideList struct {
	asked time.Time
	spans []overrideSpan
	err   error
}

type overrideSpan struct {
	user       flows.PagerDutyUser
	start, end time.Time
}

func newOverrideBook(c *Client) *overrideBook {
	return &overrideBook{
		c: c, verdicts: newRecent[shift, verdict](5000), lists: newRecent[thing, *overrideList](1000),
		reads: newShared[thing, *overrideList](c),
	}
}

// judge is whether r, as read at asked, comes from an override. What cannot be read
// is unknown.
func (b *overrideBook) judge(ctx context.Context, r row, asked time.Time, click bool) flows.Tri {
	if r.Permanent() || r.Override != flows.Unknown {
		return r.Override
	}
	s := shift{r.ScheduleID, r.User, r.Start, r.End}
	now := b.c.clock.Now()
	v, known := b.verdicts.get(s)
	if known && now.Before(v.until) {
		return v.override
	}
	l := b.list(ctx, thing{id: r.ScheduleID, v3: r.v3}, asked, click)
	if l.err != nil {
		b.c.log.Warn("pagerduty: overrides could not be read", "schedule", r.ScheduleID, "err", l.err)
		return flows.Unknown
	}
	v = l.verdict(r, now)
	b.verdicts.put(s, v)
	return v.override
}

// verdict looks for an override that makes the shift now; it holds until the next
// override of the schedule begins or ends.
func (l *overrideList) verdict(r row, now time.Time) verdict {
	v := verdict{flows.No, l.asked.Add(lookAhead)}
	for _, o := range l.spans {
		if o.user == r.User && !o.start.After(now) && now.Before(o.end) {
			v.override = flows.Yes
		}
		for _, edge := range []time.Time{o.start, o.end} {
			if edge.After(now) {
				v.until = earlier(v.until, edge)
			}
		}
	}
	return v
}

// list is a reading of the schedule's overrides that is not older than the on-call
// reading it must explain, read once for all who ask at the same time.
func (b *overrideBook) list(ctx context.Context, s thing, asked time.Time, click bool) *overrideList {
	if l, ok := b.lists.get(s); ok && !l.asked.Before(asked) && fresh(l.asked, b.c.clock.Now(), lookAhead/2) {
		return l
	}
	l, err := b.reads.get(ctx, s, func(ctx context.Context) *overrideList {
		l := &overrideList{asked: b.c.clock.Now()}
		if l.spans, l.err = b.c.readOverrideSpans(ctx, s, l.asked, click); l.err == nil {
			b.lists.put(s, l)
		}
		return l
	})
	if err != nil {
		return &overrideList{err: err}
	}
	return l
}

// readOverrideSpans reads the overrides of a schedule from now on. overflow keeps
// PagerDuty from cutting them at the window.
func (c *Client) readOverrideSpans(ctx context.Context, s thing, now time.Time, click bool) ([]overrideSpan, error) {
	if !isID(s.id) {
		return nil, fmt.Errorf("schedule: %w", errBadID)
	}
	q := url.Values{
		"since": {now.UTC().Format(time.RFC3339)}, "until": {now.UTC().Add(lookAhead).Format(time.RFC3339)},
		"overflow": {"true"},
	}
	var out []overrideSpan
	if s.v3 {
		_, err := c.list(ctx, get("/v3/schedules/"+s.id+"/overrides", q, click), "overrides", c.lim.MaxPages, func(v value, _ time.Time) {
			o := overrideSpan{start: needed(v.at("start_time")), end: needed(v.at("end_time"))}
			if m := v.at("overriding_member"); m.at("type").text() == "user_member" {
				o.user = flows.PagerDutyUser(m.at("user_id").id())
			}
			out = append(out, o)
		})
		return out, err
	}
	r := get("/schedules/"+s.id+"/overrides", q, click)
	doc, _, err := c.one(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, v := range doc.at("overrides").list() {
		out = append(out, overrideSpan{
			user: flows.PagerDutyUser(v.at("user").at("id").id()), start: needed(v.at("start")), end: needed(v.at("end")),
		})
	}
	if m := doc.maybe("more"); !m.null() && m.flag() {
		m.fail("says that there are more overrides than came")
	}
	if doc.err() != nil {
		return nil, c.garbled(r, doc.err())
	}
	return out, nil
}
