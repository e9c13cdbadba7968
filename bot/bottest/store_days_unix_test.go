//go:build unix

package bottest_test

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// alone runs the test that calls it in a process of its own, since what it does hits
// the whole process. It reports whether this is that process.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv("BOTTEST_ALONE") == t.Name() {
		return true
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "BOTTEST_ALONE="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// fullDisk lets no file of this process grow any more, as a full disk does; room ends that.
func fullDisk(t *testing.T) (room func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	full := was
	full.Cur = 1
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full))
	return func() { must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was)) }
}

// The disk is full: nothing is given and nobody is told otherwise; what is due is ended
// at the target all the same, and recorded when there is room again.
//
//nolint:paralleltest // alone does that
func TestTheDiskIsFull(t *testing.T) {
	if !alone(t) {
		return
	}
	s := bottest.Open(t)
	givenBy(s, "Production database")
	dana := s.As(company.Dana)
	dana.Types("/access production_console 30m payments are down")
	form := dana.Form("incident")
	_, maras, _ := askedManagers(s, "Production console", "restart the importer")
	s.Quiet()
	room := fullDisk(t)

	if out, err := s.As(company.Mara).ClickStale(maras, "bg:approve"); err == nil {
		t.Errorf("the click was answered %d", out.Exchange.Status)
	}
	s.Slack.ClearViolations() // a 503 is what Slack shows an error for
	s.As(company.Mara).Told("Your click could not be stored, so nothing was done. Try again in a moment.")
	if _, err := dana.Submit(form, nil); err != nil {
		t.Fatal(err)
	}
	if v, _ := dana.Front(); !contains(errorsOf(v.Errors), "This could not be stored, so nothing was asked for. Try again in a moment.") {
		t.Errorf("the form says %v", v.Errors)
	}
	tickBroken(s, "the program to notice", func() bool { return health(t, s)["store"] != "" })
	if len(s.Database.Holders()) != 1 {
		t.Fatal("the access ended before its time")
	}
	s.Clock.Push(29 * time.Minute)
	tickBroken(s, "the access to end at its time", func() bool { return len(s.Database.Holders()) == 0 })
	ended := s.Clock.Now()
	for _, r := range s.Requests() {
		if r.State != flows.StateActive && r.State != flows.StatePending {
			t.Errorf("%s is recorded as %s by a store that does not write", r.ID, r.State)
		}
	}

	room()
	tickBroken(s, "the program to notice that there is room", func() bool { return len(health(t, s)) == 0 })
	s.FastForward(time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
	s.As(company.Sam).Sees("You asked for Production database", "*Ended*")
	for _, r := range s.Requests() {
		if r.Content.Target == "prod_database" && r.State != flows.StateEnded {
			t.Errorf("it is %s", r.State)
		}
	}
	f := s.Facts("system", "ended_from_memory")
	if at, _ := f["at"].(float64); time.UnixMilli(int64(at)).Sub(ended).Abs() > 5*time.Second {
		t.Errorf("it ended at %s, recorded is %v", ended, f)
	}
	n := outcomes(s)
	if n["granted"] != 1 || n["revoked"] != 1 {
		t.Errorf("at the database: %v", n)
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor, company.Dana, "C0SREM"} {
		s.All(who)
	}
	must(t, s.App.Store().VerifyTail(t.Context(), 0))
}

// Two grants overlap and the disk is full: the access goes on to the end of the longer.
//
//nolint:paralleltest // alone does that
func TestTheDiskIsFullAndAnotherGrantGoesOn(t *testing.T) {
	if !alone(t) {
		return
	}
	s := bottest.Open(t)
	givenBy(s, "Production database")
	sam, mara := s.As(company.Sam), s.As(company.Mara)
	sam.Asks("Production database", "and the replica", map[string]any{"duration": "1h"})
	mara.Presses(mara.Sees("and the replica", "Waiting for you"), "bg:approve")
	sam.Sees("and the replica", "Access works until")
	s.Quiet()
	room := fullDisk(t)
	s.Clock.Push(31 * time.Minute)
	tickBroken(s, "the program to notice", func() bool { return health(t, s)["store"] != "" })
	began := s.Clock.Now()
	tickBroken(s, "some time to pass", func() bool { return s.Clock.Now().Sub(began) > time.Minute })
	s.HasNow(company.Sam)
	s.Clock.Push(28 * time.Minute)
	tickBroken(s, "the access to end", func() bool { return len(s.Database.Holders()) == 0 })
	room()
	tickBroken(s, "the program to notice that there is room", func() bool { return len(health(t, s)) == 0 })
	s.FastForward(time.Minute)
	for _, r := range s.Requests() {
		if r.State != flows.StateEnded {
			t.Errorf("%s is %s", r.ID, r.State)
		}
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}

// The disk is full when Breakglass starts: it starts all the same, gives nothing, ends
// what is due, and asks to be started again when there is room.
//
//nolint:paralleltest // alone does that
func TestAStartOnAFullDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	s := bottest.Open(t)
	givenBy(s, "Production database")
	_, maras, _ := askedManagers(s, "Production console", "restart the importer")
	s.Quiet()
	s.Stop()
	room := fullDisk(t)
	s.Start()
	if health(t, s)["store"] == "" {
		t.Error("it does not say what is wrong")
	}
	if out, err := s.As(company.Mara).ClickStale(maras, "bg:approve"); err == nil {
		t.Errorf("the click was answered %d", out.Exchange.Status)
	}
	s.Slack.ClearViolations()
	s.As(company.Mara).Told("Your click could not be stored, so nothing was done")
	s.Clock.Push(29 * time.Minute)
	tickBroken(s, "the access to end at its time", func() bool { return len(s.Database.Holders()) == 0 })
	room()
	tickBroken(s, "the program to ask to be started again", func() bool {
		select {
		case <-s.App.Again():
			return true
		default:
			return false
		}
	})
	s.Restart()
	if why := health(t, s); len(why) != 0 {
		t.Errorf("it says that %v", why)
	}
	s.FastForward(time.Minute)
	s.As(company.Sam).Sees("Your access to Production database has ended: its time was up")
	for _, who := range []string{company.Sam, company.Mara, company.Noor, company.Dana, "C0SREM"} {
		s.All(who)
	}
	if n := outcomes(s); n["granted"] != 1 || n["revoked"] != 1 {
		t.Errorf("at the database: %v", n)
	}
}
