package main_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/bot"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/store"
)

// town is a company with many people and the program in its midst, on SQLite with full
// sync, against simulators that answer at once.
type town struct {
	*company.Company
	staff
	t     testing.TB
	clock *flows.HandClock
	asked int
}

// openTown opens a town of that many people; more is added to its configuration, with
// handlers beside it, by name.
func openTown(t testing.TB, people int, more string, handlers map[string]string) *town {
	t.Helper()
	w := &town{t: t, clock: flows.NewPushableClock(app.SystemClock{})}
	dir, ctx := t.TempDir(), context.WithoutCancel(t.Context())
	var err error
	w.Company, err = company.OpenSimulators(ctx, company.Options{
		Clock: w.clock, IDs: app.RandomIDs{}, Dir: dir, Config: filepath.Join(dir, "config"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if w.staff, err = hire(w.Company, people); err != nil {
		t.Fatal(err)
	}
	text, err := exampleText(`vars           = {`, "max_open_per_person = 100\n  vars           = {")
	if err == nil {
		err = writeConfig(filepath.Join(dir, "config"), text+w.blocks+more, handlers)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// open opens a town of forty and starts the program.
func open(t testing.TB) *town {
	t.Helper()
	w := openTown(t, 40, "", nil)
	w.start()
	return w
}

func (w *town) start() {
	w.t.Helper()
	if err := w.StartApp(context.WithoutCancel(w.t.Context())); err != nil {
		w.t.Fatal(err)
	}
}

// next is somebody who may ask once more: nobody may do it too often within an hour.
// An hour later all access has ended.
func (w *town) next() *slackfake.Actor {
	w.t.Helper()
	if w.asked++; w.asked%(20*len(w.all)) == 0 {
		w.clock.Push(time.Hour + time.Minute)
		w.within(w.Quiet)
	}
	return w.Slack.User(w.all[w.asked%len(w.all)])
}

// until waits for something; what names it in the failure.
func (w *town) until(what string, cond func() bool) {
	w.t.Helper()
	w.within(func(ctx context.Context) error {
		if err := w.Until(ctx, what, cond); err != nil {
			return fmt.Errorf("waited in vain for %s", what)
		}
		return nil
	})
}

func (w *town) within(do func(context.Context) error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.t.Context()), time.Minute)
	defer cancel()
	if err := do(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// form types the command and waits for the form.
func (w *town) form(who *slackfake.Actor, words string) slackfake.View {
	w.t.Helper()
	if v, open := who.Front(); open {
		if _, err := who.CloseAll(v); err != nil {
			w.t.Fatal(err)
		}
	}
	if _, err := who.Slash("/access", words); err != nil {
		w.t.Fatal(err)
	}
	var form slackfake.View
	w.until("the form", func() bool {
		v, open := who.Front()
		form = v
		return open && v.CallbackID == "bg:request" && v.Updates > 0
	})
	return form
}

// submit asks for a target.
func (w *town) submit(who *slackfake.Actor, target string) {
	w.t.Helper()
	if _, err := who.Submit(w.form(who, fmt.Sprintf("%s 30m because of %d", target, w.asked)), nil); err != nil {
		w.t.Fatal(err)
	}
}

// ask has somebody ask for a target, and returns the card with the button that
// approves: on call, it is the requester's own; else a manager's.
func (w *town) ask(who *slackfake.Actor, target string) (card slackfake.Message, decides *slackfake.Actor) {
	w.t.Helper()
	w.submit(who, target)
	reason := fmt.Sprintf("because of %d", w.asked)
	w.until("a card to decide on", func() bool {
		for _, id := range []string{who.ID(), company.Mara} {
			decides = w.Slack.User(id)
			dm := decides.DM()
			if len(dm) == 0 {
				continue
			}
			if card = dm[len(dm)-1]; buttonOf(card, bot.ActionApprove) != "" && shows(card, reason) {
				return true
			}
		}
		return false
	})
	return card, decides
}

// approve clicks, and waits until the card says that access works.
func (w *town) approve(card slackfake.Message, decides *slackfake.Actor) slackfake.Exchange {
	w.t.Helper()
	out, err := decides.Click(card, buttonOf(card, bot.ActionApprove))
	if err != nil {
		w.t.Fatal(err)
	}
	w.until("access", func() bool {
		m, _ := w.Slack.Message(card.Channel, card.TS)
		return shows(m, "Access works until")
	})
	return out.Exchange
}

func buttonOf(m slackfake.Message, action string) string {
	for _, e := range m.Elements() {
		if e.ActionID == action {
			return e.BlockID + "/" + e.ActionID
		}
	}
	return ""
}

func shows(m slackfake.Message, text string) bool { return strings.Contains(m.Shown(), text) }

func (w *town) stats() store.Stats {
	w.t.Helper()
	st, err := w.App.Store().Stats(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

// seen is how far Slack's ledger goes.
func (w *town) seen() int64 {
	all := w.Slack.Ledger()
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].Seq
}
