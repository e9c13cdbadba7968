package flows_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
)

// Every verb from every state either has a row in the table or is refused, and a
// refusal changes no state.
func TestOnlyTheTablesStepsHappen(t *testing.T) {
	t.Parallel()
	verbs := []flows.Verb{
		flows.VerbRoute, flows.VerbReroute, flows.VerbApprove, flows.VerbDeny, flows.VerbForward, flows.VerbCancel, flows.VerbLapse,
		flows.VerbActivate, flows.VerbGranted, flows.VerbGrantFailed, flows.VerbDone, flows.VerbRevoke, flows.VerbEnd, flows.VerbRevoked,
	}
	for _, state := range flows.States() {
		for _, verb := range verbs {
			h := newHistory(1)
			req := flows.Request{ID: "req_1", Version: 3, State: state, EndsAs: flows.StateEnded, Content: flows.Content{Flow: "prod", Target: "db", Requester: dana, Beneficiary: dana}}
			out := flows.Decide(&req, flows.Command{Verb: verb, ID: "req_1", Actor: flows.Actor{Person: adam, Door: flows.DoorSlack, Standing: flows.StandingMember, Admin: true}},
				flows.Facts{Catalog: h.Catalog, Limits: flows.DefaultLimits(), Evaluation: &flows.Evaluation{}, Requester: flows.StandingMember, Allowed: flows.Yes}, start)
			if out.Request.State != state && !flows.CanStep(verb, state, out.Request.State) {
				t.Errorf("%s led from %s to %s", verb, state, out.Request.State)
			}
			if out.Refusal != nil && out.Request.State != state {
				t.Errorf("%s was refused and led from %s to %s all the same", verb, state, out.Request.State)
			}
		}
	}
}

// The limits on what counts as on call, one by one.
func TestOnCallLimits(t *testing.T) {
	t.Parallel()
	shift := flows.OnCallEntry{User: "P1", PolicyID: "PX", PolicyName: "primary", Level: 2, ScheduleID: "S1", Start: start.Add(-time.Hour), End: start.Add(time.Hour), Override: flows.No}
	with := func(change func(*flows.OnCallEntry)) flows.OnCallEntry { e := shift; change(&e); return e }
	for name, c := range map[string]struct {
		limits flows.OnCallLimits
		entry  flows.OnCallEntry
		want   bool
	}{
		"no limits":                {flows.OnCallLimits{}, shift, true},
		"level within":             {flows.OnCallLimits{MaxLevel: 2}, shift, true},
		"level above":              {flows.OnCallLimits{MaxLevel: 1}, shift, false},
		"level unknown":            {flows.OnCallLimits{MaxLevel: 2}, with(func(e *flows.OnCallEntry) { e.Level = 0 }), false},
		"permanent, schedule only": {flows.OnCallLimits{ScheduleOnly: true}, with(func(e *flows.OnCallEntry) { e.ScheduleID = "" }), false},
		"shift old enough":         {flows.OnCallLimits{MinShiftAge: time.Hour}, shift, true},
		"shift too young":          {flows.OnCallLimits{MinShiftAge: 61 * time.Minute}, shift, false},
		"policy by id":             {flows.OnCallLimits{Policies: []string{"PX"}}, shift, true},
		"policy by name":           {flows.OnCallLimits{Policies: []string{"primary"}}, shift, true},
		"another policy":           {flows.OnCallLimits{Policies: []string{"Primary"}}, shift, false},
		"override denied":          {flows.OnCallLimits{Overrides: flows.OverridesDeny}, with(func(e *flows.OnCallEntry) { e.Override = flows.Yes }), false},
		"override unknown, denied": {flows.OnCallLimits{Overrides: flows.OverridesDeny}, with(func(e *flows.OnCallEntry) { e.Override = flows.Unknown }), false},
		"not begun":                {flows.OnCallLimits{}, with(func(e *flows.OnCallEntry) { e.Start = start.Add(time.Second) }), false},
		"over this instant":        {flows.OnCallLimits{}, with(func(e *flows.OnCallEntry) { e.End = start }), false},
	} {
		if got, why := c.limits.Meets(c.entry, start); got != c.want {
			t.Errorf("%s: %v (%s), want %v", name, got, why, c.want)
		}
	}
}

// Two links that share a side identify nobody.
func TestLinksAreUniqueOnBothSides(t *testing.T) {
	t.Parallel()
	l := flows.NewLinks([]flows.Link{
		{Name: "a", Person: dana, PagerDuty: "P1"}, {Name: "b", Person: sam, PagerDuty: "P1"}, {Name: "c", Person: mara, PagerDuty: "P3"},
	})
	for _, p := range []flows.PersonID{dana, sam} {
		if link, ok := l.Of(p); ok {
			t.Errorf("%s is usable as %+v", p, link)
		}
	}
	if _, ok := l.At("P1"); ok {
		t.Error("P1 identifies somebody")
	}
	if link, ok := l.At("P3"); !ok || link.Person != mara {
		t.Errorf("P3 is %+v", link)
	}
}

// What is wrong with a form is said all at once, each at its field.
func TestContentSaysEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	f := catalog("f").Flows["prod"]
	f.Incident = flows.IncidentRequired
	f.Fields = []flows.PromptField{
		{Name: "n", Label: "Count", Type: flows.FieldInt}, {Name: "ticket", Label: "Ticket", Type: flows.FieldString, Required: true},
		{Name: "env", Label: "Env", Choices: []string{"eu", "us"}}, {Name: "b", Label: "Sure", Type: flows.FieldBool}, {Name: "d", Label: "Long", Type: flows.FieldDuration},
	}
	c := flows.Content{
		Flow: "prod", Target: "nothing", Duration: 9 * time.Hour, Reason: flows.NewText("x"),
		Fields: []flows.FieldValue{{Name: "n", Value: flows.NewText("many")}, {Name: "env", Value: flows.NewText("mars")}, {Name: "b", Value: flows.NewText("maybe")}, {Name: "d", Value: flows.NewText("-1h")}},
	}
	var got []string
	for _, no := range c.Check(f, nil) {
		got = append(got, no.Field)
	}
	want := []string{"target", "duration", "reason", "incident", "field:n", "field:ticket", "field:env", "field:b", "field:d"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The content hash is that of the canonical form, and nothing is made of that: every
// request that was ever approved has it.
func TestContentHashIsCanonical(t *testing.T) {
	t.Parallel()
	odd := "a \"quoted\" \\ <b> & é \u2028 Ω\n\x01"
	for _, c := range []flows.Content{
		{},
		{Flow: "f", Target: "t", Scope: flows.Scope(odd), Requester: dana, Beneficiary: sam, Duration: 90 * time.Minute, Reason: flows.NewText(odd), Incident: flows.IncidentRef{ID: "I", Number: 5}},
		{Fields: []flows.FieldValue{{Name: "a", Value: flows.NewText(odd)}, {Name: odd, Value: flows.NewText("")}}, Extends: "req_0"},
		{Reason: flows.NewText(strings.Repeat("long ", 1000)), Duration: -time.Second, Extends: flows.RequestID(odd)},
	} {
		fields := []any{}
		for _, f := range c.Fields {
			fields = append(fields, map[string]any{"name": f.Name, "value": f.Value.Raw()})
		}
		all := map[string]any{
			"beneficiary": string(c.Beneficiary), "fields": fields, "flow": string(c.Flow), "id": "req_1", "incident": string(c.Incident.ID), "reason": c.Reason.Raw(),
			"requester": string(c.Requester), "scope": string(c.Scope), "seconds": int64(c.Duration / time.Second), "target": string(c.Target), "v": int64(1),
		}
		if c.Extends != "" {
			all["extends"] = string(c.Extends)
		}
		b, err := flows.Canonical(all)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(b); c.Hash("req_1") != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has another hash", b)
		}
	}
}

// The content hash covers everything that will be applied.
func TestContentHashCoversEverything(t *testing.T) {
	t.Parallel()
	base := flows.Content{Flow: "f", Target: "t", Requester: dana, Beneficiary: dana, Duration: time.Hour, Reason: flows.NewText("why"), Incident: flows.IncidentRef{ID: "I"}, Fields: []flows.FieldValue{{Name: "a", Value: flows.NewText("b")}}}
	seen := map[string]string{base.Hash("req_1"): "nothing", base.Hash("req_2"): "the id"}
	for name, change := range map[string]func(*flows.Content){
		"flow": func(c *flows.Content) { c.Flow = "g" }, "target": func(c *flows.Content) { c.Target = "u" }, "scope": func(c *flows.Content) { c.Scope = "s" },
		"requester": func(c *flows.Content) { c.Requester = sam }, "beneficiary": func(c *flows.Content) { c.Beneficiary = sam },
		"duration": func(c *flows.Content) { c.Duration += time.Second }, "reason": func(c *flows.Content) { c.Reason = flows.NewText("why not") },
		"incident": func(c *flows.Content) { c.Incident.ID = "J" }, "answer": func(c *flows.Content) { c.Fields = []flows.FieldValue{{Name: "a", Value: flows.NewText("c")}} },
		"field": func(c *flows.Content) { c.Fields = []flows.FieldValue{{Name: "x", Value: flows.NewText("b")}} }, "no answers": func(c *flows.Content) { c.Fields = nil },
	} {
		c := base
		change(&c)
		if other, taken := seen[c.Hash("req_1")]; taken {
			t.Errorf("changing %s hashes like changing %s", name, other)
		}
		seen[c.Hash("req_1")] = name
	}
}
