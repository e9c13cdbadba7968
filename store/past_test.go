package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/store"
	"breakglass/store/storetest"
)

// madeUp is the life of a made-up request; the same number makes the same one.
func madeUp(t testing.TB, i int) []store.Step {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(i), 5))
	person := func() flows.PersonID { return flows.PersonID(fmt.Sprintf("T/U%02d", r.IntN(12))) }
	l := &madeUpLife{TB: t, at: noon.Add(time.Duration(i) * 13 * time.Minute), salt: byte(i)}
	l.r = flows.Request{
		ID: flows.RequestID(fmt.Sprintf("req_%08d", i)), SubmittedAt: l.at, Content: flows.Content{
			Flow: flows.FlowID(fmt.Sprintf("f%d", r.IntN(3))), Target: flows.TargetID(fmt.Sprintf("t%d", r.IntN(7))), Scope: flows.Scope(fmt.Sprint(i)),
			Requester: person(), Duration: time.Hour, Reason: flows.NewText(fmt.Sprintf("Payouts are STUCK, 100%% of_them (OPS-%d)", r.IntN(30))),
		},
	}
	c := &l.r.Content
	c.Beneficiary = c.Requester
	if r.IntN(3) == 0 {
		c.Beneficiary = person()
	}
	if r.IntN(3) > 0 {
		c.Incident = flows.IncidentRef{ID: flows.IncidentID(fmt.Sprintf("Q%d", i/5)), Number: 1 + i/5}
	}
	l.r.Hash = c.Hash(l.r.ID)
	l.step(flows.VerbSubmit, flows.StateSubmitted, c.Requester)
	l.at = l.at.Add(time.Duration(r.IntN(3000)) * time.Second)
	switch r.IntN(6) {
	case 0:
		l.step(flows.VerbRoute, flows.StatePending, "")
		l.r.DecidedAt, l.r.DecidedBy, l.r.DenyWhy = l.at, person(), flows.NewText("use the replica")
		l.step(flows.VerbDeny, flows.StateDenied, l.r.DecidedBy)
	case 1:
		l.step(flows.VerbLapse, flows.StateLapsed, "")
	case 2:
		l.r.EndedBy, l.r.EndWhy = c.Requester, flows.NewText("not needed")
		l.step(flows.VerbCancel, flows.StateCancelled, c.Requester)
	default:
		l.granted(person(), r.IntN(2) == 0)
	}
	return l.steps
}

type madeUpLife struct {
	testing.TB
	r     flows.Request
	at    time.Time
	salt  byte
	steps []store.Step
}

func (l *madeUpLife) granted(by flows.PersonID, early bool) {
	l.step(flows.VerbRoute, flows.StatePending, "")
	l.r.DecidedAt, l.r.DecidedBy, l.r.SelfMade = l.at, by, by == l.r.Content.Requester
	l.r.Votes = []flows.Vote{{By: by, At: l.at}}
	l.step(flows.VerbApprove, flows.StateApproved, by)
	l.step(flows.VerbActivate, flows.StateGranting, "")
	l.r.GrantedAt, l.r.EndsAt = l.at, l.at.Add(time.Hour)
	l.step(flows.VerbGranted, flows.StateActive, "")
	l.r.MovedTo = "QMOVED" // its incident was merged
	l.step("note", flows.StateActive, "")
	l.at, l.r.EndCause = l.r.EndsAt, flows.EndTime
	if early {
		l.r.EndedBy, l.r.EndWhy = l.r.Content.Beneficiary, flows.NewText("done already")
	}
	l.step(flows.VerbEnd, flows.StateEnding, l.r.EndedBy)
	l.r.EndedAt = l.at
	l.step(flows.VerbRevoked, flows.StateEnded, "")
}

func (l *madeUpLife) step(v flows.Verb, to flows.State, by flows.PersonID) {
	l.Helper()
	actor := flows.ByEngine()
	if by != "" {
		actor = flows.Actor{Person: by, Door: flows.DoorSlack}
	}
	facts := map[string]any{"target": string(l.r.Content.Target), "request": l.r.Hash}
	if v == flows.VerbSubmit {
		facts["reason"] = flows.Personal{About: by, Value: l.r.Content.Reason.Raw()}
	}
	if why := l.r.DenyWhy.Raw() + l.r.EndWhy.Raw(); why != "" && by != "" {
		facts["reason"] = flows.Personal{About: by, Value: why}
	}
	sealed, head, err := flows.Seal(string(l.r.ID), l.r.Chain, []flows.Entry{{Verb: string(v), From: l.r.State, To: to, At: l.at, Actor: actor, Facts: facts}},
		func(b []byte) { b[0] = l.salt })
	if err != nil {
		l.Fatal(err)
	}
	l.r.State, l.r.Chain, l.r.Version = to, head, l.r.Version+1
	req := l.r
	c := flows.Change{Request: &req, Entries: sealed}
	revoke := flows.JobKey(flows.JobRevoke, string(l.r.ID))
	switch {
	case to == flows.StateGranting:
		c.Jobs = []flows.Job{{Kind: flows.JobRevoke, Key: revoke, Subject: string(l.r.ID), RunAt: l.at.AddDate(100, 0, 0)}}
	case to.Final():
		c.Cancel = []string{revoke}
	}
	l.steps = append(l.steps, store.Step{At: l.at, Change: c})
}

// simulated opens an empty store of the simulated world.
func simulated(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s := mustOpen(t, o)
	if err := s.ClaimWorld(t.Context(), flows.WorldSimulated); err != nil {
		t.Fatal(err)
	}
	return s
}

// grow makes the tree over everything.
func grow(t testing.TB, s *store.Store) {
	t.Helper()
	for {
		g, err := audit.Growth(t.Context(), s, nil, noon)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Nodes) == 0 {
			return
		}
		if _, err := s.Apply(t.Context(), flows.Change{Tree: g}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPastIsAsDecided: what is filled in together is, row by row, what the same
// decisions leave one after the other; the rules of the database hold again.
func TestPastIsAsDecided(t *testing.T) {
	t.Parallel()
	for engine, dsn := range map[string]func() string{
		"sqlite":   func() string { return filepath.Join(t.TempDir(), "past.db") },
		"postgres": func() string { return storetest.Postgres(t) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			const n = 120
			var at time.Time
			one, other := dsn(), dsn()
			decided := simulated(t, store.Options{DSN: one, Migrate: true, Now: func() time.Time { return at }})
			filled := simulated(t, store.Options{DSN: other, Migrate: true})
			past, err := filled.Past(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				life := madeUp(t, i)
				for _, step := range life {
					at = step.At
					if _, err := decided.Apply(t.Context(), step.Change); err != nil {
						t.Fatal(err)
					}
				}
				if err := past.Add(t.Context(), life); err != nil {
					t.Fatal(err)
				}
			}
			if err := past.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			grow(t, decided)
			grow(t, filled)
			for _, table := range []string{
				"requests", "entries", "openings", "packed_openings", "chains", "leaves", "unsequenced", "tree", "jobs", "request_people", "request_incidents",
				"request_words", "(SELECT " + strings.Join(store.SumNames(), ", ") + ", day, flow FROM sums) s", "(SELECT span, since, kind, part, flow, n, over FROM part_sums) p", rulesOf[engine],
			} {
				if diff := cmp.Diff(dump(t, one, table), dump(t, other, table)); diff != "" {
					t.Errorf("%s, as decided and as filled:\n%s", table, diff)
				}
			}
			if err := errors.Join(filled.VerifyTail(t.Context(), 0), filled.VerifyHeads(t.Context())); err != nil {
				t.Error(err)
			}
			guarded(t, filled, other)
		})
	}
}

// rulesOf is a table of what a database knows about its tables.
var rulesOf = map[string]string{
	"sqlite":   "(SELECT type, name, sql FROM sqlite_schema)",
	"postgres": "(SELECT replace(indexdef, current_schema(), '') FROM pg_indexes WHERE schemaname = current_schema()) i",
}

// guarded tries what the rules of a database refuse, and what they let through.
func guarded(t *testing.T, s *store.Store, dsn string) {
	t.Helper()
	db := opened(t, dsn)
	for _, stmt := range []string{"UPDATE entries SET verb = 'x' WHERE id = 1", "DELETE FROM leaves", "DELETE FROM requests", "UPDATE packed_openings SET doc = doc"} {
		if _, err := db.ExecContext(t.Context(), stmt); err == nil {
			t.Errorf("%s: the database let it happen", stmt)
		}
	}
	if err := decide(t.Context(), s, "afterwards"); err != nil {
		t.Errorf("a decision afterwards: %v", err)
	}
	if _, err := s.Past(t.Context()); err == nil || !strings.Contains(err.Error(), "has entries already") {
		t.Errorf("a past on top of one: %v", err)
	}
}

func opened(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(dsn, "postgres:") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// dump is a table as text, sorted.
func dump(t *testing.T, dsn, table string) []string {
	t.Helper()
	rows, err := opened(t, dsn).QueryContext(t.Context(), "SELECT * FROM "+table) //nolint:unqueryvet // whatever columns there are
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range into {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%q", values))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// TestPastRefuses: only an empty store of the simulated world is filled, and only with
// what is over and follows the life cycle's bookkeeping.
func TestPastRefuses(t *testing.T) {
	t.Parallel()
	if _, err := mustOpen(t, store.Options{DSN: filepath.Join(t.TempDir(), "real.db")}).Past(t.Context()); !errors.Is(err, store.ErrOtherWorld) {
		t.Errorf("a store of no world: %v", err)
	}
	past, err := simulated(t, store.Options{DSN: filepath.Join(t.TempDir(), "past.db")}).Past(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	life := madeUp(t, 1)
	for what, steps := range map[string][]store.Step{"nothing": nil, "one that is not over": life[:1], "half of one": life[1:]} {
		if err := past.Add(t.Context(), steps); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}

// BenchmarkPast fills a store.
func BenchmarkPast(b *testing.B) {
	engines(b, func(b *testing.B, s *store.Store) {
		if err := s.ClaimWorld(b.Context(), flows.WorldSimulated); err != nil {
			b.Fatal(err)
		}
		past, err := s.Past(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		var lives [][]store.Step
		for i := range b.N {
			lives = append(lives, madeUp(b, i))
		}
		b.ResetTimer()
		var all sync.WaitGroup
		for w := range 4 {
			all.Go(func() {
				for i := w; i < len(lives); i += 4 {
					if err := past.Add(b.Context(), lives[i]); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		if err := past.Finish(b.Context()); err != nil {
			b.Error(err)
		}
	})
}
