package history_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
)

// ledger counts what is recorded; it can break.
type ledger struct {
	n      int
	broken bool
}

func (l *ledger) Record(context.Context, string, flows.Entry, flows.Finish) error {
	if l.broken {
		return errors.New("the disk is full")
	}
	l.n++
	return nil
}

// TestLooksTurnPages: the later pages of an answer are no looks of their own; whatever
// asks for more than was recorded, or by another hand, is one.
func TestLooksTurnPages(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	audi := history.Asker{Person: "T/UAUDI", All: true, Door: flows.DoorWeb, Trace: "pass=1", From: "192.0.2.7"}
	dana := []flows.Involved{{Person: "T/UDANA", Part: flows.AnyPart}}
	asked := history.Look{What: history.LookList, Search: flows.Search{Since: noon.Add(-time.Hour), Until: noon, People: dana, Words: []string{"rollback"}}}
	for name, c := range map[string]struct {
		change func(*history.Asker, *history.Look)
		later  time.Duration
		more   int
	}{
		"the next page":                {func(*history.Asker, *history.Look) {}, time.Minute, 0},
		"of a time that moves along":   {func(_ *history.Asker, l *history.Look) { l.Search.Since = l.Search.Since.Add(time.Minute) }, time.Minute, 0},
		"of less":                      {func(_ *history.Asker, l *history.Look) { l.Search.Until = noon.Add(-time.Minute) }, time.Minute, 0},
		"from earlier on":              {func(_ *history.Asker, l *history.Look) { l.Search.Since = l.Search.Since.Add(-time.Minute) }, time.Minute, 1},
		"until later":                  {func(_ *history.Asker, l *history.Look) { l.Search.Until = noon.Add(time.Minute) }, time.Minute, 1},
		"without an end":               {func(_ *history.Asker, l *history.Look) { l.Search.Until = time.Time{} }, time.Minute, 1},
		"the first page once more":     {func(_ *history.Asker, l *history.Look) { l.Onward = false }, time.Minute, 1},
		"another person's":             {func(_ *history.Asker, l *history.Look) { l.Search.People = nil }, time.Minute, 1},
		"other words":                  {func(_ *history.Asker, l *history.Look) { l.Search.Words = []string{"deploy"} }, time.Minute, 1},
		"a time-line":                  {func(_ *history.Asker, l *history.Look) { l.What = history.LookTimeline }, time.Minute, 1},
		"by somebody else":             {func(a *history.Asker, _ *history.Look) { a.Person = "T/UDANA" }, time.Minute, 1},
		"through another door":         {func(a *history.Asker, _ *history.Look) { a.Door = flows.DoorSlack }, time.Minute, 1},
		"with another pass":            {func(a *history.Asker, _ *history.Look) { a.Trace = "pass=2" }, time.Minute, 1},
		"from another address":         {func(a *history.Asker, _ *history.Look) { a.From = "192.0.2.8" }, time.Minute, 1},
		"with less than before":        {func(a *history.Asker, _ *history.Look) { a.All = false }, time.Minute, 1},
		"an hour later":                {func(*history.Asker, *history.Look) {}, time.Hour, 1},
		"before, by a clock gone back": {func(*history.Asker, *history.Look) {}, -time.Minute, 1},
	} {
		var looks history.Looks
		to, a, next := &ledger{}, audi, asked
		next.Onward = true
		c.change(&a, &next)
		record(t, &looks, to, noon, audi, asked)
		record(t, &looks, to, noon.Add(c.later), a, next)
		if to.n != 1+c.more {
			t.Errorf("%s: %d entries", name, to.n)
		}
	}
}

func record(t *testing.T, looks *history.Looks, to *ledger, at time.Time, a history.Asker, l history.Look) {
	t.Helper()
	if err := looks.Record(t.Context(), to, at, a, l); err != nil {
		t.Fatal(err)
	}
}

// TestLooksForget: what could not be recorded covers nothing, and what is forgotten costs
// an entry.
func TestLooksForget(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var looks history.Looks
	to := &ledger{broken: true}
	a, page := history.Asker{All: true}, history.Look{What: history.LookList, Onward: true}
	if err := looks.Record(t.Context(), to, noon, a, history.Look{What: history.LookList}); err == nil {
		t.Error("nothing was recorded, and nothing said")
	}
	to.broken = false
	record(t, &looks, to, noon, a, page)
	record(t, &looks, to, noon, a, page)
	if to.n != 1 {
		t.Errorf("%d entries", to.n)
	}
	for i := range 1000 {
		record(t, &looks, to, noon, a, history.Look{What: history.LookRequest, Request: flows.RequestID(fmt.Sprint(i))})
	}
	if record(t, &looks, to, noon, a, page); to.n != 1002 {
		t.Errorf("%d entries", to.n)
	}
}
