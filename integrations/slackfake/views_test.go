package slackfake_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"breakglass/integrations/slackfake"
)

func text(blockID string) slack.Block {
	return slack.NewInputBlock(blockID, plain("Field"), nil, slack.NewPlainTextInputBlockElement(nil, "text"))
}

// trigger gets a fresh trigger_id out of a slash command.
func trigger(t *testing.T, b *bundle, a *app, user string) string {
	t.Helper()
	_, err := b.User(user).Slash("/access", "")
	noError(t, err)
	return a.last("/access").form["trigger_id"][0]
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	open := func(id string) error {
		_, err := b.api.OpenViewContext(t.Context(), id, modal(text("f")))
		return err
	}
	wantCode(t, open("1.2.made-up"), "invalid_trigger_id")
	good := trigger(t, b, a, "U0DANA")
	noError(t, open(good))
	wantCode(t, open(good), "exchanged_trigger_id")
	late := trigger(t, b, a, "U0DANA")
	b.clock.Advance(3*time.Second + time.Millisecond)
	wantCode(t, open(late), "expired_trigger_id")
	just := trigger(t, b, a, "U0DANA")
	b.clock.Advance(3 * time.Second)
	noError(t, open(just))
}

func TestViewsUpdate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	ctx := t.Context()
	request := modal(text("f"))
	request.ExternalID = "ext-1"
	opened, err := b.api.OpenViewContext(ctx, trigger(t, b, a, "U0DANA"), request)
	noError(t, err)
	if opened.Hash == "" || opened.RootViewID != opened.ID || opened.AppID != b.Config().AppID {
		t.Errorf("views.open = %+v", opened.View)
	}
	_, err = b.User("U0DANA").Fill(slackfake.View{ID: opened.ID}, "f", "typed")
	noError(t, err)
	_, err = b.api.OpenViewContext(ctx, trigger(t, b, a, "U0SAM"), request)
	wantCode(t, err, "duplicate_external_id")

	updated, err := b.api.UpdateViewContext(ctx, request, "ext-1", opened.Hash, "")
	noError(t, err)
	if updated.Hash == opened.Hash {
		t.Error("the hash did not change")
	}
	if got := updated.State.Values["f"]["text"].Value; got != "typed" {
		t.Errorf("what was typed became %q in the update", got)
	}
	_, err = b.api.UpdateViewContext(ctx, request, "", opened.Hash, opened.ID)
	wantCode(t, err, "hash_conflict")
	_, err = b.api.UpdateViewContext(ctx, request, "", "", "V0NONE")
	wantCode(t, err, "not_found")
	_, err = b.User("U0DANA").CloseView(slackfake.View{ID: opened.ID})
	noError(t, err)
	_, err = b.api.UpdateViewContext(ctx, request, "", "", opened.ID)
	wantCode(t, err, "not_found")
}

func TestViewsPush(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	ctx := t.Context()
	dana := b.User("U0DANA")
	more := modal(slack.NewActionBlock("nav", slack.NewButtonBlockElement("more", "", plain("More"))))
	_, err := b.api.PushViewContext(ctx, trigger(t, b, a, "U0DANA"), more)
	wantCode(t, err, "not_found") // there is nothing to push onto
	_, err = b.api.OpenViewContext(ctx, trigger(t, b, a, "U0DANA"), more)
	noError(t, err)
	push := func() error {
		front, _ := dana.Front()
		_, err := dana.Click(front, "more")
		noError(t, err)
		_, err = b.api.PushViewContext(ctx, a.last("block_actions").payload.TriggerID, more)
		return err
	}
	noError(t, push())
	noError(t, push())
	wantCode(t, push(), "push_limit_reached")
	views := dana.OpenViews()
	if len(views) != 3 || views[2].PreviousViewID != views[1].ID || views[2].RootViewID != views[0].ID {
		t.Fatalf("stack = %+v", views)
	}
	if p := a.last("block_actions").payload; p.Container.ViewID == "" || p.View.ID != p.Container.ViewID || p.ResponseURL != "" {
		t.Errorf("block_actions of a view = %+v", p)
	}
	_, err = dana.CloseView(views[2])
	noError(t, err)
	if closed := a.last("view_closed"); closed.raw["is_cleared"] != false {
		t.Errorf("cancel: is_cleared = %v", closed.raw["is_cleared"])
	}
	_, err = dana.CloseAll(views[1])
	noError(t, err)
	if closed := a.last("view_closed"); closed.raw["is_cleared"] != true || len(dana.OpenViews()) != 0 {
		t.Errorf("X: is_cleared = %v, %d views left", closed.raw["is_cleared"], len(dana.OpenViews()))
	}
}

func TestPublishHome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	home := func(s string) slack.HomeTabViewRequest {
		return slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewSectionBlock(plain(s), nil, slack.NewAccessory(slack.NewButtonBlockElement("new", "v", plain("New request")))),
		}}}
	}
	publish := func(user, s, hash string) (*slack.ViewResponse, error) {
		req := slack.PublishViewContextRequest{UserID: user, View: home(s)}
		if hash != "" {
			req.Hash = &hash
		}
		return b.api.PublishViewContext(ctx, req)
	}
	first, err := publish("U0DANA", "one", "")
	noError(t, err)
	_, err = publish("U0DANA", "two", first.Hash)
	noError(t, err)
	_, err = publish("U0DANA", "three", first.Hash)
	wantCode(t, err, "hash_conflict")
	_, err = publish("U0NOBODY", "x", "")
	wantCode(t, err, "user_not_found")
	got, ok := b.User("U0DANA").Home()
	if !ok || got.ID != first.ID || got.Updates != 1 {
		t.Fatalf("home = %+v", got)
	}
	a := newApp(t, b)
	_, err = b.User("U0DANA").Click(got, "New request")
	noError(t, err)
	if p := a.last("block_actions").payload; p.View.Type != slack.VTHomeTab || p.Container.Type != "view" {
		t.Errorf("click on Home = %+v", p)
	}
}

// TestSubmissionAnswers plays every response_action, right and wrong.
func TestSubmissionAnswers(t *testing.T) {
	t.Parallel()
	const view = `{"type":"modal","title":{"type":"plain_text","text":"Next"},"blocks":[]}`
	for _, c := range []struct {
		name, answer string
		open         []string // titles of the views that are open afterwards
		violation    string
	}{
		{"empty closes", "", nil, ""},
		{"update", `{"response_action":"update","view":` + view + `}`, []string{"Next"}, ""},
		{"push", `{"response_action":"push","view":` + view + `}`, []string{"Access", "Next"}, ""},
		{"clear", `{"response_action":"clear"}`, nil, ""},
		{"errors", `{"response_action":"errors","errors":{"f":"too short"}}`, []string{"Access"}, ""},
		{"errors on no input block", `{"response_action":"errors","errors":{"sec":"x"}}`, []string{"Access"}, "bad_answer"},
		{"errors on nothing", `{"response_action":"errors","errors":{}}`, []string{"Access"}, "bad_answer"},
		{"unknown action", `{"response_action":"explode"}`, []string{"Access"}, "bad_answer"},
		{"no action", `{}`, []string{"Access"}, "bad_answer"},
		{"not JSON", `ok`, []string{"Access"}, "bad_answer"},
		{"bad view", `{"response_action":"update","view":{"type":"modal"}}`, []string{"Access"}, "bad_answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			a := newApp(t, b)
			a.on("view_submission", answer(c.answer))
			_, err := b.api.OpenViewContext(t.Context(), trigger(t, b, a, "U0DANA"),
				modal(slack.NewSectionBlock(plain("x"), nil, nil, slack.SectionBlockOptionBlockID("sec")), text("f")))
			noError(t, err)
			dana := b.User("U0DANA")
			front, _ := dana.Front()
			_, err = dana.Submit(front, slackfake.Values{"f": "why"})
			if (err != nil) != (c.violation != "") {
				t.Errorf("error = %v", err)
			}
			var titles []string
			for _, v := range dana.OpenViews() {
				titles = append(titles, v.Title)
			}
			if len(titles) != len(c.open) {
				t.Fatalf("open views = %v, want %v", titles, c.open)
			}
			for i := range titles {
				if titles[i] != c.open[i] {
					t.Errorf("open views = %v, want %v", titles, c.open)
				}
			}
			if c.violation != "" {
				if v := b.Violations(); len(v) != 1 || v[0].Code != c.violation {
					t.Errorf("violations = %v, want one %s", v, c.violation)
				}
				if now, _ := dana.Front(); now.Trouble == "" || len(dana.Notices()) != 1 {
					t.Errorf("the person was told nothing: %+v", now)
				}
				return
			}
			b.noViolations(t)
			if now, ok := dana.Front(); c.name == "errors" && (!ok || now.Errors["f"] != "too short") {
				t.Errorf("errors = %v", now.Errors)
			}
		})
	}
}

// TestClientRefusesIncompleteForms holds what Slack's client checks by itself.
func TestClientRefusesIncompleteForms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	short := slack.NewPlainTextInputBlockElement(nil, "text")
	short.MinLength, short.MaxLength = 3, 5
	optional := slack.NewInputBlock("opt", plain("Opt"), nil, slack.NewPlainTextInputBlockElement(nil, "text"))
	optional.Optional = true
	_, err := b.api.OpenViewContext(t.Context(), trigger(t, b, a, "U0DANA"),
		modal(slack.NewInputBlock("f", plain("Field"), nil, short), optional))
	noError(t, err)
	dana := b.User("U0DANA")
	front, _ := dana.Front()
	for _, bad := range []slackfake.Values{nil, {"f": ""}, {"f": "ab"}, {"f": "abcdef"}, {"nope": "x"}} {
		if _, err := dana.Submit(front, bad); err == nil {
			t.Errorf("%v was submitted", bad)
		}
	}
	if n := len(a.all("view_submission")); n != 0 {
		t.Errorf("the app received %d submissions", n)
	}
	_, err = dana.Submit(front, slackfake.Values{"f": "abcd"})
	noError(t, err)
}

func TestOnlyTheFrontViewIsSubmitted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	_, err := b.api.OpenViewContext(t.Context(), trigger(t, b, a, "U0DANA"), modal(text("f")))
	noError(t, err)
	first, _ := b.User("U0DANA").Front()
	a.on("view_submission", answer(`{"response_action":"push","view":{"type":"modal","title":{"type":"plain_text","text":"Next"},
		"submit":{"type":"plain_text","text":"Ok"},"blocks":[]}}`))
	_, err = b.User("U0DANA").Submit(first, slackfake.Values{"f": "x"})
	noError(t, err)
	if _, err := b.User("U0DANA").Submit(first, nil); err == nil {
		t.Error("a covered view was submitted")
	}
	next, _ := b.User("U0DANA").Front()
	if _, err := b.User("U0SAM").Submit(next, nil); err == nil {
		t.Error("somebody else's view was submitted")
	}
	if _, err := b.User("U0SAM").Fill(first, "f", "x"); err == nil || !strings.Contains(err.Error(), "has no view") {
		t.Errorf("somebody else's view was filled in: %v", err)
	}
}

// TestUpdateDuringSubmission lets the app update the view before it answers.
func TestUpdateDuringSubmission(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	opened, err := b.api.OpenViewContext(t.Context(), trigger(t, b, a, "U0DANA"), modal(text("f")))
	noError(t, err)
	a.on("view_submission", func(w http.ResponseWriter, r *http.Request) {
		if _, err := b.api.UpdateViewContext(t.Context(), modal(text("f")), "", opened.Hash, opened.ID); err != nil {
			t.Errorf("views.update while submitting: %v", err)
		}
		answer(`{"response_action":"errors","errors":{"f":"no"}}`)(w, r)
	})
	front, _ := b.User("U0DANA").Front()
	_, err = b.User("U0DANA").Submit(front, slackfake.Values{"f": "x"})
	noError(t, err)
	if now, _ := b.User("U0DANA").Front(); now.Errors["f"] != "no" || now.Updates != 1 {
		t.Errorf("view = %+v", now)
	}
}

// TestClearClosesTheStack and tells nobody: the app asked for it.
func TestClearClosesTheStack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	quiet := modal(text("f"))
	quiet.NotifyOnClose = false
	_, err := b.api.OpenViewContext(t.Context(), trigger(t, b, a, "U0DANA"), quiet)
	noError(t, err)
	dana := b.User("U0DANA")
	first, _ := dana.Front()
	a.on("view_submission", answer(`{"response_action":"push","view":{"type":"modal","title":{"type":"plain_text","text":"Sure?"},
		"submit":{"type":"plain_text","text":"Yes"},"blocks":[]}}`))
	_, err = dana.Submit(first, slackfake.Values{"f": "x"})
	noError(t, err)
	a.on("view_submission", answer(`{"response_action":"clear"}`))
	second, _ := dana.Front()
	if _, err := b.User("U0SAM").CloseView(second); err == nil {
		t.Error("Sam closed Dana's view")
	}
	_, err = dana.Submit(second, nil)
	noError(t, err)
	if left := dana.OpenViews(); len(left) != 0 {
		t.Errorf("views left: %+v", left)
	}
	_, err = b.api.OpenViewContext(t.Context(), trigger(t, b, a, "U0DANA"), quiet)
	noError(t, err)
	front, _ := dana.Front()
	_, err = dana.CloseView(front)
	noError(t, err)
	if n := len(a.all("view_closed")); n != 0 {
		t.Errorf("view_closed was sent %d times without notify_on_close", n)
	}
}

// TestErrorsGo with the next submission, and the view says when one is under way.
func TestErrorsGo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	opened, err := b.api.OpenViewContext(t.Context(), trigger(t, b, a, "U0DANA"), modal(text("f")))
	noError(t, err)
	dana := b.User("U0DANA")
	front, _ := dana.Front()
	a.on("view_submission", answer(`{"response_action":"errors","errors":{"f":"no"}}`))
	_, err = dana.Submit(front, slackfake.Values{"f": "x"})
	noError(t, err)
	if now, _ := dana.Front(); now.Errors["f"] == "" || now.Submitting {
		t.Errorf("after the answer: %+v", now)
	}
	_, err = b.api.UpdateViewContext(t.Context(), modal(text("f")), "", "", opened.ID)
	noError(t, err)
	if now, _ := dana.Front(); now.Errors != nil {
		t.Errorf("after an update: %+v", now.Errors)
	}
	a.on("view_submission", func(http.ResponseWriter, *http.Request) {
		if now, _ := dana.Front(); !now.Submitting {
			t.Error("the view does not say that it is being submitted")
		}
	})
	_, err = dana.Submit(front, nil)
	noError(t, err)
}

// TestDispatchAction: inputs keep quiet unless they are told to speak up.
func TestDispatchAction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	quiet, loud := field("quiet", obj{"type": "plain_text_input"}), field("loud", obj{"type": "plain_text_input"})
	loud["dispatch_action"] = true
	b.call(t, "views.open", obj{"trigger_id": trigger(t, b, a, "U0DANA"), "view": obj{
		"type": "modal", "title": ptext("T"), "submit": ptext("S"), "blocks": arr{quiet, loud},
	}})
	dana := b.User("U0DANA")
	front, _ := dana.Front()
	_, err := dana.Fill(front, "quiet", "x")
	noError(t, err)
	if n := len(a.all("block_actions")); n != 0 {
		t.Errorf("a quiet input sent %d actions", n)
	}
	_, err = dana.Fill(front, "loud", "y")
	noError(t, err)
	p := a.last("block_actions").payload
	if act := p.ActionCallback.BlockActions[0]; act.BlockID != "loud" || act.Value != "y" {
		t.Errorf("action = %+v", act)
	}
	if got := p.View.State.Values["quiet"]["x"].Value; got != "x" {
		t.Errorf("the payload's state has %q", got)
	}
}
