package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/store"
)

// BenchmarkSearch is the first page of each kind of question, a hundred of a kind about
// requests of all times. Of each question the best of all rounds counts, which other
// programs on the machine disturb least; the percentiles are over the questions. Then the same with pages of so many
// rows, of the questions that have as many. It asks
// a small store of its own, or the one that BREAKGLASS_BENCH_DB names: one that
// `breakglass audit generate` filled.
func BenchmarkSearch(b *testing.B) {
	s := benchPast(b)
	r := rand.New(rand.NewPCG(1, 2))
	some := someOf(b, s, r)
	for name, ask := range map[string]func(*flows.Request) flows.Search{
		"incident": func(q *flows.Request) flows.Search { return flows.Search{Number: q.Content.Incident.Number} },
		"person30d": func(q *flows.Request) flows.Search {
			return flows.Search{People: []flows.Involved{{Person: q.Content.Requester, Part: flows.AnyPart}}, Since: q.SubmittedAt.AddDate(0, 0, -30), Until: q.SubmittedAt}
		},
		"target": func(q *flows.Request) flows.Search { return flows.Search{Target: q.Content.Target} },
		"flow":   func(q *flows.Request) flows.Search { return flows.Search{Flow: q.Content.Flow, Until: q.SubmittedAt} },
		"outcome": func(q *flows.Request) flows.Search {
			return flows.Search{States: []flows.State{q.State}, Until: q.SubmittedAt}
		},
		"rareword30d": func(q *flows.Request) flows.Search {
			return flows.Search{Words: []string{fmt.Sprintf("ops-%d", r.IntN(50_000))}, Since: q.SubmittedAt.AddDate(0, 0, -30), Until: q.SubmittedAt}
		},
		"rareword90d": func(q *flows.Request) flows.Search {
			return flows.Search{Words: []string{fmt.Sprintf("ops-%d", r.IntN(50_000))}, Since: q.SubmittedAt.AddDate(0, 0, -90), Until: q.SubmittedAt}
		},
		"words30d": func(q *flows.Request) flows.Search {
			return flows.Search{Words: []string{"database", "failing"}, Since: q.SubmittedAt.AddDate(0, 0, -30), Until: q.SubmittedAt}
		},
	} {
		var asks []flows.Search
		for i := range some {
			asks = append(asks, ask(&some[i]))
		}
		b.Run(name, func(b *testing.B) {
			b.Run("page", func(b *testing.B) { timed(b, s, asks) })
			for _, n := range []int{1, 10, 50} {
				b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) { timed(b, s, filling(b, s, asks, n)) })
			}
		})
	}
}

// filling are the questions whose page has that many rows, where it may have no more: so a
// small store and a large one are compared by the same number of rows.
func filling(b *testing.B, s *store.Store, asks []flows.Search, rows int) (full []flows.Search) {
	b.Helper()
	for _, f := range asks {
		f.Limit = rows
		found, err := s.Search(b.Context(), f)
		if err != nil {
			b.Fatal(err)
		}
		if len(found.Requests) == rows {
			full = append(full, f)
		}
	}
	if len(full) < 10 {
		b.Skipf("only %d questions find that many", len(full))
	}
	return full
}

// timed asks, and reports how long the first pages took and how many rows they have.
func timed(b *testing.B, s *store.Store, asks []flows.Search) {
	b.Helper()
	best, rows := make([]time.Duration, len(asks)), 0
	for b.Loop() {
		rows = 0
		for i, f := range asks {
			began := time.Now()
			found, err := s.Search(b.Context(), f)
			if took := time.Since(began); best[i] == 0 || took < best[i] {
				best[i] = took
			}
			if err != nil {
				b.Fatal(err)
			}
			rows += len(found.Requests)
		}
	}
	slices.Sort(best)
	b.ReportMetric(float64(best[len(best)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(best[len(best)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(rows)/float64(len(asks)), "rows")
	b.ReportMetric(float64(len(asks)), "questions")
}

// someOf are a hundred requests of all times, each for an incident.
func someOf(b *testing.B, s *store.Store, r *rand.Rand) (some []flows.Request) {
	b.Helper()
	newest, err := s.Search(b.Context(), flows.Search{Limit: 1})
	if err != nil || len(newest.Requests) == 0 {
		b.Fatal(err)
	}
	for range 100 {
		until := newest.Requests[0].SubmittedAt.Add(-time.Duration(r.IntN(1000*24)) * time.Hour)
		found, err := s.Search(b.Context(), flows.Search{Until: until, Limit: 20})
		if err != nil {
			b.Fatal(err)
		}
		i := slices.IndexFunc(found.Requests, func(q flows.Request) bool { return q.Content.Incident.Number > 0 })
		some = append(some, append(found.Requests, newest.Requests[0])[max(i, 0)])
	}
	return some
}

// benchPast is the store to ask.
func benchPast(b *testing.B) *store.Store {
	b.Helper()
	if file := os.Getenv("BREAKGLASS_BENCH_DB"); file != "" {
		return mustOpen(b, store.Options{DSN: file, ReadOnly: true})
	}
	s := mustOpen(b, store.Options{DSN: filepath.Join(b.TempDir(), "past.db")})
	for i := range 200 {
		if err := decide(b.Context(), s, fmt.Sprint(i)); err != nil {
			b.Fatal(err)
		}
	}
	return s
}
