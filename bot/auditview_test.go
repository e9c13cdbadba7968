package bot

import (
	"fmt"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
)

// TestAuditViews holds what people see of the past against its files.
func TestAuditViews(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	cat := &flows.Catalog{Team: "T1", World: flows.WorldReal, Targets: map[flows.TargetID]*flows.TargetSpec{"db": {ID: "db", Label: "Orders *DB*"}}}
	ended := flows.Request{
		ID: "req_00000000000000000000AAAA01", State: flows.StateEnded, SubmittedAt: noon, DecidedAt: noon, DecidedBy: "T1/U0DANA", SelfMade: true,
		EndedAt: noon.Add(time.Hour), Hash: "0123456789abcdef0123456789abcdef", EndWhy: flows.NewText("not needed `any` more"),
		Content: flows.Content{
			Flow: "prod", Target: "db", Requester: "T1/U0DANA", Beneficiary: "T1/U0DANA", Duration: time.Hour,
			Reason:   flows.NewText("stuck <!channel> payouts *now*\nand more"),
			Incident: flows.IncidentRef{ID: "Q1", Number: 4711, Title: flows.NewText("Payments & <refunds>")},
		},
		Route: &flows.Route{Why: "on call for primary, level 1 <@U0DANA>"},
		Proof: &flows.OnCallProof{Entry: flows.OnCallEntry{PolicyName: "primary", Level: 1}, ReadAt: noon},
	}
	denied := ended
	denied.ID, denied.State, denied.SelfMade, denied.DecidedBy = "req_00000000000000000000AAAA02", flows.StateDenied, false, "T1/U0MARA"
	denied.Content.Target, denied.Content.Requester, denied.Content.Incident = "gone_target", "T1/U0SAM", flows.IncidentRef{}
	twice := ended // approved by two
	twice.ID, twice.SelfMade, twice.DecidedBy, twice.Votes = "req_00000000000000000000AAAA03", false, "T1/U0NOOR", []flows.Vote{{By: "T1/U0MARA"}, {By: "T1/U0NOOR"}}
	auditor := history.Asker{Person: "T1/U0AUDI", All: true}
	for name, m := range map[string]told{
		"page": auditView{
			cat: cat, question: "@dana \"stuck `x`\" last 30d", q: query.Query{Search: flows.Search{Since: noon}, Narrowed: true},
			found: flows.Found{Requests: []flows.Request{ended, denied}, Next: flows.Place{At: noon, ID: denied.ID}}, asker: auditor, recorded: true,
		}.message(),
		"story-console": storyView{cat: &flows.Catalog{World: flows.WorldSimulated, Console: "https://bg.acme.example"}, r: &ended, recorded: true}.message(),
		"page-console": auditView{
			cat:      &flows.Catalog{World: flows.WorldSimulated, Console: "https://bg.acme.example"},
			question: "<@U0DANA|dana> \"a|b> c\" last 30d", found: flows.Found{Requests: []flows.Request{twice}}, asker: auditor, recorded: true,
		}.message(),
		"nothing": auditView{cat: cat, asker: history.Asker{Person: "T1/U0SAM"}}.message(),
		"story": storyView{cat: cat, r: &ended, recorded: true, events: []history.Event{
			{Seq: 1, At: noon, Verb: "submit", Actor: map[string]any{"door": "slack", "person": "T1/U0DANA"}},
			{Seq: 2, At: noon, Verb: "refused", Code: "not_eligible", Actor: map[string]any{"person": history.Erased}},
			{Seq: 3, At: noon, Verb: "grant_failed", Actor: map[string]any{"door": "engine"}},
		}}.message(),
	} {
		golden(t, "audit/"+name, message(m.text, m.blocks...))
	}
}

// TestAuditRows: every state is said in words, and a long story stays within Slack's
// limits.
func TestAuditRows(t *testing.T) {
	t.Parallel()
	cat := &flows.Catalog{}
	said := map[string]flows.State{}
	for _, st := range flows.States() {
		r := flows.Request{ID: "req_1", State: st, DecidedBy: "T1/U1"}
		words := outcome(&r)
		if before, twice := said[words]; words == "" || twice && st != flows.StatePending && st != flows.StateGranting && st != flows.StateEnding {
			t.Errorf("%s is %q, like %s", st, words, before)
		}
		said[words] = st
		if auditRow(cat, &r) == "" {
			t.Errorf("%s has no row", st)
		}
	}
	var events []history.Event
	for i := range 100 {
		events = append(events, history.Event{Seq: int64(i + 1), Verb: fmt.Sprint("step", i)})
	}
	if m := (storyView{cat: cat, r: &flows.Request{}, events: events}).message(); len(m.blocks) > 50 {
		t.Errorf("%d blocks", len(m.blocks))
	}
}
