package app_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows/config"
)

// example writes the example configuration into a directory, changed by edit.
func example(t *testing.T, dir string, edit func(hcl string) string) {
	t.Helper()
	for _, name := range []string{"breakglass.hcl", "prod.py"} {
		b, err := fs.ReadFile(config.Example(), name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if name == "breakglass.hcl" {
			text = edit(text)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A target with live grants cannot be taken out of the configuration: there would be
// no way left to end what it gave.
func TestATargetWithLiveGrantsStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	example(t, dir, func(hcl string) string { return hcl })
	s := bottest.Open(t, func(o *company.Options) { o.Config = dir })
	dana := s.As(company.Dana)
	dana.Asks("Production console", "payments are down", nil)
	dana.Presses(dana.Sees("you may approve this yourself"), "bg:approve")
	dana.Sees("You have access to Production console")
	s.In("C0PROD", "asks for Production console")
	s.Quiet()
	ctx := context.WithoutCancel(t.Context())
	if err := s.App.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	example(t, dir, func(hcl string) string {
		from := strings.Index(hcl, `target "production_console" {`)
		to := from + strings.Index(hcl[from:], "\n}\n") + 3
		return strings.Replace(hcl[:from]+hcl[to:], "target.production_console, ", "", 1)
	})
	err := s.StartApp(ctx)
	if !errors.Is(err, app.ErrTargetsGone) || !strings.Contains(err.Error(), "production_console (1)") {
		t.Errorf("it started, or stopped for another reason: %v", err)
	}
	if err := s.App.Stop(ctx); err != nil {
		t.Error(err)
	}
	example(t, dir, func(hcl string) string { return hcl })
	if err := s.StartApp(ctx); err != nil {
		t.Fatal(err)
	}
	dana.Presses(dana.Sees("You asked for Production console", "Access works until"), "bg:done")
	dana.Sees("Your access to Production console has ended")
}
