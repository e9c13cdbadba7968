package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"breakglass/flows"
)

// ticking is a clock that has gone on by a step whenever somebody looks.
type ticking struct {
	*flows.HandClock
	step time.Duration
}

// Now implements flows.Clock.
func (c ticking) Now() time.Time {
	c.Push(c.step)
	return c.HandClock.Now()
}

var (
	countedEntries = regexp.MustCompile(`(?m)^(\d+) entries, `)
	speed          = regexp.MustCompile(`(?m)^That took .*$`)
)

// TestVerifyTook: a verification that took a second or more says how long, and how many
// entries a second those were, of the database and of an export.
func TestVerifyTook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, export := filepath.Join(dir, "past.db"), filepath.Join(dir, "past.jsonl")
	for _, args := range [][]string{{"audit", "generate", "--db", db, "--requests", "20"}, {"audit", "export", "--db", db, "--proof", "--file", export}} {
		var said bytes.Buffer
		if code := run(t.Context(), args, func(string) string { return "" }, nil, io.Discard, &said); code != 0 {
			t.Fatalf("%v: %d: %s", args, code, &said)
		}
	}
	for _, tc := range []struct {
		step time.Duration
		took string // empty: it is not said
	}{{999 * time.Millisecond, ""}, {time.Second, "1s"}, {2040 * time.Millisecond, "2s"}, {90*time.Second + 160*time.Millisecond, "1m30.2s"}} {
		for name, verify := range map[string]func(*cli, verification) error{
			"database": func(c *cli, v verification) error { return c.verifyStore(t.Context(), v) },
			"export":   func(c *cli, v verification) error { return c.verifyExport(t.Context(), v, export) },
		} {
			var out bytes.Buffer
			c := &cli{getenv: func(string) string { return "" }, out: &out, err: io.Discard}
			if err := verify(c, verification{s: settings{db: db}, output: "text", clock: ticking{flows.NewHandClock(time.Unix(1, 0)), tc.step}}); err != nil {
				t.Fatal(err)
			}
			entries := countedEntries.FindStringSubmatch(out.String())
			if entries == nil {
				t.Fatalf("%s: %s", name, &out)
			}
			n, err := strconv.Atoi(entries[1])
			if err != nil || n < 40 {
				t.Fatal(n, err)
			}
			want := ""
			if tc.took != "" {
				want = fmt.Sprintf("That took %s: %.0f entries a second.", tc.took, float64(n)/tc.step.Seconds())
			}
			if got := speed.FindString(out.String()); got != want {
				t.Errorf("%s in %s: %q, want %q", name, tc.step, got, want)
			}
		}
	}
}
