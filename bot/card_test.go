package bot

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
)

var update = flag.Bool("update", false, "write the golden files of cards and notices anew")

var three = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func someone(id string) flows.PersonID { return flows.Person("T0ACME", id) }

// cards is a catalog for drawing: a plain target, and one with a high risk.
func cards() *flows.Catalog {
	return &flows.Catalog{
		World: flows.WorldReal, Console: "https://breakglass.acme.example",
		Flows: map[flows.FlowID]*flows.Flow{"prod": {
			ID: "prod", Label: "Production access", Hash: "0123456789abcdef", Fields: []flows.PromptField{{Name: "ticket", Label: "Change ticket"}},
		}},
		Targets: map[flows.TargetID]*flows.TargetSpec{
			"console": {ID: "console", Label: "Production console", HowTo: "Open the console and choose the role *oncall*."},
			"db":      {ID: "db", Label: "Production database", HighRisk: true},
		},
	}
}

// asked is a request of Sam's that two managers are asked about.
func asked() flows.Request {
	return flows.Request{
		ID: "req_01JD8Q0000ABCDEFGHJKMNPQRS", Version: 2, State: flows.StatePending, SubmittedAt: three, StageSince: three, LapsesAt: three.Add(30 * time.Minute),
		Content: flows.Content{
			Flow: "prod", Target: "console", Requester: someone("U0SAM"), Beneficiary: someone("U0SAM"), Duration: 30 * time.Minute,
			Reason:   flows.NewText("the ledger is <!channel> *stuck*"),
			Incident: flows.IncidentRef{ID: "Q2AKJF9MPY7T1C", Number: 4711, Title: flows.NewText("Payouts <fail>"), URL: "https://acme.pagerduty.com/incidents/Q2AKJF9MPY7T1C"},
			Fields:   []flows.FieldValue{{Name: "ticket", Value: flows.NewText("CHG-1")}},
		},
		Route: &flows.Route{Origin: flows.FromHandler, Stages: []flows.Stage{
			{Approvers: []flows.PersonID{someone("U0MARA"), someone("U0NOOR")}, Quorum: 1, Why: "on call for mgr_on_call.", Timeout: 15 * time.Minute},
			{Approvers: []flows.PersonID{someone("U0LENA")}, Quorum: 1, Fallback: true, Timeout: 15 * time.Minute, Why: "Nobody answered before. The flow's fallback decides: @sre-managers."},
		}, Fallback: &flows.Stage{Approvers: []flows.PersonID{someone("U0LENA")}, Quorum: 1, Fallback: true, Why: "The flow's fallback decides: @sre-managers."}},
	}
}

// selfAsked is a request that its requester may approve.
func selfAsked() flows.Request {
	r := asked()
	r.Route.Stages = []flows.Stage{{
		Approvers: []flows.PersonID{someone("U0SAM")}, Quorum: 1, Self: true, Timeout: 15 * time.Minute,
		Why: "on call for primary, level 1, on Primary <&> until <!date^1795316400^{date_short_pretty} at {time}|2026-11-22 07:00 UTC>.",
	}}
	return r
}

// then is the request as it became.
func then(r flows.Request, s flows.State, more ...func(*flows.Request)) flows.Request {
	r.State = s
	if s != flows.StatePending && s != flows.StateCancelled && s != flows.StateLapsed {
		r.DecidedAt, r.DecidedBy, r.EndsAt = three.Add(time.Minute), someone("U0MARA"), three.Add(31*time.Minute)
	}
	if s.Final() {
		r.EndedAt = three.Add(31 * time.Minute)
	}
	for _, m := range more {
		m(&r)
	}
	return r
}

func byTime(r *flows.Request) { r.EndCause = flows.EndTime }

// drawing is one card to draw.
type drawing struct {
	req  flows.Request
	kind flows.CardKind
	to   string
}

// drawings are all the states, for all who see them.
func drawings() map[string]drawing {
	pending := asked()
	all := map[string]drawing{
		"submitted-requester":        {then(asked(), flows.StateSubmitted), flows.CardRequester, "U0SAM"},
		"pending-approver":           {pending, flows.CardApprover, "U0MARA"},
		"pending-requester":          {pending, flows.CardRequester, "U0SAM"},
		"pending-self":               {selfAsked(), flows.CardRequester, "U0SAM"},
		"pending-not-asked-any-more": {pending, flows.CardApprover, "U0EVE"},
		"pending-denied-before":      {then(asked(), flows.StatePending, func(r *flows.Request) { r.Denials = 2 }), flows.CardApprover, "U0MARA"},
		"pending-high-risk":          {then(asked(), flows.StatePending, func(r *flows.Request) { r.Content.Target = "db" }), flows.CardApprover, "U0MARA"},
		"pending-reminded":           {then(asked(), flows.StatePending, func(r *flows.Request) { r.Reminded = true }), flows.CardRequester, "U0SAM"},
		"pending-fallback": {then(asked(), flows.StatePending, func(r *flows.Request) {
			r.Route.Tainted, r.Route.Origin = true, flows.FromFallback
			r.Route.Stages = []flows.Stage{{Approvers: []flows.PersonID{someone("U0LENA")}, Quorum: 1, Fallback: true, Why: "PagerDuty could not say who is on call, so nothing was assumed. The flow's fallback decides: @sre-managers."}}
		}), flows.CardApprover, "U0LENA"},
		"pending-fallback-beside": {then(selfAsked(), flows.StatePending, func(r *flows.Request) {
			r.FallbackOpen, r.Route.Fallback.Why = true, "PagerDuty could not say who is on call, so the fallback is asked as well. "+r.Route.Fallback.Why
		}), flows.CardApprover, "U0LENA"},
		"pending-self-fallback-beside": {then(selfAsked(), flows.StatePending, func(r *flows.Request) { r.FallbackOpen = true }), flows.CardRequester, "U0SAM"},
		"pending-quorum": {then(asked(), flows.StatePending, func(r *flows.Request) {
			r.Route.Stages[0].Quorum, r.Votes = 2, []flows.Vote{{By: someone("U0NOOR")}}
		}), flows.CardApprover, "U0MARA"},
		"pending-long": {then(asked(), flows.StatePending, func(r *flows.Request) {
			r.Content.Reason = flows.NewText(strings.Repeat("payouts are stuck since 02:40 ", 40))
		}), flows.CardApprover, "U0MARA"},
		"pending-unreadable-incident": {then(asked(), flows.StatePending, func(r *flows.Request) { r.Content.Incident = flows.IncidentRef{ID: "Q2AKJF9MPY7T1C"} }), flows.CardApprover, "U0MARA"},
		"denied-approver":             {then(asked(), flows.StateDenied, func(r *flows.Request) { r.DenyWhy = flows.NewText("use the *replica*") }), flows.CardApprover, "U0NOOR"},
		"denied-requester":            {then(asked(), flows.StateDenied, func(r *flows.Request) { r.DenyWhy = flows.NewText("use the *replica*") }), flows.CardRequester, "U0SAM"},
		"refused":                     {then(asked(), flows.StateDenied, func(r *flows.Request) { r.DecidedBy = "" }), flows.CardRequester, "U0SAM"},
		"lapsed-requester":            {then(asked(), flows.StateLapsed), flows.CardRequester, "U0SAM"},
		"lapsed-approver":             {then(asked(), flows.StateLapsed), flows.CardApprover, "U0MARA"},
		"cancelled-before":            {then(asked(), flows.StateCancelled, func(r *flows.Request) { r.EndedBy = someone("U0SAM") }), flows.CardApprover, "U0MARA"},
		"cancelled-after": {then(asked(), flows.StateCancelled, func(r *flows.Request) {
			r.DecidedAt, r.DecidedBy, r.EndedBy = three, someone("U0MARA"), someone("U0SAM")
		}), flows.CardApprover, "U0MARA"},
		"granting-requester": {then(asked(), flows.StateGranting), flows.CardRequester, "U0SAM"},
		"granting-approver":  {then(asked(), flows.StateGranting), flows.CardApprover, "U0MARA"},
		"active-requester":   {then(asked(), flows.StateActive), flows.CardRequester, "U0SAM"},
		"active-approver":    {then(asked(), flows.StateActive), flows.CardApprover, "U0MARA"},
		"active-two-approvals": {then(asked(), flows.StateActive, func(r *flows.Request) {
			r.Votes = []flows.Vote{{By: someone("U0NOOR")}, {By: someone("U0MARA")}}
		}), flows.CardApprover, "U0MARA"},
		"active-incident-resolved": {then(asked(), flows.StateActive, func(r *flows.Request) {
			r.IncidentGone, r.EndCause = three.Add(20*time.Minute), flows.EndIncident
		}), flows.CardRequester, "U0SAM"},
		"asked-extension": {then(asked(), flows.StatePending, func(r *flows.Request) { r.Content.Extends = "req_01JD8Q0000ABCDEFGHJKAAAA01" }), flows.CardApprover, "U0MARA"},
		"active-self-fyi": {then(selfAsked(), flows.StateActive, func(r *flows.Request) {
			r.SelfMade, r.DecidedBy = true, someone("U0SAM")
			r.Proof = &flows.OnCallProof{Entry: flows.OnCallEntry{PolicyName: "primary", Level: 1}}
		}), flows.CardFYI, ""},
		"ending":         {then(asked(), flows.StateEnding, byTime), flows.CardApprover, "U0MARA"},
		"ending-overdue": {then(asked(), flows.StateEnding, byTime, func(r *flows.Request) { r.Overdue = true }), flows.CardRequester, "U0SAM"},
		"ended-time":     {then(asked(), flows.StateEnded, byTime), flows.CardRequester, "U0SAM"},
		"ended-revoked": {then(asked(), flows.StateEnded, func(r *flows.Request) {
			r.EndCause, r.EndedBy, r.EndWhy = flows.EndRevoked, someone("U0NOOR"), flows.NewText("wrong cluster")
		}), flows.CardApprover, "U0MARA"},
		"ended-still": {then(asked(), flows.StateEnded, byTime, func(r *flows.Request) { r.StillThrough = "req_01JD8Q0000ABCDEFGHJKZZZZZZ" }), flows.CardRequester, "U0SAM"},
		"failed":      {then(asked(), flows.StateFailed, func(r *flows.Request) { r.EndCause = flows.EndFailed }), flows.CardRequester, "U0SAM"},
	}
	return all
}

func (d drawing) view(cat *flows.Catalog) cardView {
	c := flows.Card{Kind: d.kind, Request: d.req.ID, Channel: "C0PROD"}
	if d.to != "" {
		c.To = someone(d.to)
	}
	c.ID = flows.CardID(d.req.ID, d.kind, string(c.To))
	v := cardView{req: d.req, card: c, cat: cat, now: three.Add(5 * time.Minute), holding: flows.Holding{
		Holders: []flows.Holder{{Request: "req_01JD8Q0000ABCDEFGHJKZZZZZZ", Until: three.Add(2 * time.Hour)}},
	}}
	if buttons(&d.req, c) {
		v.token = "TOKEN"
	}
	return v
}

// golden holds what is shown against its file in testdata.
func golden(t *testing.T, file string, m Message) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"text": m.Text, "blocks": m.Blocks})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	got := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(b.String()) + "\n"
	path := filepath.Join("testdata", file+".json")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is shown differently (run go test ./bot -update to accept; -want +got):\n%s", file, diff)
	}
}

func TestCards(t *testing.T) {
	t.Parallel()
	for name, d := range drawings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := d.view(cards()).render()
			golden(t, "cards/"+name, m)
			wellBehaved(t, d.req, m)
		})
	}
}

// shownBlock is what the checks read of a block.
type shownBlock struct {
	Type     string `json:"type"`
	Elements []struct {
		Type    string          `json:"type"`
		Action  string          `json:"action_id"`
		Value   string          `json:"value"`
		Style   string          `json:"style"`
		Label   string          `json:"accessibility_label"`
		Confirm json.RawMessage `json:"confirm"`
		Options []struct {
			Value string `json:"value"`
			URL   string `json:"url"`
		} `json:"options"`
	} `json:"elements"`
}

// wellBehaved holds a card to what is true of all: one primary button, danger only
// where something is refused or taken, no button once all is over (but to ask again),
// a whole sentence for push notifications, nothing alive of what was typed.
func wellBehaved(t *testing.T, r flows.Request, m Message) {
	t.Helper()
	var blocks []shownBlock
	if err := json.Unmarshal(m.Blocks, &blocks); err != nil {
		t.Fatal(err)
	}
	primary, buttons := 0, 0
	for _, b := range blocks {
		if b.Type != "actions" {
			continue
		}
		for _, e := range b.Elements {
			if e.Type == "overflow" && !r.State.Final() {
				for _, o := range e.Options {
					if what, token, _ := strings.Cut(o.Value, "."); token != "TOKEN" || (o.URL != "") != (what == menuOpen) {
						t.Errorf("the menu's %q goes to %q", o.Value, o.URL)
					}
				}
				continue
			}
			buttons++
			if e.Value != "TOKEN" || e.Label == "" {
				t.Errorf("button %s has the value %q, the label %q", e.Action, e.Value, e.Label)
			}
			switch e.Style {
			case "primary":
				primary++
			case "danger":
				if e.Action != ActionDeny && e.Action != ActionRevoke {
					t.Errorf("%s looks dangerous", e.Action)
				}
			}
			if r.State.Final() && e.Action != ActionMore {
				t.Errorf("%s is still there after the end", e.Action)
			}
		}
	}
	if primary > 1 || buttons > 3 {
		t.Errorf("%d primary of %d buttons", primary, buttons)
	}
	if blocks[len(blocks)-1].Type != "context" {
		t.Error("the footer is not last")
	}
	if !strings.HasSuffix(m.Text, ".") || !strings.Contains(m.Text, "30m") || !strings.Contains(m.Text, "asked for ") && !strings.Contains(m.Text, "asks for ") {
		t.Errorf("for a push notification: %q", m.Text)
	}
	for _, live := range []string{"<!channel>", "*stuck*", "<fail>", "*replica*", "Primary <&>"} {
		if strings.Contains(m.Text, live) || bytes.Contains(bytes.ReplaceAll(bytes.ReplaceAll(withoutQuotes(t, m.Blocks), []byte(`\u003c`), []byte("<")), []byte(`\u003e`), []byte(">")), []byte(live)) {
			t.Errorf("%q is alive", live)
		}
	}
}

// withoutQuotes drops rich text, in which typed text is no markup.
func withoutQuotes(t *testing.T, blocks json.RawMessage) []byte {
	t.Helper()
	var all []map[string]any
	if err := json.Unmarshal(blocks, &all); err != nil {
		t.Fatal(err)
	}
	var kept []map[string]any
	for _, b := range all {
		if b["type"] != "rich_text" {
			kept = append(kept, b)
		}
	}
	out, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// notices is everything that is told, for who it is told to.
func notices() map[string]struct {
	req flows.Request
	n   flows.Notice
} {
	type told = struct {
		req flows.Request
		n   flows.Notice
	}
	sam, active := someone("U0SAM"), then(asked(), flows.StateActive)
	return map[string]told{
		"approved":         {active, flows.Notice{To: sam, About: flows.AboutApproved}},
		"denied":           {then(asked(), flows.StateDenied, func(r *flows.Request) { r.DenyWhy = flows.NewText("use the <replica>") }), flows.Notice{To: sam, About: flows.AboutDenied}},
		"denied-by-nobody": {then(asked(), flows.StateDenied, func(r *flows.Request) { r.DecidedBy, r.Fault = "", "Nobody can decide this." }), flows.Notice{To: sam, About: flows.AboutDenied}},
		"expiring":         {active, flows.Notice{To: sam, About: flows.AboutExpiring}},
		"ended":            {then(asked(), flows.StateEnded, byTime), flows.Notice{To: sam, About: flows.AboutEnded}},
		"ended-still":      {then(asked(), flows.StateEnded, byTime, func(r *flows.Request) { r.StillThrough = "req_01JD8Q0000ABCDEFGHJKZZZZZZ" }), flows.Notice{To: sam, About: flows.AboutEnded}},
		"ended-revoked": {then(asked(), flows.StateEnded, func(r *flows.Request) {
			r.EndCause, r.EndedBy, r.EndWhy = flows.EndRevoked, someone("U0NOOR"), flows.NewText("wrong <cluster>")
		}), flows.Notice{To: sam, About: flows.AboutEnded}},
		"lapsed":    {then(asked(), flows.StateLapsed), flows.Notice{To: sam, About: flows.AboutLapsed}},
		"failed":    {then(asked(), flows.StateEnding, func(r *flows.Request) { r.EndCause = flows.EndFailed }), flows.Notice{To: sam, About: flows.AboutFailed}},
		"forwarded": {then(asked(), flows.StatePending, func(r *flows.Request) { r.Stage = 1 }), flows.Notice{To: sam, About: flows.AboutForwarded}},
		"fallback": {then(asked(), flows.StatePending, func(r *flows.Request) {
			r.Route.Why = "PagerDuty could not say who is on call, so nothing was assumed."
		}), flows.Notice{To: sam, About: flows.AboutFallback}},
		"fallback-beside":    {then(selfAsked(), flows.StatePending, func(r *flows.Request) { r.FallbackOpen = true }), flows.Notice{To: sam, About: flows.AboutFallback, Detail: "unknown"}},
		"fallback-link":      {then(selfAsked(), flows.StatePending, func(r *flows.Request) { r.FallbackOpen = true }), flows.Notice{To: sam, About: flows.AboutFallback, Detail: string(flows.DoubtLink)}},
		"fallback-incident":  {then(selfAsked(), flows.StatePending, func(r *flows.Request) { r.FallbackOpen = true }), flows.Notice{To: sam, About: flows.AboutFallback, Detail: string(flows.DoubtIncident)}},
		"reminded-approver":  {asked(), flows.Notice{To: someone("U0MARA"), About: flows.AboutReminded, Detail: "approver"}},
		"reminded-channel":   {asked(), flows.Notice{Channel: "C0SREM", About: flows.AboutReminded, Detail: "approver"}},
		"reminded-asker":     {asked(), flows.Notice{To: sam, About: flows.AboutReminded, Detail: "requester"}},
		"cancelled":          {then(asked(), flows.StateCancelled, func(r *flows.Request) { r.EndedBy = someone("U0MARA") }), flows.Notice{To: sam, About: flows.AboutCancelled}},
		"incident-resolved":  {active, flows.Notice{To: sam, About: flows.AboutResolved}},
		"refused":            {asked(), flows.Notice{To: sam, About: flows.AboutRefused, Detail: "You approved this already; it needs 2 approvals, from different people."}},
		"overdue":            {then(asked(), flows.StateEnding, byTime), flows.Notice{Channel: "C0ERRS", About: flows.AboutOverdue}},
		"unreadable":         {active, flows.Notice{Channel: "C0ERRS", About: flows.AboutUnreadable}},
		"fault":              {asked(), flows.Notice{Channel: "C0ERRS", About: flows.AboutFault}},
		"fault-of-pagerduty": {asked(), flows.Notice{Channel: "C0ERRS", About: flows.AboutFault, Detail: "unknown"}},
		"step-granted":       {active, step(flows.VerbGranted, "")},
		"step-forwarded":     {then(asked(), flows.StatePending, func(r *flows.Request) { r.Stage = 1 }), step(flows.VerbForward, "")},
		"step-denied":        {then(asked(), flows.StateDenied, func(r *flows.Request) { r.DenyWhy = flows.NewText("use the *stuck* <replica>") }), step(flows.VerbDeny, "U0NOOR")},
		"step-revoked": {then(asked(), flows.StateEnding, func(r *flows.Request) {
			r.EndCause, r.EndedBy, r.EndWhy = flows.EndRevoked, someone("U0NOOR"), flows.NewText("wrong <cluster>")
		}), step(flows.VerbRevoke, "U0NOOR")},
		"step-ending":    {then(asked(), flows.StateEnding, byTime), step(flows.VerbEnd, "")},
		"fault-of-a-job": {flows.Request{}, flows.Notice{Channel: "C0ERRS", About: flows.AboutFault, Detail: "job note:x was given up; the log has the cause"}},
	}
}

// step is a line for the thread of a channel's card.
func step(v flows.Verb, by string) flows.Notice {
	n := flows.Notice{Channel: "C0SREM", About: flows.AboutStep, Detail: string(v)}
	if by != "" {
		n.By = someone(by)
	}
	return n
}

// Every step that is told to a thread has words of its own.
func TestEveryStepHasWords(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, verb := range []string{
		"approve", "deny", "forward", "reroute", "cancel", "lapse", "granted", "grant_failed", "done", "revoke", "end", "revoked",
		"incident_resolved", "incident_merged", "overdue",
	} {
		v := drawing{req: then(asked(), flows.StateEnding, byTime), kind: flows.CardRequester, to: "U0SAM"}.view(cards())
		text := v.tells(step(flows.Verb(verb), "U0NOOR"))
		if was, twice := seen[text]; twice || !strings.HasPrefix(text, "› ") || !strings.HasSuffix(text, ".") {
			t.Errorf("%s is told as %q, as %s is", verb, text, was)
		}
		seen[text] = verb
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	for name, told := range notices() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := drawing{req: told.req, kind: flows.CardRequester, to: "U0SAM"}.view(cards())
			m := notice(told.n, v)
			golden(t, "notices/"+name, m)
			for _, live := range []string{"<!channel>", "*stuck*", "<replica>", "<cluster>"} {
				if strings.Contains(m.Text, live) {
					t.Errorf("%q is alive", live)
				}
			}
			if len([]rune(m.Text)) > 400 {
				t.Errorf("%d characters are too many at 3 am", len([]rune(m.Text)))
			}
			sim := *cards()
			sim.World = flows.WorldSimulated
			v.cat = &sim
			if m := notice(told.n, v); !bytes.Contains(m.Blocks, []byte("SIMULATED")) {
				t.Error("a simulated world does not say so")
			}
			if m := v.render(); !bytes.Contains(m.Blocks, []byte("SIMULATED")) {
				t.Error("a simulated card does not say so")
			}
		})
	}
}
