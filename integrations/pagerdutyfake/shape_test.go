package pagerdutyfake_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	pd "breakglass/integrations/pagerdutyfake"
)

// Field kinds of the shape tables: s string, i integer, n number, b boolean,
// t time, l list, o object; a ? behind allows null; a name is another shape.
var shapes = map[string]string{
	"ref":      "id:s type:s summary:s self:s html_url:s",
	"user":     "ref name:s email:s time_zone:s color:s role:s avatar_url:s description:s? invitation_sent:b job_title:s? teams:l contact_methods:l notification_rules:l",
	"oncall":   "escalation_policy:ref user:ref schedule:ref? escalation_level:i start:t? end:t?",
	"policy":   "ref name:s description:s? num_loops:i on_call_handoff_notifications:s escalation_rules:l/rule services:l/ref teams:l",
	"rule":     "id:s escalation_delay_in_minutes:i targets:l/ref escalation_rule_assignment_strategy:s",
	"brief":    "ref name:s time_zone:s description:s? escalation_policies:l/ref users:l/ref teams:l",
	"sched":    "brief schedule_layers:l/layer overrides_subschedule:sub final_schedule:sub",
	"layer":    "id:s name:s start:t end:t? users:l/seat restrictions:l/restr rotation_virtual_start:t rotation_turn_length_seconds:i rendered_schedule_entries:l/entry rendered_coverage_percentage:n",
	"seat":     "user:ref",
	"restr":    "type:s start_time_of_day:s duration_seconds:i",
	"sub":      "name:s rendered_schedule_entries:l/entry rendered_coverage_percentage:n",
	"entry":    "start:t end:t user:ref",
	"over":     "id:s start:t end:t user:ref",
	"v3ref":    "id:s type:s summary:s self:s html_url:s",
	"v3":       "id:s type:s name:s time_zone:s description:s? teams:l escalation_policies:l/ref users:l/ref rotations:l/rotation final_schedule:final self:s html_url:s",
	"rotation": "id:s type:s events:l/event self:s",
	"event":    "id:s type:s name:s start_time:zoned end_time:zoned effective_since:t effective_until:t? recurrence:l assignment_strategy:strategy self:s",
	"zoned":    "date_time:t time_zone:s",
	"strategy": "type:s members:l/member",
	"member":   "type:s",
	"final":    "type:s rendered_coverage_percentage:n computed_shift_assignments:l/computed",
	"computed": "type:s start_time:t end_time:t member:member source:member",
	"service":  "ref name:s description:s? auto_resolve_timeout:i? acknowledgement_timeout:i? created_at:t status:s last_incident_timestamp:t? escalation_policy:ref teams:l integrations:l incident_urgency_rule:o support_hours:o? scheduled_actions:l addons:l alert_creation:s alert_grouping_parameters:o",
	"incident": "ref incident_number:i title:s created_at:t updated_at:t status:s incident_key:s service:ref assignments:l/assigned assigned_via:s last_status_change_at:t last_status_change_by:ref resolved_at:t? first_trigger_log_entry:ref alert_counts:o is_mergeable:b incident_type:o escalation_policy:ref teams:l pending_actions:l acknowledgements:l/acked alert_grouping:o? priority:prio? resolve_reason:o? conference_bridge:o? incidents_responders:l responder_requests:l urgency:s",
	"prio":     "ref name:s description:s color:s",
	"assigned": "at:t assignee:ref",
	"acked":    "at:t acknowledger:ref",
	"note":     "id:s user:ref channel:o content:s created_at:t updated_at:t",
	"log":      "ref created_at:t agent:ref channel:o incident:ref service:ref teams:l contexts:l",
	"field":    "id:s name:s type:s display_name:s field_type:s data_type:s description:s? value:s?",
	"hook":     "id:s type:s active:b delivery_method:method description:s? events:l filter:o",
	"method":   "id:s type:s url:s secret:s? temporarily_disabled:b custom_headers:l",
	"record":   "id:s self:s execution_time:t execution_context:o? actors:l method:o root_resource:ref action:s details:o?",
	"webhook":  "id:s event_type:s resource_type:s occurred_at:t agent:ref? client:o? data:inevent",
	"inevent":  "id:s type:s self:s html_url:s number:i status:s incident_key:s created_at:t reopened_at:t? title:s incident_type:o service:ref assignees:l/ref escalation_policy:ref teams:l priority:ref? urgency:s conference_bridge:o? resolve_reason:o?",
}

// misfit says where a value does not have a shape; empty if it does.
func misfit(shape string, v any, where string) []string {
	o, is := v.(map[string]any)
	if !is {
		return []string{fmt.Sprintf("%s is %v; want an object (%s)", where, v, shape)}
	}
	var out []string
	for field := range strings.FieldsSeq(shapes[shape]) {
		name, kind, isField := strings.Cut(field, ":")
		if !isField {
			out = append(out, misfit(field, v, where)...)
			continue
		}
		kind, nullable := strings.CutSuffix(kind, "?")
		value, there := o[name]
		switch {
		case !there:
			out = append(out, where+"."+name+" is missing")
		case value == nil && !nullable:
			out = append(out, where+"."+name+" is null")
		case value != nil:
			out = append(out, misfitKind(kind, value, where+"."+name)...)
		}
	}
	return out
}

func misfitKind(kind string, v any, where string) []string {
	fits := true
	switch kind {
	case "s":
		_, fits = v.(string)
	case "b":
		_, fits = v.(bool)
	case "n":
		_, fits = v.(float64)
	case "i":
		f, is := v.(float64)
		fits = is && f == float64(int(f))
	case "t":
		s, _ := v.(string)
		_, err := time.Parse(time.RFC3339, s)
		fits = err == nil
	case "o":
		_, fits = v.(map[string]any)
	default:
		if elem, isList := strings.CutPrefix(kind, "l"); isList && (elem == "" || elem[0] == '/') {
			return misfitList(strings.TrimPrefix(elem, "/"), v, where)
		}
		return misfit(kind, v, where)
	}
	if !fits {
		return []string{fmt.Sprintf("%s is %v; want kind %s", where, v, kind)}
	}
	return nil
}

func misfitList(elem string, v any, where string) []string {
	all, is := v.([]any)
	if !is {
		return []string{fmt.Sprintf("%s is %v; want a list", where, v)}
	}
	var out []string
	for i, e := range all {
		if elem != "" {
			out = append(out, misfit(elem, e, fmt.Sprintf("%s[%d]", where, i))...)
		}
	}
	return out
}

// furnished is an account in which every list has something to show.
func furnished(t *testing.T) (*bundle, pd.Incident) {
	t.Helper()
	b := setup(t)
	_, err := b.acc.AddSchedule(pd.Schedule{ID: "PV30001", Name: "shifts", Rotations: []pd.Rotation{{Events: []pd.Event{
		{Name: "e", Start: monday, End: monday.Add(time.Hour), Recurrence: "RRULE:FREQ=DAILY", Members: []string{"PSAM001", ""}},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.acc.AddSchedule(pd.Schedule{ID: "PNIGHT1", Name: "nights", Layers: []pd.Layer{{Start: monday, TurnSeconds: daily, Users: []string{"PSAM001"}, Restrictions: []pd.Restriction{
		{Type: "daily_restriction", StartTimeOfDay: "22:00:00", DurationSeconds: 3600},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.acc.Override("PROTA01", "PMARA01", monday, monday.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.acc.AddCustomField(pd.CustomField{Name: "state"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.acc.Subscribe(pd.Subscription{URL: "http://127.0.0.1:1/", FilterType: "service_reference", FilterID: "PSVC001", Events: []string{"service.updated"}, Headers: map[string]string{"X-A": "b"}}); err != nil {
		t.Fatal(err)
	}
	i := b.trigger("x", "")
	if err := b.acc.Acknowledge(i.ID, "PDANA01"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.acc.AddNote(i.ID, "PDANA01", "note"); err != nil {
		t.Fatal(err)
	}
	return b, i
}

// TestAnswersHaveThePublicShape holds each answer against the fields of
// PagerDuty's public API reference.
func TestAnswersHaveThePublicShape(t *testing.T) {
	t.Parallel()
	b, i := furnished(t)
	inc := "/incidents/" + i.ID
	for path, want := range map[string]string{
		"/oncalls":                     "oncalls:l/oncall",
		"/oncalls?include[]=users":     "oncalls:l/oncall",
		"/escalation_policies":         "escalation_policies:l/policy",
		"/escalation_policies/PPOL001": "escalation_policy:policy",
		"/schedules":                   "schedules:l/brief",
		"/schedules/PNIGHT1":           "schedule:sched",
		"/schedules/PROTA01":           "schedule:sched",
		"/schedules/PROTA01/users":     "users:l/user",
		"/schedules/PROTA01/overrides?" + period(monday, monday.Add(time.Hour)): "overrides:l/over",
		"/v3/schedules": "schedules:l/v3ref",
		"/v3/schedules/PV30001?include[]=final_schedule": "schedule:v3",
		"/users":                      "users:l/user",
		"/users/PDANA01":              "user:user",
		"/services":                   "services:l/service",
		"/services/PSVC001":           "service:service",
		"/abilities":                  "abilities:l",
		"/priorities":                 "priorities:l/prio",
		"/incidents":                  "incidents:l/incident",
		inc:                           "incident:incident",
		inc + "/notes":                "notes:l/note",
		inc + "/log_entries":          "log_entries:l/log",
		inc + "/custom_fields/values": "custom_fields:l/field",
		"/webhook_subscriptions":      "webhook_subscriptions:l/hook",
		"/audit/records":              "records:l/record",
	} {
		name, kind, _ := strings.Cut(want, ":")
		body := b.get(path)
		if _, is := body[name].([]any); is && len(body[name].([]any)) == 0 {
			t.Errorf("%s: nothing to look at", path)
		}
		problems := misfitKind(kind, body[name], name)
		sort.Strings(problems)
		if len(problems) > 0 {
			t.Errorf("%s:\n  %s", path, strings.Join(problems, "\n  "))
		}
	}
	if len(b.acc.Violations()) > 0 {
		t.Errorf("violations: %+v", b.acc.Violations())
	}
}

func TestEverythingElseIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, r := range []string{
		"GET /", "GET /teams", "DELETE /users/PDANA01", "POST /schedules", "GET /users/", "GET //users", "GET /incidents/1/../../users",
		"GET /incidents/%2e%2e/users", "GET /Users", "PATCH /incidents/1", "GET /services/PNONE", "GET /users/PNONE", "GET /webhook_subscriptions/PNONE",
	} {
		method, path, _ := strings.Cut(r, " ")
		got := b.do(method, path, "")
		inner, _ := got.body["error"].(map[string]any)
		if got.status != 404 || inner["message"] == "" || inner["code"] == nil {
			t.Errorf("%s: %d %s; want 404 in PagerDuty's shape", r, got.status, got.raw)
		}
	}
}

func TestAuditRecordsTellWhoMadeAnOverride(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Push(time.Hour)
	b.do("POST", "/schedules/PROTA01/overrides", `{"overrides":[{"start":"2026-06-01T11:00:00Z","end":"2026-06-01T13:00:00Z","user":{"id":"PSAM001"}}]}`, "From", "sam@acme.example")
	got := b.get("/audit/records?limit=1&root_resource_types[]=schedules")
	r := list(got, "records")
	if len(r) != 1 || r[0]["execution_time"] != "2026-06-01T13:00:00Z" || list(r[0], "actors")[0]["id"] != "PSAM001" {
		t.Errorf("records %v", got)
	}
	next := list(b.get("/audit/records?limit=1&root_resource_types[]=schedules&cursor="+fmt.Sprint(got["next_cursor"])), "records")
	if len(next) != 1 || next[0]["execution_time"] != "2026-06-01T12:00:00Z" {
		t.Errorf("next page %v", next)
	}
	b.wantError(b.do("GET", "/audit/records", "", "Authorization", "Token token="+danaKey), 403, 2010)
	poor := setup(t, func(o *pd.Options) { o.Abilities = []string{"teams"} })
	poor.wantError(poor.do("GET", "/audit/records", ""), 402, 2014)
	poor.wantError(poor.do("GET", "/incidents?urgencies[]=high", ""), 402, 2014)
}
