package bottest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/audit/history"
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

// The priority is changed at PagerDuty, by its API as people's tools do: first while the
// access is live, then when it is over, then it is taken away where no webhook says so.
// Each is recorded with what it was before, and the incident's page says it.
func TestThePriorityOfTheIncident(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	inc := opened(s, "Ledger stuck")
	must(t, s.PagerDuty.SetPriority(inc.ID, "PSAM001", "P3"))
	givenFor(s, inc)
	r := s.Only()
	changed := func(n int, want map[string]string) {
		t.Helper()
		var all []history.Event
		s.Until("the change to be recorded", func() bool {
			entries, err := s.App.Store().Entries(t.Context(), string(r.ID))
			must(t, err)
			all, err = history.Events(entries)
			must(t, err)
			all = slices.DeleteFunc(all, func(e history.Event) bool { return e.Verb != "incident_changed" })
			return len(all) >= n
		})
		if len(all) != n {
			t.Errorf("%d changes are recorded, want %d", len(all), n)
		}
		holds(t, fmt.Sprintf("change %d", n), all[n-1].Facts.(map[string]any), want)
	}
	must(t, prioritised(s, inc, "PPRIO01"))
	changed(1, map[string]string{"priority": "P1", "priority_was": "P3", "title_changed": "false"})
	s.As(company.Sam).Types("/access done " + r.ID.Short())
	s.As(company.Sam).Told("On it")
	s.As(company.Sam).Sees("Your access to Production database has ended")
	s.Overlook()
	must(t, prioritised(s, inc, "PPRIO02"))
	changed(2, map[string]string{"priority": "P2", "priority_was": "P1", "title_changed": "false"})
	s.PagerDuty.HoldWebhooks()
	must(t, s.PagerDuty.SetPriority(inc.ID, "", ""))
	s.FastForward(6 * time.Minute)
	changed(3, map[string]string{"priority": "none", "priority_was": "P2", "title_changed": "false"})
	s.Overlook()
	mara := s.Browser()
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	s.Overlook()
	inOrder(t, mara.Get("/audit/incidents/"+inc.ID), "The incident changed: now of priority P1", "The incident changed: now of priority P2", "The incident changed: now without a priority")
	stands(s)
}

// prioritised gives an incident a priority over PagerDuty's API.
func prioritised(s *bottest.Story, inc pagerdutyfake.Incident, id string) error {
	s.T.Helper()
	key := "u+" + id
	s.PagerDuty.AddKey(pagerdutyfake.Key{Token: key})
	body := `{"incident":{"type":"incident_reference","priority":{"id":"` + id + `","type":"priority_reference"}}}`
	req, err := http.NewRequestWithContext(s.T.Context(), http.MethodPut, s.PagerDuty.URL()+"/incidents/"+inc.ID, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Token token="+key)
	req.Header.Set("From", "sam@demo.example")
	req.Header.Set("Accept", "application/vnd.pagerduty+json;version=2")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("PagerDuty answered %s, %w", res.Status, err)
	}
	return nil
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
