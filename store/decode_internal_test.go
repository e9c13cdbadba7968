package store

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
)

var late = time.Date(2026, time.March, 2, 12, 0, 0, 987654321, time.UTC)

// full is a request with all that requests have, and with signs that JSON escapes.
func full() flows.Request {
	odd := "a \"quoted\" \\ <b> & é \u2028 Ω"
	ref := flows.IncidentRef{ID: "Q1", Number: 4711, Title: flows.NewText(odd), URL: "https://pd/Q1?a=b&c=<d>"}
	return flows.Request{
		ID: "req_1", Version: 9, Hash: "abc", State: flows.StateEnding, EndsAs: flows.StateFailed, SubmittedAt: late, Door: flows.DoorSlack, View: "V1",
		Content: flows.Content{
			Flow: "prod", Target: "db", Scope: flows.Scope(odd), Requester: "T/U1", Beneficiary: "T/U2", Duration: time.Hour, Reason: flows.NewText(odd),
			Incident: ref, Fields: []flows.FieldValue{{Name: "ticket", Value: flows.NewText("OPS-1, [x]")}},
		},
		Route: &flows.Route{Stages: []flows.Stage{{Approvers: []flows.PersonID{"T/U3"}, Why: "on call, level 1 {x}", Quorum: 1}}, Origin: flows.FromHandler, Why: odd},
		Stage: 1, StageSince: late, FallbackOpen: true, Reminded: true, LapsesAt: late,
		Votes:     []flows.Vote{{By: "T/U3", At: late, Door: flows.DoorCLI, Hash: "h", Note: flows.NewText(odd)}, {By: "T/U4", At: late}},
		DecidedAt: late, DecidedBy: "T/U4", SelfMade: true, DenyWhy: flows.NewText(odd), Denials: 3,
		Proof: &flows.OnCallProof{ReadAt: late, Digest: "d"}, Means: "m", GrantBy: late, LatestEnd: late, GrantedAt: late, EndsAt: late,
		EndCause: flows.EndTime, EndedBy: "T/U5", EndWhy: flows.NewText(odd), EndedAt: late, StillThrough: "req_0", Overdue: true, Fault: odd,
		Receipt: "r", IncidentDark: late, IncidentGone: late, Opened: ref, MovedTo: "Q2", Review: &flows.Review{State: flows.ReviewClosed, Within: time.Hour, DueAt: late, Overdue: true, Verdict: flows.VerdictNotOK, By: "T/UMARA", At: late, Note: flows.NewText("no <ticket>")}, IncidentSeen: flows.IncidentState{Status: "resolved", Urgency: "low", Service: "P1", Title: "0a", Assignees: "0b", Priority: "P2"}, IncidentChanges: 3, Chain: flows.ChainHead{Len: 7, Hash: "e"},
	}
}

// plainRequest keeps only what a field that is not set leaves out.
func plainRequest() flows.Request {
	return flows.Request{ID: "req_2", Version: 1, State: flows.StateSubmitted, SubmittedAt: late, Content: flows.Content{Flow: "f", Target: "t"}}
}

// asText lets cmp see into typed text.
var asText = cmp.Transformer("text", func(t flows.Text) string { return t.Raw() })

// TestQuickRequest: it reads what encoding/json reads, without falling back, whether
// empty fields are left out, as now, or stand there, as they once did. A field that is
// added to a request has to be taught to it.
func TestQuickRequest(t *testing.T) {
	t.Parallel()
	r := full()
	for i := range reflect.TypeFor[flows.Request]().NumField() {
		if reflect.ValueOf(r).Field(i).IsZero() {
			t.Errorf("the test's request has no %s", reflect.TypeFor[flows.Request]().Field(i).Name)
		}
	}
	docs := []string{
		`{"ID":"req_3","Version":2,"Content":{"Flow":"f","Target":"t","Scope":"","Requester":"","Beneficiary":"","Duration":0,"Reason":"","Incident":{"ID":"","Number":0,"Title":"","URL":""},"Fields":null},"Hash":"","State":"denied","EndsAs":"","SubmittedAt":"0001-01-01T00:00:00Z","Route":null,"Votes":null,"Proof":null,"Stage":0,"Overdue":false}`,
		`{"ID":"req_4","Votes":[],"SubmittedAt":"2026-03-02T12:00:00.5+02:00","Content":{"Fields":[]}}`,
	}
	for _, r := range []flows.Request{r, plainRequest(), {}} {
		doc, err := encodeRequest(r)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	for _, doc := range docs {
		var got flows.Request
		ok := quickRequest(doc, &got)
		var want flows.Request
		if err := json.Unmarshal([]byte(doc), &want); err != nil || !ok {
			t.Fatalf("%v, %v: %s", ok, err, doc)
		}
		if diff := cmp.Diff(want, got, asText); diff != "" {
			t.Errorf("%s\n%s", doc, diff)
		}
	}
}

// FuzzQuickRequest: whatever it takes, it reads as encoding/json does; and the same where
// routes are read over others, but for the route.
func FuzzQuickRequest(f *testing.F) {
	before, err := encodeRequest(full())
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range []flows.Request{full(), plainRequest()} {
		doc, err := encodeRequest(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	for _, doc := range []string{`{}`, `{"ID":"a" }`, `{"id":"a"}`, `{"ID":"\ud800"}`, `{"Version":1.5}`, `{"Version":00}`, `{"Version":+1}`, `{"Version":-}`, `{"Version":}`, `{"Fault":"` + "\xff" + `"}`, `{"ID":"a","ID":"b"}`, `{"Route":{"Stages":[{"Quorum":1}],"Stages":[{}]}}`, `{"Route":{"Fallback":{"Quorum":1},"Fallback":{}},"Route":{}}`, `{"Route":{"Stages":[],"Fallback":null}}`, `{"Proof":{"Entry":{"Override":1e1}}}`, `{"Fault":"a\u0041\u00e9\ud83d\ude00\/\b\"\\\n"}`, `{"Content":{"Fields":[{"Name":"a"},null]}}`, `{"Route":{"Stages":[{"Approvers":["a",null]}]}}`, `{"Overdue":`, `[]`, ``} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		var got flows.Request
		ok := quickRequest(doc, &got)
		var over flows.Request
		var room routeRoom
		if !quickly(before, &flows.Request{}, &room) || quickly(doc, &over, &room) != ok {
			t.Fatalf("a route is read over another otherwise than alone (%v)", ok)
		}
		if !ok {
			return
		}
		over.Route = got.Route
		if diff := cmp.Diff(got, over, asText); diff != "" {
			t.Error(diff)
		}
		var want flows.Request
		if err := json.Unmarshal([]byte(doc), &want); err != nil {
			t.Fatalf("encoding/json does not take it: %v", err)
		}
		if diff := cmp.Diff(want, got, asText); diff != "" {
			t.Error(diff)
		}
	})
}

// BenchmarkDecodeRequest reads a stored request.
func BenchmarkDecodeRequest(b *testing.B) {
	doc, err := encodeRequest(full())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeRequest(doc); err != nil {
			b.Fatal(err)
		}
	}
}
