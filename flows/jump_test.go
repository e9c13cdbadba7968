package flows_test

import (
	"strings"
	"testing"
	"time"

	"breakglass/flows"
)

var jumpNow = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC) // an hour after it was 3

// liveRequest is a request as it was when the clock showed three.
func liveRequest(s flows.State) flows.Request {
	three := jumpNow.Add(time.Hour)
	return flows.Request{
		ID: "req_1", Version: 4, State: s, Content: flows.Content{Beneficiary: "T/U1", Target: "db", Duration: 30 * time.Minute},
		GrantBy: three.Add(5 * time.Minute), LatestEnd: three.Add(35 * time.Minute), EndsAt: three.Add(20 * time.Minute),
	}
}

func TestJumpedBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state  flows.State
		by     time.Duration
		ends   time.Duration // after now
		revoke time.Duration
	}{
		{flows.StateActive, time.Hour, 20 * time.Minute, 20 * time.Minute},
		{flows.StateActive, 2 * time.Hour, 0, 0}, // never into the past: it ends now
		{flows.StateGranting, time.Hour, 20 * time.Minute, 20 * time.Minute},
		{flows.StateApproved, time.Hour, 20 * time.Minute, 20 * time.Minute},
		{flows.StateEnding, time.Hour, 0, 0},
	} {
		r := liveRequest(c.state)
		out := flows.JumpedBack(r, flows.Facts{Limits: flows.DefaultLimits(), Holding: flows.Holding{Version: 7}}, jumpNow, c.by)
		if got := out.Request; !got.EndsAt.Equal(jumpNow.Add(c.ends)) || got.State != c.state || got.Version != 5 || got.EndsAt.After(r.EndsAt) {
			t.Errorf("%s by %s: %s, ends %s after now", c.state, c.by, got.State, got.EndsAt.Sub(jumpNow))
		}
		revoke := time.Duration(-1)
		for _, j := range out.Jobs {
			if j.Kind == flows.JobRevoke {
				revoke = j.RunAt.Sub(jumpNow)
			}
		}
		if revoke != c.revoke {
			t.Errorf("%s by %s: revoked after %s", c.state, c.by, revoke)
		}
		if len(out.Entries) != 1 || out.Entries[0].Verb != "clock_jumped_back" {
			t.Errorf("%s by %s: recorded is %+v", c.state, c.by, out.Entries)
		}
	}
}

// What was due before the jump, and after it, still is: its end moves no later.
func TestJumpedBackLeavesWhatIsDue(t *testing.T) {
	t.Parallel()
	for _, s := range []flows.State{flows.StateApproved, flows.StateGranting, flows.StateActive, flows.StateEnding} {
		r := liveRequest(s)
		r.EndsAt = jumpNow.Add(-5 * time.Minute)
		out := flows.JumpedBack(r, flows.Facts{Limits: flows.DefaultLimits(), Holding: flows.Holding{Version: 7}}, jumpNow, time.Hour)
		if got := out.Request; !got.EndsAt.Equal(r.EndsAt) || got.LatestEnd.After(r.LatestEnd) {
			t.Errorf("%s: its end moves by %s", s, got.EndsAt.Sub(r.EndsAt))
		}
	}
}

func TestJumpedBackLeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	for _, s := range flows.States() {
		if s.Live() {
			continue
		}
		if out := flows.JumpedBack(liveRequest(s), flows.Facts{}, jumpNow, time.Hour); out.Changed() || len(out.Jobs) != 0 {
			t.Errorf("%s: %+v", s, out)
		}
	}
	if out := flows.JumpedBack(liveRequest(flows.StateActive), flows.Facts{}, jumpNow, -time.Hour); out.Changed() {
		t.Errorf("a jump ahead: %+v", out)
	}
}

// An incident that cannot be read is an alarm once, until it could be read again.
func TestUnreadableOnce(t *testing.T) {
	t.Parallel()
	flow := &flows.Flow{ID: "prod", ErrorsTo: "#errors"}
	facts := flows.Facts{Catalog: &flows.Catalog{Flows: map[flows.FlowID]*flows.Flow{"prod": flow}}}
	r := liveRequest(flows.StateActive)
	r.Content.Flow, r.Content.Incident.ID = "prod", "Q1"
	first := flows.Unreadable(r, facts, jumpNow)
	if len(first.Jobs) != 1 || first.Request.IncidentDark.IsZero() || !first.Request.EndsAt.Equal(r.EndsAt) {
		t.Fatalf("the first: %+v", first)
	}
	if again := flows.Unreadable(first.Request, facts, jumpNow.Add(time.Hour)); again.Changed() {
		t.Errorf("the second: %+v", again)
	}
	facts.Incident, facts.IncidentIs = &flows.Incident{ID: "Q1", Status: flows.IncidentAcknowledged}, flows.Yes
	read := flows.FollowIncident(first.Request, facts, jumpNow.Add(time.Hour))
	if !read.Request.IncidentDark.IsZero() || verbs(read) != "incident_readable incident_changed" {
		t.Errorf("when it could be read: %+v", read)
	}
}

func verbs(o flows.Outcome) string {
	var all []string
	for _, e := range o.Entries {
		all = append(all, e.Verb)
	}
	return strings.Join(all, " ")
}

// Each change of an incident is recorded once, whatever of it changed: its status, its
// urgency, its service or its title.
func TestChangesOfAnIncident(t *testing.T) {
	t.Parallel()
	flow := &flows.Flow{ID: "prod"}
	facts := flows.Facts{Catalog: &flows.Catalog{Flows: map[flows.FlowID]*flows.Flow{"prod": flow}}, IncidentIs: flows.Yes}
	inc := flows.Incident{ID: "Q1", Status: flows.IncidentTriggered, Urgency: "low", ServiceID: "P1", Title: flows.NewText("slow")}
	r := liveRequest(flows.StateActive)
	r.Content.Flow, r.Content.Incident.ID, r.IncidentSeen = "prod", "Q1", inc.State()
	for i, change := range []func(){
		func() { inc.Status = flows.IncidentAcknowledged }, func() { inc.Urgency = "high" }, func() { inc.ServiceID = "P2" },
		func() { inc.Title = flows.NewText("down") }, func() { inc.Status = flows.IncidentResolved },
	} {
		change()
		facts.Incident = &inc
		out := flows.FollowIncident(r, facts, jumpNow)
		if verbs(out) != "incident_changed" || out.Entries[0].Facts["title_changed"] != (i == 3) || len(out.Jobs) != 0 {
			t.Errorf("change %d: %+v", i, out)
		}
		r = out.Request
		if again := flows.FollowIncident(r, facts, jumpNow); again.Changed() {
			t.Errorf("change %d is recorded twice: %+v", i, again)
		}
	}
	inc.MergedInto = "Q2"
	out := flows.FollowIncident(r, facts, jumpNow)
	if verbs(out) != "incident_merged" || out.Request.IncidentSeen != (flows.IncidentState{}) {
		t.Errorf("merged: %+v", out)
	}
	inc.Status = flows.IncidentTriggered
	if late := flows.FollowIncident(out.Request, facts, jumpNow); late.Changed() {
		t.Errorf("the old incident, read before the request moved: %+v", late)
	}
}
