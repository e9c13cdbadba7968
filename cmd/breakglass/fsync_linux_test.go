package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/store"
)

// The disk stops taking what is written: every sync of the real process fails with EIO,
// by strace. Nothing is approved and nothing acknowledged; access that is due ends at the
// target all the same. When the disk is well again it is recorded, and the log verifies.
func TestTheDiskFails(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatal("strace is not installed, and CI must not skip this")
	case err != nil:
		t.Skip("strace is not installed")
	}
	clock := flows.NewPushableClock(app.SystemClock{})
	c, err := company.OpenSimulators(t.Context(), company.Options{Clock: clock, IDs: app.RandomIDs{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	defer func() {
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	dir := t.TempDir()
	config, dsn := filepath.Join(dir, "config"), "sqlite:"+filepath.Join(dir, "breakglass.db")
	if err := writeExample(config, strings.NewReplacer()); err != nil {
		t.Fatal(err)
	}
	z := &haunted{Company: c, t: t, ctx: ctx}
	p := z.run(victim{DSN: dsn, Config: config, At: c.Addresses()}, dir)
	card := func(target string) slackfake.Message {
		z.check(c.Ask(ctx, company.Sam, target, "the ledger is stuck", nil))
		m, err := c.See(ctx, company.Mara, "asks for "+target, "Waiting for you")
		z.check(err)
		return m
	}
	mara := c.Slack.User(company.Mara)
	_, err = mara.Click(card("Production database"), "bg:approve")
	z.check(err)
	_, err = c.See(ctx, company.Sam, "You have access to Production database until")
	z.check(err)
	waits := card("Production console")

	well := z.fail(strace, p)
	if _, err := mara.Click(waits, "bg:approve"); err == nil {
		t.Error("the click was acknowledged")
	}
	z.untilOver(clock, p)
	well()
	_, err = c.See(ctx, company.Sam, "Your access to Production database has ended")
	z.check(err)
	z.check(p.stop())

	st, err := store.Open(ctx, store.Options{DSN: dsn, Now: clock.Now, ReadOnly: true})
	z.check(err)
	defer st.Close()
	z.check(st.VerifyTail(ctx, 0))
	all, err := st.Requests(ctx, flows.RequestFilter{})
	z.check(err)
	for _, r := range all {
		if r.Content.Target == "prod_database" && r.State != flows.StateEnded || r.Content.Target != "prod_database" && !r.DecidedAt.IsZero() {
			t.Errorf("the request for %s is %s", r.Content.Target, r.State)
		}
	}
}

// fail has every sync of a process fail, until what it returns is called.
func (z *haunted) fail(strace string, p *process) (well func()) {
	z.t.Helper()
	pid := fmt.Sprint(p.cmd.Process.Pid)
	trace := exec.CommandContext(z.ctx, strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO", "-p", pid)
	var said strings.Builder
	trace.Stderr = &said
	z.check(trace.Start())
	z.check(z.Until(z.ctx, "strace to hold every thread", func() bool {
		threads, err := filepath.Glob("/proc/" + pid + "/task/*/status")
		for _, thread := range threads {
			status, err := os.ReadFile(thread)
			if err != nil || strings.Contains(string(status), "TracerPid:\t0\n") {
				return false
			}
		}
		return err == nil && len(threads) > 0
	}))
	return func() {
		z.t.Helper()
		z.check(trace.Process.Signal(os.Interrupt)) // it lets go
		_ = trace.Wait()                            // by the signal
		if s := said.String(); strings.Contains(s, "not permitted") {
			z.t.Errorf("strace: %s", s)
		}
	}
}

// untilOver lets the time of the access pass, and waits for its end at the target.
func (z *haunted) untilOver(clock *flows.HandClock, p *process) {
	z.t.Helper()
	clock.Push(31 * time.Minute)
	if _, err := fmt.Fprintln(p.push, 31*time.Minute); err != nil {
		z.t.Fatal(err)
	}
	z.check(z.Until(z.ctx, "the access to end at the target", func() bool { return len(z.Database.Holders()) == 0 }))
}
