package main_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	program "breakglass/cmd/breakglass"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/store/storetest"
)

// On PostgreSQL the schema is brought up to date by hand, and the database has a clock
// of its own.
func TestDoctorOnPostgres(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	c, err := company.OpenSimulators(t.Context(), company.Options{Clock: app.SystemClock{}, IDs: app.RandomIDs{}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	at := c.Addresses()
	if err := writeExample(dir, strings.NewReplacer("http://127.0.0.1:8401", at.Slack, "http://127.0.0.1:8402", at.PagerDuty)); err != nil {
		t.Fatal(err)
	}
	command := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := program.Run(t.Context(), append(args, "-c", dir, "--db", dsn), company.Getenv, strings.NewReader(""), &out, &out); code != want {
			t.Errorf("%s exits with %d, not %d:\n%s", args[0], code, want, out.String())
		}
		if password := "postgres:"; strings.Contains(out.String(), password) {
			t.Errorf("%s tells where the database is:\n%s", args[0], out.String())
		}
		return out.String()
	}
	reads := func(page string, lines ...string) {
		t.Helper()
		for _, line := range lines {
			if !strings.Contains(page, line) {
				t.Errorf("the page lacks %q:\n%s", line, page)
			}
		}
	}
	reads(command(1, "doctor"), "problem  store          Open PostgreSQL store: the schema of the database does not fit this program", "→ breakglass migrate")
	reads(command(1, "request", "list"), "hint: breakglass migrate")
	reads(command(0, "migrate"), "The schema is up to date.")
	reads(command(0, "doctor"), "ok       store          PostgreSQL answers, the schema fits.", "ok       clock          The database's clock is ", "Nobody has access.")
}
