package main

import (
	"testing"
	"time"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"serve", "demo", "doctor", "check", "request", "migrate", "version"}
	for typed, want := range map[string]string{
		"sreve": "serve", "serv": "serve", "Serve": "serve", "docter": "doctor", "doc": "doctor", "chekc": "check", "requests": "request",
		"frobnicate": "", "x": "", "": "", "migrations": "", "demmo": "demo", "ver": "version",
	} {
		if got := nearest(typed, words); got != want {
			t.Errorf("%q was meant to be %q, not %q", typed, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "ac", 1}, {"ab", "ba", 2}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q it is %d, not %d", c.a, c.b, c.want, got)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("back from %q to %q it is %d, not %d", c.b, c.a, c.want, got)
		}
	}
}

func TestLong(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"24h": 24 * time.Hour, "30d": 30 * 24 * time.Hour, "1h30m": 90 * time.Minute, "0d": 0} {
		if got, err := long("since", s); err != nil || got != want {
			t.Errorf("%s is %s (%v), not %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "d", "-1d", "-3h", "yesterday", "1.5d"} {
		if got, err := long("since", s); err == nil {
			t.Errorf("%s is taken for %s", s, got)
		}
	}
}

// What people typed gets onto a terminal and into a spreadsheet as text, never as
// something that acts there.
func TestTypedTextDoesNothing(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"stuck\npayouts": "stuck payouts", "\x1b[31mred\x1b[0m": "[31mred[0m", "a\u202eb": "ab", "a\tb": "a b",
	} {
		if got := clean(typed); got != want {
			t.Errorf("%q is shown as %q, not %q", typed, got, want)
		}
	}
	for _, formula := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"} {
		if got := cell(formula); got[0] != '\'' {
			t.Errorf("%q stands in a cell as %q", formula, got)
		}
	}
	if got := cell("prod_database"); got != "prod_database" {
		t.Errorf("a plain value became %q", got)
	}
}

func TestPlainWords(t *testing.T) {
	t.Parallel()
	got := plainWords("decided by <@U0MARA> until <!date^1795316400^{date_short_pretty} at {time}|2026-11-22 03:00 UTC>.")
	if want := "decided by U0MARA until 2026-11-22 03:00 UTC."; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
