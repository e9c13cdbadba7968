package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/store"
	"breakglass/store/storetest"
)

// callers is how many wait for the store at once, as in an incident storm.
const callers = 64

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// body is about as long as a button press.
var body = make([]byte, 3000)

func openSQLite(t testing.TB, maxBatch int) *store.Store {
	t.Helper()
	return mustOpen(t, store.Options{DSN: filepath.Join(t.TempDir(), "bench.db"), MaxBatch: maxBatch})
}

// load has many callers do n things in all.
func load(t testing.TB, n int, do func(ctx context.Context, i int) error) time.Duration {
	t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, callers)
	begin := time.Now()
	for c := range callers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[c] = do(t.Context(), i); errs[c] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return took
}

// accept stores one inbox row and its job.
func accept(ctx context.Context, s *store.Store, key string) error {
	_, fresh, err := s.Accept(ctx, flows.InboxRow{Key: key, Kind: "block_actions", Body: body, At: noon}, flows.Job{
		Kind: flows.JobInbox, Key: flows.JobKey(flows.JobInbox, key), Subject: key, RunAt: noon, LeasedTo: "me", LeaseUntil: noon.Add(time.Minute),
	})
	if err == nil && !fresh {
		err = errors.New("the key was there already")
	}
	return err
}

// BenchmarkAcceptGroupCommit compares group commit with a commit each: two stores with
// full sync on the same disk, in turns, judged by the median of the pairs.
func BenchmarkAcceptGroupCommit(b *testing.B) {
	const rows, rounds = 640, 7
	group, single := openSQLite(b, 0), openSQLite(b, 1)
	round := 0
	timed := func(s *store.Store) time.Duration {
		round++
		return load(b, rows, func(ctx context.Context, i int) error { return accept(ctx, s, fmt.Sprint(round, "/", i)) })
	}
	timed(group)
	timed(single)
	before := mustStats(b, group)
	for b.Loop() {
		var ratios []float64
		var fast, slow time.Duration
		for range rounds {
			g, s := timed(group), timed(single)
			ratios = append(ratios, s.Seconds()/g.Seconds())
			fast, slow = fast+g, slow+s
		}
		sort.Float64s(ratios)
		b.ReportMetric(ratios[rounds/2], "x-faster")
		b.ReportMetric(rows*rounds/fast.Seconds(), "rows/s")
		b.ReportMetric(rows*rounds/slow.Seconds(), "rows/s-one-each")
	}
	after := mustStats(b, group)
	b.ReportMetric(float64(after.Commits-before.Commits)/float64(after.Writes-before.Writes), "commits/row")
}

func mustStats(t testing.TB, s *store.Store) store.Stats {
	t.Helper()
	st, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func BenchmarkAccept(b *testing.B) {
	engines(b, func(b *testing.B, s *store.Store) {
		b.ReportAllocs()
		load(b, b.N, func(ctx context.Context, i int) error { return accept(ctx, s, strconv.Itoa(b.N)+"/"+strconv.Itoa(i)) })
	})
}

func BenchmarkAcceptAlone(b *testing.B) {
	engines(b, func(b *testing.B, s *store.Store) {
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			n++
			if err := accept(b.Context(), s, strconv.Itoa(n)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// engines runs a benchmark on both, 64 at a time unless it says otherwise.
func engines(b *testing.B, run func(*testing.B, *store.Store)) {
	b.Run("sqlite", func(b *testing.B) { run(b, openSQLite(b, 0)) })
	b.Run("postgres", func(b *testing.B) {
		run(b, mustOpen(b, store.Options{DSN: storetest.Postgres(b), Migrate: true, Conns: 16}))
	})
}

// BenchmarkApply is a decision: a request goes from submitted to denied in two steps,
// each with its entry, a card and two jobs.
func BenchmarkApply(b *testing.B) {
	engines(b, func(b *testing.B, s *store.Store) {
		b.ReportAllocs()
		load(b, b.N, func(ctx context.Context, i int) error { return decide(ctx, s, strconv.Itoa(b.N)+"/"+strconv.Itoa(i)) })
	})
}

// decide submits a request and denies it.
func decide(ctx context.Context, s *store.Store, id string) error {
	person := flows.PersonID("T/U" + id)
	r := flows.Request{
		ID: flows.RequestID("req_" + id), SubmittedAt: noon, LapsesAt: noon.Add(time.Hour),
		Content: flows.Content{Flow: "prod", Target: "db", Requester: person, Beneficiary: person, Duration: time.Hour, Reason: flows.NewText("the database is down")},
	}
	for _, to := range []flows.State{flows.StateSubmitted, flows.StateDenied} {
		sealed, head, err := flows.Seal(string(r.ID), r.Chain, []flows.Entry{{
			Verb: "step", From: r.State, To: to, At: noon, Actor: flows.Actor{Person: person, Door: flows.DoorSlack},
			Facts: map[string]any{"reason": flows.Personal{About: person, Value: "the database is down"}},
		}}, func([]byte) {})
		if err != nil {
			return err
		}
		r.State, r.Chain, r.Version, r.DecidedAt = to, head, r.Version+1, noon
		_, err = s.Apply(ctx, flows.Change{
			Request: &r, Entries: sealed,
			Cards: []flows.Card{{ID: id + "/requester", Request: r.ID, Kind: flows.CardRequester, To: person}},
			Jobs: []flows.Job{
				{Kind: flows.JobCard, Key: "card:" + id, Subject: id + "/requester", RunAt: noon},
				{Kind: flows.JobNotice, Key: "notice:" + id + string(to), Subject: string(r.ID), RunAt: noon},
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkClaim claims and finishes one due job at a time beside 100,000 that are due
// later.
func BenchmarkClaim(b *testing.B) {
	const later = 100_000
	engines(b, func(b *testing.B, s *store.Store) {
		jobs := make([]flows.Job, 0, 1000)
		for i := range later {
			jobs = append(jobs, flows.Job{Kind: flows.JobRevoke, Key: "later:" + strconv.Itoa(i), Lane: strconv.Itoa(i % 500), RunAt: noon.Add(time.Hour + time.Duration(i)*time.Second)})
			if len(jobs) == cap(jobs) {
				if _, err := s.Apply(b.Context(), flows.Change{Jobs: jobs}); err != nil {
					b.Fatal(err)
				}
				jobs = jobs[:0]
			}
		}
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			n++
			if err := once(b.Context(), s, n); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// once writes a due job, claims it and finishes it.
func once(ctx context.Context, s *store.Store, n int) error {
	key := "due:" + strconv.Itoa(n)
	if _, err := s.Apply(ctx, flows.Change{Jobs: []flows.Job{{Kind: flows.JobNotice, Key: key, Lane: strconv.Itoa(n % 500), RunAt: noon}}}); err != nil {
		return err
	}
	got, err := s.Claim(ctx, "me", noon, time.Minute, 10)
	if err != nil {
		return err
	}
	if len(got) != 1 || got[0].Key != key {
		return fmt.Errorf("claimed %d jobs, want %s", len(got), key)
	}
	_, err = s.Apply(ctx, flows.Change{Done: &got[0]})
	return err
}
