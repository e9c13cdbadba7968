package bottest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/pagerdutyfake"
)

// usual is what is recorded of access that its holder handed back.
var usual = []string{"submit", "route", "approve", "activate", "observed", "granted", "done", "revoked"}

// handedBack is access of Sam's for an incident that is over; everybody has been told.
func handedBack(s *bottest.Story, inc pagerdutyfake.Incident) flows.Request {
	s.T.Helper()
	givenFor(s, inc)
	s.As(company.Sam).Types("/access done " + s.Only().ID.Short())
	s.As(company.Sam).Told("On it")
	s.As(company.Sam).Sees("Your access to Production database has ended")
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.As(who).Sees("*Ended*")
	}
	s.Quiet()
	return s.Only()
}

// recorded waits until what became of the incident is recorded, and nothing else has happened:
// no message (the story itself fails for those), no note, no job.
func recorded(s *bottest.Story, notes int, inc pagerdutyfake.Incident, then ...string) {
	s.T.Helper()
	want := append(slices.Clone(usual), then...)
	id := s.Only().ID
	s.Until("what became of the incident to be recorded", func() bool { return len(s.Entries(id)) >= len(want) })
	s.Expect(want...)
	if n := len(s.PagerDuty.Notes(inc.ID)); n != notes {
		s.T.Errorf("the incident has %d notes, want %d", n, notes)
	}
	if r := s.Only(); r.State != flows.StateEnded {
		s.T.Errorf("the request is %s", r.State)
	}
	s.Has()
}

// stands holds every request, and what it is found by, to its entries: audit verify finds
// nothing.
func stands(s *bottest.Story) {
	s.T.Helper()
	if err := s.App.Store().HoldAll(s.T.Context(), func(what string) { s.T.Errorf("audit verify says: %s", what) }); err != nil {
		s.T.Error(err)
	}
}

// The access ended, and half an hour later the incident does. Its webhook has that
// recorded, once, however often it comes; who looks at the incident's page sees it, and
// the log is as whole as before.
func TestTheIncidentIsResolvedAfterwards(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	inc := opened(s, "Ledger stuck")
	r := handedBack(s, inc)
	n := len(s.PagerDuty.Notes(inc.ID))
	s.Jump(30 * time.Minute)
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	recorded(s, n, inc, "incident_changed")
	for _, d := range s.PagerDuty.Deliveries() {
		_, err := s.PagerDuty.Replay(t.Context(), d.WebhookID)
		must(t, err)
	}
	s.FastForward(15 * time.Minute)
	recorded(s, n, inc, "incident_changed")
	_, facts := entry(s, r.ID, "incident_changed")
	holds(t, "change", facts, map[string]string{"was": `map\[service:P[A-Z0-9]+ status:acknowledged urgency:high\]`, "incident_as_read": `.* status:resolved .*`})
	if left, err := s.App.Store().Followed(t.Context(), s.Clock.Now().Add(time.Hour), 10); err != nil || len(left) != 0 {
		t.Errorf("still followed: %+v, %v", left, err)
	}
	mara := s.Browser()
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	s.In("C0ERRS", "mara signed in")
	if page := mara.Get("/audit/incidents/" + inc.ID); page.Status != http.StatusOK || !strings.Contains(page.Body, "The incident changed: now resolved") {
		t.Errorf("the incident's page, %d, does not say how it ended: %s", page.Status, page.Body)
	}
	stands(s)
}

// No webhook comes: the incident is read again every five minutes, as long as it is open,
// and each change is recorded once. PagerDuty is asked once a time, not once a request.
func TestTheIncidentIsPolledAfterwards(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	handedBack(s, inc)
	n := len(s.PagerDuty.Notes(inc.ID))
	s.PagerDuty.HoldWebhooks()
	must(t, s.PagerDuty.Reassign(inc.ID, "PSAM001", "PDANA01"))
	s.FastForward(6 * time.Minute)
	recorded(s, n, inc, "incident_changed")
	_, facts := entry(s, s.Only().ID, "incident_changed")
	holds(t, "reassigned", facts, map[string]string{"assignees": "PDANA01", "priority": "", "title_changed": "false"})
	asked := func() (n int) {
		for _, e := range s.PagerDuty.Ledger(0) {
			if e.Method == http.MethodGet && strings.HasSuffix(e.Path, "/incidents/"+inc.ID) {
				n++
			}
		}
		return n
	}
	before := asked()
	s.FastForward(30 * time.Minute)
	if n := asked() - before; n < 4 || n > 7 {
		t.Errorf("the incident was read %d times in half an hour", n)
	}
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	s.FastForward(6 * time.Minute)
	recorded(s, n, inc, "incident_changed", "incident_changed")
	before = asked()
	s.FastForward(20 * time.Minute)
	if n := asked() - before; n != 0 {
		t.Errorf("the resolved incident was read %d times more", n)
	}
}

// Merged after the access has ended: the request is found with the parent, too, and how
// that one ends is recorded. Reopened: its webhook has it recorded. No thread, no note, no
// message tells of any of it.
func TestTheIncidentIsMergedAfterwards(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	child, parent := opened(s, "Ledger stuck"), opened(s, "Payments down")
	r := handedBack(s, child)
	n := len(s.PagerDuty.Notes(child.ID))
	must(t, s.PagerDuty.Merge(child.ID, parent.ID, "PSAM001"))
	recorded(s, n, child, "incident_merged")
	s.FastForward(12 * time.Minute) // from now on it is the parent's
	recorded(s, n, child, "incident_merged", "incident_changed")
	must(t, s.PagerDuty.Resolve(parent.ID, "PSAM001"))
	recorded(s, n, child, "incident_merged", "incident_changed", "incident_changed")
	s.FastForward(12 * time.Minute)
	must(t, s.PagerDuty.Reopen(parent.ID, "PSAM001"))
	recorded(s, n, child, "incident_merged", "incident_changed", "incident_changed", "incident_changed")
	if notes := s.PagerDuty.Notes(parent.ID); len(notes) != 0 {
		t.Errorf("the parent has notes: %+v", notes)
	}
	for _, id := range []string{child.ID, parent.ID} {
		found, err := s.App.Store().Search(t.Context(), flows.Search{Incident: flows.IncidentID(id)})
		if err != nil || len(found.Requests) != 1 {
			t.Errorf("by incident %s: %d requests, %v", id, len(found.Requests), err)
		}
	}
	stands(s)
	all, err := s.App.Store().Entries(t.Context(), string(r.ID))
	must(t, err)
	var told []flows.Told
	for _, e := range all {
		told = append(told, flows.Told{At: e.At, Verb: e.Verb, Bytes: e.Bytes})
	}
	r = s.Only()
	if why := flows.Contradiction(&r, nil, told); why != "" {
		t.Errorf("a contradiction: %s", why)
	}
	if r.MovedTo = flows.IncidentID(child.ID); flows.Contradiction(&r, nil, told) != "it is for another incident than its entries say" {
		t.Error("a request that was put back to another incident is not found")
	}
}

// After a week nobody looks any more, and nothing is left of it.
func TestTheIncidentIsFollowedForAWeek(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	handedBack(s, inc)
	n := len(s.PagerDuty.Notes(inc.ID))
	s.Jump(flows.FollowFor + time.Minute)
	s.FastForward(2 * time.Minute)
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	s.FastForward(12 * time.Minute)
	recorded(s, n, inc)
	if left, err := s.App.Store().Followed(t.Context(), s.Clock.Now().Add(time.Hour), 10); err != nil || len(left) != 0 {
		t.Errorf("still followed: %+v, %v", left, err)
	}
}
