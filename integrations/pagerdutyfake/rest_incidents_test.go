package pagerdutyfake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"
	"github.com/google/go-cmp/cmp"

	pd "breakglass/integrations/pagerdutyfake"
)

// trigger opens an incident.
func (b *bundle) trigger(title string, assignee string) pd.Incident {
	b.t.Helper()
	i, err := b.acc.Trigger("PSVC001", title, assignee)
	if err != nil {
		b.t.Fatal(err)
	}
	return i
}

func (b *bundle) status(id string) string {
	b.t.Helper()
	i, found := b.acc.Incident(id)
	if !found {
		b.t.Fatalf("no incident %s", id)
	}
	return string(i.Status)
}

func put(status string) string {
	return `{"incident":{"type":"incident_reference","status":"` + status + `"}}`
}

func TestTheLifeOfAnIncident(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.trigger("Disk full", "")
	path := "/incidents/" + i.ID
	for n, step := range []struct {
		body, from, want string
		assigned         string
	}{
		{put("acknowledged"), "dana@acme.example", "acknowledged", "PDANA01"},
		{put("acknowledged"), "sam@acme.example", "acknowledged", "PDANA01"},
		{put("triggered"), "dana@acme.example", "triggered", "PDANA01"},
		{`{"incident":{"type":"incident","assignments":[{"assignee":{"id":"PSAM001","type":"user_reference"}}]}}`, "dana@acme.example", "triggered", "PSAM001"},
		{`{"incident":{"type":"incident","escalation_level":2}}`, "dana@acme.example", "triggered", "PMARA01"},
		{`{"incident":{"type":"incident","status":"resolved","resolution":"disk replaced"}}`, "sam@acme.example", "resolved", ""},
		{put("triggered"), "dana@acme.example", "triggered", "PDANA01"},
		{put("resolved"), "dana@acme.example", "resolved", ""},
		{`{"incident":{"type":"incident","status":"triggered","assignments":[{"assignee":{"id":"PSAM001"}}]}}`, "dana@acme.example", "triggered", "PSAM001"},
		{put("resolved"), "dana@acme.example", "resolved", ""},
		{put("acknowledged"), "dana@acme.example", "acknowledged", "PDANA01"},
	} {
		b.clock.Push(time.Minute)
		r := b.do("PUT", path, step.body, "From", step.from)
		inc, _ := r.body["incident"].(map[string]any)
		var assigned []string
		for _, a := range list(inc, "assignments") {
			assigned = append(assigned, fmt.Sprint(at(a, "assignee", "id")))
		}
		if inc["status"] != step.want || strings.Join(assigned, " ") != step.assigned {
			t.Fatalf("step %d: %v on %v; want %s on %q\n%s", n, inc["status"], assigned, step.want, step.assigned, r.raw)
		}
		if (inc["resolved_at"] == nil) != (step.want != "resolved") {
			t.Errorf("step %d: resolved_at %v", n, inc["resolved_at"])
		}
	}
	var types []string
	for _, l := range list(b.get(path+"/log_entries?limit=100"), "log_entries") {
		types = append(types, strings.TrimSuffix(fmt.Sprint(l["type"]), "_log_entry"))
	}
	want := "acknowledge trigger resolve trigger resolve trigger resolve escalate assign unacknowledge acknowledge assign trigger"
	if got := strings.Join(types, " "); got != want {
		t.Errorf("log, newest first: %s\nwant %s", got, want)
	}
	if !strings.Contains(b.do("GET", path+"/log_entries", "").raw, "disk replaced") {
		t.Error("the resolution is not in the log")
	}
}

func TestAnIncidentIsFoundByIDAndNumber(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.trigger("first", "")
	second := b.trigger("second", "PSAM001")
	for _, id := range []string{second.ID, "2"} {
		if got := at(b.get("/incidents/"+id), "incident", "title"); got != "second" {
			t.Errorf("%s: %v", id, got)
		}
	}
	b.wantError(b.do("GET", "/incidents/3", ""), 404, 5001)
	b.wantError(b.do("GET", "/incidents/QNONE", ""), 404, 5001)
}

func TestChangesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	open, done := b.trigger("open", ""), b.trigger("done", "")
	if err := b.acc.Resolve(done.ID, "PDANA01"); err != nil {
		t.Fatal(err)
	}
	tooMany := strings.TrimSuffix(strings.Repeat(`{"id":"`+open.ID+`","type":"incident","status":"resolved"},`, 251), ",")
	for _, tt := range []struct {
		name, method, path, body string
		status, code             int
	}{
		{"already resolved", "PUT", "/incidents/" + done.ID, put("resolved"), 400, 1001},
		{"no such status", "PUT", "/incidents/" + open.ID, put("paused"), 400, 1003},
		{"no such incident", "PUT", "/incidents/QNONE", put("resolved"), 404, 5001},
		{"no such assignee", "PUT", "/incidents/" + open.ID, `{"incident":{"type":"incident","assignments":[{"assignee":{"id":"PNONE"}}]}}`, 400, 1007},
		{"no such policy", "PUT", "/incidents/" + open.ID, `{"incident":{"type":"incident","escalation_policy":{"id":"PNONE"}}}`, 400, 1014},
		{"no such priority", "PUT", "/incidents/" + open.ID, `{"incident":{"type":"incident","priority":{"id":"PNONE","type":"priority_reference"}}}`, 400, 1020},
		{"a priority that is none", "PUT", "/incidents/" + open.ID, `{"incident":{"type":"incident","priority":"P1"}}`, 400, 1020},
		{"opened with no such priority", "POST", "/incidents", `{"incident":{"type":"incident","title":"x","service":{"id":"PSVC001"},"priority":{"id":"PNONE","type":"priority_reference"}}}`, 400, 1020},
		{"no type", "PUT", "/incidents/" + open.ID, `{"incident":{"status":"resolved"}}`, 400, 2001},
		{"no body", "PUT", "/incidents/" + open.ID, ``, 400, 2001},
		{"wrong key", "PUT", "/incidents/" + open.ID, `{"incidents":[]}`, 400, 2003},
		{"251 at once", "PUT", "/incidents", `{"incidents":[` + tooMany + `]}`, 413, 2002},
		{"one of many unknown", "PUT", "/incidents", `{"incidents":[{"id":"` + open.ID + `","type":"incident","status":"resolved"},{"id":"QNONE","type":"incident","status":"resolved"}]}`, 400, 1004},
		{"without a title", "POST", "/incidents", `{"incident":{"type":"incident","service":{"id":"PSVC001"}}}`, 400, 2001},
		{"without a service", "POST", "/incidents", `{"incident":{"type":"incident","title":"x"}}`, 400, 2003},
		{"unknown service", "POST", "/incidents", `{"incident":{"type":"incident","title":"x","service":{"id":"PNONE"}}}`, 400, 2001},
		{"merge into a resolved one", "PUT", "/incidents/" + done.ID + "/merge", `{"source_incidents":[{"id":"` + open.ID + `","type":"incident_reference"}]}`, 400, 1001},
		{"merge into itself", "PUT", "/incidents/" + open.ID + "/merge", `{"source_incidents":[{"id":"` + open.ID + `"}]}`, 400, 1004},
		{"empty note", "POST", "/incidents/" + open.ID + "/notes", `{"note":{"content":""}}`, 400, 2001},
		{"no such note", "PUT", "/incidents/" + open.ID + "/notes/PNONE", `{"note":{"content":"x"}}`, 404, 2100},
		{"too large", "POST", "/incidents/" + open.ID + "/notes", `{"note":{"content":"` + strings.Repeat("x", 1<<20) + `"}}`, 413, 2002},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.wantError(b.do(tt.method, tt.path, tt.body), tt.status, tt.code)
			if got := b.status(open.ID); got != "triggered" {
				t.Errorf("the open incident is %s after a refused change", got)
			}
		})
	}
}

func TestWhoActs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.trigger("x", "")
	path, body := "/incidents/"+i.ID, put("acknowledged")
	b.wantError(b.do("PUT", path, body, "From", ""), 400, 2016)
	b.wantError(b.do("PUT", path, body, "From", "Dana"), 400, 1028)
	b.wantError(b.do("PUT", path, body, "From", "stranger@acme.example"), 400, 1008)
	b.wantError(b.do("POST", path+"/notes", `{"note":{"content":"x"}}`, "From", ""), 400, 2016)
	if got := b.status(i.ID); got != "triggered" {
		t.Fatalf("status %s after refused changes", got)
	}
	if r := b.do("PUT", path, body, "From", "", "Authorization", "Token token="+danaKey); r.status != 200 {
		t.Errorf("with Dana's own token: %d %s", r.status, r.raw)
	}
	got, _ := b.acc.Incident(i.ID)
	if got.ChangedBy != "PDANA01" || len(got.Acks) != 1 || got.Acks[0].User != "PDANA01" {
		t.Errorf("acknowledged by %q, %+v", got.ChangedBy, got.Acks)
	}
	if v := b.acc.Violations(); len(v) != 1 || !strings.Contains(v[0].Violations[0], "From") {
		t.Errorf("violations %+v; want the missing From", v)
	}
}

func TestCreatingIncidents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	create := func(extra, from string) response {
		return b.do("POST", "/incidents", `{"incident":{"type":"incident","title":"Fire","service":{"id":"PSVC001","type":"service_reference"}`+extra+`}}`, "From", from)
	}
	r := create(`,"incident_key":"k1","body":{"type":"incident_body","details":"smoke"}`, "dana@acme.example")
	if r.status != 201 || at(r.body, "incident", "status") != "triggered" || at(r.body, "incident", "body", "details") != "smoke" {
		t.Errorf("create: %d %s", r.status, r.raw)
	}
	b.wantError(create(`,"incident_key":"k1"`, "dana@acme.example"), 400, 2001)
	if err := b.acc.Resolve("1", ""); err != nil {
		t.Fatal(err)
	}
	if r := create(`,"incident_key":"k1"`, "dana@acme.example"); r.status != 201 {
		t.Errorf("the key of a resolved incident: %d %s", r.status, r.raw)
	}
	self := create(`,"assignments":[{"assignee":{"id":"PDANA01","type":"user_reference"}}]`, "dana@acme.example")
	if at(self.body, "incident", "status") != "acknowledged" || at(self.body, "incident", "assigned_via") != "direct_assignment" {
		t.Errorf("assigned to herself: %s", self.raw)
	}
	b.wantError(create(`,"assignments":[{"assignee":{"id":"PDANA01"}}],"escalation_policy":{"id":"PPOL001"}`, "dana@acme.example"), 400, 2001)
	if err := b.acc.SetOnCall("PPOL001", 1); err != nil {
		t.Fatal(err)
	}
	if r := create("", "dana@acme.example"); at(r.body, "incident", "status") != "triggered" || !strings.Contains(r.raw, `"PMARA01"`) {
		t.Errorf("nobody on level 1: %s; want it on level 2", r.raw)
	}
	if err := b.acc.SetOnCall("PPOL001", 2); err != nil {
		t.Fatal(err)
	}
	b.wantError(create("", "dana@acme.example"), 400, 1015)
	if r := create(`,"priority":null,"escalation_policy":{"id":"PPOLMGR","type":"escalation_policy_reference"}`, "dana@acme.example"); r.status != 201 {
		t.Errorf("another policy: %d %s", r.status, r.raw)
	}
	if v := b.acc.Violations(); len(v) != 1 || !strings.Contains(v[0].Violations[0], "priority") {
		t.Errorf("violations %+v; want the null priority", v)
	}
}

func TestRoundRobinGoesAround(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.acc.AddPolicy(pd.Policy{ID: "PPOL001", Name: "prod", Rules: []pd.Rule{{Targets: []string{"PDANA01", "PSAM001"}, RoundRobin: true}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 3 {
		i := b.trigger("x", "")
		got = append(got, i.Assignees[0].User)
	}
	if strings.Join(got, " ") != "PDANA01 PSAM001 PDANA01" {
		t.Errorf("assigned to %v", got)
	}
}

func TestListingIncidents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.trigger("old", "")
	b.clock.Push(40 * 24 * time.Hour)
	mine := b.trigger("mine", "PDANA01")
	b.clock.Push(time.Hour)
	theirs := b.trigger("theirs", "PSAM001")
	if err := b.acc.Acknowledge(mine.ID, "PDANA01"); err != nil {
		t.Fatal(err)
	}
	done := b.trigger("done", "PDANA01")
	if err := b.acc.Resolve(done.ID, "PDANA01"); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{old.ID: "old", mine.ID: "mine", theirs.ID: "theirs", done.ID: "done"}
	for query, want := range map[string]string{
		"":                        "mine theirs done",
		"date_range=all":          "old mine theirs done",
		"statuses[]=acknowledged": "mine",
		"statuses[]=triggered&statuses[]=acknowledged":          "mine theirs",
		"user_ids[]=PDANA01":                                    "mine",
		"service_ids[]=PNONE":                                   "",
		"urgencies[]=low":                                       "",
		"sort_by=created_at:desc":                               "theirs done mine",
		"sort_by=urgency,incident_number:desc":                  "done theirs mine",
		"since=2026-05-01T00:00:00Z&until=2026-06-20T00:00:00Z": "old",
		"incident_key=" + theirs.Key:                            "theirs",
	} {
		var got []string
		for _, i := range list(b.get("/incidents?"+query), "incidents") {
			got = append(got, names[fmt.Sprint(i["id"])])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("?%s: %v; want %s", query, got, want)
		}
	}
	b.wantError(b.do("GET", "/incidents?since=2026-01-01T00:00:00Z&until=2026-07-02T00:00:00Z", ""), 400, 2005)
	b.wantError(b.do("GET", "/incidents?statuses[]=paused", ""), 400, 1003)
	b.wantError(b.do("GET", "/incidents?sort_by=colour", ""), 400, 2001)
	got, err := b.client.ListIncidentsWithContext(t.Context(), pagerduty.ListIncidentsOptions{Statuses: []string{"acknowledged"}, UserIDs: []string{"PDANA01"}})
	if err != nil || len(got.Incidents) != 1 || got.Incidents[0].ID != mine.ID {
		t.Errorf("the real client listed %+v, %v", got, err)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	child, parent := b.trigger("child", ""), b.trigger("parent", "")
	merged, err := b.client.MergeIncidentsWithContext(t.Context(), "dana@acme.example", parent.ID, []pagerduty.MergeIncidentsOptions{{ID: child.ID, Type: "incident_reference"}})
	if err != nil || merged.ID != parent.ID {
		t.Fatalf("merge: %+v, %v", merged, err)
	}
	got := b.get("/incidents/" + child.ID)
	reason := at(got, "incident", "resolve_reason", "type")
	if at(got, "incident", "status") != "resolved" || reason != "merge_resolve_reason" || at(got, "incident", "resolve_reason", "incident", "id") != parent.ID {
		t.Errorf("the child: %v", got)
	}
	b.wantError(b.do("PUT", "/incidents/"+parent.ID+"/merge", `{"source_incidents":[{"id":"`+child.ID+`"}]}`), 400, 1019)
	if err := b.acc.Reopen(child.ID, "PDANA01"); err != nil {
		t.Fatal(err)
	}
	if got := at(b.get("/incidents/"+child.ID), "incident", "resolve_reason"); got != nil {
		t.Errorf("after it was reopened: %v", got)
	}
	if err := b.acc.Reopen(child.ID, "PDANA01"); err == nil {
		t.Error("an open incident was reopened")
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.trigger("x", "")
	path := "/incidents/" + i.ID + "/notes"
	r := b.do("POST", path, `{"note":{"content":"<b>access</b> given & noted"}}`)
	id := fmt.Sprint(at(r.body, "note", "id"))
	if r.status != 200 || at(r.body, "note", "user", "id") != "PBOT001" || !strings.Contains(r.raw, "<b>access</b> given & noted") {
		t.Fatalf("create: %d %s", r.status, r.raw)
	}
	b.clock.Push(time.Minute)
	if r := b.do("PUT", path+"/"+id, `{"note":{"content":"ended"}}`); r.status != 200 || at(r.body, "note", "updated_at") != "2026-06-01T12:01:00Z" {
		t.Errorf("update: %d %s", r.status, r.raw)
	}
	if _, err := b.acc.AddNote(i.ID, "PDANA01", "second"); err != nil {
		t.Fatal(err)
	}
	notes, err := b.client.ListIncidentNotesWithContext(t.Context(), i.ID)
	if err != nil || len(notes) != 2 || notes[0].Content != "second" || notes[1].Content != "ended" {
		t.Errorf("list: %+v, %v; want the newest first", notes, err)
	}
	if r := b.do("DELETE", path+"/"+id, "", "From", ""); r.status != 204 {
		t.Errorf("delete: %d", r.status)
	}
	for len(b.acc.Notes(i.ID)) < 2000 {
		if _, err := b.acc.AddNote(i.ID, "PDANA01", "x"); err != nil {
			t.Fatal(err)
		}
	}
	b.wantError(b.do("POST", path, `{"note":{"content":"one too many"}}`), 400, 2019)
}

func TestTheRealClientPutsTheAuthorIntoTheBody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.trigger("x", "")
	_, err := b.client.CreateIncidentNoteWithContext(t.Context(), i.ID, pagerduty.IncidentNote{Content: "x", User: pagerduty.APIObject{Summary: "dana@acme.example"}})
	if err != nil {
		t.Fatal(err)
	}
	if v := b.acc.Violations(); len(v) != 1 || !strings.Contains(v[0].Violations[0], "note.user") {
		t.Errorf("violations %+v; want the author in the body", v)
	}
}

func TestCustomFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.trigger("x", "")
	for _, f := range []pd.CustomField{{Name: "access_state"}, {Name: "tags", FieldType: "multi_value"}, {Name: "count", DataType: "integer"}} {
		if _, err := b.acc.AddCustomField(f); err != nil {
			t.Fatal(err)
		}
	}
	path := "/incidents/" + i.ID + "/custom_fields/values"
	r := b.do("PUT", path, `{"custom_fields":[{"name":"access_state","value":"granted"},{"name":"tags","value":["a","b"]}]}`, "From", "")
	if r.status != 201 {
		t.Fatalf("put: %d %s", r.status, r.raw)
	}
	want := map[string]any{"access_state": "granted", "tags": []any{"a", "b"}}
	if diff := cmp.Diff(want, b.acc.FieldValues(i.ID)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if got := list(b.get(path), "custom_fields"); len(got) != 3 || got[0]["value"] != "granted" || got[2]["value"] != nil {
		t.Errorf("get: %v", got)
	}
	inc, _ := b.get("/incidents/" + i.ID + "?include[]=custom_fields")["incident"].(map[string]any)
	if len(list(inc, "custom_fields")) != 3 {
		t.Errorf("included: %v", inc["custom_fields"])
	}
	for _, bad := range []string{
		`{"name":"nope","value":"x"}`, `{"name":"count","value":"x"}`, `{"name":"tags","value":"x"}`, `{"name":"access_state","value":7}`,
		`{"name":"tags","value":["` + strings.Repeat("x", 256) + `"]}`, `{"name":"access_state","value":"` + strings.Repeat("x", 2001) + `"}`,
	} {
		b.wantError(b.do("PUT", path, `{"custom_fields":[{"name":"access_state","value":"changed"},`+bad+`]}`), 400, 2001)
	}
	if diff := cmp.Diff(want, b.acc.FieldValues(i.ID)); diff != "" {
		t.Errorf("after refused changes (-want +got):\n%s", diff)
	}
}
