package main_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	main "breakglass/cmd/breakglass"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
	"breakglass/store"
)

// BenchmarkAudit is what reads all of a past: exports, with and without their proof, and
// the two halves of a verification. It reads a small past that it makes up, or the
// database that BREAKGLASS_BENCH_DB names: one that `breakglass audit generate` filled.
func BenchmarkAudit(b *testing.B) {
	s := past(b)
	for _, form := range []history.Form{history.FormJSONL, history.FormCSV} {
		b.Run("export "+string(form), func(b *testing.B) {
			n := 0
			for b.Loop() {
				wrote, err := history.Exporter{Finder: s}.Write(b.Context(), io.Discard, form, flows.Search{})
				if err != nil {
					b.Fatal(err)
				}
				n += wrote
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "requests/s")
		})
	}
	b.Run("export proof", func(b *testing.B) {
		var n int64
		for b.Loop() {
			wrote, err := audit.Export(b.Context(), io.Discard, audit.Live(s), nil)
			if err != nil {
				b.Fatal(err)
			}
			n += wrote
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
	})
	b.Run("verify", func(b *testing.B) {
		var n int64
		for b.Loop() {
			r, err := audit.Verify(b.Context(), audit.Live(s), audit.Options{Kept: s.EachTreeNode})
			if err != nil || !r.OK() {
				b.Fatal(r, err)
			}
			n += r.Entries
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
	})
	b.Run("verify and hold", func(b *testing.B) {
		var n int64
		for b.Loop() {
			r := verifiedWhole(b, s)
			if !r.OK() {
				b.Fatal(r)
			}
			n += r.Entries
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
	})
	b.Run("verify heads", func(b *testing.B) {
		for b.Loop() {
			if err := s.VerifyHeads(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hold requests", func(b *testing.B) {
		for b.Loop() {
			if err := s.HoldAll(b.Context(), func(what string) { b.Fatal(what) }); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// verifiedWhole does what the command does with a database.
func verifiedWhole(b *testing.B, s *store.Store) *audit.Report {
	b.Helper()
	wrong := func(what string) { b.Error(what) }
	h, err := s.BeginHolding(b.Context(), wrong)
	if err != nil {
		b.Fatal(err)
	}
	rest, placed := make(chan error, 1), make(chan error, 1)
	go func() { rest <- s.HoldBeside(b.Context(), wrong) }()
	go func() { placed <- s.VerifyPlaces(b.Context()) }()
	r, err := audit.Verify(b.Context(), audit.Live(s), audit.Options{Kept: s.EachTreeNode, Heads: s.EachHead, Entry: h.Take})
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(h.End(), <-rest, <-placed, s.VerifyEnds(b.Context(), r.Unended, r.Headless)); err != nil {
		b.Fatal(err)
	}
	return r
}

// past is the store to read.
func past(b *testing.B) *store.Store {
	b.Helper()
	file := os.Getenv("BREAKGLASS_BENCH_DB")
	if file == "" {
		file = filepath.Join(b.TempDir(), "past.db")
		none := func(string) string { return "" }
		args := []string{"audit", "generate", "--db", file, "--entries", strconv.Itoa(20_000)}
		if code := main.Run(b.Context(), args, none, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
			b.Fatalf("generate ended with %d", code)
		}
	}
	s, err := store.Open(b.Context(), store.Options{DSN: file, ReadOnly: true, Mapped: true, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}
