package bot_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"breakglass/bot"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// told types a command and gives what is answered to the person alone.
func (d *desk) told(user, text string) string {
	d.t.Helper()
	out, err := d.User(user).Slash("/access", text)
	must(d.t, err)
	var answer struct {
		Type string `json:"response_type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal([]byte(out.Exchange.ResponseBody), &answer); err != nil || answer.Type != "ephemeral" {
		d.t.Fatalf("/access %s answered %q", text, out.Exchange.ResponseBody)
	}
	return answer.Text
}

func TestHelp(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, word := range []string{"help", "HELP", "?"} {
		if got := d.told("U0DANA", word); !strings.Contains(got, "/access production_console 1h 4711") {
			t.Errorf("%s: %s", word, got)
		}
	}
	d.noViolations()
}

func TestUnknownWord(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.bot.Warm(t.Context())
	for typed, want := range map[string]string{
		"hlep": "`/access help`", "lst": "`/access list`", "lab_": "`/access lab`", "production-consle 1h it is down": "`/access production_console`",
	} {
		if got := d.told("U0DANA", typed); !strings.Contains(got, "Did you mean "+want) || !strings.Contains(got, "Nothing was asked for") {
			t.Errorf("%q: %s", typed, got)
		}
	}
	got := d.told("U0DANA", "<!channel>*x*")
	if strings.Contains(got, "<!") || strings.Contains(got, "Did you mean") {
		t.Errorf("typed text is not escaped: %s", got)
	}
	if got := d.told("U0EVE", "vaul"); strings.Contains(got, "vault") {
		t.Errorf("Eve is told of a target she may not ask for: %s", got)
	}
	d.noViolations()
}

func TestList(t *testing.T) {
	t.Parallel()
	d := setup(t)
	if got := d.told("U0DANA", "list"); !strings.Contains(got, "no open request") {
		t.Errorf("at first: %s", got)
	}
	card := d.asked()
	id := d.only().ID.Short()
	if got := d.told("U0DANA", "list"); !strings.Contains(got, "waiting for a decision") || !strings.Contains(got, "/access cancel "+id) {
		t.Errorf("while it waits: %s", got)
	}
	_, err := d.User("U0MARA").Click(card, "bg:approve")
	must(t, err)
	d.work()
	if got := d.told("U0DANA", "list"); !strings.Contains(got, "active until <!date^") || !strings.Contains(got, "/access done "+id) {
		t.Errorf("while it is active: %s", got)
	}
	if got := d.told("U0SAM", "list"); strings.Contains(got, id) {
		t.Errorf("Sam sees Dana's: %s", got)
	}
	d.noViolations()
}

func TestCancelByWord(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.asked()
	id := d.only().ID.Short()
	d.told("U0SAM", "cancel "+id) // not his: for him there is no such request
	d.work()
	if r := d.only(); r.State != flows.StatePending || !strings.Contains(d.said("U0SAM"), "no open request or access") {
		t.Fatalf("Sam's cancel: %s, %s", r.State, d.said("U0SAM"))
	}
	if got := d.told("U0DANA", "cancel"); !strings.Contains(got, id) {
		t.Errorf("cancel without an id: %s", got)
	}
	d.told("U0DANA", "cancel "+strings.ToUpper(id))
	d.work()
	if r := d.only(); r.State != flows.StateCancelled {
		t.Errorf("after cancel: %s", r.State)
	}
}

func TestShortcut(t *testing.T) {
	t.Parallel()
	d := setup(t)
	_, err := d.User("U0DANA").Shortcut("bg:request")
	must(t, err)
	if v := d.form("U0DANA", 1); v.Title != "Request access" {
		t.Errorf("the shortcut opened %q", v.Title)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	d := setup(t)
	must(t, d.VerifyEvents())
	w := d.post(signed{path: "/slack/events", body: `{"type":"event_callback","team_id":"T0ACME","api_app_id":"A0GLASS","event":{"type":"app_home_opened"}}`})
	if w.Code != http.StatusOK {
		t.Errorf("an event was answered %d", w.Code)
	}
	mustRefuse(t, "a challenge that is not signed", d.post(signed{
		path: "/slack/events", body: `{"type":"url_verification","challenge":"c"}`, secret: "another-secret-another-secret",
	}))
}

// TestSlowSlack: a Slack that takes its time delays no answer of ours.
func TestSlowSlack(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	d := setup(t)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-hold
		d.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(slow.Close)
	b := d.another(slow.URL + "/api/")
	for range 20 {
		w := httptest.NewRecorder()
		b.Commands(w, signed{path: "/slack/commands", body: command("").Encode(), secret: signing, at: d.clock.Now()}.request())
		if w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	b.Interactions(w, signed{path: "/slack/interactions", body: payload(press(bot.ActionApprove, "v")), secret: signing, at: d.clock.Now()}.request())
	if w.Code != http.StatusOK {
		t.Fatalf("a click was answered %d", w.Code)
	}
	close(hold) // only now does Slack answer
	must(t, b.Stop(t.Context()))
	w = httptest.NewRecorder()
	b.Commands(w, signed{path: "/slack/commands", body: command("").Encode(), secret: signing, at: d.clock.Now()}.request())
	if !strings.Contains(w.Body.String(), "Nothing was asked for") {
		t.Errorf("after the stop: %d %s", w.Code, w.Body)
	}
}

// another is a second bot at the same desk that calls Slack at apiURL.
func (d *desk) another(apiURL string) *bot.Bot {
	d.t.Helper()
	c := d.clientAt(apiURL)
	b, err := bot.New(d.t.Context(), bot.Options{
		Team: team, AppID: app, Signing: flows.NewSecret("signing", d.secret), Catalog: func() *flows.Catalog { return d.cat },
		Inbox: d.store, Engine: d.engine, Emergency: emergency{d.engine}, Foresight: d.engine, Cards: d.store, Requests: d.store, History: d.store, Recorder: d.engine, Directory: c, Incidents: d.pd,
		Views: c, Slack: poster{c}, Clock: d.clock, IDs: newIDs(9),
	})
	must(d.t, err)
	return b
}

// TestAnExpiredTrigger tells the person that nothing was asked for.
func TestAnExpiredTrigger(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.Fail(slackfake.Fault{Method: "views.open", Error: "expired_trigger_id", Times: 1})
	_, err := d.User("U0DANA").In("C0PROD").Slash("/access", "")
	must(t, err)
	d.wait("a word to Dana", func() bool {
		return strings.Contains(d.said("U0DANA"), "Nothing was asked for. Try again")
	})
}

// TestTheModalOpensAtOnce measures from the request to the views.open call.
func TestTheModalOpensAtOnce(t *testing.T) {
	t.Parallel()
	opened := make(chan time.Time, 1)
	d := setup(t, func(o *bot.Options) { o.Views = timed{o.Views, opened} })
	fastest := time.Hour
	for range 20 {
		begin := time.Now()
		d.post(signed{path: "/slack/commands", body: command("production_console 1h why not").Encode()})
		fastest = min(fastest, (<-opened).Sub(begin))
	}
	if fastest > 50*time.Millisecond {
		t.Errorf("views.open leaves after %s, the goal is 50 ms", fastest)
	}
}

// timed says when a form was opened.
type timed struct {
	bot.Viewer
	opened chan time.Time
}

func (v timed) OpenView(ctx context.Context, trigger string, view json.RawMessage) (string, string, error) {
	v.opened <- time.Now()
	return v.Viewer.OpenView(ctx, trigger, view)
}
