package bot_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// state is what is entered in a view, by what it asks for.
func state(t *testing.T, v slackfake.View) map[string]string {
	t.Helper()
	var values map[string]map[string]struct {
		Value    string `json:"value"`
		Selected struct {
			Value string `json:"value"`
		} `json:"selected_option"`
	}
	must(t, json.Unmarshal(v.State, &values))
	out := map[string]string{}
	for id, byAction := range values {
		ask, _, _ := strings.Cut(id, "/")
		for _, a := range byAction {
			out[ask] = a.Value + a.Selected.Value
		}
	}
	return out
}

// TestTypedRequest fills the form from what was typed, in any order.
func TestTypedRequest(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{
		"production_console 1h 4711 the database is down",
		"4711 1h production-console the database is down",
		"for 60m Production Console #4711 the database is down",
		`“Production console” 1h https://acme.pagerduty.com/incidents/Q2AKJF9MPY7T1C the database is down`,
		"prod/production_console Q2AKJF9MPY7T1C 1h the database is down",
	} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			got := state(t, d.openForm("U0DANA", typed))
			want := map[string]string{
				"target": "prod/production_console", "duration": "1h", "incident": "Q2AKJF9MPY7T1C", "reason": "the database is down",
			}
			for ask, w := range want {
				if got[ask] != w {
					t.Errorf("%s is %q, want %q", ask, got[ask], w)
				}
			}
			form, _ := d.User("U0DANA").Front()
			if _, err := d.User("U0DANA").Submit(form, nil); err != nil {
				t.Fatal(err)
			}
			d.work()
			if r := d.only(); r.Content.Duration != time.Hour || r.Content.Incident.Number != 4711 {
				t.Errorf("asked for %+v", r.Content)
			}
			d.noViolations()
		})
	}
}

// TestSkeletonFirst opens the form before PagerDuty or anything of Slack is asked.
func TestSkeletonFirst(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.openForm("U0DANA", "production_console 1h why not")
	for _, c := range d.LedgerSince(0) {
		if c.Direction != slackfake.FromApp {
			continue
		}
		if c.Kind != "views.open" {
			t.Errorf("%s was called before views.open", c.Kind)
		}
		break
	}
}

// TestRetarget redraws the form for another flow and keeps what was entered.
func TestRetarget(t *testing.T) {
	t.Parallel()
	d := setup(t)
	dana := d.User("U0DANA")
	form := d.openForm("U0DANA", "orders_db")
	if s := string(form.Blocks); !strings.Contains(s, "Change ticket") || !strings.Contains(s, "These would be asked:* <@U0MARA> (on call for mgr_on_call, level 1)") || !strings.Contains(s, "at most 1h here") {
		t.Errorf("the form of prod: %s", s)
	}
	_, err := dana.Fill(form, "reason", "typed before")
	must(t, err)
	_, err = dana.Fill(form, "target", "Lab")
	must(t, err)
	form = d.form("U0DANA", 2)
	if s := string(form.Blocks); strings.Contains(s, "Change ticket") || !strings.Contains(s, "Buddy") || !strings.Contains(s, "the fallback decides") {
		t.Errorf("the form of all: %s", s)
	}
	if got := state(t, form); got["reason"] != "typed before" || got["incident"] != "Q2AKJF9MPY7T1C" || got["target"] != "all/lab" {
		t.Errorf("after the change of target: %v", got)
	}
	d.noViolations()
}

// TestEveryKindOfField asks and takes all types of a flow's own questions.
func TestEveryKindOfField(t *testing.T) {
	t.Parallel()
	d := setup(t)
	sam := d.User("U0SAM")
	form := d.openForm("U0SAM", "lab 30m try it out")
	fill := slackfake.Values{
		"field/text/all": "*bold* <!channel>", "field/count/all": "42", "field/sure/all": "Yes", "field/wait/all": "90m",
		"field/where/all": "eu", "field/buddy/all": "U0DANA", "field/crew/all": []string{"U0MARA", "U0EVE"},
	}
	_, err := sam.Submit(form, fill)
	must(t, err)
	d.work()
	got := map[string]string{}
	for _, f := range d.only().Content.Fields {
		got[f.Name] = f.Value.Raw()
	}
	want := map[string]string{
		"text": "*bold* <!channel>", "count": "42", "sure": "true", "wait": "90m", "where": "eu", "buddy": "U0DANA", "crew": "U0MARA,U0EVE",
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s is %q, want %q", name, got[name], w)
		}
	}
	d.noViolations()
}

// TestALongChoice stands for itself though Slack takes 75 characters only.
func TestALongChoice(t *testing.T) {
	t.Parallel()
	d := setup(t)
	sam := d.User("U0SAM")
	form := d.openForm("U0SAM", "lab 30m try it out")
	var long string
	for _, o := range menu(t, form, "field/where/all") {
		if strings.HasPrefix(o, "~") {
			long = o
		}
	}
	_, err := sam.Submit(form, slackfake.Values{
		"field/text/all": "x", "field/count/all": "1", "field/sure/all": "No", "field/where/all": long,
	})
	must(t, err)
	d.work()
	if got := d.only().Content.Fields[4].Value.Raw(); !strings.HasSuffix(got, "far away, there") {
		t.Errorf("where is %q", got)
	}
}

// menu lists the values of a static menu.
func menu(t *testing.T, v slackfake.View, blockID string) (values []string) {
	t.Helper()
	var blocks []struct {
		BlockID string `json:"block_id"`
		Element struct {
			Options []struct {
				Value string `json:"value"`
			} `json:"options"`
		} `json:"element"`
	}
	must(t, json.Unmarshal(v.Blocks, &blocks))
	for _, b := range blocks {
		if b.BlockID == blockID {
			for _, o := range b.Element.Options {
				values = append(values, o.Value)
			}
		}
	}
	return values
}

// TestFieldErrors shows every error at its field, with what to do, and keeps what
// was entered; nothing is stored.
func TestFieldErrors(t *testing.T) {
	t.Parallel()
	d := setup(t)
	sam := d.User("U0SAM")
	form := d.openForm("U0SAM", "lab 30m ok")
	_, err := sam.Submit(form, slackfake.Values{
		"custom": "3h", "field/text/all": "x", "field/count/all": "1", "field/sure/all": "No", "field/where/all": "eu", "field/wait/all": "soon",
	})
	must(t, err)
	form, _ = sam.Front()
	for block, want := range map[string]string{
		"custom": "At most 2h here", "reason": "Say why", "field/wait/all": "A length of time",
	} {
		if !strings.Contains(form.Errors[block], want) {
			t.Errorf("at %s stands %q, want %q", block, form.Errors[block], want)
		}
	}
	if len(form.Errors) != 3 {
		t.Errorf("errors: %v", form.Errors)
	}
	d.work()
	if n := len(d.requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	_, err = sam.Submit(form, slackfake.Values{"custom": "2h", "reason": "a good one", "field/wait/all": "1h"})
	must(t, err)
	d.work()
	if r := d.only(); r.Content.Duration != 2*time.Hour {
		t.Errorf("asked for %s", flows.Span(r.Content.Duration))
	}
	d.noViolations()
}

// TestForgedChoices submits options that were never offered.
func TestForgedChoices(t *testing.T) {
	t.Parallel()
	d := setup(t)
	dana := d.User("U0DANA")
	form := d.openForm("U0DANA", "production_console 1h the database is down")
	_, err := dana.Fill(form, "target", slackfake.Option{Text: "Root", Value: "root/everything"})
	must(t, err)
	_, err = dana.Submit(d.form("U0DANA", 2), nil)
	must(t, err)
	if form, _ = dana.Front(); !strings.Contains(form.Errors["target/1"]+form.Errors["target/"], "Pick a target from the list") {
		t.Fatalf("errors: %v", form.Errors)
	}
	// What exists but is not open to her passes the form, and the engine refuses it.
	d.submit("U0DANA", form.ID, map[string]string{"target": "vault/vault", "duration": "1h", "reason": "let me in", "incident": "none"})
	d.work()
	if n := len(d.requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	if v, _ := dana.Front(); v.Title != "Not submitted" || !strings.Contains(string(v.Blocks), "not among them") {
		t.Errorf("the modal says %q: %s", v.Title, v.Blocks)
	}
	d.noViolations()
}

// TestARefusalStandsInTheModal: a second request for the same is refused by the
// engine, and the modal that said "Asking…" says so.
func TestARefusalStandsInTheModal(t *testing.T) {
	t.Parallel()
	d := setup(t)
	dana := d.User("U0DANA")
	for range 2 {
		form := d.openForm("U0DANA", "production_console 1h 4711 the database is down")
		_, err := dana.Submit(form, nil)
		must(t, err)
		d.work()
	}
	d.only()
	if v, _ := dana.Front(); v.Title != "Not submitted" || !strings.Contains(string(v.Blocks), "already have an open request") {
		t.Errorf("the modal says %q: %s", v.Title, v.Blocks)
	}
	d.noViolations()
}

// TestPagerDutyDown lets the incident be typed: access is needed most then.
func TestPagerDutyDown(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.pd.setDown(true)
	dana := d.User("U0DANA")
	form := d.openForm("U0DANA", "production_console 1h the database is down")
	if !strings.Contains(string(form.Blocks), "does not list incidents just now") {
		t.Fatalf("the form does not say so: %s", form.Blocks)
	}
	_, err := dana.Submit(form, slackfake.Values{"incident": "https://acme.pagerduty.com/incidents/Q2AKJF9MPY7T1C"})
	must(t, err)
	d.work()
	if r := d.only(); r.Content.Incident.ID != "Q2AKJF9MPY7T1C" {
		t.Errorf("incident %+v", r.Content.Incident)
	}
	d.noViolations()
}

// TestPeopleInFieldsExist: who has left cannot be named.
func TestPeopleInFieldsExist(t *testing.T) {
	t.Parallel()
	d := setup(t)
	sam := d.User("U0SAM")
	form := d.openForm("U0SAM", "lab 30m try it out")
	d.submit("U0SAM", form.ID, map[string]string{
		"target": "all/lab", "duration": "1h", "reason": "let me in", "incident": "none", "field/text": "x", "field/count": "1", "field/sure": "true",
		"field/where": "eu", "field/buddy": "U0GONE",
	})
	d.work()
	if n := len(d.requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	if v, _ := sam.Front(); !strings.Contains(string(v.Blocks), "has left") {
		t.Errorf("the modal says %s", v.Blocks)
	}
}

// submit submits a form by hand: what a client that shows nobody a form could send.
func (d *desk) submit(user, view string, entered map[string]string) {
	d.t.Helper()
	values := obj{}
	for ask, v := range entered {
		values[ask] = obj{"x": obj{"type": "plain_text_input", "value": v}}
	}
	w := d.post(signed{path: "/slack/interactions", body: payload(obj{
		"type": "view_submission", "api_app_id": app, "team": obj{"id": team}, "user": obj{"id": user, "team_id": team},
		"view": obj{"id": view, "hash": "1.x", "callback_id": "bg:request", "state": obj{"values": values}},
	})})
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"update"`) {
		d.t.Fatalf("the form was answered %d %s", w.Code, w.Body)
	}
}

// TestOptions lists only what is open to the person, by flow, and incidents with
// one's own first.
func TestOptions(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for user, want := range map[string]string{
		"U0DANA": "Production console, Orders database, Lab", "U0MARA": "Production console, Orders database, Vault", "U0EVE": "",
	} {
		form := d.openForm(user, "")
		got, err := d.User(user).Suggest(form, "target", "")
		must(t, err)
		if texts(got) != want {
			t.Errorf("%s may pick %q, want %q", user, texts(got), want)
		}
	}
	dana := d.User("U0DANA")
	form, _ := dana.Front()
	for query, want := range map[string]string{"ordrs": "Orders database", "CONSOLE prod": "Production console", "nothing like it": ""} {
		got, err := dana.Suggest(form, "target", query)
		must(t, err)
		if texts(got) != want {
			t.Errorf("%q finds %q, want %q", query, texts(got), want)
		}
	}
	got, err := dana.Suggest(form, "incident", "")
	must(t, err)
	if want := "No incident, #4711 Database down, #4710 Checkout errors, #4709 Mail is <slow>"; texts(got) != want {
		t.Errorf("incidents: %q, want %q", texts(got), want)
	}
	d.noViolations()
}

func texts(options []slackfake.Option) string {
	var all []string
	for _, o := range options {
		all = append(all, o.Text)
	}
	return strings.Join(all, ", ")
}

// TestNotOpenToYou says so in the form when a typed target turns out not to be.
func TestNotOpenToYou(t *testing.T) {
	t.Parallel()
	d := setup(t)
	form := d.openForm("U0EVE", "production_console 1h let me in please")
	if got := state(t, form); got["target"] != "" || got["reason"] != "let me in please" {
		t.Errorf("the form has %v", got)
	}
	if !strings.Contains(string(form.Blocks), "not open to you") {
		t.Errorf("the form does not say so: %s", form.Blocks)
	}
	d.noViolations()
}
