package bottest_test

import (
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// selfCard is Dana's card that lets her approve herself.
func selfCard(s *bottest.Story, target string) slackfake.Message {
	s.T.Helper()
	s.As(company.Dana).Asks(target, "payments are down", nil)
	return s.As(company.Dana).Sees("You asked for "+target, "you may approve this yourself", "recorded", "on call for primary, level 1")
}

// notHerself asks as Dana and expects that others decide, for the reason given.
func notHerself(s *bottest.Story, why string) {
	s.T.Helper()
	s.As(company.Dana).Asks("Production console", "payments are down", nil)
	s.As(company.Dana).Sees("You asked for Production console", "Waiting for")
	s.As(company.Dana).Sees(why, "Asked about Production console instead")
	s.In("C0SREM", "<@U0DANA> asks for Production console", why)
	s.Quiet()
	if r := s.Only(); r.Route.Origin != flows.FromFallback || r.Route.Stages[0].Self {
		s.T.Errorf("the route is %+v", r.Route)
	}
}

// Dana's shift ends between the request and her click: she may not approve herself any
// more, and the managers who are asked now can.
func TestTheShiftEndsBeforeTheClick(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	card := selfCard(s, "Production database")
	must(t, s.PagerDuty.SetOnCall(company.PolicyPrimary, 1, "PSAM001"))
	s.FastForward(70 * time.Second) // what was read before is too old for a click
	s.As(company.Dana).PressesOld(card, "bg:approve")
	s.As(company.Dana).Told("You may not decide this now", "<@U0MARA>, <@U0NOOR>", "Your click was not counted")
	s.As(company.Dana).Sees("You asked for Production database", "Waiting for", "<@U0MARA>, <@U0NOOR>")
	maras := s.As(company.Mara).Sees("<@U0DANA> asks for Production database", "Waiting for you", "mgr_on_call")
	s.As(company.Noor).Sees("<@U0DANA> asks for Production database")
	s.Has()
	s.Expect("submit", "route", "refused", "reroute")
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Dana).Sees("You have access to Production database until")
	s.Has(company.Dana)
	if r := s.Only(); r.SelfMade || r.DecidedBy != company.Person(company.Mara) {
		t.Errorf("decided by %s, self-made %t", r.DecidedBy, r.SelfMade)
	}
}

// She clicks a second time on the card that she was once shown: still not.
func TestTheOldCardStaysRefused(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	card := selfCard(s, "Production console")
	must(t, s.PagerDuty.SetOnCall(company.PolicyPrimary, 1, "PSAM001"))
	s.FastForward(70 * time.Second)
	s.As(company.Dana).PressesOld(card, "bg:approve")
	s.As(company.Dana).Told("You may not decide this now")
	s.Quiet()
	s.As(company.Dana).PressesOld(card, "bg:approve")
	s.As(company.Dana).Told("This card is out of date, so nothing was done") // the redrawn card has another value
	s.As(company.Dana).Sees("You asked for Production console", "Waiting for")
	for _, who := range []string{company.Mara, company.Noor} {
		s.As(who).Sees("<@U0DANA> asks for Production console")
	}
	if r := s.Only(); r.State != flows.StatePending {
		t.Errorf("it is %s", r.State)
	}
}

// The ceilings under the handler: it says slack.user(evt.user), and the flow's limits
// on what counts as on call still hold.
func TestCeilingsOnSelfApproval(t *testing.T) {
	t.Parallel()
	onCallSince := func(ago time.Duration) func(*testing.T, *bottest.Story) {
		return func(t *testing.T, s *bottest.Story) {
			must(t, s.PagerDuty.SetOnCallSince(company.PolicyPrimary, 1, s.Clock.Now().Add(-ago), "PDANA01"))
		}
	}
	for name, c := range map[string]struct {
		limits string
		rota   func(*testing.T, *bottest.Story)
		why    string // empty: she may
	}{
		"level 3 where 2 count": {`{ max_level = 2 }`, func(t *testing.T, s *bottest.Story) {
			must(t, s.PagerDuty.SetOnCall(company.PolicyPrimary, 1, "PSAM001"))
			must(t, s.PagerDuty.SetOnCall(company.PolicyPrimary, 2, "PSAM001"))
			must(t, s.PagerDuty.SetOnCall(company.PolicyPrimary, 3, "PDANA01"))
		}, "the escalation level is above what the flow counts"},
		"a shift of ten minutes where 15 count": {`{ min_shift_age = "15m" }`, onCallSince(10 * time.Minute), "the shift began too short a time ago"},
		"a shift of twenty minutes":             {`{ min_shift_age = "15m" }`, onCallSince(20 * time.Minute), ""},
		"a permanent place where shifts count":  {`{ schedule_only = true }`, permanent, "permanent, not a shift"},
		"a permanent place":                     {`{ max_level = 1 }`, permanent, ""},
		"an override where none count":          {`{ overrides = "deny" }`, overridden, "comes from an override"},
		"an override":                           {`{ overrides = "allow" }`, overridden, ""},
		"another policy":                        {`{ policies = ["mgr_on_call"] }`, func(*testing.T, *bottest.Story) {}, "The requester is not on call"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t, bottest.Set("on_call", c.limits), bottest.Handler(`return slack.user(evt.user)`))
			c.rota(t, s)
			if c.why != "" {
				notHerself(s, c.why)
				return
			}
			s.As(company.Dana).Asks("Production console", "payments are down", nil)
			card := s.As(company.Dana).Sees("You asked for Production console", "you may approve this yourself")
			s.As(company.Dana).Presses(card, "bg:approve")
			s.As(company.Dana).Sees("You have access to Production console until")
			s.As(company.Dana).Sees("You asked for Production console", "Access works until")
			s.In("C0PROD", "for themselves, on call")
			s.Quiet()
			if r := s.Only(); !r.SelfMade || r.Proof == nil || r.Proof.Entry.User != "PDANA01" {
				t.Errorf("it is %+v", r)
			}
		})
	}
}

// permanent makes Dana stand in the policy herself, without a schedule.
func permanent(t *testing.T, s *bottest.Story) {
	t.Helper()
	_, err := s.PagerDuty.AddPolicy(pagerdutyfake.Policy{ID: company.PolicyPrimary, Name: "primary", Rules: []pagerdutyfake.Rule{{Targets: []string{"PDANA01"}}}})
	must(t, err)
}

// overridden puts Dana on call by an override of Sam's shift.
func overridden(t *testing.T, s *bottest.Story) {
	t.Helper()
	must(t, s.PagerDuty.SetOnCall(company.PolicyPrimary, 1, "PSAM001"))
	for _, sch := range s.PagerDuty.Schedules() {
		if strings.HasPrefix(sch.Name, "primary, level 1") {
			_, err := s.PagerDuty.Override(sch.ID, "PDANA01", s.Clock.Now().Add(-time.Hour), s.Clock.Now().Add(time.Hour))
			must(t, err)
		}
	}
}

// No self-approval where the flow says never, whatever the handler returns.
func TestSelfApprovalNever(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Set("self_approval", `"never"`), bottest.Set("on_call", `{}`), bottest.Handler(`return slack.user(evt.user)`))
	notHerself(s, "Production access has no self-approval")
}

// Dana is on call at PagerDuty, but no link says that it is she.
func TestNotLinked(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Handler(`return slack.user(evt.user)`), bottest.Edit("breakglass.hcl", func(hcl string) string {
		before, rest, _ := strings.Cut(hcl, `person "dana" {`)
		_, after, _ := strings.Cut(rest, "\n}\n")
		return before + after
	}))
	notHerself(s, "not linked to a PagerDuty user")
}

// Linked to nobody, the example's handler finds Dana not on call: the managers decide.
func TestNotLinkedIsNotOnCall(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Edit("breakglass.hcl", func(hcl string) string {
		before, rest, _ := strings.Cut(hcl, `person "dana" {`)
		_, after, _ := strings.Cut(rest, "\n}\n")
		return before + after
	}))
	s.As(company.Dana).Asks("Production console", "payments are down", nil)
	s.As(company.Dana).Sees("You asked for Production console", "Waiting for", "<@U0MARA>, <@U0NOOR>")
	s.As(company.Mara).Sees("<@U0DANA> asks for Production console")
	s.As(company.Noor).Sees("<@U0DANA> asks for Production console")
}

// What the self-approval rested on is in the entry: policy, level, schedule, shift,
// when it was read.
func TestTheEvidenceOfASelfApproval(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	card := selfCard(s, "Production console")
	s.As(company.Dana).Presses(card, "bg:approve")
	s.As(company.Dana).Sees("You have access to Production console until")
	s.As(company.Dana).Sees("You asked for Production console", "Access works until")
	s.In("C0PROD", "for themselves, on call for primary, level 1")
	s.Quiet()
	facts := s.Facts(s.Only().ID, "approve")
	proof, _ := facts["on_call"].(map[string]any)
	if facts["self"] != true || proof["policy"] != company.PolicyPrimary || proof["policy_name"] != "primary" || proof["level"] != 1.0 || proof["schedule"] == "" ||
		proof["override"] != "no" || proof["read_at"] == 0.0 || proof["digest"] == "" || proof["shift_start"] == 0.0 {
		t.Errorf("the entry rests on %v", facts)
	}
	if user, _ := proof["user"].(map[string]any); !strings.HasPrefix(user["commit"].(string), "sha256:") {
		t.Errorf("the person stands in the open: %v", proof["user"])
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
