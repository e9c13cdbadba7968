//go:build unix

package main_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/target/receiver"
	"breakglass/store"
	"breakglass/store/storetest"
)

// A replica on PostgreSQL stops in the middle of a grant, for longer than its leases
// last. Another takes over, gives the access and ends it. Then the first one wakes up,
// and its order, which was on the way all the time, arrives at last: the fence keeps it
// out, and whatever the first one believes, nothing is written or told twice.
func TestZombieReplica(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	if err := store.Migrate(t.Context(), store.Options{DSN: dsn, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	c, err := company.OpenSimulators(t.Context(), company.Options{Clock: app.SystemClock{}, IDs: app.RandomIDs{}})
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
	config := filepath.Join(dir, "config")
	if err := writeExample(config, strings.NewReplacer()); err != nil {
		t.Fatal(err)
	}
	z := &haunted{Company: c, t: t, ctx: ctx}
	v := victim{DSN: dsn, Config: config, At: c.Addresses()}

	c.Database.Fail(receiver.Fault{Type: "access.grant", Times: 1, HoldOrder: true})
	zombie := z.run(v, dir)
	z.check(c.Ask(ctx, company.Sam, "Production database", "the ledger is stuck", nil))
	card, err := c.See(ctx, company.Mara, "asks for Production database", "Waiting for you")
	z.check(err)
	_, err = c.Slack.User(company.Mara).Click(card, "bg:approve")
	z.check(err)
	z.check(c.Until(ctx, "the order to be on its way", func() bool { return len(c.Database.Held()) == 1 }))
	z.check(zombie.cmd.Process.Signal(syscall.SIGSTOP))

	heir := z.run(v, dir)
	_, err = c.See(ctx, company.Sam, "You have access to Production database until")
	z.check(err)
	if h := c.Database.Holders(); len(h) != 1 || h[0].Slack != company.Sam {
		t.Errorf("the database gives access to %v", h)
	}
	his, err := c.See(ctx, company.Sam, "You asked for Production database", "Access works until")
	z.check(err)
	_, err = c.Slack.User(company.Sam).Click(his, "bg:done")
	z.check(err)
	_, err = c.See(ctx, company.Sam, "Your access to Production database has ended")
	z.check(err)

	z.check(zombie.cmd.Process.Signal(syscall.SIGCONT))
	c.Database.Release()
	z.check(c.Until(ctx, "the late order to arrive", func() bool { return z.outcomes()[receiver.Stale] == 1 }))
	z.check(zombie.stop()) // which finishes what it has in hand first
	z.check(heir.stop())
	z.reckon(dsn)
}

// haunted is a company with two processes of one installation.
type haunted struct {
	*company.Company
	t   *testing.T
	ctx context.Context //nolint:containedctx // of the test
}

func (z *haunted) check(err error) {
	z.t.Helper()
	if err != nil {
		z.t.Fatalf("%v\n%s", err, z.Messages())
	}
}

// run starts a process and sends Slack's traffic its way.
func (z *haunted) run(v victim, dir string) *process {
	z.t.Helper()
	p, err := v.run(dir)
	z.check(err)
	z.t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGCONT) // it has ended, unless the test failed
		_ = p.cmd.Process.Kill()
	})
	z.check(z.Connect(p.addr))
	return p
}

func (z *haunted) outcomes() map[receiver.Outcome]int {
	n := map[receiver.Outcome]int{}
	for _, e := range z.Database.Ledger() {
		n[e.Outcome]++
	}
	return n
}

// reckon compares the ledgers of all who were there.
func (z *haunted) reckon(dsn string) {
	z.t.Helper()
	if n := z.outcomes(); n[receiver.Granted] != 1 || n[receiver.Revoked] != 1 || n[receiver.Stale] != 1 || len(z.Database.Holders()) != 0 {
		z.t.Errorf("at the database: %v, %v", n, z.Database.Holders())
	}
	for _, once := range []string{"You have access to Production database until", "Your access to Production database has ended"} {
		n := 0
		for _, m := range z.Slack.User(company.Sam).DM() {
			if company.Shows(m, once) {
				n++
			}
		}
		if n != 1 {
			z.t.Errorf("Sam is told %d times: %s", n, once)
		}
	}
	st, err := store.Open(z.ctx, store.Options{DSN: dsn, Now: time.Now, ReadOnly: true})
	z.check(err)
	defer st.Close()
	all, err := st.Requests(z.ctx, flows.RequestFilter{})
	z.check(err)
	if len(all) != 1 || all[0].State != flows.StateEnded {
		z.t.Fatalf("the requests are %+v", all)
	}
	entries, err := st.Entries(z.ctx, string(all[0].ID))
	z.check(err)
	var verbs []string
	for _, e := range entries {
		verbs = append(verbs, e.Verb)
	}
	if want := []string{"submit", "route", "approve", "activate", "observed", "granted", "done", "revoked"}; !slices.Equal(verbs, want) {
		z.t.Errorf("recorded is %v, want %v", verbs, want)
	}
	z.check(st.VerifyTail(z.ctx, 0))
}
