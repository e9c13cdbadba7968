package handler

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
)

// testOnCall is an on-call port for tests: a table, and what was asked of it.
type testOnCall struct {
	mu      sync.Mutex
	entries []flows.OnCallEntry
	unknown string
	asked   []flows.OnCallQuery
}

func (r *testOnCall) OnCall(_ context.Context, q flows.OnCallQuery) flows.OnCallAnswer {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, q)
	a := flows.OnCallAnswer{Known: true, ReadAt: testNow.Add(-3 * time.Second), Digest: "d1"}
	if r.unknown != "" {
		return flows.OnCallAnswer{Why: r.unknown, ReadAt: a.ReadAt}
	}
	for _, e := range r.entries {
		if (q.Policy == "" || q.Policy == e.PolicyName || q.Policy == e.PolicyID) &&
			(q.Schedule == "" || q.Schedule == e.Schedule || q.Schedule == e.ScheduleID) {
			a.Entries = append(a.Entries, e)
		}
	}
	return a
}

var testNow = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

const (
	dana = flows.PersonID("T1/U0DANA")
	sam  = flows.PersonID("T1/U0SAM")
	mara = flows.PersonID("T1/U0MARA")
	nils = flows.PersonID("T1/U0NILS")
)

func testLinks() flows.Links {
	return flows.NewLinks([]flows.Link{
		{Name: "dana", Person: dana, PagerDuty: "PDANA", Email: "dana@acme.example"},
		{Name: "sam", Person: sam, PagerDuty: "PSAM", Email: "sam@acme.example"},
		{Name: "mara", Person: mara, PagerDuty: "PMARA"},
		{Name: "nils", Person: nils, PagerDuty: "PNILS", Quarantined: "the e-mail changed"},
	})
}

func testRota() *testOnCall {
	return &testOnCall{entries: []flows.OnCallEntry{
		{User: "PDANA", PolicyID: "PPROD", PolicyName: "prod", Level: 1, ScheduleID: "SPROD", Schedule: "prod primary"},
		{User: "PMARA", PolicyID: "PMGR", PolicyName: "mgr_on_call", Level: 1, ScheduleID: "SMGR", Schedule: "managers"},
		{User: "PGHOST", PolicyID: "PMGR", PolicyName: "mgr_on_call", Level: 2},
	}}
}

func testInput(source string, who flows.PersonID) flows.ReduceInput {
	return flows.ReduceInput{
		Flow: &flows.Flow{ID: "prod", Handler: "prod.py", Source: []byte(source), SourceHash: source},
		Request: &flows.Request{ID: "req_1", SubmittedAt: testNow, Content: flows.Content{
			Flow: "prod", Target: "console", Requester: who, Beneficiary: who, Duration: time.Hour,
			Reason: flows.NewText("the database is slow"),
		}},
		Links: testLinks(), Now: testNow, MaxAge: time.Minute,
	}
}

func reduce(t *testing.T, source string, who flows.PersonID) flows.Evaluation {
	t.Helper()
	return New(Options{OnCall: testRota()}).Reduce(t.Context(), testInput(source, who))
}

// quiet is a rota that keeps no record and answers from memory, for benchmarks.
type quiet struct{ *testOnCall }

func (q quiet) OnCall(_ context.Context, ask flows.OnCallQuery) flows.OnCallAnswer {
	entries := q.entries
	if ask.Policy != "" {
		entries = entries[1:]
	}
	return flows.OnCallAnswer{Known: true, Entries: entries, ReadAt: testNow, Digest: "d1"}
}

// testDirectory is a Slack directory of four people and one user group.
type testDirectory struct{}

func (testDirectory) Profile(_ context.Context, p flows.PersonID, _ bool) (flows.Profile, error) {
	if p.User() == "U0GHOST" {
		return flows.Profile{}, errors.New("user_not_found")
	}
	name := strings.ToLower(strings.TrimPrefix(p.User(), "U0"))
	return flows.Profile{Person: p, Name: strings.ToUpper(name[:1]) + name[1:], Email: name + "@slack.example"}, nil
}

func (testDirectory) Members(_ context.Context, refs []flows.Principal) ([]flows.PersonID, error) {
	if refs[0] == "@sre-managers" {
		return []flows.PersonID{mara, sam}, nil
	}
	return nil, errors.New("no such user group")
}

// testIncidents is a PagerDuty account with two open incidents.
type testIncidents struct{ flows.Incidents }

func (testIncidents) OpenIncidents(context.Context, flows.IncidentQuery) ([]flows.Incident, error) {
	return []flows.Incident{
		{ID: "Q1", Number: 4711, Title: flows.NewText("db is slow"), Status: flows.IncidentAcknowledged, Urgency: "high", ServiceID: "PDB", Assignees: []flows.PagerDutyUser{"PDANA"}, ReadAt: testNow},
		{ID: "Q2", Number: 4712, Title: flows.NewText("disk"), Status: flows.IncidentTriggered, Urgency: "low", ServiceID: "PDISK", ReadAt: testNow},
	}, nil
}
