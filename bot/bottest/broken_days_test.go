package bottest_test

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// trap breaks the program where it logs something: once for each message it is set for.
type trap struct {
	slog.Handler
	mu  *sync.Mutex
	set map[string]bool
}

func trapped() (*trap, func(*company.Options)) {
	tr := &trap{mu: &sync.Mutex{}, set: map[string]bool{}}
	return tr, func(o *company.Options) {
		tr.Handler = o.Log.Handler()
		o.Log = slog.New(tr)
	}
}

// on sets it.
func (tr *trap) on(message string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.set[message] = true
}

// Handle implements slog.Handler.
func (tr *trap) Handle(ctx context.Context, r slog.Record) error {
	tr.mu.Lock()
	sprung := tr.set[r.Message]
	delete(tr.set, r.Message)
	tr.mu.Unlock()
	if sprung {
		panic("a trap: " + r.Message)
	}
	return tr.Handler.Handle(ctx, r)
}

// A panic while a request of Slack's is answered: that one fails, the next one works.
func TestAPanicInARequest(t *testing.T) {
	t.Parallel()
	tr, trapIt := trapped()
	s := bottest.Open(t, trapIt)
	dana := s.As(company.Dana)
	tr.on("slack command")
	if out, err := dana.Slash("/access", "help"); err == nil {
		t.Errorf("it was answered %d", out.Exchange.Status)
	}
	s.Slack.ClearViolations() // a 500 is what Slack shows an error for
	approvesHerself(s)
}

// A panic once a click is stored: Slack shows an error, and the click counts all the same.
func TestAPanicAtAClick(t *testing.T) {
	t.Parallel()
	tr, trapIt := trapped()
	s := bottest.Open(t, trapIt)
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	tr.on("slack payload") // which is stored by then: the job is the guarantee
	if out, err := s.As(company.Mara).ClickStale(maras, "bg:approve"); err == nil {
		t.Errorf("it was answered %d", out.Exchange.Status)
	}
	s.Slack.ClearViolations()
	tickBroken(s, "the access to be given", func() bool { return len(s.Database.Holders()) == 1 })
	s.As(company.Sam).Sees("You have access to Production database until")
	s.Has(company.Sam)
	s.Expect("submit", "route", "approve", "activate", "observed", "granted")
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}

// A panic beside a request, while a form is filled: the program lives and the next form
// opens.
func TestAPanicBesideARequest(t *testing.T) {
	t.Parallel()
	tr, trapIt := trapped()
	s := bottest.Open(t, trapIt)
	s.Slack.Fail(slackfake.Fault{Method: "views.open", Times: 1, Error: "internal_error"})
	tr.on("a form could not be opened")
	s.As(company.Dana).Types("/access")
	s.Until("the panic to be logged", func() bool { return contains(s.Log.String(), "a panic beside a request") })
	approvesHerself(s)
}

// onceBroken are ids of which the next panics when it is told to.
type onceBroken struct {
	flows.IDs
	mu    sync.Mutex
	armed bool
}

// RequestID implements flows.IDs.
func (b *onceBroken) RequestID(now time.Time) flows.RequestID {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.armed {
		b.armed = false
		panic("no id today")
	}
	return b.IDs.RequestID(now)
}

// A panic in a job: the job is tried again, and what was asked is asked once.
func TestAPanicInAJob(t *testing.T) {
	t.Parallel()
	ids := &onceBroken{armed: true}
	s := bottest.Open(t, func(o *company.Options) { ids.IDs, o.IDs = o.IDs, ids })
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	tick(s, "the request to be there", func() bool { return len(s.Requests()) == 1 })
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	if !contains(s.Log.String(), "panicked: no id today") {
		t.Error("the log does not say what broke")
	}
	s.Expect("submit", "route")
	for _, who := range []string{company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}

// lockFile names, for a process of its own, the database that it locks until its
// standard input ends.
const lockFile = "BOTTEST_LOCK"

// TestHoldsALock is no test: it is the other process of TestAnotherProcessLocksTheStore.
//
//nolint:paralleltest // it is alone in its process
func TestHoldsALock(t *testing.T) {
	file := os.Getenv(lockFile)
	if file == "" {
		t.Skip("only what TestAnotherProcessLocksTheStore starts does this")
	}
	db, err := sql.Open("sqlite", "file:"+file)
	must(t, err)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	must(t, err)
	_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	must(t, err)
	_, _ = os.Stdout.WriteString("locked\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// Another process (a backup, a person with a shell) locks the SQLite file for longer
// than is waited for: Slack gets an error, nothing is acknowledged, and the next try
// works.
func TestAnotherProcessLocksTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, func(o *company.Options) { o.Dir = dir })
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.Quiet()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHoldsALock$", "-test.v")
	cmd.Env = append(os.Environ(), lockFile+"="+filepath.Join(dir, "breakglass.db"))
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	said := make([]byte, 256)
	for all := ""; !strings.Contains(all, "locked"); {
		n, err := out.Read(said)
		must(t, err)
		all += string(said[:n])
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if out, err := s.As(company.Mara).ClickStale(maras, "bg:approve"); err == nil {
		t.Errorf("the click was answered %d", out.Exchange.Status)
	}
	s.Slack.ClearViolations()
	s.As(company.Mara).Told("Your click could not be stored, so nothing was done. Try again in a moment.")
	must(t, in.Close())
	must(t, cmd.Wait())
	s.Has()
	s.Expect("submit", "route")
	s.As(company.Mara).Presses(s.As(company.Mara).Sees("asks for Production database", "Waiting for you"), "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.Has(company.Sam)
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}

// The audit entry of an approval cannot be written: then there is no approval, nothing is
// given, and the click counts as soon as it can.
func TestTheAuditCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, func(o *company.Options) { o.Dir = dir })
	_, maras, _ := askedManagers(s, "Production database", "the ledger is stuck")
	s.Quiet()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "breakglass.db")+"?_pragma=busy_timeout(5000)")
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `CREATE TRIGGER no_approval BEFORE INSERT ON entries WHEN NEW.verb = 'approve' BEGIN SELECT RAISE(ABORT, 'the audit is broken'); END`)
	must(t, err)
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.Until("the approval to fail", func() bool { return contains(s.Log.String(), "the audit is broken") })
	if r := s.Only(); r.State != flows.StatePending || len(r.Votes) != 0 {
		t.Errorf("it is %s with %d votes", r.State, len(r.Votes))
	}
	s.HasNow()
	_, err = db.ExecContext(t.Context(), "DROP TRIGGER no_approval")
	must(t, err)
	tick(s, "the access to be given", func() bool { return len(s.Database.Holders()) == 1 })
	s.As(company.Sam).Sees("You have access to Production database until")
	s.Expect("submit", "route", "approve", "activate", "observed", "granted")
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}
