package pagerdutyfake_test

import (
	"strings"
	"testing"

	"github.com/PagerDuty/go-pagerduty"

	pd "breakglass/integrations/pagerdutyfake"
)

// The real client reads the priorities, opens an incident with one and gives it another.
func TestTheRealClientSetsPriorities(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	all, err := b.client.ListPrioritiesWithContext(ctx, pagerduty.ListPrioritiesOptions{})
	if err != nil || len(all.Priorities) != 5 || all.Priorities[0].Name != "P1" || all.Priorities[0].Summary != "P1" {
		t.Fatalf("the priorities are %+v, %v", all, err)
	}
	ref := func(n int) *pagerduty.APIReference {
		return &pagerduty.APIReference{ID: all.Priorities[n].ID, Type: "priority_reference"}
	}
	inc, err := b.client.CreateIncidentWithContext(ctx, "breakglass@acme.example", &pagerduty.CreateIncidentOptions{
		Title: "Disk full", Service: &pagerduty.APIReference{ID: "PSVC001", Type: "service_reference"}, Priority: ref(1),
	})
	if err != nil || inc.Priority == nil || inc.Priority.Name != "P2" || inc.Priority.Description != "High" {
		t.Fatalf("opened with %+v, %v", inc, err)
	}
	if _, err := b.client.ManageIncidentsWithContext(ctx, "dana@acme.example", []pagerduty.ManageIncidentsOptions{{ID: inc.ID, Priority: ref(0)}}); err != nil {
		t.Fatal(err)
	}
	got, err := b.client.GetIncidentWithContext(ctx, inc.ID)
	if err != nil || got.Priority == nil || got.Priority.Summary != "P1" || got.Priority.Type != "priority" || got.Status != "triggered" {
		t.Errorf("after the change: %+v, %v", got, err)
	}
	if v := b.acc.Violations(); len(v) > 0 {
		t.Errorf("violations: %+v", v)
	}
}

// Who changes a priority is told of it once, and by an event.
func TestAPriorityIsAnEvent(t *testing.T) {
	t.Parallel()
	b, r, _ := hooked(t, nil)
	i := b.trigger("x", "")
	for _, name := range []string{"P1", "PPRIO01", "", "P3"} { // the second is the first one's id
		if err := b.acc.SetPriority(i.ID, "PDANA01", name); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.acc.SetPriority(i.ID, "", "P9"); err == nil || !strings.Contains(err.Error(), "Invalid Priority") {
		t.Errorf("a priority that there is not: %v", err)
	}
	b.settled(4)
	var got []string
	for _, g := range r.all() {
		if problems := misfit("webhook", g.body["event"], "event"); len(problems) > 0 {
			t.Errorf("%s:\n  %s", g.event, strings.Join(problems, "\n  "))
		}
		name, _ := at(g.body, "event", "data", "priority", "summary").(string)
		kind, _ := at(g.body, "event", "data", "priority", "type").(string)
		if kind != "" && kind != "priority_reference" {
			t.Errorf("the event says %s", kind)
		}
		got = append(got, strings.TrimPrefix(g.event, "incident.")+":"+name)
	}
	if s := strings.Join(got, " "); s != "triggered: priority_updated:P1 priority_updated: priority_updated:P3" {
		t.Errorf("events: %s", s)
	}
	if last, _ := b.get("/incidents/" + i.ID + "/log_entries")["log_entries"].([]any)[0].(map[string]any); last["type"] != "priority_change_log_entry" {
		t.Errorf("its time-line ends with %v", last)
	}
}

// The control API gives an incident a priority, and takes it away.
func TestTheControlAPISetsPriorities(t *testing.T) {
	t.Parallel()
	b := controlled(t)
	i := b.trigger("x", "")
	b.control("POST", "/incidents/"+i.ID+"/priority", `{"user":"PDANA01","priority":"P2"}`, &i)
	if i.Priority != "P2" || at(b.get("/incidents/"+i.ID), "incident", "priority", "name") != "P2" {
		t.Errorf("its priority is %q", i.Priority)
	}
	var after pd.Incident
	b.control("POST", "/incidents/"+i.ID+"/priority", `{}`, &after)
	if after.Priority != "" || at(b.get("/incidents/"+i.ID), "incident", "priority") != nil {
		t.Errorf("its priority is still %q", after.Priority)
	}
}
