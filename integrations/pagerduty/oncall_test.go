package pagerduty_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/pagerdutyfake"
)

func TestWhoIsOnCallByPolicyNameAndID(t *testing.T) {
	w := newWorld(t)
	for _, ref := range []string{"mgr_on_call", "PMGR001"} {
		a := w.known(flows.OnCallQuery{Policy: ref, MaxAge: time.Minute})
		same(t, people(a), []string{"PDANA01", "PMARA01"})
		dana, mara := a.Entries[0], a.Entries[1]
		if dana.Level != 1 || dana.Permanent() || dana.Schedule != "Managers" || dana.PolicyName != "mgr_on_call" {
			t.Errorf("dana's entry: %+v", dana)
		}
		if !dana.Start.Equal(monday.Add(-time.Hour)) || !dana.End.Equal(monday.Add(-time.Hour).AddDate(0, 0, 7)) {
			t.Errorf("dana's shift: %s to %s", dana.Start, dana.End)
		}
		if mara.Level != 2 || !mara.Permanent() || !mara.Start.IsZero() || !mara.End.IsZero() {
			t.Errorf("mara's place is permanent at level 2, but: %+v", mara)
		}
		if !a.ReadAt.Equal(monday) || a.Pages != 1 || len(a.Digest) != 64 {
			t.Errorf("evidence: read at %s, %d pages, digest %q", a.ReadAt, a.Pages, a.Digest)
		}
	}
	w.clean()
}

func TestAnyPolicyIsTheWholeAccount(t *testing.T) {
	w := newWorld(t)
	same(t, people(w.known(flows.OnCallQuery{MaxAge: time.Minute})), []string{"PDANA01", "PMARA01"})
	before := w.sent()
	same(t, people(w.known(flows.OnCallQuery{Policy: "PMGR001", MaxAge: time.Minute})), []string{"PDANA01", "PMARA01"})
	if n := w.sent() - before; n != 1 {
		t.Errorf("the account's list has the policy's answer; %d more requests were sent, want 1 for the names", n)
	}
	w.clean()
}

func TestScheduleAndScheduleWithinPolicy(t *testing.T) {
	w := newWorld(t)
	same(t, people(w.known(flows.OnCallQuery{Schedule: "Managers", MaxAge: time.Minute})), []string{"PDANA01"})
	same(t, people(w.known(flows.OnCallQuery{Policy: "mgr_on_call", Schedule: "Managers", MaxAge: time.Minute})), []string{"PDANA01"})
	same(t, people(w.known(flows.OnCallQuery{Policy: "mgr_on_call", Schedule: "PLONELY", MaxAge: time.Minute})), nil)
	w.clean()
}

func TestScheduleOfNoPolicyIsAskedItself(t *testing.T) {
	w := newWorld(t)
	a := w.known(flows.OnCallQuery{Schedule: "Nobody's policy", MaxAge: time.Minute})
	same(t, people(a), []string{"PSAM001"})
	if e := a.Entries[0]; e.Level != 0 || e.Permanent() || e.PolicyID != "" || !e.Start.Equal(monday.Add(-2*time.Hour)) {
		t.Errorf("entry of a bare schedule: %+v", e)
	}
	// The shift's real start is known, so that min_shift_age cannot be passed by it.
	if ok, _ := (flows.OnCallLimits{MinShiftAge: 3 * time.Hour}).Meets(a.Entries[0], monday); ok {
		t.Error("a shift of two hours passes a limit of three")
	}
	w.clean()
}

func TestShiftBasedSchedules(t *testing.T) {
	w := newWorld(t)
	add := func(s pagerdutyfake.Schedule) {
		if _, err := w.fake.AddSchedule(s); err != nil {
			t.Fatal(err)
		}
	}
	rotations := []pagerdutyfake.Rotation{{Events: []pagerdutyfake.Event{{
		Name: "all week", Start: monday.Add(-time.Hour), End: monday.Add(23 * time.Hour), Recurrence: "RRULE:FREQ=DAILY",
		Members: []string{"PDANA01", "PSAM001"}, EveryMember: true,
	}}}}
	add(pagerdutyfake.Schedule{ID: "PSHIFT1", Name: "Flexible", Rotations: rotations})
	a := w.known(flows.OnCallQuery{Schedule: "Flexible", MaxAge: time.Minute})
	same(t, people(a), []string{"PDANA01", "PSAM001"})
	for _, e := range a.Entries {
		if e.Start.IsZero() || e.Override != flows.No {
			t.Errorf("entry of a shift-based schedule: %+v", e)
		}
	}
	// An upgrade keeps the id: /oncalls then refers to a schedule_v3_reference.
	add(pagerdutyfake.Schedule{ID: "PSCHED1", Name: "Managers", Rotations: rotations})
	a = w.known(flows.OnCallQuery{Policy: "mgr_on_call", Click: true})
	same(t, people(a), []string{"PDANA01", "PSAM001", "PMARA01"})
	if a.Entries[0].Override != flows.No {
		t.Errorf("override of a shift-based schedule = %s, want no", a.Entries[0].Override)
	}
	w.clean()
}

// A hand-off ends a reading, however young: for a policy, for the whole account and
// for a schedule that is asked itself.
func TestHandOff(t *testing.T) {
	for name, c := range map[string]struct {
		q             flows.OnCallQuery
		before, after []string
		reads         string
	}{
		"policy":   {flows.OnCallQuery{Policy: "mgr_on_call"}, []string{"PDANA01", "PMARA01"}, []string{"PSAM001", "PMARA01"}, "GET /oncalls"},
		"account":  {flows.OnCallQuery{}, []string{"PDANA01", "PMARA01"}, []string{"PSAM001", "PMARA01"}, "GET /oncalls"},
		"schedule": {flows.OnCallQuery{Schedule: "PLONELY"}, []string{"PSAM001"}, []string{"PDANA01"}, "GET /schedules/{id}"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.q.MaxAge = 365 * 24 * time.Hour
			same(t, people(w.known(c.q)), c.before)
			w.clock.Push(w.known(c.q).Entries[0].End.Sub(monday) - time.Nanosecond)
			same(t, people(w.known(c.q)), c.before)
			reads := w.fake.Count(c.reads)
			w.clock.Push(time.Nanosecond) // PagerDuty gives both people at this moment
			same(t, people(w.known(c.q)), c.after)
			if n := w.fake.Count(c.reads) - reads; n != 1 {
				t.Errorf("the hand-off cost %d reads, want 1", n)
			}
		})
	}
}

// The hand-off comes while PagerDuty answers: what it said is already history.
func TestHandOffDuringTheRead(t *testing.T) {
	t.Parallel()
	var clock *flows.HandClock
	reads := 0
	pd, c := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		if reads++; reads > 1 {
			_, _ = w.Write([]byte(pageOf(strings.Replace(entry, "PDANA01", "PSAM001", 1))))
			return
		}
		clock.Push(6 * time.Second)
		_, _ = w.Write([]byte(spoiled("2026-03-09T08:00:00Z", "2026-03-02T09:00:05Z")))
	})
	clock = c
	a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Minute})
	if same(t, people(a), []string{"PSAM001"}); reads != 2 {
		t.Errorf("%d reads, want 2", reads)
	}
}

// A schedule that moved to the next page between two reads, and so came twice, is one.
func TestAScheduleThatIsListedTwiceIsOne(t *testing.T) {
	t.Parallel()
	pd, _ := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/oncalls") {
			_, _ = w.Write([]byte(strings.ReplaceAll(pageOf(entry), "PMGR001", "PSCHED1")))
		}
	})
	if a := pd.OnCall(t.Context(), flows.OnCallQuery{Schedule: "Managers"}); !a.Known {
		t.Error(a.Why)
	}
}

func TestNamesMustBeExactAndUnique(t *testing.T) {
	w := newWorld(t)
	add := func(id, name string) {
		if _, err := w.fake.AddPolicy(pagerdutyfake.Policy{ID: id, Name: name, Rules: []pagerdutyfake.Rule{{Targets: []string{"PSAM001"}}}}); err != nil {
			t.Fatal(err)
		}
	}
	add("PSIMIL1", "mgr_on_call_shadow")
	add("PSIMIL2", "MGR_ON_CALL")
	same(t, people(w.known(flows.OnCallQuery{Policy: "mgr_on_call"})), []string{"PDANA01", "PMARA01"})
	w.unknown(flows.OnCallQuery{Policy: "mgr_on"}, `no escalation policy with the id or exact name "mgr_on"`)
	w.unknown(flows.OnCallQuery{Schedule: "managers"}, "no schedule")
	add("PTWICE1", "mgr_on_call")
	w.clock.Push(11 * time.Minute)
	w.unknown(flows.OnCallQuery{Policy: "mgr_on_call"}, "2 of kind escalation policy named")
	same(t, people(w.known(flows.OnCallQuery{Policy: "PMGR001"})), []string{"PDANA01", "PMARA01"})
	w.clean()
}

func TestRenamedPolicyIsLookedUpAgain(t *testing.T) {
	w := newWorld(t)
	q := flows.OnCallQuery{Policy: "mgr_on_call"}
	w.known(q)
	for _, p := range []pagerdutyfake.Policy{
		{ID: "PMGR001", Name: "retired", Rules: []pagerdutyfake.Rule{{Targets: []string{"PSCHED1"}}}},
		{ID: "PMGR002", Name: "mgr_on_call", Rules: []pagerdutyfake.Rule{{Targets: []string{"PSAM001"}}}},
	} {
		if _, err := w.fake.AddPolicy(p); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Push(time.Minute)
	same(t, people(w.known(q)), []string{"PSAM001"})
}

func TestNewPolicyIsFoundWithoutWaitingForTheDirectory(t *testing.T) {
	w := newWorld(t)
	w.unknown(flows.OnCallQuery{Policy: "fresh"}, "no escalation policy")
	if _, err := w.fake.AddPolicy(pagerdutyfake.Policy{ID: "PFRESH1", Name: "fresh", Rules: []pagerdutyfake.Rule{{Targets: []string{"PSAM001"}}}}); err != nil {
		t.Fatal(err)
	}
	w.clock.Push(31 * time.Second)
	same(t, people(w.known(flows.OnCallQuery{Policy: "fresh"})), []string{"PSAM001"})
}

func TestOverrides(t *testing.T) {
	w := newWorld(t)
	click := flows.OnCallQuery{Policy: "mgr_on_call", Click: true}
	a := w.known(click)
	if a.Entries[0].Override != flows.No || a.Entries[1].Override != flows.Unknown {
		t.Fatalf("before: dana %s, mara %s", a.Entries[0].Override, a.Entries[1].Override)
	}
	reads := func() int { return w.fake.Count("GET /schedules/{id}/overrides") }
	w.known(click)
	if reads() != 1 {
		t.Errorf("overrides were read %d times for one shift", reads())
	}
	if _, err := w.fake.Override("PSCHED1", "PSAM001", monday.Add(time.Minute), monday.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.clock.Push(5 * time.Minute)
	a = w.known(click)
	same(t, people(a), []string{"PSAM001", "PMARA01"})
	sam := a.Entries[0]
	if sam.Override != flows.Yes {
		t.Errorf("sam's shift comes from an override, but the answer says %s", sam.Override)
	}
	if ok, _ := (flows.OnCallLimits{MinShiftAge: 15 * time.Minute}).Meets(sam, w.clock.Now()); ok {
		t.Error("a shift by an override of four minutes passes min_shift_age of fifteen")
	}
	if q := (flows.OnCallQuery{Policy: "mgr_on_call"}); w.known(q).Entries[0].Override != flows.Unknown {
		t.Error("overrides are read only when needed")
	}
	w.clean()
}

// An override of one's own shift changes neither whose shift it is nor when it ends,
// but while it lasts the shift comes from it.
func TestOverridesOfOnesOwnShift(t *testing.T) {
	w := newWorld(t)
	if _, err := w.fake.Override("PSCHED1", "PDANA01", monday.Add(30*time.Minute), monday.Add(40*time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Duration
		want flows.Tri
	}{{0, flows.No}, {29 * time.Minute, flows.No}, {30 * time.Minute, flows.Yes}, {39 * time.Minute, flows.Yes}, {40 * time.Minute, flows.No}} {
		w.clock.Push(monday.Add(c.at).Sub(w.clock.Now()))
		a := w.known(flows.OnCallQuery{Policy: "mgr_on_call", Click: true})
		same(t, people(a), []string{"PDANA01", "PMARA01"})
		if a.Entries[0].Override != c.want {
			t.Errorf("after %s: override %s, want %s", c.at, a.Entries[0].Override, c.want)
		}
	}
}

func TestOverridesThatCannotBeReadAreUnknown(t *testing.T) {
	always := func(o *pagerduty.Options, _ *pagerdutyfake.Options) { o.ReadOverrides = func() bool { return true } }
	w := newWorld(t, always)
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultWrongType, Route: "GET /schedules/{id}/overrides"})
	a := w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
	same(t, people(a), []string{"PDANA01", "PMARA01"})
	if a.Entries[0].Override != flows.Unknown {
		t.Errorf("override = %s, want unknown", a.Entries[0].Override)
	}
	if ok, why := (flows.OnCallLimits{Overrides: flows.OverridesDeny}).Meets(a.Entries[0], w.clock.Now()); ok || !strings.Contains(why, "override") {
		t.Errorf("deny lets an unknown override pass: %v %q", ok, why)
	}
	w.fake.ClearFaults()
	if got := w.known(flows.OnCallQuery{Policy: "mgr_on_call"}).Entries[0].Override; got != flows.No {
		t.Errorf("after the fault: %s, want no", got)
	}
}
