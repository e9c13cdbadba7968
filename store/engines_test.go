package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/store"
	"breakglass/store/storetest"
)

// place is a database to open, and a way around the store.
type place struct {
	store.Options
	driver, raw string
}

// onBoth runs a test on both engines: what the store can do beyond the ports.
func onBoth(t *testing.T, test func(*testing.T, place)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "both.db")
		test(t, place{store.Options{DSN: path, Now: func() time.Time { return noon }}, "sqlite", "file:" + path + "?_pragma=busy_timeout(5000)"})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dsn := storetest.Postgres(t)
		test(t, place{store.Options{DSN: dsn, Migrate: true, Now: func() time.Time { return noon }}, "pgx", dsn})
	})
}

func TestWorld(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		if w, err := s.World(t.Context()); w != "" || err != nil {
			t.Errorf("a fresh store belongs to %q, %v", w, err)
		}
		if err := s.ClaimWorld(t.Context(), "imagined"); err == nil {
			t.Error("a world that there is not was claimed")
		}
		for range 2 {
			if err := s.ClaimWorld(t.Context(), flows.WorldSimulated); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.ClaimWorld(t.Context(), flows.WorldReal); !errors.Is(err, store.ErrOtherWorld) {
			t.Errorf("the other world: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, p.Options)
		if w, err := s.World(t.Context()); w != flows.WorldSimulated || err != nil {
			t.Errorf("after the restart the store belongs to %q, %v", w, err)
		}
	})
}

func TestID(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		first, err := s.ID(t.Context())
		if err != nil || len(first) != 32 {
			t.Fatalf("id %q, %v", first, err)
		}
		other := mustOpen(t, store.Options{DSN: filepath.Join(t.TempDir(), "other.db")})
		if second, err := other.ID(t.Context()); err != nil || second == first {
			t.Errorf("two stores have the ids %q and %q, %v", first, second, err)
		}
	})
}

// TestSchemaAhead: a newer program has been here; this one keeps its hands off.
func TestSchemaAhead(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		if err := mustOpen(t, p.Options).Close(); err != nil {
			t.Fatal(err)
		}
		truth := map[string]string{"sqlite": "1", "pgx": "true"}[p.driver]
		run(t, p.driver, p.raw, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, "+truth+")")
		for _, readOnly := range []bool{false, true} {
			o := p.Options
			o.ReadOnly = readOnly
			_, err := store.Open(t.Context(), o)
			if !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "version 99") || !strings.Contains(err.Error(), "newer program") {
				t.Errorf("a schema ahead, read-only %v: %v", readOnly, err)
			}
		}
	})
}

// TestSchemaBehind: what only reads does not change the schema, it says what to do.
func TestSchemaBehind(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		if err := mustOpen(t, p.Options).Close(); err != nil {
			t.Fatal(err)
		}
		run(t, p.driver, p.raw, "DELETE FROM goose_db_version WHERE version_id >= 2")
		o := p.Options
		o.ReadOnly = true
		_, err := store.Open(t.Context(), o)
		if !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "breakglass migrate") {
			t.Errorf("a schema behind: %v", err)
		}
	})
}

func TestEraseOpenings(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		for _, id := range []string{"1", "2"} {
			if err := decide(t.Context(), s, id); err != nil {
				t.Fatal(err)
			}
		}
		before, err := s.Entries(t.Context(), "req_1")
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.EraseOpenings(t.Context(), "T/U1")
		if err != nil || n != int64(len(before[0].Openings)+len(before[1].Openings)) || n == 0 {
			t.Errorf("erased %d, %v", n, err)
		}
		after, err := s.Entries(t.Context(), "req_1")
		if err != nil {
			t.Fatal(err)
		}
		for i := range before {
			before[i].Openings = nil
		}
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("more than the openings went:\n%s", d)
		}
		if err := s.VerifyTail(t.Context(), 0); err != nil {
			t.Errorf("the proof broke: %v", err)
		}
		other, err := s.Entries(t.Context(), "req_2")
		if err != nil || len(other[0].Openings) == 0 {
			t.Errorf("another person's openings went too, %v", err)
		}
		if n, err := s.EraseOpenings(t.Context(), "T/U1"); n != 0 || err != nil {
			t.Errorf("erased again: %d, %v", n, err)
		}
	})
}

func TestPurgeInbox(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		now := noon
		p.Now = func() time.Time { return now }
		s := mustOpen(t, p.Options)
		for i := range 4 {
			key := strconv.Itoa(i)
			if err := accept(t.Context(), s, key); err != nil {
				t.Fatal(err)
			}
			if i < 3 {
				if _, err := s.Apply(t.Context(), flows.Change{Inbox: key}); err != nil {
					t.Fatal(err)
				}
			}
			now = now.Add(time.Hour)
		}
		for _, step := range []struct {
			before     time.Time
			most, want int
		}{{noon, 9, 0}, {noon.Add(24 * time.Hour), 1, 1}, {noon.Add(time.Minute), 9, 0}, {noon.Add(24 * time.Hour), 9, 2}, {noon.Add(48 * time.Hour), 9, 0}} {
			if n, err := s.PurgeInbox(t.Context(), step.before, step.most); n != step.want || err != nil {
				t.Errorf("purged %d, %v, want %d", n, err, step.want)
			}
		}
		for _, key := range []string{"0", "1", "2"} {
			if _, err := s.InboxRow(t.Context(), key); !errors.Is(err, flows.ErrNotFound) {
				t.Errorf("row %s: %v, which was handled", key, err)
			}
		}
		if err := accept(t.Context(), s, "3"); err == nil {
			t.Error("a row that was never handled went")
		}
	})
}

func TestStats(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		live(t, s, "a", "Q1", false)
		live(t, s, "b", "Q2", true)
		if err := decide(t.Context(), s, "c"); err != nil {
			t.Fatal(err)
		}
		if err := accept(t.Context(), s, "k"); err != nil {
			t.Fatal(err)
		}
		got := mustStats(t, s)
		got.Commits, got.Writes = 0, 0
		want := store.Stats{
			Jobs: []store.JobStats{
				{Kind: flows.JobCard, Stored: 1, Due: 1}, {Kind: flows.JobInbox, Stored: 1, Leased: 1},
				{Kind: flows.JobNotice, Stored: 2, Due: 2}, {Kind: flows.JobRevoke, Stored: 2},
			},
			Requests: map[flows.State]int{flows.StateGranting: 1, flows.StateEnding: 1}, Live: 2, Overdue: 1, Unhandled: 1,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("stats:\n%s", d)
		}
	})
}

// live makes a request that is granting, or ending and overdue.
func live(t *testing.T, s *store.Store, id string, incident flows.IncidentID, overdue bool) {
	t.Helper()
	person := flows.PersonID("T/U" + id)
	r := flows.Request{ID: flows.RequestID("req_" + id), SubmittedAt: noon, Content: flows.Content{
		Flow: "prod", Target: "db", Requester: person, Beneficiary: person, Incident: flows.IncidentRef{ID: incident},
	}}
	states := []flows.State{flows.StateSubmitted, flows.StatePending, flows.StateApproved, flows.StateGranting}
	if overdue {
		states = append(states, flows.StateEnding)
	}
	for _, to := range states {
		sealed, head, err := flows.Seal(string(r.ID), r.Chain, []flows.Entry{{Verb: "step", From: r.State, To: to, At: noon}}, func([]byte) {})
		if err != nil {
			t.Fatal(err)
		}
		r.State, r.Chain, r.Version = to, head, r.Version+1
		r.Overdue = to == flows.StateEnding
		c := flows.Change{Request: &r, Entries: sealed}
		if to.Live() {
			c.Jobs = []flows.Job{{Kind: flows.JobRevoke, Key: "revoke:" + id, Subject: string(r.ID), RunAt: noon.Add(time.Hour)}}
		}
		if _, err := s.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLiveByIncident(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		live(t, s, "a", "Q2", false)
		live(t, s, "b", "Q1", true)
		live(t, s, "c", "Q2", true)
		live(t, s, "d", "", false)
		if err := decide(t.Context(), s, "e"); err != nil {
			t.Fatal(err)
		}
		got, err := s.LiveByIncident(t.Context())
		if err != nil || !slices.Equal(got, []flows.IncidentID{"Q1", "Q2"}) {
			t.Errorf("incidents %v, %v", got, err)
		}
		for id, want := range map[flows.IncidentID][]flows.RequestID{"Q1": {"req_b"}, "Q2": {"req_a", "req_c"}, "": nil, "Q3": nil} {
			got, err := s.LiveWithIncident(t.Context(), id)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("incident %q: %v, %v, want %v", id, got, err, want)
			}
		}
	})
}

func TestRecentDenials(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		if err := decide(t.Context(), s, "1"); err != nil {
			t.Fatal(err)
		}
		key := flows.HoldingKey{Person: "T/U1", Target: "db"}
		for _, ask := range []struct {
			key   flows.HoldingKey
			since time.Time
			want  int
		}{{key, noon, 1}, {key, noon.Add(time.Millisecond), 0}, {flows.HoldingKey{Person: "T/U1", Target: "db", Scope: "x"}, noon, 0}} {
			got, err := s.RecentDenials(t.Context(), ask.key, ask.since)
			if err != nil || len(got) != ask.want {
				t.Errorf("%+v since %v: %d denials, %v, want %d", ask.key, ask.since, len(got), err, ask.want)
			}
		}
	})
}

func TestCard(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		want := flows.Card{ID: "c", Request: "req_1", Kind: flows.CardFYI, Channel: "#x"}
		if _, err := s.Apply(t.Context(), flows.Change{Cards: []flows.Card{want}}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Card(t.Context(), "c")
		if err != nil || got != want {
			t.Errorf("card %+v, %v", got, err)
		}
		if _, err := s.Card(t.Context(), "C"); !errors.Is(err, flows.ErrNotFound) {
			t.Errorf("a card that is not there: %v", err)
		}
	})
}

func TestVerifyTail(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := mustOpen(t, p.Options)
		if err := s.VerifyTail(t.Context(), 10); err != nil {
			t.Errorf("an empty store: %v", err)
		}
		for i := range 30 {
			if err := decide(t.Context(), s, fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range []int{0, 1, 7, 1000} {
			if err := s.VerifyTail(t.Context(), n); err != nil {
				t.Errorf("the last %d: %v", n, err)
			}
		}
		off := map[string]string{"sqlite": "DROP TRIGGER entries_keep_update", "pgx": "ALTER TABLE entries DISABLE TRIGGER ALL"}[p.driver]
		run(t, p.driver, p.raw, off, "UPDATE entries SET bytes = bytes || ' ' WHERE chain = 'req_20'")
		if err := s.VerifyTail(t.Context(), 0); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "req_20") {
			t.Errorf("a forged entry: %v, want it named", err)
		}
		if err := s.VerifyTail(t.Context(), 10); err != nil {
			t.Errorf("the last 10 are as they were: %v", err)
		}
	})
}

func TestHealthAndClock(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		p.Now = time.Now
		s := mustOpen(t, p.Options)
		if err := s.Health(t.Context()); err != nil {
			t.Error(err)
		}
		at, err := s.Clock(t.Context())
		if off := time.Since(at).Abs(); err != nil || off > time.Minute || at.Location() != time.UTC {
			t.Errorf("the database's clock says %v, %v", at, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Health(t.Context()); err == nil {
			t.Error("a closed store is healthy")
		}
	})
}
