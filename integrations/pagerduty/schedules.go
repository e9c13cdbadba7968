package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"breakglass/flows"
)

// A schedule that no escalation policy uses never shows in /oncalls; these two ask
// the schedule itself. The list of its users is not used: without a window it names
// everybody on the schedule.

// bareSchedule is who is on call on one schedule, as the schedule itself says.
func (c *Client) bareSchedule(ctx context.Context, s thing, click bool) (*reading, error) {
	rows, got, r, err := c.finalShifts(ctx, s, click)
	if err != nil {
		return nil, err
	}
	return c.seal(r, rows, got)
}

func (c *Client) finalShifts(ctx context.Context, s thing, click bool) ([]row, listing, request, error) {
	if !isID(s.id) {
		return nil, listing{}, request{}, fmt.Errorf("schedule: %w", errBadID)
	}
	now := c.clock.Now().UTC()
	q := url.Values{
		"since": {now.Format(time.RFC3339)}, "until": {now.Add(time.Second).Format(time.RFC3339)}, "overflow": {"true"},
	}
	path, entries, shift := "/schedules/"+s.id, "rendered_schedule_entries", layeredShift
	if s.v3 {
		q["include[]"] = []string{"final_schedule"}
		path, entries, shift = "/v3/schedules/"+s.id, "computed_shift_assignments", assignedShift
	}
	r := get(path, q, click)
	doc, rep, err := c.one(ctx, r)
	if err != nil {
		return nil, listing{}, r, err
	}
	schedule := doc.at("schedule")
	if schedule.at("id").id() != s.id {
		schedule.fail("is not the one that was asked for")
	}
	name := schedule.maybe("name").maybeText()
	var rows []row
	for _, v := range schedule.at("final_schedule").at(entries).list() {
		one, somebody := shift(v)
		one.ScheduleID, one.Schedule, one.v3 = s.id, name, s.v3
		if somebody && v.err() == nil && one.now(rep.date) {
			rows = append(rows, one)
		}
	}
	if doc.err() != nil {
		return nil, listing{}, r, c.garbled(r, doc.err())
	}
	got := newReceipts()
	got.add(rep)
	return rows, got.done(), r, nil
}

// layeredShift reads an entry of a layer-based schedule; start and end are needed.
func layeredShift(v value) (row, bool) {
	return row{OnCallEntry: flows.OnCallEntry{
		User:  flows.PagerDutyUser(v.at("user").at("id").id()),
		Start: needed(v.at("start")), End: needed(v.at("end")),
	}}, true
}

// assignedShift reads an entry of a shift-based schedule, which may be nobody's and
// says by itself whether it is an override.
func assignedShift(v value) (row, bool) {
	member := v.at("member")
	r := row{OnCallEntry: flows.OnCallEntry{Start: needed(v.at("start_time")), End: v.at("end_time").when()}}
	switch v.maybe("source").maybe("type").maybeText() {
	case "":
	case "override", "override_shift":
		r.Override = flows.Yes
	default:
		r.Override = flows.No
	}
	switch member.at("type").text() {
	case "user_member":
		r.User = flows.PagerDutyUser(member.at("user_id").id())
		return r, true
	case "empty_member":
		return r, false
	}
	member.fail("is of a kind that is not known here")
	return r, false
}

func needed(v value) time.Time {
	t := v.when()
	if t.IsZero() {
		v.fail("is empty")
	}
	return t
}

// isNoSuch reports whether PagerDuty said that there is no such thing.
func isNoSuch(err error) bool { return errors.Is(err, errNoSuch) }
