package pagerduty

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"breakglass/flows"
)

// row is an on-call entry as read, with what only this package needs.
type row struct {
	flows.OnCallEntry
	v3 bool // the schedule is a shift-based one
}

// now reports whether the entry holds at t: PagerDuty gives both people at a hand-off.
func (r row) now(t time.Time) bool {
	return (r.Start.IsZero() || !r.Start.After(t)) && (r.End.IsZero() || t.Before(r.End))
}

// reading is who was on call, for one key, when PagerDuty was asked.
type reading struct {
	listing
	rows  []row
	ahead time.Duration // PagerDuty's clock before ours, where that is more than a second
	until time.Time     // our clock: the first hand-off, when the reading ends; zero: none
}

// onCalls reads /oncalls for now. filter is a list parameter with its ids, or empty
// for the whole account. since and until are left out: PagerDuty takes both as now;
// earliest is never used: it can name people who are not on call yet.
func (c *Client) onCalls(ctx context.Context, filter string, ids []string, click bool) (*reading, error) {
	q := url.Values{"total": {"true"}}
	if filter != "" {
		q[filter] = ids
	}
	r := get("/oncalls", q, click)
	var rows []row
	got, err := c.list(ctx, r, "oncalls", c.lim.MaxPages, func(v value, date time.Time) {
		if one := onCallRow(v); v.err() == nil && one.now(date) {
			if !asked(one, filter, ids) {
				v.fail("is for something that was not asked for")
			}
			rows = append(rows, one)
		}
	})
	if err != nil {
		return nil, err
	}
	return c.seal(r, rows, got)
}

// seal makes a reading of what came for r, if the two clocks agree.
func (c *Client) seal(r request, rows []row, got listing) (*reading, error) {
	now := c.clock.Now()
	if late, early := got.sent.Sub(got.date), got.date.Sub(now); max(late, early) > c.lim.MaxSkew {
		return nil, c.garbled(r, fmt.Errorf("PagerDuty's clock and ours differ by %s; set the clock of this machine", max(late, early).Round(time.Second)))
	}
	out := &reading{listing: got, rows: tidy(rows)}
	if ahead := got.date.Sub(now); ahead > time.Second {
		out.ahead = ahead
	}
	out.until = out.firstEnd()
	return out, nil
}

// firstEnd is when the first of the rows ends, by the more careful of the two clocks.
func (r *reading) firstEnd() time.Time {
	var first time.Time
	for _, e := range r.rows {
		if !e.End.IsZero() && (first.IsZero() || e.End.Before(first)) {
			first = e.End
		}
	}
	if !first.IsZero() {
		first = first.Add(-r.ahead)
	}
	return first
}

// only is the part of a reading of the whole account that is about k.
func (r *reading) only(k key) *reading {
	out := *r
	out.rows = nil
	for _, e := range r.rows {
		if k.scope == ofPolicy && e.PolicyID == k.thing.id || k.scope == ofSchedule && e.ScheduleID == k.thing.id {
			out.rows = append(out.rows, e)
		}
	}
	out.until = out.firstEnd()
	return &out
}

func asked(r row, filter string, ids []string) bool {
	switch filter {
	case byPolicy:
		return slices.Contains(ids, r.PolicyID)
	case bySchedule:
		return slices.Contains(ids, r.ScheduleID)
	}
	return true
}

// The filters of /oncalls.
const (
	byPolicy   = "escalation_policy_ids[]"
	bySchedule = "schedule_ids[]"
)

// onCallRow reads one entry. schedule, start and end must be there: their absence
// would look like a permanent place, which is the widest answer there is.
func onCallRow(v value) row {
	user, policy, schedule := v.at("user"), v.at("escalation_policy"), v.at("schedule")
	r := row{OnCallEntry: flows.OnCallEntry{
		User:       flows.PagerDutyUser(user.at("id").id()),
		PolicyID:   policy.at("id").id(),
		PolicyName: policy.maybe("summary").maybeText(),
		Level:      v.at("escalation_level").whole(),
		Start:      v.at("start").when(),
		End:        v.at("end").when(),
	}}
	if r.PolicyName == "" {
		r.PolicyName = policy.maybe("name").maybeText()
	}
	if !schedule.null() {
		r.ScheduleID = schedule.at("id").id()
		r.Schedule = schedule.maybe("summary").maybeText()
		switch kind := schedule.maybe("type").maybeText(); kind {
		case "schedule_v3_reference", "schedule_v3":
			r.v3 = true
		case "schedule_reference", "schedule", "":
		default:
			schedule.fail("is of a kind that is not known here")
		}
	}
	if r.Level < 1 {
		v.fail("has no escalation level")
	}
	if !r.Start.IsZero() && !r.End.IsZero() && !r.End.After(r.Start) {
		v.fail("ends before it starts")
	}
	return r
}

// tidy sorts rows and drops exact repeats. Rows that differ in policy, level or
// schedule stay: a limit may count one of them and not the other.
func tidy(rows []row) []row {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(
			cmp.Compare(a.PolicyID, b.PolicyID), cmp.Compare(a.Level, b.Level), cmp.Compare(a.User, b.User),
			cmp.Compare(a.ScheduleID, b.ScheduleID), a.Start.Compare(b.Start), a.End.Compare(b.End),
		)
	})
	return slices.CompactFunc(rows, func(a, b row) bool {
		return a.PolicyID == b.PolicyID && a.Level == b.Level && a.User == b.User &&
			a.ScheduleID == b.ScheduleID && a.Start.Equal(b.Start) && a.End.Equal(b.End)
	})
}
