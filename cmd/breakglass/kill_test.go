package main_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/store"
	"breakglass/store/storetest"
)

// The whole program is killed with SIGKILL, again and again, at any moment, while many
// people ask, approve, deny and hand back; Slack, PagerDuty and the target survive it.
// In the end the ledgers of all four are compared: nothing that was acknowledged is
// lost, nothing happened twice, nothing stays granted past its end.
//
// BREAKGLASS_KILLS says how often; 25 unless set, 10 under the race detector. On
// PostgreSQL, where each life has to be longer, it is a quarter of that.

func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	s := besiege(t, "sqlite:"+filepath.Join(t.TempDir(), "breakglass.db"))
	s.file = "file:" + strings.TrimPrefix(s.dsn, "sqlite:") + "?mode=ro"
	s.endure(kills(t))
	s.settle()
	s.reckon()
}

// On PostgreSQL the connections are cut as well, under a process that lives on.
func TestKilledAtAnyMomentOnPostgres(t *testing.T) {
	t.Parallel()
	s := besiege(t, withOwnClock(t, storetest.Postgres(t)))
	s.endure(kills(t)/4 + 2)
	s.settle()
	s.reckon()
}

// kills is how often the program is killed.
func kills(t *testing.T) int {
	t.Helper()
	said := os.Getenv("BREAKGLASS_KILLS")
	switch n, err := strconv.Atoi(said); {
	case err == nil && n > 0:
		return n
	case said != "":
		t.Fatalf("BREAKGLASS_KILLS is %q, not a number", said)
	case testing.Short():
		return 3
	case raceDetector: // the plain run kills; here it looks at what goes on in between
		return 10
	}
	return 25
}

// siege is one company whose Breakglass is killed again and again.
type siege struct {
	*company.Company
	t      *testing.T
	clock  *flows.HandClock
	dir    string
	dsn    string
	file   string  // SQLite: for database/sql, read only
	db     *sql.DB // PostgreSQL: what the test itself asks and does
	config string
	ahead  time.Duration
	jump   time.Duration // the longest push of the clock
	random *rand.Rand
	alive  *process
	people crowd
	lives  lives
	wire   harvest

	starts   []time.Duration // from exec to ready
	deaths   map[string]int  // by what was waited for
	stranded atomic.Int64    // deliveries that met no process
}

// life is how long the program lives, at least, before its end is thought of.
func (s *siege) life() time.Duration {
	if s.db != nil { // what the dead had in hand is its for a few seconds, so more has to happen
		return time.Duration(s.random.IntN(1200)) * time.Millisecond
	}
	return time.Duration(s.random.IntN(120)) * time.Millisecond
}

// besiege opens the company's simulators and gives them more people.
func besiege(t *testing.T, dsn string) *siege {
	t.Helper()
	clock := flows.NewPushableClock(app.SystemClock{})
	c, err := company.OpenSimulators(t.Context(), company.Options{Clock: clock, IDs: app.RandomIDs{}})
	if err != nil {
		t.Fatal(err)
	}
	s := &siege{Company: c, t: t, clock: clock, dir: t.TempDir(), dsn: dsn, random: rand.New(rand.NewPCG(7, 11)), deaths: map[string]int{}}
	t.Cleanup(func() {
		if s.alive != nil {
			s.alive.cmd.Process.Kill()
			s.alive.cmd.Wait()
		}
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if strings.HasPrefix(dsn, "postgres") {
		if s.db, err = sql.Open("pgx", dsn); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.db.Close() })
	}
	s.config = filepath.Join(s.dir, "config")
	if err := s.hire(); err != nil {
		t.Fatal(err)
	}
	s.lives.open(t, c.Slack)
	return s
}

// engineers is how many people ask; every other one is on call.
const engineers = 10

// hire makes the crowd known to Slack, to PagerDuty and to the configuration, in which
// everything is quick: a minute of access, two for an answer.
func (s *siege) hire() error {
	text, err := exampleText(`["30m", "1h", "4h"]`, `["1m", "2m"]`, `stage_timeout  = "15m"`, `stage_timeout  = "2m"`, `remind_after   = "5m"`, `remind_after   = "1m"`)
	if err != nil {
		return err
	}
	more, err := hire(s.Company, engineers)
	if err != nil {
		return err
	}
	s.people.engineers, s.people.managers = more.all, []string{company.Mara, company.Noor}
	if _, err := s.PagerDuty.Trigger(company.Service, "payments are down", "PDANA01"); err != nil {
		return err
	}
	return writeConfig(s.config, text+more.blocks, nil)
}

// withOwnClock migrates the schema and gives it a clock that the test can push.
// PostgreSQL looks a name up in its own catalogue first, unless that is named later.
func withOwnClock(t *testing.T, dsn string) string {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{DSN: dsn, Now: time.Now, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	schema := q.Get("search_path")
	q.Set("search_path", schema+",pg_catalog")
	u.RawQuery = q.Encode()
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"CREATE TABLE ahead (d interval NOT NULL)", "INSERT INTO ahead VALUES ('0')",
		"CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + d FROM ahead'",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return u.String()
}

// endure kills the program n times under load.
func (s *siege) endure(n int) {
	s.t.Helper()
	began := time.Now()
	s.people.gather(s)
	for i := range n {
		switch { // time passes, and access ends, while nobody is there
		case s.alive != nil:
		case i%25 == 12:
			s.pushClock(time.Hour + time.Minute) // and people may ask again
		default:
			s.pushClock(time.Duration(s.random.IntN(20)) * time.Second)
		}
		s.start()
		s.pushClock(time.Duration(s.random.IntN(5)) * time.Second)
		m := s.pick(i)
		s.until(m)
		s.deaths[m.name]++
		if s.db != nil && i%4 == 3 {
			s.cut()
			continue
		}
		s.kill()
	}
	took := time.Since(began)
	s.people.goHome()
	slices.Sort(s.starts)
	s.t.Logf("%d kills in %s, %.1f a second; exec to ready: median %s, at most %s; %s", n, took.Round(time.Millisecond),
		float64(n)/took.Seconds(), s.starts[len(s.starts)/2].Round(time.Millisecond), s.starts[len(s.starts)-1].Round(time.Millisecond), said(s.deaths))
}

func said(m map[string]int) string {
	var out []string
	for _, k := range sortedKeys(m) {
		out = append(out, fmt.Sprintf("%d %s", m[k], k))
	}
	return strings.Join(out, ", ")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// start brings the program up, if it is not, and lets Slack find it.
func (s *siege) start() {
	s.t.Helper()
	if s.alive != nil {
		return
	}
	at := s.Addresses()
	at.Slack = s.lives.next()
	p, err := victim{DSN: s.dsn + s.named(), Config: s.config, At: at, Ahead: s.ahead}.run(s.dir)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, logName))
		s.t.Fatalf("%v\n%s", err, log[max(0, len(log)-20_000):])
	}
	s.alive, s.starts = p, append(s.starts, p.ready)
	base := "http://" + p.addr
	s.Slack.SetEndpoints(slackfake.Endpoints{
		Commands: base + "/slack/commands", Interactions: base + "/slack/interactions", Options: base + "/slack/options", Events: base + "/slack/events",
	})
}

// named lets PostgreSQL tell the victim's connections from the test's.
func (s *siege) named() string {
	if s.db == nil {
		return ""
	}
	return "&application_name=victim"
}

// kill ends the process at the moment.
func (s *siege) kill() {
	s.t.Helper()
	if err := s.alive.kill(); err != nil {
		s.t.Fatalf("%v\n%s", err, s.alive.lastWords())
	}
	s.alive = nil
	s.Slack.ClearFaults()
	s.Database.ClearFaults()
	s.Database.Release() // an order that was on its way is carried out after its sender's death
}

// cut ends the database connections of the process, which lives on.
func (s *siege) cut() {
	s.t.Helper()
	s.Slack.ClearFaults()
	s.Database.ClearFaults()
	s.Database.Release()
	now := s.clock.Now() // before: what is on its way may be done by the time this returns
	s.wire.troubles = append(s.wire.troubles, trouble{now, now.Add(30 * time.Second)})
	_, err := s.db.ExecContext(s.t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'")
	if err != nil {
		s.t.Fatal(err)
	}
	s.deaths["connections cut"]++
}

// pushClock moves everybody's clock ahead: the simulators', the database's, the victim's.
func (s *siege) pushClock(d time.Duration) {
	s.t.Helper()
	if s.db != nil {
		if _, err := s.db.ExecContext(s.t.Context(), "UPDATE ahead SET d = d + $1 * interval '1 millisecond'", d.Milliseconds()); err != nil {
			s.t.Fatal(err)
		}
	}
	s.clock.Push(d)
	if n := len(s.wire.troubles); n > 0 && s.wire.troubles[n-1].until.After(s.clock.Now().Add(-d)) {
		s.wire.troubles[n-1].until = s.wire.troubles[n-1].until.Add(d) // it has not lasted any longer for that
	}
	s.ahead += d
	s.jump = max(s.jump, d)
	if s.alive != nil {
		if _, err := fmt.Fprintln(s.alive.push, d); err != nil {
			s.t.Fatalf("%v\n%s", err, s.alive.lastWords())
		}
	}
}

// moment is when to kill: once something has happened on the wire, or just some time
// later. The letters are the crash points of the happy path.
type moment struct {
	name string
	arm  func()      // before it is waited for
	come func() bool // whether it is there
}

// moments are tried in turn, with chance in between.
func (s *siege) moments() []moment {
	seq := s.wire.seen(s.Company)
	said := func(d slackfake.Direction, kinds ...string) func() bool {
		return func() bool {
			return slices.ContainsFunc(s.Slack.LedgerSince(seq), func(e slackfake.Exchange) bool {
				return e.Direction == d && e.Status == 200 && slices.Contains(kinds, e.Kind)
			})
		}
	}
	lost := func() bool {
		return slices.ContainsFunc(s.Slack.LedgerSince(seq), func(e slackfake.Exchange) bool { return e.Fault != "" && e.Kind == "chat.postMessage" })
	}
	hold := func(kind string, order bool) func() {
		return func() { s.Database.Fail(receiverFault(kind, order)) }
	}
	held := func() bool { return len(s.Database.Held()) > 0 }
	done := len(s.Database.Ledger())
	moved := func() bool { return len(s.Database.Ledger()) > done }
	return []moment{
		{name: "at any moment", come: func() bool { return false }},
		{name: "when a click was answered (c4)", come: said(slackfake.ToApp, "block_actions", "view_submission")},
		{name: "when a card was posted and nobody knows (c7)", come: lost, arm: func() {
			s.Slack.Fail(slackfake.Fault{Method: "chat.postMessage", Times: 1, LoseAnswer: true})
		}},
		{name: "when a card was posted (c8)", come: said(slackfake.FromApp, "chat.postMessage")},
		{name: "when a card was repaired (c16)", come: said(slackfake.FromApp, "chat.update")},
		{name: "when a grant was on its way (c12)", come: held, arm: hold("access.grant", true)},
		{name: "when a grant was carried out and nobody knows (c14)", come: held, arm: hold("access.grant", false)},
		{name: "when the target did something (c13, c19)", come: moved},
		{name: "when a revocation was on its way (c18)", come: held, arm: hold("access.revoke", true)},
		{name: "when a revocation was carried out and nobody knows (c19)", come: held, arm: hold("access.revoke", false)},
	}
}

func (s *siege) pick(i int) moment {
	all := s.moments()
	if i%2 == 0 {
		return all[0]
	}
	return all[1+i/2%(len(all)-1)]
}

// until waits for a moment, and then for a few instructions more; a moment that does
// not come is any moment.
func (s *siege) until(m moment) {
	s.t.Helper()
	warm := s.life()
	long := warm + 600*time.Millisecond
	if m.arm != nil {
		m.arm()
	}
	if m.name == "at any moment" {
		long = warm + time.Duration(s.random.IntN(150))*time.Millisecond
	}
	late := time.After(long)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !m.come() {
		select {
		case <-late:
			return
		case <-s.Slack.Changed():
		case <-s.Database.Changed():
		case <-tick.C:
		}
	}
	select {
	case <-late:
	case <-time.After(time.Duration(s.random.IntN(2000)) * time.Microsecond):
	}
}
