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

// BenchmarkSearch is the first page of each kind of question. It asks a small store of
// its own, or the one that BREAKGLASS_BENCH_DB names: one that `breakglass audit
// generate` filled.
func BenchmarkSearch(b *testing.B) {
	s := benchPast(b)
	r := rand.New(rand.NewPCG(1, 2))
	found, err := s.Search(b.Context(), flows.Search{Limit: 500})
	if err != nil || len(found.Requests) == 0 {
		b.Fatalf("%d requests, %v", len(found.Requests), err)
	}
	some := func() *flows.Content { return &found.Requests[r.IntN(len(found.Requests))].Content }
	newest := found.Requests[0].SubmittedAt
	for name, ask := range map[string]func() flows.Search{
		"incident": func() flows.Search { return flows.Search{Number: some().Incident.Number} },
		"person30d": func() flows.Search {
			return flows.Search{People: []flows.Involved{{Person: some().Requester, Part: flows.AnyPart}}, Since: newest.AddDate(0, 0, -30)}
		},
		"target":  func() flows.Search { return flows.Search{Target: some().Target} },
		"flow":    func() flows.Search { return flows.Search{Flow: some().Flow} },
		"outcome": func() flows.Search { return flows.Search{States: []flows.State{flows.StateDenied}} },
		"words30d": func() flows.Search {
			return flows.Search{Words: []string{fmt.Sprintf("ops-%d", r.IntN(50_000))}, Since: newest.AddDate(0, 0, -30)}
		},
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if _, err := s.Search(b.Context(), ask()); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
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
