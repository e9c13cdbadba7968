package pagerduty_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/pagerdutyfake"
)

// withPolicies adds n policies, each with a schedule of its own.
func (w *world) withPolicies(n int) []string {
	w.Helper()
	var names []string
	for i := range n {
		s := pagerdutyfake.Schedule{ID: fmt.Sprintf("PTEAM%03d", i), Name: fmt.Sprintf("team %d", i), Layers: []pagerdutyfake.Layer{{
			Start: monday.Add(-time.Hour), TurnSeconds: 7 * 86400, Users: []string{"PDANA01", "PSAM001"},
		}}}
		p := pagerdutyfake.Policy{ID: fmt.Sprintf("PPOL%04d", i), Name: fmt.Sprintf("policy %d", i), Rules: []pagerdutyfake.Rule{
			{Targets: []string{s.ID}}, {Targets: []string{"PMARA01"}},
		}}
		if _, err := w.fake.AddSchedule(s); err != nil {
			w.Fatal(err)
		}
		if _, err := w.fake.AddPolicy(p); err != nil {
			w.Fatal(err)
		}
		names = append(names, p.Name)
	}
	return names
}

func TestManyAskOneReadAnswers(t *testing.T) {
	w := newWorld(t)
	release := w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultDelay, Delay: 100 * time.Millisecond})
	var all sync.WaitGroup
	answers := make([]flows.OnCallAnswer, 64)
	for i := range answers {
		all.Go(func() {
			answers[i] = w.pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Minute})
		})
	}
	all.Wait()
	w.fake.ClearFault(release)
	for _, a := range answers {
		if !a.Known || a.Digest != answers[0].Digest {
			t.Fatalf("%+v", a)
		}
	}
	if n, names := w.fake.Count("GET /oncalls"), w.fake.Count("GET /escalation_policies"); n != 1 || names != 1 {
		t.Errorf("64 questions cost %d reads and %d of names, want one of each", n, names)
	}
}

func TestOnePersonWhoGivesUpDoesNotSpoilTheReadForOthers(t *testing.T) {
	w := newWorld(t)
	w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultDelay, Delay: 100 * time.Millisecond})
	w.clock.Push(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan flows.OnCallAnswer)
	go func() { first <- w.pd.OnCall(ctx, flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Second}) }()
	w.eventually(func() bool { return w.fake.Count("GET /oncalls") == 2 })
	cancel()
	if a := <-first; a.Known {
		t.Error("who gave up got an answer")
	}
	same(t, people(w.known(flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Second})), []string{"PDANA01", "PMARA01"})
	if n := w.fake.Count("GET /oncalls"); n != 2 {
		t.Errorf("%d reads, want 2: the second joins the one under way", n)
	}
}

func TestAge(t *testing.T) {
	w := newWorld(t)
	ask := func(age time.Duration) (readAt time.Duration, reads int) {
		before := w.fake.Count("GET /oncalls")
		a := w.known(flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: age})
		return a.ReadAt.Sub(monday), w.fake.Count("GET /oncalls") - before
	}
	check := func(doing string, age, wantAt time.Duration, wantReads int) {
		t.Helper()
		if at, n := ask(age); at != wantAt || n != wantReads {
			t.Errorf("%s: read at +%s with %d reads, want +%s with %d", doing, at, n, wantAt, wantReads)
		}
	}
	check("first", time.Minute, 0, 1)
	check("warm", time.Minute, 0, 0)
	check("now", 0, 0, 1)
	w.clock.Push(30 * time.Second)
	check("half the age", time.Minute, 0, 0)
	check("younger is asked for", 20*time.Second, 30*time.Second, 1)
	w.clock.Push(60 * time.Second)
	check("exactly as old as allowed", time.Minute, 30*time.Second, 0)
	w.clock.Push(time.Nanosecond)
	check("too old", time.Minute, 90*time.Second+time.Nanosecond, 1)
	w.clock.Push(-24 * time.Hour)
	check("the clock went back", time.Minute, 90*time.Second+time.Nanosecond-24*time.Hour, 1)
}

// Performance row 11: 1,000 requests in a minute over 50 policies cost at most 10
// calls, none is answered 429, and none is waited for once the snapshot is warm.
func TestAThousandRequestsInAMinute(t *testing.T) {
	w := newWorld(t)
	names := w.withPolicies(50)
	if err := w.pd.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		w.known(flows.OnCallQuery{Policy: n, MaxAge: 30 * time.Second})
	}
	random := rand.New(rand.NewPCG(1, 2))
	warm := w.sent()
	waits := w.pd.Stats().Waits
	for second := range 60 {
		for range 17 {
			a := w.known(flows.OnCallQuery{Policy: names[random.IntN(len(names))], MaxAge: 30 * time.Second})
			if age := w.clock.Now().Sub(a.ReadAt); age > 30*time.Second {
				t.Fatalf("an answer is %s old", age)
			}
		}
		w.clock.Push(time.Second)
		if (second+1)%24 == 0 { // 80 % of the age: the refresh is due
			w.until("the refresh", func() bool {
				a := w.known(flows.OnCallQuery{Policy: names[0], MaxAge: 30 * time.Second})
				return a.ReadAt.Equal(w.clock.Now())
			})
		}
	}
	s := w.pd.Stats()
	if n := w.sent() - warm; n > 10 {
		t.Errorf("the minute cost %d requests, want at most 10", n)
	}
	if s.Waits != waits || s.Throttled != 0 || s.Unknown != 0 {
		t.Errorf("waited %d times, throttled %d, unknown %d", s.Waits-waits, s.Throttled, s.Unknown)
	}
	w.clean()
}

func TestWithoutDemandNothingIsRead(t *testing.T) {
	w := newWorld(t)
	if err := w.pd.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.known(flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Minute})
	w.clock.Push(time.Hour)
	before := w.fake.Count("GET /oncalls")
	w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
	if n := w.fake.Count("GET /oncalls") - before; n != 1 {
		t.Errorf("%d reads after an idle hour, want the one that was asked for", n)
	}
}

// One policy that was deleted must not make the others unknown, when they are all
// refreshed together.
func TestADeletedPolicyAmongMany(t *testing.T) {
	t.Parallel()
	pd, clock := deletedPolicy(t)
	ask := func(policy string) flows.OnCallAnswer {
		return pd.OnCall(t.Context(), flows.OnCallQuery{Policy: policy, MaxAge: time.Minute})
	}
	for range 3 {
		for policy, known := range map[string]bool{"mgr_on_call": true, "gone": false, "other": true} {
			if a := ask(policy); a.Known != known {
				t.Errorf("%s: known %v: %s", policy, a.Known, a.Why)
			}
		}
		clock.Push(61 * time.Second)
	}
}

// In an account with more policies than are read whole, each name is searched for.
func TestLargeAccounts(t *testing.T) {
	w := newWorld(t, func(o *pagerduty.Options, f *pagerdutyfake.Options) { f.RequestsPerMinute = -1 })
	for i := range 1001 {
		if _, err := w.fake.AddPolicy(pagerdutyfake.Policy{ID: fmt.Sprintf("PBULK%04d", i), Name: fmt.Sprintf("bulk %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	same(t, people(w.known(flows.OnCallQuery{Policy: "mgr_on_call"})), []string{"PDANA01", "PMARA01"})
	same(t, people(w.known(flows.OnCallQuery{Policy: "PMGR001"})), []string{"PDANA01", "PMARA01"})
	before := w.sent()
	w.known(flows.OnCallQuery{Policy: "mgr_on_call"})
	if n := w.sent() - before; n != 1 {
		t.Errorf("%d requests with the name known, want 1", n)
	}
	w.unknown(flows.OnCallQuery{Policy: "bulk"}, "no escalation policy")
	w.clean()
}

func BenchmarkWarmAnswer(b *testing.B) {
	clock := flows.NewHandClock(monday)
	fake := pagerdutyfake.New(pagerdutyfake.Options{Now: clock.Now, Keys: []pagerdutyfake.Key{{Token: token}}})
	if err := fake.Start("127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = fake.Close() }()
	if err := fake.Load(pagerdutyfake.Setup{
		Users:    []pagerdutyfake.User{{ID: "PDANA01", Name: "Dana", Email: "dana@acme.example"}},
		Policies: []pagerdutyfake.Policy{{ID: "PMGR001", Name: "mgr_on_call", Rules: []pagerdutyfake.Rule{{Targets: []string{"PDANA01"}}}}},
	}); err != nil {
		b.Fatal(err)
	}
	pd, err := pagerduty.New(pagerduty.Options{BaseURL: fake.URL(), APIToken: flows.NewSecret("key", fixed(token)), Clock: clock})
	if err != nil {
		b.Fatal(err)
	}
	defer pd.Stop()
	q := flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: time.Minute}
	b.ReportAllocs()
	for b.Loop() {
		if a := pd.OnCall(b.Context(), q); !a.Known {
			b.Fatal(a.Why)
		}
	}
}
