package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"breakglass/bot"
	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/integrations/slackfake"
)

// audit types a question and gives the answer, as the person sees it.
func (d *desk) audit(user, question string) slackfake.Message {
	d.t.Helper()
	before := len(d.User(user).Ephemerals())
	out, err := d.User(user).Slash("/access", strings.TrimSpace("audit "+question))
	must(d.t, err)
	var answer struct {
		Type string `json:"response_type"`
	}
	if err := json.Unmarshal([]byte(out.Exchange.ResponseBody), &answer); err != nil || answer.Type != "ephemeral" {
		d.t.Fatalf("/access audit %s answered %q", question, out.Exchange.ResponseBody)
	}
	all := d.User(user).Ephemerals()
	if len(all) != before+1 {
		d.t.Fatalf("/access audit %s showed %d messages", question, len(all)-before)
	}
	return all[len(all)-1]
}

// looks are the looks that were recorded.
func (d *desk) looks() (out []history.Event) {
	d.t.Helper()
	entries, err := d.store.Entries(d.t.Context(), "system")
	must(d.t, err)
	events, err := history.Events(entries)
	must(d.t, err)
	for _, e := range events {
		if e.Verb == "audit_read" {
			out = append(out, e)
		}
	}
	return out
}

// TestAudit: auditors see everything, others what they had a part in, and every look is
// recorded.
func TestAudit(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.cat.Auditors = []flows.Principal{"U0EVE"}
	card := d.asked()
	_, err := d.User("U0MARA").Click(card, bot.ActionApprove)
	must(t, err)
	d.work()
	short, fastest := d.only().ID.Short(), time.Hour
	for _, c := range []struct{ user, question, want, not string }{
		{"U0EVE", "", short, "auditors see"},
		{"U0EVE", "incident 4711", "#4711", ""},
		{"U0EVE", "<@U0DANA|dana> last 30d", "approved by <@U0MARA>", ""},
		{"U0EVE", "for:@dana approved-by:U0MARA", short, ""},
		{"U0EVE", "<@U0MARA|mara> denied", "No request", short},
		{"U0EVE", "\u201cDATABASE is\u201d", short, ""},
		{"U0EVE", "target:&lt;x&gt; last 1h", "No request", short},
		{"U0DANA", "", short, ""},
		{"U0MARA", "incident 4711", short, ""},
		{"U0SAM", "", "No request", short},
		{"U0SAM", "@dana", "auditors see everything", short},
		{"U0DANA", "me today", short, ""},
		{"U0DANA", "incidnt 4711", "Did you mean incident?", short},
		{"U0DANA", "@nobody", "nobody that is known here", short},
		{"U0DANA", strings.Repeat("x", 900), "too long", ""},
	} {
		began := time.Now()
		got := d.audit(c.user, c.question).Shown()
		fastest = min(fastest, time.Since(began))
		if plain := strings.ReplaceAll(got, "\u2060", ""); !strings.Contains(plain, c.want) || c.not != "" && strings.Contains(plain, c.not) {
			t.Errorf("%s asks %q and reads:\n%s", c.user, c.question, got)
		}
	}
	if fastest > time.Second { // of fifteen: the machine may be busy
		t.Errorf("an answer takes %s", fastest)
	}
	looks := d.looks()
	if len(looks) != 12 || looks[0].Who() != "T0ACME/U0EVE" || looks[11].Who() != "T0ACME/U0DANA" {
		t.Errorf("%d looks are recorded", len(looks))
	}
	if rows := len(d.requests()); rows != 1 {
		t.Errorf("%d requests", rows)
	}
	d.noViolations()
}

// TestAuditButtons: the next page, and one request's story, to whoever may see it.
func TestAuditButtons(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.cat.Auditors = []flows.Principal{"@engineering"} // Dana, Sam, Mara
	for i := range 13 {
		d.past(i)
	}
	dana := d.User("U0DANA").In("C0PROD")
	page := d.audit("U0DANA", "<@U0SAM>")
	if n := strings.Count(page.Shown(), "*Lab* for 1h"); n != 10 {
		t.Fatalf("the first page has %d requests:\n%s", n, page.Shown())
	}
	_, err := dana.Click(page, bot.ActionAuditNext)
	must(t, err)
	var older slackfake.Message
	d.wait("the next page", func() bool { return d.newest("U0DANA", "reason 2", &older) })
	if s := older.Shown(); strings.Count(s, "*Lab* for 1h") != 3 || strings.Contains(s, "Older") {
		t.Errorf("the next page:\n%s", s)
	}
	one := d.audit("U0DANA", "<@U0SAM> \"reason 12\"")
	_, err = dana.Click(one, bot.ActionAuditShow)
	must(t, err)
	var story slackfake.Message
	d.wait("the story", func() bool { return d.newest("U0DANA", "1. ", &story) })
	if s := story.Shown(); !strings.Contains(s, "reason 12") || !strings.Contains(s, "submit by <@U0SAM>") || !strings.Contains(s, "is recorded") {
		t.Errorf("the story:\n%s", s)
	}
	d.cat.Auditors = nil // and who is none any more, and had no part, sees nothing
	_, err = dana.Click(one, bot.ActionAuditShow)
	must(t, err)
	d.wait("the refusal", func() bool { return strings.Contains(d.said("U0DANA"), "Only auditors, who had a part in it") })
	looks := d.looks()
	if n := len(looks); n != 3 || looks[2].Facts.(map[string]any)["what"] != history.LookRequest {
		t.Errorf("%d looks are recorded; the next page is none of its own", n)
	}
	d.noViolations()
}

// past writes a request that Sam made long ago.
func (d *desk) past(i int) {
	d.t.Helper()
	c := flows.Content{
		Flow: "all", Target: "lab", Scope: flows.Scope(fmt.Sprint(i)), Requester: person("U0SAM"), Beneficiary: person("U0SAM"),
		Duration: time.Hour, Reason: flows.NewText(fmt.Sprintf("reason %d", i)),
	}
	at := d.clock.Now().Add(time.Duration(i-20) * time.Hour)
	r := flows.Request{ID: flows.RequestID(fmt.Sprintf("req_%026d", i)), Version: 1, State: flows.StateSubmitted, Content: c, SubmittedAt: at}
	entry := flows.Entry{Verb: "submit", To: r.State, At: at, Actor: flows.Actor{Person: c.Requester, Door: flows.DoorSlack}}
	sealed, head, err := flows.Seal(string(r.ID), flows.ChainHead{}, []flows.Entry{entry}, func([]byte) {})
	must(d.t, err)
	r.Chain = head
	_, err = d.store.Apply(d.t.Context(), flows.Change{Request: &r, Entries: sealed})
	must(d.t, err)
}

// newest finds the last thing that was shown to a person alone, if it says so.
func (d *desk) newest(user, says string, into *slackfake.Message) bool {
	all := append(d.User(user).DM(), d.User(user).Ephemerals()...)
	for _, m := range all {
		if strings.Contains(m.Shown(), says) && m.TS > into.TS {
			*into = m
		}
	}
	return into.TS != ""
}

// deaf is a recorder that cannot write.
type deaf struct{}

func (deaf) Record(context.Context, string, flows.Entry, flows.Finish) error {
	return errors.New("the disk is full")
}

// blind is a history that does not answer in time.
type blind struct{ bot.History }

func (blind) Search(ctx context.Context, _ flows.Search) (flows.Found, error) {
	return flows.Found{}, fmt.Errorf("search: %w", context.DeadlineExceeded)
}

// TestAuditOnBadDays: what cannot be recorded is shown and said, what takes too long is
// given up.
func TestAuditOnBadDays(t *testing.T) {
	t.Parallel()
	d := setup(t, func(o *bot.Options) { o.Recorder = deaf{} })
	d.past(1)
	if got := d.audit("U0SAM", "").Shown(); !strings.Contains(got, "reason 1") || !strings.Contains(got, "could not be recorded") {
		t.Errorf("on a full disk:\n%s", got)
	}
	slow := setup(t, func(o *bot.Options) { o.History = blind{o.History} })
	if got := slow.audit("U0SAM", "").Shown(); !strings.Contains(got, "took too long") {
		t.Errorf("on a slow disk:\n%s", got)
	}
}
