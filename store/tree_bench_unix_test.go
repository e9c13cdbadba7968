//go:build unix

package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/store"
)

// BenchmarkTreeShare is what the tree costs of a decision: the CPU time of the job that
// takes 2,000 decisions' entries in and signs, beside that of the decisions. (PostgreSQL's
// own processes are not counted.)
func BenchmarkTreeShare(b *testing.B) {
	const decisions = 2000
	engines(b, func(b *testing.B, s *store.Store) {
		private, _, err := audit.MakeKey(func(p []byte) { p[0] = 1 }, "bench")
		if err != nil {
			b.Fatal(err)
		}
		signer, _, err := audit.Signer(private)
		if err != nil {
			b.Fatal(err)
		}
		var deciding, growing time.Duration
		round := 0
		for b.Loop() {
			round++
			start := cpu(b)
			load(b, decisions, func(ctx context.Context, i int) error { return decide(ctx, s, strconv.Itoa(round)+"/"+strconv.Itoa(i)) })
			middle := cpu(b)
			g, err := audit.Growth(b.Context(), s, signer, noon)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Apply(b.Context(), flows.Change{Tree: g}); err != nil {
				b.Fatal(err)
			}
			deciding, growing = deciding+middle-start, growing+cpu(b)-middle
		}
		b.ReportMetric(100*growing.Seconds()/deciding.Seconds(), "%-of-CPU")
		b.ReportMetric(float64(growing.Microseconds())/float64(round*decisions), "tree-us/decision")
		b.ReportMetric(float64(deciding.Microseconds())/float64(round*decisions), "us/decision")
	})
}

// cpu is the CPU time of this process so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBytesAnEntry is what an entry takes on the disk of a SQLite store, by parts:
// as it was before there was a tree, and what the tree added.
func BenchmarkBytesAnEntry(b *testing.B) {
	const entries = 20_000
	path := filepath.Join(b.TempDir(), "size.db")
	s := mustOpen(b, store.Options{DSN: path})
	for round := 0; b.Loop(); round++ {
		for i := range entries / 4 {
			list, _, err := flows.Seal("req_01JD"+strconv.Itoa((round+1)*1e9+i), flows.ChainHead{}, []flows.Entry{typical("submit"), typical("route"), typical("approve"), typical("revoked")}, func(p []byte) { p[0] = byte(i) })
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Apply(b.Context(), flows.Change{Chain: list[0].Chain, Entries: list}); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := audit.Growth(b.Context(), s, nil, noon); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/entries/float64(b.N), "B/entry")
}

// typical is about as long as the entries of a request's life are on average.
func typical(verb string) flows.Entry {
	return flows.Entry{Verb: verb, From: flows.StatePending, To: flows.StateApproved, At: noon, Actor: flows.Actor{Person: "T0DEMO01/U0DANA", Door: flows.DoorSlack}, Facts: map[string]any{
		"flow": "prod", "target": "production_database", "reason": flows.Personal{About: "T0DEMO01/U0DANA", Value: "payments are down since three"},
	}}
}
