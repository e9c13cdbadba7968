package bot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"breakglass/bot"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// slow foresees as the engine does, but for a target that somebody picked it waits.
type slow struct {
	bot.Foresight
	asked, let chan struct{}
}

func (s slow) Preview(ctx context.Context, c flows.Content) *flows.Route {
	if c.Target == "lab" {
		close(s.asked)
		<-s.let
	}
	return s.Foresight.Preview(ctx, c)
}

// TestAFormIsNotDrawnOverItsReceipt: somebody picks another target and sends the form
// before it was drawn again for that; the form stays sent.
func TestAFormIsNotDrawnOverItsReceipt(t *testing.T) {
	t.Parallel()
	s := slow{asked: make(chan struct{}), let: make(chan struct{})}
	d := setup(t, func(o *bot.Options) { s.Foresight = o.Foresight; o.Foresight = s })
	dana := d.User("U0DANA")
	form := d.openForm("U0DANA", "orders_db 30m the database is down")
	_, err := dana.Fill(form, "target", "Lab")
	must(t, err)
	<-s.asked // it is being drawn
	form, _ = dana.Front()
	_, err = dana.Submit(form, slackfake.Values{"target": "Orders database"})
	must(t, err)
	close(s.let)
	d.wait("the late drawing", func() bool {
		for _, e := range d.LedgerSince(0) {
			if e.Kind == "views.update" && strings.Contains(e.ResponseBody, "hash_conflict") {
				return true
			}
		}
		return false
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_ = d.Wait(ctx, func() bool { v, ok := dana.Front(); return ok && v.CallbackID == "bg:request" })
	if v, ok := dana.Front(); ok && v.CallbackID == "bg:request" {
		t.Errorf("the form is back: %s", v.Shown())
	}
}

// TestARefusalIsToldInTheFormAndInMessages: a form that validated and was refused after
// all. The form says so, and so do her messages: she may have closed it, and Slack may
// take our "working…" for it last.
func TestARefusalIsToldInTheFormAndInMessages(t *testing.T) {
	t.Parallel()
	d := setup(t)
	dana := d.User("U0DANA")
	submit := func() slackfake.View {
		form := d.openForm("U0DANA", "orders_db 30m the database is down")
		_, err := dana.Submit(form, nil)
		must(t, err)
		return form
	}
	submit()
	d.work()
	form := submit() // once more, while the first is open
	d.work()
	d.wait("the form to say no", func() bool {
		for _, v := range dana.OpenViews() {
			if v.ID == form.ID {
				return strings.Contains(v.Shown(), "You already have an open request")
			}
		}
		return false
	})
	told := 0
	for _, m := range dana.DM() {
		if strings.Contains(m.Shown(), "You already have an open request") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("Dana was told %d times in his messages", told)
	}
}
