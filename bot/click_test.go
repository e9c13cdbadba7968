package bot_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"breakglass/bot"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// asked has Dana ask for the console, and gives Mara's card.
func (d *desk) asked() slackfake.Message {
	d.t.Helper()
	form := d.openForm("U0DANA", "production_console 1h 4711 the database is down")
	_, err := d.User("U0DANA").Submit(form, nil)
	must(d.t, err)
	d.work()
	if r := d.only(); r.State != flows.StatePending {
		d.t.Fatalf("the request is %s", r.State)
	}
	return d.User("U0MARA").DM()[0]
}

// said is everything a person was told in messages of their own.
func (d *desk) said(user string) string {
	var all []string
	for _, m := range append(d.User(user).DM(), d.User(user).Ephemerals()...) {
		all = append(all, m.Shown())
	}
	return strings.Join(all, "\n")
}

func TestDenyAsksWhy(t *testing.T) {
	t.Parallel()
	d := setup(t)
	mara, card := d.User("U0MARA"), d.asked()
	_, err := mara.Click(card, "bg:deny")
	must(t, err)
	form := d.form("U0MARA", 0)
	if s := string(form.Blocks); !strings.Contains(s, "Production console") || !strings.Contains(s, "the database is down") {
		t.Errorf("the form does not say what is denied: %s", s)
	}
	_, err = mara.Submit(form, nil)
	must(t, err)
	if form, _ = mara.Front(); !strings.Contains(form.Errors["why"], "Say why") {
		t.Fatalf("a denial without a reason: %v", form.Errors)
	}
	d.work()
	if r := d.only(); r.State != flows.StatePending {
		t.Fatalf("without a reason it is %s", r.State)
	}
	_, err = mara.Submit(form, slackfake.Values{"preset": "Please call me first", "why": "I am <awake>"})
	must(t, err)
	d.work()
	r := d.only()
	if r.State != flows.StateDenied || r.DenyWhy.Raw() != "Please call me first: I am <awake>" || r.DecidedBy != person("U0MARA") {
		t.Errorf("%s by %s: %q", r.State, r.DecidedBy, r.DenyWhy.Raw())
	}
	if _, open := mara.Front(); open {
		t.Error("the form is still open")
	}
	d.noViolations()
}

// TestDenyWhileTheCardChanges: a reason that was being written counts although the
// card got a new button meanwhile.
func TestDenyWhileTheCardChanges(t *testing.T) {
	t.Parallel()
	d := setup(t)
	mara, card := d.User("U0MARA"), d.asked()
	_, err := mara.Click(card, "bg:deny")
	must(t, err)
	form := d.form("U0MARA", 0)
	r := d.only()
	_, err = d.store.Apply(t.Context(), flows.Change{Jobs: []flows.Job{{
		Kind: flows.JobCard, Key: "card:again", Subject: flows.CardID(r.ID, flows.CardApprover, "T0ACME/U0MARA"), RunAt: d.clock.Now(),
	}}})
	must(t, err)
	d.work()
	_, err = mara.Submit(form, slackfake.Values{"why": "no"})
	must(t, err)
	d.work()
	if r := d.only(); r.State != flows.StateDenied {
		t.Errorf("the request is %s; Mara was told %s", r.State, d.said("U0MARA"))
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	d := setup(t)
	mara, card := d.User("U0MARA"), d.asked()
	_, err := mara.Click(card, "bg:approve")
	must(t, err)
	d.work()
	_, err = mara.Click(mara.DM()[0], "bg:revoke")
	must(t, err)
	_, err = mara.Submit(d.form("U0MARA", 0), slackfake.Values{"why": "over"})
	must(t, err)
	d.work()
	if r := d.only(); r.State != flows.StateEnded || r.EndCause != flows.EndRevoked || r.EndedBy != person("U0MARA") {
		t.Errorf("%s, %s by %s", r.State, r.EndCause, r.EndedBy)
	}
	d.noViolations()
}

// TestForeignButtons: a button's value is good for whom it was sent to, on its
// message, and for nobody and nowhere else.
func TestForeignButtons(t *testing.T) {
	t.Parallel()
	d := setup(t)
	card := d.asked()
	var value string
	for _, e := range card.Elements() {
		if e.ActionID == "bg:approve" {
			value = e.Value
		}
	}
	from := func(user, channel, ts, value string) {
		t.Helper()
		p := press("bg:approve", value)
		p["user"] = obj{"id": user, "team_id": team}
		p["channel"] = obj{"id": channel}
		p["container"] = obj{"type": "message", "message_ts": ts, "channel_id": channel}
		if w := d.post(signed{path: "/slack/interactions", body: payload(p)}); w.Code != http.StatusOK {
			t.Fatalf("answered %d", w.Code)
		}
		d.work()
		if r := d.only(); r.State != flows.StatePending || len(r.Votes) != 0 {
			t.Fatalf("%s in %s at %s: the request is %s", user, channel, ts, r.State)
		}
	}
	from("U0EVE", card.Channel, card.TS, value)
	from("U0EVE", "C0PROD", card.TS, value)
	from("U0MARA", "C0PROD", card.TS, value)
	from("U0MARA", card.Channel, "1795316400.999999", value)
	from("U0MARA", card.Channel, card.TS, "made up")
	from("U0MARA", card.Channel, card.TS, "")
	if s := d.said("U0MARA"); !strings.Contains(s, "out of date") {
		t.Errorf("Mara was told %q", s)
	}
	entries, err := d.store.Entries(t.Context(), string(d.only().ID))
	must(t, err)
	for _, e := range entries {
		if e.Verb == "refused" {
			t.Errorf("a button that is nobody's is in the audit: %s", e.Bytes)
		}
	}
	_, err = d.User("U0MARA").Click(card, "bg:approve")
	must(t, err)
	d.work()
	if r := d.only(); r.State != flows.StateActive {
		t.Errorf("the good button: %s", r.State)
	}
}

// TestDenyByHand: the reason form names the request, and that gives nobody a say.
func TestDenyByHand(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.asked()
	for _, callback := range []string{"bg:deny", "bg:revoke"} {
		w := d.post(signed{path: "/slack/interactions", body: payload(obj{
			"type": "view_submission", "api_app_id": app, "team": obj{"id": team}, "user": obj{"id": "U0EVE", "team_id": team},
			"view": obj{
				"id": "V1", "hash": "1.x", "callback_id": callback, "private_metadata": string(d.only().ID),
				"state": obj{"values": obj{"why": obj{"why": obj{"type": "plain_text_input", "value": "ha"}}}},
			},
		})})
		if w.Code != http.StatusOK {
			t.Fatalf("answered %d", w.Code)
		}
		d.work()
		if r := d.only(); r.State != flows.StatePending {
			t.Errorf("%s by a stranger: %s", callback, r.State)
		}
	}
	if s := d.said("U0EVE"); !strings.Contains(s, "You may not decide this now") {
		t.Errorf("Eve was told %q", s)
	}
}

// TestAskAgain opens the form as the request was.
func TestAskAgain(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.asked()
	d.clock.Push(time.Hour)
	_, err := d.engine.Do(t.Context(), flows.Command{Verb: flows.VerbLapse, Actor: flows.ByEngine(), ID: d.only().ID}, flows.Finish{})
	must(t, err)
	d.work()
	dana := d.User("U0DANA")
	for _, v := range dana.OpenViews() {
		_, err := dana.CloseAll(v)
		must(t, err)
	}
	_, err = dana.Click(dana.DM()[0], "bg:more")
	must(t, err)
	got := state(t, d.form("U0DANA", 1))
	want := map[string]string{"target": "prod/production_console", "duration": "1h", "incident": "Q2AKJF9MPY7T1C", "reason": "the database is down"}
	for ask, w := range want {
		if got[ask] != w {
			t.Errorf("%s is %q, want %q", ask, got[ask], w)
		}
	}
	d.noViolations()
}

// broken is an inbox that does not store.
type broken struct{ flows.Inbox }

func (broken) Accept(context.Context, flows.InboxRow, flows.Job) (flows.Job, bool, error) {
	return flows.Job{}, false, errors.Join(flows.ErrReadOnly, errors.New("disk full"))
}

// TestNothingStoredNothingPromised: where the inbox does not take it, Slack is not
// told 200, and the person is told that nothing was done.
func TestNothingStoredNothingPromised(t *testing.T) {
	t.Parallel()
	d := setup(t, func(o *bot.Options) { o.Inbox = broken{o.Inbox} })
	w := d.post(signed{path: "/slack/interactions", body: payload(press(bot.ActionApprove, "v"))})
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("a click was answered %d", w.Code)
	}
	w = d.post(signed{path: "/slack/commands", body: command("done abc123").Encode()})
	if !strings.Contains(w.Body.String(), "nothing was done") {
		t.Errorf("a command was answered %s", w.Body)
	}
	dana := d.User("U0DANA")
	form := d.openForm("U0DANA", "production_console 1h 4711 the database is down")
	_, err := dana.Submit(form, nil)
	must(t, err)
	form, _ = dana.Front()
	if e := form.Errors["target/1"] + form.Errors["target/"]; !strings.Contains(e, "nothing was asked for") {
		t.Errorf("the form says %v", form.Errors)
	}
	if got := state(t, form); got["reason"] != "the database is down" {
		t.Error("what was entered is lost")
	}
}

// woken collects the jobs that were handed to this process.
type woken struct{ jobs chan flows.Job }

func (w woken) Wake(jobs []flows.Job) {
	for _, j := range jobs {
		w.jobs <- j
	}
}

// TestHandledAtOnce: the inbox job is leased to this process and handed to it, once,
// and what is stored holds no capability.
func TestHandledAtOnce(t *testing.T) {
	t.Parallel()
	w := woken{jobs: make(chan flows.Job, 10)}
	d := setup(t, func(o *bot.Options) { o.Wake, o.Owner = w, "me" })
	s := signed{path: "/slack/interactions", body: payload(press(bot.ActionApprove, "the-value"))}
	for range 3 {
		d.post(s)
	}
	j := <-w.jobs
	if len(w.jobs) != 0 {
		t.Error("a replay was handled again")
	}
	if j.LeasedTo != "me" || !j.LeaseUntil.Equal(d.clock.Now().Add(15*time.Second)) || j.Kind != flows.JobInbox {
		t.Errorf("job %+v", j)
	}
	row, err := d.store.InboxRow(t.Context(), j.Subject)
	must(t, err)
	for _, secret := range []string{"the-value", "123.456.abc", "hooks.slack.com", "deprecated"} {
		if strings.Contains(string(row.Body), secret) {
			t.Errorf("the row holds %q: %s", secret, row.Body)
		}
	}
	must(t, d.bot.HandleInbox(t.Context(), j))
	if err := d.bot.HandleInbox(t.Context(), j); !errors.Is(err, flows.ErrLeaseLost) {
		t.Errorf("handled twice: %v", err)
	}
}

// TestSecondClicker tells who was slower, on a message that their client had not
// redrawn yet, who decided.
func TestSecondClicker(t *testing.T) {
	t.Parallel()
	d := setup(t)
	mara, card := d.User("U0MARA"), d.asked()
	_, err := mara.Click(card, "bg:approve")
	must(t, err)
	d.work()
	d.clock.Push(12 * time.Second)
	_, err = mara.ClickStale(card, "bg:approve")
	must(t, err)
	d.work()
	if s := d.said("U0MARA"); !strings.Contains(s, "already decided") || !strings.Contains(s, "12 s ago") {
		t.Errorf("the second click was told %q", s)
	}
}
