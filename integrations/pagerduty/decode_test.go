package pagerduty

import (
	"encoding/json"
	"testing"
	"time"
)

func TestIDsThatMayBePutInAPath(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"PDANA01": true, "Q2AKJF9MPY7T1C": true, "P1/../../users?query=x#": false, "": false, "P1": false,
		"pdana01": false, "PDANA01\n": false, "PDANA%2F": false, "ＰＤＡＮＡ０１": false, "PDANA01PDANA01PDANA01": false,
	} {
		if isID(s) != want {
			t.Errorf("isID(%q) = %v", s, !want)
		}
	}
	for s, want := range map[string]bool{
		"4711": true, "1": true, "0": false, "-1": false, "+1": false, "0042": false, "1.5": false, "": false, "1e3": false,
		"9999999999999999999999": false, "12 ": false,
	} {
		if isNumber(s) != want {
			t.Errorf("isNumber(%q) = %v", s, !want)
		}
	}
}

// What parse lets through means the same to encoding/json: there is no second
// reading of an answer.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"oncalls":[],"more":false}`, `{"a":1,"A":2}`, `[1,2,{"b":null}]`, `{"a":{"a":{}}}`, `"x"`, `{"a":`, `1 2`, `{"\u0061":1,"a":2}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := parse(body)
		if err != nil {
			return
		}
		var plain any
		if err := json.Unmarshal(body, &plain); err != nil {
			t.Fatalf("parse took what encoding/json refuses: %v", err)
		}
		_ = v.maybe("oncalls").maybe("more")
	})
}

// An on-call answer of any shape gives rows with a person, a policy and a level, or
// an error; never a panic, never a half row.
func FuzzOnCallRow(f *testing.F) {
	f.Add([]byte(`{"user":{"id":"PDANA01"},"escalation_policy":{"id":"PMGR001"},"escalation_level":1,"schedule":null,"start":null,"end":null}`))
	f.Add([]byte(`{"user":{"id":"PDANA01"},"escalation_policy":{"id":"PMGR001"},"escalation_level":1,"schedule":{"id":"PSCHED1"},"start":"2026-03-02T08:00:00Z","end":"2026-03-09T08:00:00+05:00"}`))
	f.Add([]byte(`{"user":"PDANA01"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := parse(body)
		if err != nil {
			return
		}
		r := onCallRow(v)
		if v.err() != nil {
			return
		}
		if !isID(string(r.User)) || !isID(r.PolicyID) || r.Level < 1 || r.ScheduleID != "" && !isID(r.ScheduleID) {
			t.Fatalf("half a row: %+v", r)
		}
		if !r.End.IsZero() && !r.Start.Before(r.End) {
			t.Fatalf("a shift from %s to %s", r.Start, r.End)
		}
		_ = r.now(time.Unix(0, 0))
	})
}

func FuzzIncident(f *testing.F) {
	f.Add([]byte(`{"id":"PINC001","incident_number":1,"title":"x","status":"resolved","service":{"id":"PSRV001"},"assignments":[],` +
		`"resolve_reason":{"type":"merge_resolve_reason","incident":{"id":"PINC002"}}}`))
	f.Add([]byte(`{"id":"PINC001","incident_number":1,"title":null,"status":"triggered","service":null,"assignments":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := parse(body)
		if err != nil {
			return
		}
		i := readIncident(v, time.Unix(0, 0))
		if v.err() == nil && (!isID(string(i.ID)) || i.Status == "" || i.MergedInto != "" && !isID(string(i.MergedInto))) {
			t.Fatalf("half an incident: %+v", i)
		}
	})
}
