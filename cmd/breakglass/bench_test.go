package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot"
	"breakglass/flows"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// What a person feels, and what it costs, through the whole program. Times are those of
// Slack's own ledger; they are for reading, and only what does not depend on the
// machine's speed fails a benchmark.

// report prints percentiles, in milliseconds.
func report(b *testing.B, what string, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), what+"-p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), what+"-p99-ms")
	b.ReportMetric(0, "ns/op") // of the benchmark itself; it says nothing
}

// BenchmarkClick is from a click to the card that shows the decision. Aim: 30 ms (p50).
func BenchmarkClick(b *testing.B) {
	w := open(b)
	var took []time.Duration
	for b.Loop() {
		card, decides := w.ask(w.next(), "production_console")
		before := w.seen()
		click := w.approve(card, decides)
		for _, e := range w.Slack.LedgerSince(before) {
			if e.Kind == "chat.update" && e.Form().Get("ts") == card.TS {
				took = append(took, e.At.Add(e.Took).Sub(click.At))
				break
			}
		}
	}
	report(b, "click-to-card", took)
}

// BenchmarkForm is from a command to its modal: when views.open arrives at Slack. Aim:
// 50 ms (p99).
func BenchmarkForm(b *testing.B) {
	w := open(b)
	var acked, opened []time.Duration
	for b.Loop() {
		before := w.seen()
		w.form(w.next(), "production_console")
		var typed, open slackfake.Exchange
		for _, e := range w.Slack.LedgerSince(before) {
			switch e.Kind {
			case "slash_command":
				typed = e
			case "views.open":
				open = e
			}
		}
		acked, opened = append(acked, typed.Took), append(opened, open.At.Sub(typed.At))
	}
	report(b, "ack", acked)
	report(b, "views.open", opened)
}

// BenchmarkSlowSlack has every call to Slack take 1.5 s, while many click at once: none
// of that may be in the acknowledgement, which would be 1,500 ms then.
func BenchmarkSlowSlack(b *testing.B) {
	w := open(b)
	var acked []time.Duration
	for b.Loop() {
		type click struct {
			card    slackfake.Message
			decides *slackfake.Actor
		}
		var clicks []click
		for range 20 {
			card, decides := w.ask(w.next(), "production_console")
			clicks = append(clicks, click{card, decides})
		}
		w.Slack.Fail(slackfake.Fault{Method: "*", Delay: 1500 * time.Millisecond})
		took := make(chan time.Duration)
		for _, c := range clicks {
			go func() {
				out, err := c.decides.Click(c.card, buttonOf(c.card, bot.ActionApprove))
				if err != nil {
					b.Error(err)
				}
				took <- out.Exchange.Took
			}()
		}
		for range clicks {
			acked = append(acked, <-took)
		}
		w.Slack.ClearFaults()
		w.within(w.Quiet)
		w.clock.Push(2 * time.Hour) // and nobody asked too often
		w.within(w.Quiet)
		w.asked = 0
	}
	report(b, "ack", acked)
}

// BenchmarkRequest is a whole request, from the command to access at the target: what
// it takes, in commits and in calls.
func BenchmarkRequest(b *testing.B) {
	w := open(b)
	w.approve(w.ask(w.next(), "prod_database")) // what is read once is read
	before, seq, reads := w.stats(), w.seen(), pagerReads(w)
	var took []time.Duration
	calls := map[string]int{}
	for b.Loop() {
		who := w.next()
		began := time.Now()
		w.approve(w.ask(who, "prod_database"))
		took = append(took, time.Since(began))
		for _, e := range w.Slack.LedgerSince(seq) {
			if seq = e.Seq; e.Direction == slackfake.FromApp {
				calls[e.Kind]++
			}
		}
	}
	after := w.stats()
	per := func(n int64) float64 { return float64(n) / float64(len(took)) }
	report(b, "request", took)
	b.ReportMetric(per(after.Commits-before.Commits), "commits/op")
	b.ReportMetric(per(after.Writes-before.Writes), "writes/op")
	b.ReportMetric(per(int64(pagerReads(w)-reads)), "pagerduty/op")
	for _, kind := range slices.Sorted(maps.Keys(calls)) {
		b.ReportMetric(per(int64(calls[kind])), kind+"/op")
	}
}

func pagerReads(w *town) int { return len(w.PagerDuty.Ledger(0)) }

// policies is how many escalation policies decide in manyPolicies.
const policies = 50

// manyPolicies is a town in which each of many flows asks its own policy.
func manyPolicies(t testing.TB, people int) *town {
	t.Helper()
	const handler = `
from breakglass import pagerduty, reducer, slack

@reducer
def get_approvers(evt):
    policy = evt.vars["policy"]
    if pagerduty.is_on_call(evt.user, escalation_policy_name=policy):
        return slack.user(evt.user)
    return slack.group(pagerduty.users_on_call(escalation_policy_name=policy))
`
	var more strings.Builder
	for i := range policies {
		fmt.Fprintf(&more, `
flow "many%02d" {
  label          = "Many %02d"
  environment    = environment.prod
  targets        = [target.production_console]
  channel        = "#prod-access"
  implementation = "many.py"
  requesters     = ["@engineering"]
  durations      = ["30m"]
  max_duration   = "1h"
  max_open_per_person = 100
  self_approval  = "on_call"
  on_call        = { schedule_only = true }
  fallback       = { approvers = ["U0MARA"] }
  vars           = { policy = "policy %02d" }
}
`, i, i, i)
	}
	w := openTown(t, people, more.String(), map[string]string{"many.py": handler})
	for i := range policies {
		id := fmt.Sprintf("PMANY%02d", i)
		setup := pagerdutyfake.Setup{Policies: []pagerdutyfake.Policy{{
			ID: id, Name: fmt.Sprintf("policy %02d", i), Rules: []pagerdutyfake.Rule{{Targets: []string{"PMARA01"}}},
		}}}
		if err := w.PagerDuty.Load(setup); err != nil {
			t.Fatal(err)
		}
		if err := w.PagerDuty.SetOnCall(id, 1, "PMARA01", "PNOOR01"); err != nil {
			t.Fatal(err)
		}
	}
	w.start()
	for range policies { // warm: each was asked for once
		w.submit(w.next(), fmt.Sprintf("many%02d/production_console", w.asked%policies))
	}
	w.clock.Push(20 * time.Second)
	w.within(w.Quiet)
	return w
}

// minute has n people ask within a minute, over all the policies, and returns how often
// PagerDuty was asked who is on call, and how often at all.
func (w *town) minute(n int) (onCall, all int) {
	w.t.Helper()
	onCall, all = w.PagerDuty.Count("GET /oncalls"), pagerReads(w)
	for range n {
		w.clock.Push(time.Minute / time.Duration(n))
		who := w.next()
		w.submit(who, fmt.Sprintf("many%02d/production_console", w.asked%policies))
	}
	w.within(w.Quiet)
	return w.PagerDuty.Count("GET /oncalls") - onCall, pagerReads(w) - all
}

// mostReads is how often PagerDuty may be asked who is on call within a minute,
// however many people ask us.
const mostReads = 10

// A small storm, to be part of every run; the benchmark below is the whole one.
func TestAStormOfRequestsCostsFewOnCallReads(t *testing.T) {
	t.Parallel()
	w := manyPolicies(t, policies+100)
	onCall, all := w.minute(100)
	requests, err := w.App.Store().Requests(t.Context(), flows.RequestFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, r := range requests {
		if r.Route == nil || r.Route.Tainted || len(r.Route.Stages[0].Approvers) != 2 {
			t.Errorf("%s in %s: the route is %+v", r.ID, r.Content.Flow, r.Route)
		}
		asked[string(r.Content.Flow)] = true
	}
	if len(requests) != 100 || len(asked) != policies || onCall > mostReads {
		t.Errorf("%d requests over %d policies cost %d on-call reads, want at most %d", len(requests), len(asked), onCall, mostReads)
	}
	t.Logf("100 requests over %d policies in a minute: %d on-call reads, %d requests to PagerDuty in all", len(asked), onCall, all)
}

// BenchmarkStorm is a thousand requests within a minute over fifty policies.
func BenchmarkStorm(b *testing.B) {
	w := manyPolicies(b, policies+1000)
	for b.Loop() {
		onCall, all := w.minute(1000)
		b.ReportMetric(float64(onCall), "on-call-reads/min")
		b.ReportMetric(float64(all), "pagerduty/min")
		if onCall > mostReads {
			b.Errorf("%d on-call reads, want at most %d", onCall, mostReads)
		}
	}
}
