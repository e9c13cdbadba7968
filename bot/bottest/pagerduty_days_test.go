package bottest_test

import (
	"fmt"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/pagerdutyfake"
)

// pagerFaults is every way in which PagerDuty can fail to say who is on call.
func pagerFaults() map[string]pagerdutyfake.Fault {
	return map[string]pagerdutyfake.Fault{
		"down":                       {Kind: pagerdutyfake.FaultStatus, Status: 503},
		"broken":                     {Kind: pagerdutyfake.FaultStatus, Status: 500},
		"silent":                     {Kind: pagerdutyfake.FaultDrop},
		"its answer lost":            {Kind: pagerdutyfake.FaultLostAnswer},
		"slow":                       {Kind: pagerdutyfake.FaultDelay, Delay: 3 * time.Second},
		"limiting us":                {Kind: pagerdutyfake.FaultRateLimit},
		"limiting us without a word": {Kind: pagerdutyfake.FaultRateLimit, Quiet: true},
		"malformed":                  {Kind: pagerdutyfake.FaultMalformed},
		"cut short":                  {Kind: pagerdutyfake.FaultCutShort},
		"in maintenance":             {Kind: pagerdutyfake.FaultHTML},
		"without the key":            {Kind: pagerdutyfake.FaultMissingKey},
		"null":                       {Kind: pagerdutyfake.FaultNullList},
		"of another type":            {Kind: pagerdutyfake.FaultWrongType},
		"a page of nothing":          {Kind: pagerdutyfake.FaultEmptyPage},
		"without end":                {Kind: pagerdutyfake.FaultEndless},
		"redirecting":                {Kind: pagerdutyfake.FaultRedirect, Location: "http://127.0.0.1:1/oncalls"},
		"refusing the key":           {Kind: pagerdutyfake.FaultUnauthorized},
	}
}

// hurried shortens what is waited for PagerDuty, so that "slow" need not be.
func hurried(o *company.Options) {
	o.App = func(a *app.Options) {
		a.PagerDuty.AttemptTimeout, a.PagerDuty.CallTimeout, a.PagerDuty.ReadTimeout = 300*time.Millisecond, time.Second, 2*time.Second
		a.PagerDuty.MaxPages, a.PagerDuty.Backoff = 5, 20*time.Millisecond
	}
}

// PagerDuty cannot say who is on call when Dana asks: she does not approve herself, the
// fallback decides, everybody is told why, and what was answered is recorded.
func TestPagerDutyFailsAtTheRouting(t *testing.T) {
	t.Parallel()
	for name, fault := range pagerFaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t, hurried)
			fault.Route = "GET /oncalls"
			s.PagerDuty.AddFault(fault)
			dana := s.As(company.Dana)
			dana.Asks("Production database", "payments are down", nil)
			mine := dana.Sees("You asked for Production database", "Waiting for")
			if hasButton(mine, "bg:approve") {
				t.Error("Dana may approve herself")
			}
			dana.Sees("PagerDuty could not say who is on call, so nothing was assumed", "Asked about Production database instead: <@U0MARA>, <@U0NOOR>, <@U0LENA>")
			card := s.In("C0SREM", "<@U0DANA> asks for Production database", "PagerDuty could not say who is on call", "The flow's fallback decides")
			s.In("C0ERRS", "<@U0DANA>’s request for Production database met a fault: it could not be found out who is on call")
			s.Quiet()
			r := s.Only()
			if !r.Route.Tainted || r.Route.Origin != flows.FromFallback {
				t.Errorf("the route is %+v", r.Route)
			}
			unknown(t, s.Facts(r.ID, "route"))
			s.As(company.Lena).Presses(card, "bg:approve")
			dana.Sees("You have access to Production database until")
			dana.Sees("You asked for Production database", "Approved by <@U0LENA>")
			s.In("C0SREM", "Approved by <@U0LENA>")
			s.Has(company.Dana)
		})
	}
}

// unknown holds an entry's evidence to an on-call question that nobody could answer.
func unknown(t *testing.T, facts map[string]any) {
	t.Helper()
	evidence, _ := facts["evidence"].(map[string]any)
	calls, _ := evidence["calls"].([]any)
	if evidence["tainted"] != true || len(calls) == 0 {
		t.Fatalf("the evidence is %v", evidence)
	}
	for _, c := range calls {
		call, _ := c.(map[string]any)
		if call["known"] == "unknown" && call["error"] != nil {
			return
		}
	}
	t.Errorf("no call is recorded as unknown, with its error: %v", calls)
}

// PagerDuty cannot say so at the click any more: the click is refused and recorded, the
// request stays, and the fallback is asked beside it, once.
func TestPagerDutyFailsAtTheClick(t *testing.T) {
	t.Parallel()
	for name, fault := range pagerFaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t, hurried)
			card := selfCard(s, "Production database")
			fault.Route = "GET /oncalls"
			s.PagerDuty.AddFault(fault)
			s.FastForward(70 * time.Second) // what was read before is too old
			dana := s.As(company.Dana)
			dana.PressesOld(card, "bg:approve")
			dana.Told("It could not be checked just now who may decide this", "your click was not counted", "The flow's fallback was asked as well")
			dana.Sees("PagerDuty could not say who is on call, so <@U0MARA>, <@U0NOOR>, <@U0LENA> may decide about Production database as well")
			dana.Sees("You asked for Production database", "Also asked: <@U0MARA>, <@U0NOOR>, <@U0LENA>")
			beside := s.In("C0SREM", "<@U0DANA> asks for Production database", "so the fallback is asked as well")
			s.Quiet()
			s.Has()
			s.Expect("submit", "route", "refused")
			r := s.Only()
			if r.State != flows.StatePending || !r.FallbackOpen {
				t.Errorf("it is %s, the fallback open %t", r.State, r.FallbackOpen)
			}
			f := s.Facts(r.ID, "refused")
			if f["code"] != string(flows.RefusedOnCallUnknown) {
				t.Errorf("recorded was %v", f)
			}
			unknown(t, f)
			dana.Presses(dana.Sees("You asked for Production database"), "bg:approve")
			dana.Told("It could not be checked just now who may decide this")
			s.As(company.Noor).Presses(beside, "bg:approve")
			dana.Sees("You have access to Production database until")
			dana.Sees("You asked for Production database", "Approved by <@U0NOOR>")
			s.In("C0SREM", "Approved by <@U0NOOR>")
			s.Has(company.Dana)
		})
	}
}

// The managers decide about Sam, and PagerDuty fails at Mara's click: it is not counted,
// since she may be off call by now; then it is, by the fallback in which she stands.
func TestPagerDutyFailsAtAManagersClick(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, hurried)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 503})
	s.FastForward(70 * time.Second)
	s.As(company.Mara).PressesOld(maras, "bg:approve")
	s.As(company.Mara).Told("It could not be checked just now who may decide this")
	s.As(company.Sam).Sees("may decide about Production database as well")
	card := s.In("C0SREM", "<@U0SAM> asks for Production database")
	s.Quiet()
	s.Has()
	s.As(company.Mara).Presses(card, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.Has(company.Sam)
	for _, where := range []string{company.Sam, company.Mara, company.Noor, "C0SREM"} {
		s.All(where, "Production database")
	}
}

// A denial needs no certainty: nothing is given by it.
func TestADenialCountsWhilePagerDutyIsDown(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, hurried)
	_, _, noors := askedManagers(s, "Production database", "the ledger is stuck")
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 503})
	s.FastForward(70 * time.Second)
	s.As(company.Noor).Denies(s.As(company.Noor).Sees("asks for Production database"), "not now")
	_ = noors
	s.As(company.Sam).Sees("was not granted: denied by <@U0NOOR>")
	s.As(company.Sam).Sees("*Denied* by <@U0NOOR>")
	s.As(company.Mara).Sees("*Denied* by <@U0NOOR>")
}

// While PagerDuty is down, access that exists goes on to its time and ends.
func TestAccessEndsWhilePagerDutyIsDown(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, hurried)
	inc := opened(s, "Ledger stuck")
	givenFor(s, inc)
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultDrop})
	s.FastForward(59 * time.Minute)
	s.Has(company.Sam)
	s.In("C0ERRS", "PagerDuty has not shown the incident")
	s.FastForward(2 * time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
	s.Has()
	s.PagerDuty.ClearFaults()
	s.FastForward(6 * time.Minute)
	notes(s, inc.ID, "has access", "no longer has access")
	for _, where := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(where, "Production database")
	}
}

// Forged webhooks change nothing, and are all answered the same; a genuine one that
// lies causes a re-read, and the reading decides.
func TestForgedWebhooks(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	s.PagerDuty.HoldWebhooks() // the true one about our own note is not to come in between
	givenFor(s, inc)
	s.Quiet() // what the grant itself reads is read
	before := s.PagerDuty.Count("GET /incidents/{id}")
	for _, how := range []pagerdutyfake.Forgery{
		pagerdutyfake.ForgeWrongSecret, pagerdutyfake.ForgeEmptySecret, pagerdutyfake.ForgeUnsigned, pagerdutyfake.ForgeOtherBody,
		pagerdutyfake.ForgeOldVersion, pagerdutyfake.ForgeCutSignature,
	} {
		status, err := s.PagerDuty.Forge(t.Context(), "PHOOK01", how, "incident.resolved", inc.ID)
		must(t, err)
		if status != 401 {
			t.Errorf("%s is answered %d", how, status)
		}
	}
	s.Quiet()
	if n := s.PagerDuty.Count("GET /incidents/{id}"); n != before {
		t.Errorf("forged webhooks caused %d reads", n-before)
	}
	s.PagerDuty.ReleaseWebhooks(false)
	status, err := s.PagerDuty.Forge(t.Context(), "PHOOK01", pagerdutyfake.ForgeGenuine, "incident.resolved", inc.ID)
	must(t, err)
	if status/100 != 2 {
		t.Errorf("a genuine webhook is answered %d", status)
	}
	s.FastForward(15 * time.Minute)
	s.Has(company.Sam)
	s.Expect("submit", "route", "approve", "activate", "observed", "granted")
	for _, where := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(where, "Production database")
	}
}

// Webhooks that come twice, in any order, or a month late end in the same state.
func TestShuffledReplayedAndOldWebhooks(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	inc := opened(s, "Ledger stuck")
	givenFor(s, inc)
	s.PagerDuty.HoldWebhooks()
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	must(t, s.PagerDuty.Reopen(inc.ID, "PSAM001"))
	must(t, s.PagerDuty.Acknowledge(inc.ID, "PSAM001"))
	s.PagerDuty.DuplicateWebhooks(2)
	s.PagerDuty.ReleaseWebhooks(true)
	s.FastForward(5 * time.Minute)
	s.Has(company.Sam) // "resolved" arrived last, maybe; the incident is open, and assigned to others since
	s.Expect("submit", "route", "approve", "activate", "observed", "granted", "incident_changed")
	must(t, s.PagerDuty.Resolve(inc.ID, "PSAM001"))
	s.As(company.Sam).Sees("is resolved, so your access to Production database ends")
	s.FastForward(11 * time.Minute)
	s.Has()
	s.Jump(30 * 24 * time.Hour)
	verbs := fmt.Sprint(s.Entries(s.Only().ID))
	for _, d := range s.PagerDuty.Deliveries() {
		if _, err := s.PagerDuty.Replay(t.Context(), d.WebhookID); err != nil {
			t.Error(err)
		}
	}
	s.FastForward(time.Minute)
	s.Has()
	if now := fmt.Sprint(s.Entries(s.Only().ID)); now != verbs {
		t.Errorf("replays changed %s to %s", verbs, now)
	}
	for _, where := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(where, "Production database")
	}
}
