package pagerdutyfake_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"

	pd "breakglass/integrations/pagerdutyfake"
)

func period(from, to time.Time) string {
	return "since=" + url.QueryEscape(from.Format(time.RFC3339)) + "&until=" + url.QueryEscape(to.Format(time.RFC3339))
}

func ids(list []map[string]any) string {
	var out []string
	for _, o := range list {
		out = append(out, fmt.Sprint(o["id"]))
	}
	return strings.Join(out, " ")
}

// TestEverybodyOnAScheduleIsNotOnCall is the trap of /schedules/{id}/users:
// without a period it lists all who stand on the schedule.
func TestEverybodyOnAScheduleIsNotOnCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.acc.AddSchedule(pd.Schedule{ID: "PROTA01", Name: "Primary", Layers: []pd.Layer{{
		Start: monday.Add(-3 * time.Hour), TurnSeconds: 30 * daily, Users: []string{"PDANA01", "PSAM001"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(list(b.get("/schedules/PROTA01/users"), "users")); got != "PDANA01 PSAM001" {
		t.Errorf("without a period: %s; want everybody", got)
	}
	if got := ids(list(b.get("/schedules/PROTA01/users?"+period(monday, monday.Add(time.Second))), "users")); got != "PDANA01" {
		t.Errorf("now: %s; want who is on call", got)
	}
	if _, err := b.acc.Override("PROTA01", "PMARA01", monday.Add(-time.Minute), monday.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := ids(list(b.get("/schedules/PROTA01/users?"+period(monday, monday.Add(time.Second))), "users")); got != "PMARA01" {
		t.Errorf("with an override: %s; want the stand-in", got)
	}
	b.wantError(b.do("GET", "/schedules/PNONE01/users", ""), 404, 3004)
}

func TestARenderedSchedule(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.acc.Override("PROTA01", "PMARA01", monday.Add(time.Hour), monday.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	rendered := func(s map[string]any, part string) string {
		sub, _ := s[part].(map[string]any)
		var out []string
		for _, e := range list(sub, "rendered_schedule_entries") {
			out = append(out, fmt.Sprintf("%v %v %v", at(e, "user", "id"), e["start"], e["end"]))
		}
		return strings.Join(out, "\n")
	}
	s, _ := b.get("/schedules/PROTA01?" + period(monday, monday.Add(3*time.Hour)))["schedule"].(map[string]any)
	want := "PDANA01 2026-06-01T12:00:00Z 2026-06-01T13:00:00Z\nPMARA01 2026-06-01T13:00:00Z 2026-06-01T14:00:00Z\nPDANA01 2026-06-01T14:00:00Z 2026-06-01T15:00:00Z"
	if got := rendered(s, "final_schedule"); got != want {
		t.Errorf("final schedule, cut at the period:\n%s\nwant\n%s", got, want)
	}
	if got := rendered(s, "overrides_subschedule"); got != "PMARA01 2026-06-01T13:00:00Z 2026-06-01T14:00:00Z" {
		t.Errorf("overrides: %s", got)
	}
	if got := at(s, "final_schedule", "rendered_coverage_percentage"); got != 100.0 {
		t.Errorf("coverage %v", got)
	}
	s, _ = b.get("/schedules/PROTA01?overflow=true&" + period(monday, monday.Add(time.Hour)))["schedule"].(map[string]any)
	if got := rendered(s, "final_schedule"); !strings.HasPrefix(got, "PDANA01 2026-06-01T09:00:00Z 2026-06-01T13:00:00Z") {
		t.Errorf("with overflow: %s; want the whole entry", got)
	}
	got, err := b.client.GetScheduleWithContext(t.Context(), "PROTA01", pagerduty.GetScheduleOptions{})
	if err != nil || got.Name != "Primary" || len(got.ScheduleLayers) != 1 || got.ScheduleLayers[0].RotationTurnLengthSeconds != weekly {
		t.Errorf("the real client read %+v, %v", got, err)
	}
	if ids := got.EscalationPolicies; len(ids) != 1 || ids[0].ID != "PPOL001" {
		t.Errorf("policies of the schedule: %v", ids)
	}
}

func TestLayersComeHighestFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, err := b.acc.AddSchedule(pd.Schedule{Name: "two", TimeZone: "Europe/Berlin", Layers: []pd.Layer{
		{Name: "days", Start: monday, TurnSeconds: weekly, Users: []string{"PDANA01"}},
		{Name: "nights", Start: monday, TurnSeconds: weekly, Users: []string{"PSAM001"}, Restrictions: []pd.Restriction{
			{Type: "weekly_restriction", StartTimeOfDay: "22:00:00", DurationSeconds: 3600, StartDayOfWeek: 2},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	body, _ := b.get("/schedules/" + s.ID)["schedule"].(map[string]any)
	layers := list(body, "schedule_layers")
	if layers[0]["name"] != "nights" || layers[1]["name"] != "days" {
		t.Errorf("layers %v, %v; want the one that covers the other first", layers[0]["name"], layers[1]["name"])
	}
	r := list(layers[0], "restrictions")
	if len(r) != 1 || r[0]["start_day_of_week"] != 2.0 || r[0]["start_time_of_day"] != "22:00:00" {
		t.Errorf("restrictions %v", r)
	}
	if layers[1]["start"] != "2026-06-01T14:00:00+02:00" {
		t.Errorf("start %v; want it in the schedule's zone", layers[1]["start"])
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := `{"overrides":[
		{"start":"2026-06-01T11:00:00Z","end":"2026-06-01T13:00:00Z","user":{"id":"PSAM001","type":"user_reference"}},
		{"start":"2026-06-02T11:00:00Z","end":"2026-06-02T13:00:00Z","user":{"id":"PSAM001","type":"user_reference"}},
		{"start":"2026-06-03T11:00:00Z","end":"2026-06-03T11:00:00Z","user":{"id":"PSAM001","type":"user_reference"}},
		{"start":"2026-06-03T11:00:00Z","end":"2026-06-03T12:00:00Z","user":{"id":"PNOBODY","type":"user_reference"}}]}`
	r := b.do("POST", "/schedules/PROTA01/overrides", body, "From", "dana@acme.example")
	if r.status != 201 || strings.Count(r.raw, `"status":201`) != 2 || strings.Count(r.raw, `"status":400`) != 2 {
		t.Fatalf("create: %d %s; want 201 with two of four made", r.status, r.raw)
	}
	if !strings.Contains(r.raw, "Override must end after its start") {
		t.Errorf("create: %s", r.raw)
	}
	got, err := b.client.ListOverridesWithContext(t.Context(), "PROTA01", pagerduty.ListOverridesOptions{
		Since: "2026-06-01T12:00:00Z", Until: "2026-06-03T00:00:00Z",
	})
	if err != nil || len(got.Overrides) != 2 {
		t.Fatalf("list: %+v, %v", got, err)
	}
	if got.Overrides[0].Start != "2026-06-01T12:00:00Z" {
		t.Errorf("start %s; want it cut at since", got.Overrides[0].Start)
	}
	o := b.acc.Schedules()[0].Overrides[0]
	if o.CreatedBy != "PDANA01" || !o.CreatedAt.Equal(monday) {
		t.Errorf("made by %q at %s", o.CreatedBy, o.CreatedAt)
	}

	running, later := got.Overrides[0].ID, got.Overrides[1].ID
	if r := b.do("DELETE", "/schedules/PROTA01/overrides/"+running, ""); r.status != 200 {
		t.Errorf("delete a running one: %d; want 200, cut at now", r.status)
	}
	if r := b.do("DELETE", "/schedules/PROTA01/overrides/"+later, ""); r.status != 204 || r.raw != "" {
		t.Errorf("delete a future one: %d %q", r.status, r.raw)
	}
	b.wantError(b.do("DELETE", "/schedules/PROTA01/overrides/"+running, ""), 400, 4004)
	b.wantError(b.do("DELETE", "/schedules/PROTA01/overrides/"+later, ""), 404, 4004)
	b.wantError(b.do("GET", "/schedules/PROTA01/overrides", ""), 400, 2003)
	if left := b.acc.Schedules()[0].Overrides; len(left) != 1 || !left[0].End.Equal(monday) {
		t.Errorf("left: %+v; want one that ended now", left)
	}
}

func TestASingleOverrideAsOldClientsSendIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o, err := b.client.CreateOverrideWithContext(t.Context(), "PROTA01", pagerduty.Override{
		Start: "2026-06-01T11:00:00Z", End: "2026-06-01T13:00:00Z", User: pagerduty.APIObject{ID: "PSAM001", Type: "user_reference"},
	})
	if err != nil || o.ID == "" {
		t.Errorf("override %+v, %v", o, err)
	}
	if on := b.acc.OnCallAt(monday); on[0].User != "PSAM001" {
		t.Errorf("on call %+v", on)
	}
}

// shiftBased upgrades the rota of the bundle to a v3 schedule under its id.
func shiftBased(b *bundle) {
	b.t.Helper()
	_, err := b.acc.AddSchedule(pd.Schedule{ID: "PROTA01", Name: "Primary", Rotations: []pd.Rotation{
		{ID: "RONE", Events: []pd.Event{{Start: monday.Add(-3 * time.Hour), End: monday.Add(21 * time.Hour), Recurrence: "RRULE:FREQ=DAILY", Members: []string{"PDANA01", ""}}}},
		{ID: "RTWO", Events: []pd.Event{{Start: monday.Add(-3 * time.Hour), End: monday.Add(21 * time.Hour), Recurrence: "RRULE:FREQ=DAILY", Members: []string{"PSAM001"}}}},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestAnUpgradedScheduleKeepsItsIDAndChangesItsKind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.wantError(b.do("GET", "/v3/schedules/PROTA01", ""), 400, 2001)
	b.wantError(b.do("GET", "/v3/schedules/PNONE01", ""), 404, 3004)
	if got := ids(list(b.get("/v3/schedules"), "schedules")); got != "" {
		t.Errorf("v3 list before: %s", got)
	}
	shiftBased(b)
	if got := ids(list(b.get("/schedules"), "schedules")); got != "" {
		t.Errorf("v2 list after: %s", got)
	}
	b.wantError(b.do("GET", "/schedules/PROTA01", ""), 404, 3004)
	body := b.get("/v3/schedules")
	refs := list(body, "schedules")
	if _, there := body["total"]; there || body["limit"] != 100.0 || refs[0]["type"] != "schedule_v3_reference" {
		t.Errorf("v3 list: %v", body)
	}
	for _, o := range list(b.get("/oncalls?schedule_ids[]=PROTA01"), "oncalls") {
		if at(o, "schedule", "type") != "schedule_v3_reference" {
			t.Errorf("entry %v; want a v3 reference", o)
		}
	}
	if got := entries(b.get("/oncalls?schedule_ids[]=PROTA01")); got != "PPOL001/1/PDANA01/PROTA01 PPOL001/1/PSAM001/PROTA01" {
		t.Errorf("on call: %s; want both at once", got)
	}
}

func TestTheFinalScheduleOfV3(t *testing.T) {
	t.Parallel()
	b := setup(t)
	shiftBased(b)
	_, err := b.acc.AddOverride("PROTA01", pd.Override{ID: "OVER1", Rotation: "RTWO", Overridden: "PSAM001", User: "PMARA01", Start: monday.Add(24 * time.Hour), End: monday.Add(25 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if s := b.get("/v3/schedules/PROTA01"); at(s, "schedule", "final_schedule") != nil {
		t.Errorf("final_schedule without being asked: %v", s)
	}
	s := b.get("/v3/schedules/PROTA01?include[]=final_schedule&" + period(monday.Add(24*time.Hour), monday.Add(24*time.Hour+time.Second)))
	final, _ := at(s, "schedule", "final_schedule").(map[string]any)
	var got []string
	for _, a := range list(final, "computed_shift_assignments") {
		got = append(got, fmt.Sprintf("%v:%v:%v:%v", at(a, "member", "type"), at(a, "member", "user_id"), at(a, "source", "type"), at(a, "source", "override_id")))
	}
	want := "empty_member:<nil>:schedule_rotation:<nil> user_member:PMARA01:schedule_rotation_override:OVER1"
	if strings.Join(got, " ") != want {
		t.Errorf("assignments %s\nwant %s", strings.Join(got, " "), want)
	}
	overrides := list(b.get("/v3/schedules/PROTA01/overrides"), "overrides")
	if len(overrides) != 1 || at(overrides[0], "overriding_member", "user_id") != "PMARA01" || overrides[0]["rotation_id"] != "RTWO" {
		t.Errorf("overrides %v", overrides)
	}
}

func TestNamesAreMatchedLoosely(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"mgr_on_call_backup", "old mgr_on_call"} {
		if _, err := b.acc.AddPolicy(pd.Policy{Name: name, Rules: []pd.Rule{{Targets: []string{"PSAM001"}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(list(b.get("/escalation_policies?query=MGR_on_call"), "escalation_policies")); got != 3 {
		t.Errorf("%d policies match; want all three that contain the words", got)
	}
	if got := list(b.get("/escalation_policies?query=mgr&sort_by=name:desc"), "escalation_policies"); got[0]["name"] != "old mgr_on_call" {
		t.Errorf("first by name, descending: %v", got[0]["name"])
	}
	if got := ids(list(b.get("/escalation_policies?user_ids[]=PMARA01"), "escalation_policies")); got != "PPOLMGR PPOL001" {
		t.Errorf("policies with Mara as a target: %s", got)
	}
	if _, err := b.acc.AddUser(pd.User{ID: "PFAKE01", Name: "dana@acme.example", Email: "evil@acme.example"}); err != nil {
		t.Fatal(err)
	}
	got := list(b.get("/users?query=dana@acme.example"), "users")
	if ids(got) != "PDANA01 PFAKE01" || got[1]["email"] != "evil@acme.example" {
		t.Errorf("users %v; want name and e-mail searched alike", got)
	}
	if _, err := b.acc.AddUser(pd.User{Name: "Twin", Email: "DANA@acme.example"}); err == nil {
		t.Error("a second user took Dana's login")
	}
}

func TestAPolicyShowsItsLevels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, err := b.client.GetEscalationPolicyWithContext(t.Context(), "PPOL001", nil)
	if err != nil || len(p.EscalationRules) != 2 || p.EscalationRules[0].Targets[0].Type != "schedule_reference" || p.EscalationRules[1].Targets[0].Type != "user_reference" {
		t.Errorf("policy %+v, %v", p, err)
	}
	if len(p.Services) != 1 || p.Services[0].ID != "PSVC001" {
		t.Errorf("services %v", p.Services)
	}
	b.wantError(b.do("GET", "/escalation_policies/PNONE01", ""), 404, 5001)
	if err := b.acc.SetOnCall("PPOL001", 4, "PDANA01"); err == nil {
		t.Error("a level that leaves a gap was accepted")
	}
	if err := b.acc.SetOnCall("PPOL001", 1); err != nil {
		t.Fatal(err)
	}
	if got := entries(b.get("/oncalls?escalation_policy_ids[]=PPOL001")); got != "PPOL001/2/PMARA01/-" {
		t.Errorf("after nobody was put on level 1: %s", got)
	}
}
