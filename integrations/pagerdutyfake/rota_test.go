package pagerdutyfake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	pd "breakglass/integrations/pagerdutyfake"
)

// utc reads "2026-03-08 13:00" as UTC.
func utc(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// rota makes an account whose only policy has one schedule.
func rota(t *testing.T, s pd.Schedule) *pd.Account {
	t.Helper()
	c := &clock{at: monday}
	acc := pd.New(pd.Options{Now: c.Now})
	s.ID = "PROTA01"
	err := acc.Load(pd.Setup{
		Users: []pd.User{
			{ID: "A", Name: "A", Email: "a@x"}, {ID: "B", Name: "B", Email: "b@x"},
			{ID: "C", Name: "C", Email: "c@x"}, {ID: "N", Name: "N", Email: "n@x"},
		},
		Schedules: []pd.Schedule{s},
		Policies:  []pd.Policy{{ID: "PPOL001", Name: "p", Rules: []pd.Rule{{Targets: []string{"PROTA01"}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return acc
}

// shown writes entries as "A 06-01 09:00 - 06-08 09:00", in UTC.
func shown(entries []pd.OnCall) string {
	var out []string
	bound := func(at time.Time) string {
		if at.IsZero() {
			return "null"
		}
		return at.UTC().Format("01-02 15:04")
	}
	for _, e := range entries {
		out = append(out, e.User+" "+bound(e.Start)+" - "+bound(e.End))
	}
	return strings.Join(out, "; ")
}

const (
	daily  = 86400
	weekly = 7 * 86400
)

func TestWhoIsOnCallIsComputed(t *testing.T) {
	t.Parallel()
	start := utc(t, "2026-01-05 09:00") // a Monday
	layer := func(turn int, users ...string) pd.Layer {
		return pd.Layer{Start: start, TurnSeconds: turn, Users: users}
	}
	only := func(l pd.Layer, r ...pd.Restriction) pd.Layer {
		l.Restrictions = r
		return l
	}
	everyDay := func(from string, seconds int) pd.Restriction {
		return pd.Restriction{Type: "daily_restriction", StartTimeOfDay: from, DurationSeconds: seconds}
	}
	onDay := func(day int, from string, seconds int) pd.Restriction {
		return pd.Restriction{Type: "weekly_restriction", StartDayOfWeek: day, StartTimeOfDay: from, DurationSeconds: seconds}
	}
	override := func(user, from, to string) pd.Override {
		return pd.Override{User: user, Start: utc(t, from), End: utc(t, to)}
	}
	ny := "America/New_York"
	nyLayer := pd.Layer{Start: utc(t, "2026-01-05 14:00"), TurnSeconds: daily, Users: []string{"A", "B"}} // 09:00 in New York
	ended := layer(weekly, "A", "B")
	ended.End = utc(t, "2026-01-08 09:00")
	virtual := layer(weekly, "A", "B")
	virtual.Start, virtual.VirtualStart = utc(t, "2026-01-07 12:00"), start

	tests := []struct {
		name string
		s    pd.Schedule
		at   string
		want string
	}{
		{"first turn", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B", "C")}}, "2026-01-06 00:00", "A 01-05 09:00 - 01-12 09:00"},
		{"third turn", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B", "C")}}, "2026-01-20 00:00", "C 01-19 09:00 - 01-26 09:00"},
		{"the rotation starts over", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B", "C")}}, "2026-01-27 00:00", "A 01-26 09:00 - 02-02 09:00"},
		{"before the layer", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B")}}, "2026-01-05 08:59", ""},
		{"at the hand-off both touch", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B")}}, "2026-01-12 09:00", "A 01-05 09:00 - 01-12 09:00; B 01-12 09:00 - 01-19 09:00"},
		{"a minute later only one", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B")}}, "2026-01-12 09:01", "B 01-12 09:00 - 01-19 09:00"},
		{"alone: never goes off call", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A")}}, "2026-01-20 00:00", "A 01-05 09:00 - null"},
		{"a vacant turn", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "")}}, "2026-01-14 00:00", ""},
		{"the same user twice is one shift", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "A", "B")}}, "2026-01-14 00:00", "A 01-05 09:00 - 01-19 09:00"},
		{"layer that ended", pd.Schedule{Layers: []pd.Layer{ended}}, "2026-01-09 00:00", ""},
		{"layer about to end", pd.Schedule{Layers: []pd.Layer{ended}}, "2026-01-07 00:00", "A 01-05 09:00 - 01-08 09:00"},
		{"turns are counted from the virtual start", pd.Schedule{Layers: []pd.Layer{virtual}}, "2026-01-08 00:00", "A 01-07 12:00 - 01-12 09:00"},

		{"spring: hand-off stays at 9 on the wall", pd.Schedule{TimeZone: ny, Layers: []pd.Layer{nyLayer}}, "2026-03-07 20:00", "B 03-07 14:00 - 03-08 13:00"},
		{"spring: an hour early by UTC", pd.Schedule{TimeZone: ny, Layers: []pd.Layer{nyLayer}}, "2026-03-08 13:30", "A 03-08 13:00 - 03-09 13:00"},
		{"autumn: a turn of 25 hours", pd.Schedule{TimeZone: ny, Layers: []pd.Layer{nyLayer}}, "2026-11-01 03:00", "B 10-31 13:00 - 11-01 14:00"},
		{"half days count elapsed hours", pd.Schedule{TimeZone: ny, Layers: []pd.Layer{{Start: utc(t, "2026-03-07 14:00"), TurnSeconds: daily / 2, Users: []string{"A", "B", "C"}}}}, "2026-03-08 13:30", "B 03-08 02:00 - 03-08 14:00"},

		{"in office hours", pd.Schedule{Layers: []pd.Layer{only(layer(weekly, "A", "B"), everyDay("09:00:00", 8*3600))}}, "2026-01-06 10:00", "A 01-06 09:00 - 01-06 17:00"},
		{"after office hours", pd.Schedule{Layers: []pd.Layer{only(layer(weekly, "A", "B"), everyDay("09:00:00", 8*3600))}}, "2026-01-06 17:01", ""},
		{"a night over midnight", pd.Schedule{Layers: []pd.Layer{only(layer(weekly, "A", "B"), everyDay("22:00:00", 10*3600))}}, "2026-01-07 03:00", "A 01-06 22:00 - 01-07 08:00"},
		{"office hours in New York, summer", pd.Schedule{TimeZone: ny, Layers: []pd.Layer{only(nyLayer, everyDay("09:00:00", 8*3600))}}, "2026-07-01 14:00", "B 07-01 13:00 - 07-01 21:00"},
		{"a night with 23 hours around it", pd.Schedule{TimeZone: ny, Layers: []pd.Layer{only(layer(weekly, "A"), everyDay("22:00:00", 12*3600))}}, "2026-03-08 08:00", "A 03-08 03:00 - 03-08 14:00"},
		{"a whole day is no restriction", pd.Schedule{TimeZone: ny, Layers: []pd.Layer{only(layer(weekly, "A", "B"), everyDay("00:00:00", daily))}}, "2026-01-06 10:00", "A 01-05 09:00 - 01-12 09:00"},
		{"working week", pd.Schedule{Layers: []pd.Layer{only(layer(weekly, "A", "B"), onDay(1, "09:00:00", 4*daily+8*3600))}}, "2026-01-08 02:00", "A 01-05 09:00 - 01-09 17:00"},
		{"weekend", pd.Schedule{Layers: []pd.Layer{only(layer(weekly, "A", "B"), onDay(1, "09:00:00", 4*daily+8*3600))}}, "2026-01-10 02:00", ""},
		{"Sunday is day 7", pd.Schedule{Layers: []pd.Layer{only(layer(weekly, "A", "B"), onDay(7, "00:00:00", daily))}}, "2026-01-11 02:00", "A 01-11 00:00 - 01-12 00:00"},
		{"restrictions add up", pd.Schedule{Layers: []pd.Layer{only(layer(weekly, "A"), onDay(2, "09:00:00", 3600), onDay(2, "10:00:00", 3600))}}, "2026-01-13 09:30", "A 01-13 09:00 - 01-13 11:00"},

		{"a higher layer covers a lower", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B"), only(layer(weekly, "N"), everyDay("22:00:00", 8*3600))}}, "2026-01-06 23:00", "N 01-06 22:00 - 01-07 06:00"},
		{"and cuts its shift", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B"), only(layer(weekly, "N"), everyDay("22:00:00", 8*3600))}}, "2026-01-07 10:00", "A 01-07 06:00 - 01-07 22:00"},

		{"an override covers the rota", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B")}, Overrides: []pd.Override{override("C", "2026-01-06 10:00", "2026-01-06 12:00")}}, "2026-01-06 11:00", "C 01-06 10:00 - 01-06 12:00"},
		{"and splits the shift before", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B")}, Overrides: []pd.Override{override("C", "2026-01-06 10:00", "2026-01-06 12:00")}}, "2026-01-06 09:00", "A 01-05 09:00 - 01-06 10:00"},
		{"and after", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B")}, Overrides: []pd.Override{override("C", "2026-01-06 10:00", "2026-01-06 12:00")}}, "2026-01-06 13:00", "A 01-06 12:00 - 01-12 09:00"},
		{"the last override wins", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A")}, Overrides: []pd.Override{override("B", "2026-01-06 10:00", "2026-01-06 14:00"), override("C", "2026-01-06 12:00", "2026-01-06 13:00")}}, "2026-01-06 12:30", "C 01-06 12:00 - 01-06 13:00"},
		{"an override fills a gap", pd.Schedule{Overrides: []pd.Override{override("C", "2026-01-06 10:00", "2026-01-06 12:00")}}, "2026-01-06 11:00", "C 01-06 10:00 - 01-06 12:00"},
		{"an override by the same user joins the shift", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A", "B")}, Overrides: []pd.Override{override("A", "2026-01-12 09:00", "2026-01-13 09:00")}}, "2026-01-12 10:00", "A 01-05 09:00 - 01-13 09:00"},
		{"an override far ahead ends an endless shift", pd.Schedule{Layers: []pd.Layer{layer(weekly, "A")}, Overrides: []pd.Override{override("B", "2026-12-24 00:00", "2026-12-25 00:00")}}, "2026-01-12 10:00", "A 01-05 09:00 - 12-24 00:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := shown(rota(t, tt.s).OnCallAt(utc(t, tt.at)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("at %s (-want +got):\n%s", tt.at, diff)
			}
		})
	}
}

func TestShiftBasedSchedules(t *testing.T) {
	t.Parallel()
	first := utc(t, "2026-01-05 09:00")
	event := func(rule string, members ...string) pd.Event {
		return pd.Event{Name: "e", Start: first, End: first.Add(8 * time.Hour), Recurrence: rule, Members: members}
	}
	change := func(e pd.Event, f func(*pd.Event)) pd.Event {
		f(&e)
		return e
	}
	rotations := func(events ...pd.Event) []pd.Rotation {
		var out []pd.Rotation
		for i, e := range events {
			out = append(out, pd.Rotation{ID: "R" + string(rune('1'+i)), Events: []pd.Event{e}})
		}
		return out
	}
	workdays := "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
	tests := []struct {
		name string
		s    pd.Schedule
		at   string
		want string
	}{
		{"by turns", pd.Schedule{Rotations: rotations(event(workdays, "A", "B"))}, "2026-01-06 10:00", "B 01-06 09:00 - 01-06 17:00"},
		{"not on Saturday", pd.Schedule{Rotations: rotations(event(workdays, "A", "B"))}, "2026-01-10 10:00", ""},
		{"turns go on over the weekend", pd.Schedule{Rotations: rotations(event(workdays, "A", "B"))}, "2026-01-12 10:00", "B 01-12 09:00 - 01-12 17:00"},
		{"every second week", pd.Schedule{Rotations: rotations(event("FREQ=WEEKLY;INTERVAL=2", "A", "B"))}, "2026-01-19 10:00", "B 01-19 09:00 - 01-19 17:00"},
		{"two shifts each", pd.Schedule{Rotations: rotations(change(event("FREQ=DAILY", "A", "B"), func(e *pd.Event) { e.ShiftsPerMember = 2 }))}, "2026-01-06 10:00", "A 01-06 09:00 - 01-06 17:00"},
		{"everybody at once", pd.Schedule{Rotations: rotations(change(event("FREQ=DAILY", "A", "B"), func(e *pd.Event) { e.EveryMember = true }))}, "2026-01-06 10:00", "A 01-06 09:00 - 01-06 17:00; B 01-06 09:00 - 01-06 17:00"},
		{"two rotations at once", pd.Schedule{Rotations: rotations(event("FREQ=DAILY", "A"), event("FREQ=DAILY", "C"))}, "2026-01-06 10:00", "A 01-06 09:00 - 01-06 17:00; C 01-06 09:00 - 01-06 17:00"},
		{"a vacant place", pd.Schedule{Rotations: rotations(event("FREQ=DAILY", "A", ""))}, "2026-01-06 10:00", ""},
		{"once", pd.Schedule{Rotations: rotations(event("", "A"))}, "2026-01-06 10:00", ""},
		{"COUNT", pd.Schedule{Rotations: rotations(event("FREQ=DAILY;COUNT=2", "A"))}, "2026-01-07 10:00", ""},
		{"UNTIL", pd.Schedule{Rotations: rotations(event("FREQ=DAILY;UNTIL=20260106T090000Z", "A"))}, "2026-01-06 10:00", "A 01-06 09:00 - 01-06 17:00"},
		{"effective until", pd.Schedule{Rotations: rotations(change(event("FREQ=DAILY", "A"), func(e *pd.Event) { e.EffectiveUntil = utc(t, "2026-01-06 12:00") }))}, "2026-01-06 10:00", "A 01-06 09:00 - 01-06 12:00"},
		{"custom shift beside a rotation", pd.Schedule{Rotations: rotations(event("FREQ=DAILY", "A")), CustomShifts: []pd.CustomShift{{Start: utc(t, "2026-01-06 16:00"), End: utc(t, "2026-01-06 18:00"), Members: []string{"C"}}}}, "2026-01-06 16:30", "A 01-06 09:00 - 01-06 17:00; C 01-06 16:00 - 01-06 18:00"},
		{"override of one of two", pd.Schedule{Rotations: rotations(event("FREQ=DAILY", "A"), event("FREQ=DAILY", "B")), Overrides: []pd.Override{{User: "C", Overridden: "B", Rotation: "R2", Start: utc(t, "2026-01-06 10:00"), End: utc(t, "2026-01-06 12:00")}}}, "2026-01-06 11:00", "A 01-06 09:00 - 01-06 17:00; C 01-06 10:00 - 01-06 12:00"},
		{"override of one user wherever they are", pd.Schedule{Rotations: rotations(event("FREQ=DAILY", "A"), event("FREQ=DAILY", "B")), Overrides: []pd.Override{{User: "C", Overridden: "B", Start: utc(t, "2026-01-06 09:00"), End: utc(t, "2026-01-06 17:00")}}}, "2026-01-06 11:00", "A 01-06 09:00 - 01-06 17:00; C 01-06 09:00 - 01-06 17:00"},
		{"override of who is not there", pd.Schedule{Rotations: rotations(event("FREQ=DAILY", "A")), Overrides: []pd.Override{{User: "C", Overridden: "B", Start: utc(t, "2026-01-06 09:00"), End: utc(t, "2026-01-06 17:00")}}}, "2026-01-06 11:00", "A 01-06 09:00 - 01-06 17:00"},
		{"hand-off over the change of time", pd.Schedule{TimeZone: "Europe/Berlin", Rotations: rotations(event("FREQ=DAILY", "A", "B"))}, "2026-03-29 08:30", "B 03-29 08:00 - 03-29 16:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := shown(rota(t, tt.s).OnCallAt(utc(t, tt.at)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("at %s (-want +got):\n%s", tt.at, diff)
			}
		})
	}
}

// TestNobodyIsOnCallTwice walks through two years and checks that a
// layer-based schedule never has two people inside of a shift, and that every
// entry holds at the moment it was given for.
func TestNobodyIsOnCallTwice(t *testing.T) {
	t.Parallel()
	acc := rota(t, pd.Schedule{TimeZone: "Europe/Berlin", Layers: []pd.Layer{
		{Start: utc(t, "2025-12-01 08:00"), TurnSeconds: weekly, Users: []string{"A", "B", "C"}},
		{Start: utc(t, "2025-12-01 08:00"), TurnSeconds: daily, Users: []string{"N", "B"}, Restrictions: []pd.Restriction{
			{Type: "daily_restriction", StartTimeOfDay: "18:00:00", DurationSeconds: 14 * 3600},
		}},
	}})
	if _, err := acc.Override("PROTA01", "C", utc(t, "2026-03-29 00:30"), utc(t, "2026-03-29 05:00")); err != nil {
		t.Fatal(err)
	}
	for at := utc(t, "2026-01-01 00:07"); at.Before(utc(t, "2027-12-31 00:00")); at = at.Add(7 * time.Hour) {
		got := acc.OnCallAt(at)
		if len(got) != 1 {
			t.Fatalf("at %s: %s; want one entry", at, shown(got))
		}
		if at.Before(got[0].Start) || !at.Before(got[0].End) {
			t.Fatalf("at %s: %s does not hold", at, shown(got))
		}
	}
}

func TestBadSchedulesAreRefused(t *testing.T) {
	t.Parallel()
	acc := rota(t, pd.Schedule{})
	ok := pd.Layer{Start: monday, TurnSeconds: daily, Users: []string{"A"}}
	for name, s := range map[string]pd.Schedule{
		"time zone":    {Name: "x", TimeZone: "Mars/Base"},
		"no start":     {Name: "x", Layers: []pd.Layer{{TurnSeconds: daily}}},
		"no turn":      {Name: "x", Layers: []pd.Layer{{Start: monday}}},
		"unknown user": {Name: "x", Layers: []pd.Layer{{Start: monday, TurnSeconds: daily, Users: []string{"Z"}}}},
		"restriction":  {Name: "x", Layers: []pd.Layer{{Start: monday, TurnSeconds: daily, Restrictions: []pd.Restriction{{Type: "weekly_restriction", StartTimeOfDay: "09:00:00", DurationSeconds: 1}}}}},
		"both kinds":   {Name: "x", Layers: []pd.Layer{ok}, CustomShifts: []pd.CustomShift{{Start: monday, End: monday.Add(1)}}},
		"rule":         {Name: "x", Rotations: []pd.Rotation{{Events: []pd.Event{{Start: monday, End: monday.Add(1), Recurrence: "FREQ=YEARLY"}}}}},
	} {
		if _, err := acc.AddSchedule(s); err == nil || !strings.Contains(err.Error(), "not added") {
			t.Errorf("%s: error %v; want one that says it was not added", name, err)
		}
	}
}
