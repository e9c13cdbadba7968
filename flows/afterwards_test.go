package flows_test

import (
	"fmt"
	"testing"
	"time"

	"breakglass/flows"
)

// over is a request that ended a minute before jumpNow, for an incident that was open.
func over(state flows.State, inc *flows.Incident) flows.Request {
	r := liveRequest(flows.StateActive)
	r.State, r.Content.Incident.ID, r.IncidentSeen = state, inc.ID, inc.State()
	r.DecidedAt = jumpNow.Add(-time.Minute)
	if state != flows.StateDenied {
		r.DecidedAt, r.EndedAt = jumpNow.Add(-time.Hour), jumpNow.Add(-time.Minute)
	}
	return r
}

// Whatever becomes of the incident of a request that is over is recorded with it, once,
// and that is all: no job, no message, no note, no other state.
func TestChangesOfAnIncidentAfterwards(t *testing.T) {
	t.Parallel()
	flow := &flows.Flow{ID: "prod", EndWith: []flows.EndCause{flows.EndIncident}, ErrorsTo: "#errors"}
	catalog := &flows.Catalog{Flows: map[flows.FlowID]*flows.Flow{"prod": flow}}
	channel := []flows.Card{{ID: "c1", Kind: flows.CardRequester, Channel: "C1", TS: "1.0"}}
	for _, state := range []flows.State{flows.StateEnded, flows.StateDenied, flows.StateLapsed, flows.StateCancelled, flows.StateFailed} {
		inc := flows.Incident{ID: "Q1", Status: flows.IncidentAcknowledged, Urgency: "low", ServiceID: "P1", Title: flows.NewText("slow"), Assignees: []flows.PagerDutyUser{"PSAM"}}
		r := over(state, &inc)
		r.Content.Flow = "prod"
		facts := flows.Facts{Catalog: catalog, Cards: channel, IncidentIs: flows.Yes, Incident: &inc}
		follow := func(what, verb string) {
			t.Helper()
			mark := r.IncidentSeen
			out := flows.FollowIncident(r, facts, jumpNow)
			if verbs(out) != verb || len(out.Jobs)+len(out.Cards)+len(out.Cancel) != 0 || out.Holding != nil || out.Request.State != state || out.Request.EndsAt != r.EndsAt {
				t.Fatalf("%s, %s: %+v", state, what, out)
			}
			r = out.Request
			if again := flows.FollowIncident(r, facts, jumpNow); verb != "incident_merged" && again.Changed() || mark == r.IncidentSeen {
				t.Errorf("%s, %s: recorded as %+v, and again: %+v", state, what, r.IncidentSeen, again)
			}
		}
		inc.Urgency = "high"
		follow("urgency", "incident_changed")
		inc.Priority = "P1"
		follow("priority", "incident_changed")
		inc.Assignees = append(inc.Assignees, "PDANA")
		follow("assignees", "incident_changed")
		inc.Status, inc.Assignees = flows.IncidentResolved, nil
		follow("resolved", "incident_changed")
		if !r.FollowUntil().IsZero() {
			t.Errorf("%s: it is followed until %s, and resolved", state, r.FollowUntil())
		}
		inc.Status = flows.IncidentTriggered
		follow("reopened", "incident_changed")
		if want := jumpNow.Add(-time.Minute + flows.FollowFor); !r.FollowUntil().Equal(want) {
			t.Errorf("%s: it is followed until %s, want %s", state, r.FollowUntil(), want)
		}
		inc.Status, inc.MergedInto = flows.IncidentResolved, "Q2"
		follow("merged", "incident_merged")
		if r.Incident() != "Q2" {
			t.Errorf("%s: it follows %s", state, r.Incident())
		}
	}
}

// Somebody renames the incident all week: a hundred changes are recorded, the last of them
// says that there may be more, and what is recorded after it is how the incident ended, once.
func TestAnIncidentThatIsRenamedAllWeek(t *testing.T) {
	t.Parallel()
	for _, state := range []flows.State{flows.StateEnded, flows.StateActive} {
		inc := flows.Incident{ID: "Q1", Status: flows.IncidentAcknowledged}
		r := over(state, &inc)
		r.Content.Flow = "prod"
		facts := flows.Facts{IncidentIs: flows.Yes, Incident: &inc, Catalog: &flows.Catalog{Flows: map[flows.FlowID]*flows.Flow{"prod": {ID: "prod"}}}}
		var all []flows.Entry
		follow := func() {
			out := flows.FollowIncident(r, facts, jumpNow)
			all, r = append(all, out.Entries...), out.Request
		}
		for i := range 150 {
			inc.Title = flows.NewText(fmt.Sprint("slow ", i))
			follow()
		}
		if len(all) != 100 {
			t.Fatalf("%s: %d changes are recorded, want 100", state, len(all))
		}
		for i, e := range all {
			if _, says := e.Facts["later_changes"]; says != (i == 99) {
				t.Errorf("%s: change %d says that later ones are not recorded: %t", state, i+1, says)
			}
		}
		for _, status := range []flows.IncidentStatus{flows.IncidentTriggered, flows.IncidentResolved, flows.IncidentTriggered, flows.IncidentResolved} {
			inc.Status = status
			follow()
		}
		if len(all) != 101 || r.IncidentSeen.Status != flows.IncidentResolved {
			t.Errorf("%s: after it was resolved there are %d changes, and it is seen as %s", state, len(all), r.IncidentSeen.Status)
		}
		inc.MergedInto = "Q2"
		if follow(); len(all) != 102 || all[101].Verb != "incident_merged" || r.Incident() != "Q2" {
			t.Errorf("%s: it was merged, and %d entries say so; it is for %s", state, len(all)-101, r.Incident())
		}
	}
}

// A week later nothing is recorded any more; and a request that names no incident, or one
// that cannot be, is not followed at all.
func TestAnIncidentIsFollowedForAWeek(t *testing.T) {
	t.Parallel()
	inc := flows.Incident{ID: "Q1", Status: flows.IncidentAcknowledged}
	r := over(flows.StateEnded, &inc)
	inc.Status = flows.IncidentResolved
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{flows.FollowFor, "incident_changed"}, {flows.FollowFor + time.Millisecond, ""}} {
		if out := flows.FollowIncident(r, flows.Facts{Incident: &inc, IncidentIs: flows.Yes}, r.EndedAt.Add(c.after)); verbs(out) != c.want {
			t.Errorf("%s after the end: %q", c.after, verbs(out))
		}
	}
	for _, id := range []flows.IncidentID{"", "the one from yesterday"} {
		if r.Content.Incident.ID = id; !r.FollowUntil().IsZero() {
			t.Errorf("%q is followed until %s", id, r.FollowUntil())
		}
	}
	if r = liveRequest(flows.StateActive); !r.FollowUntil().IsZero() || !r.Over().IsZero() {
		t.Error("what is live is not over")
	}
}

// What an earlier version recorded says nothing of who the incident was assigned to, so
// that it did not change.
func TestAnIncidentAsAnEarlierVersionSawIt(t *testing.T) {
	t.Parallel()
	inc := flows.Incident{ID: "Q1", Status: flows.IncidentAcknowledged, Assignees: []flows.PagerDutyUser{"PSAM"}, Priority: "P1"}
	r := over(flows.StateEnded, &inc)
	r.IncidentSeen.Assignees, r.IncidentSeen.Priority = "", ""
	facts := flows.Facts{Incident: &inc, IncidentIs: flows.Yes}
	if out := flows.FollowIncident(r, facts, jumpNow); out.Changed() {
		t.Errorf("nothing changed: %+v", out)
	}
	inc.Status = flows.IncidentResolved
	out := flows.FollowIncident(r, facts, jumpNow)
	if _, said := out.Entries[0].Facts["assignees"]; said || out.Request.IncidentSeen != inc.State() {
		t.Errorf("recorded is %+v", out.Entries[0].Facts)
	}
}
