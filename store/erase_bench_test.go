package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/store"
)

// BenchmarkErase erases whoever asked for most, while somebody else writes one thing
// after the other, and says how long that one waited at the most: while the store is
// looked through, and while it is erased. It erases from a copy of the store that
// BREAKGLASS_BENCH_DB names (`breakglass audit generate` fills one), or from a small one
// of its own. Run it with -benchtime 1x.
func BenchmarkErase(b *testing.B) {
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "past.db")
		copied(b, path)
		s := mustOpen(b, store.Options{DSN: path})
		leaver := busiest(b, path)
		var foot flows.Footprint
		look, waited := beside(b, s, "look", func() (err error) {
			foot, err = s.Footprint(b.Context(), leaver, "")
			return err
		})
		x := erasureOf(b, s, leaver, foot)
		held, waitedThen := beside(b, s, "erase", func() error {
			_, err := s.Erase(b.Context(), x)
			return err
		})
		b.ReportMetric(float64(len(foot.Requests)), "requests")
		b.ReportMetric(float64(len(foot.Openings)), "openings")
		b.ReportMetric(float64(look.Milliseconds()), "look-ms")
		b.ReportMetric(float64(waited.Milliseconds()), "look-waited-ms")
		b.ReportMetric(float64(held.Milliseconds()), "erase-ms")
		b.ReportMetric(float64(waitedThen.Milliseconds()), "erase-waited-ms")
	}
}

// copied puts a store that can be erased from at a path.
func copied(b *testing.B, path string) {
	b.Helper()
	name := os.Getenv("BREAKGLASS_BENCH_DB")
	if name == "" {
		s := mustOpen(b, store.Options{DSN: path})
		for i := range 200 {
			if err := decide(b.Context(), s, fmt.Sprint(i)); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		return
	}
	from, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		b.Fatal(err)
	}
	if err := to.Close(); err != nil {
		b.Fatal(err)
	}
}

func busiest(b *testing.B, path string) (p flows.PersonID) {
	b.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(b.Context(), "SELECT requester FROM requests GROUP BY requester ORDER BY count(*) DESC LIMIT 1").Scan(&p); err != nil {
		b.Fatal(err)
	}
	return p
}

// erasureOf is the erasure with the entries that name what it destroys.
func erasureOf(b *testing.B, s *store.Store, p flows.PersonID, foot flows.Footprint) flows.Erasure {
	b.Helper()
	head, err := s.ChainHead(b.Context(), "system")
	if err != nil {
		b.Fatal(err)
	}
	var entries []flows.Entry
	for part := range slices.Chunk(foot.Openings, 500) {
		var gone []any
		for _, o := range part {
			gone = append(gone, fmt.Sprintf("%s/%d/%s", o.Chain, o.Seq, o.Path))
		}
		entries = append(entries, flows.Entry{Verb: flows.VerbErased, At: noon, Facts: map[string]any{"openings": gone}})
	}
	sealed, _, err := flows.Seal("system", head, entries, func([]byte) {})
	if err != nil {
		b.Fatal(err)
	}
	return flows.Erasure{Person: p, Pseudonym: "erased/BE7C", Footprint: foot, Change: flows.Change{Chain: "system", Entries: sealed}}
}

// beside runs f while something is written again and again, and says how long f took
// and the longest of the writes.
func beside(b *testing.B, s *store.Store, name string, f func() error) (took, waited time.Duration) {
	b.Helper()
	ctx, done := context.WithCancel(b.Context())
	longest := make(chan time.Duration)
	go func() {
		var most time.Duration
		for i := 0; ctx.Err() == nil; i++ {
			began := time.Now()
			if err := accept(b.Context(), s, fmt.Sprint(name, i)); err != nil {
				b.Error(err)
			}
			most = max(most, time.Since(began))
		}
		longest <- most
	}()
	began := time.Now()
	err := f()
	took = time.Since(began)
	done()
	if waited = <-longest; err != nil {
		b.Fatal(err)
	}
	return took, waited
}
