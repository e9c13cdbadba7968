package bottest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"breakglass/cmd/breakglass/company"
)

// Set gives an attribute of the example's flow another value, written as in the
// file: Set("quorum", "2").
func Set(attribute, value string) func(*company.Options) {
	return Edit("breakglass.hcl", func(hcl string) string {
		head, flow, _ := strings.Cut(hcl, `flow "prod" {`)
		line := regexp.MustCompile(`(?m)^  ` + attribute + `\s*=.*$`)
		if line.MatchString(flow) {
			flow = line.ReplaceAllLiteralString(flow, "  "+attribute+" = "+value)
		} else {
			flow = "\n  " + attribute + " = " + value + flow
		}
		return head + `flow "prod" {` + flow
	})
}

// Handler gives the flow another handler: the body of get_approvers(evt), in Python.
func Handler(body ...string) func(*company.Options) {
	return Edit("prod.py", func(string) string {
		return "from breakglass import pagerduty, reducer, slack\n\n\n@reducer\ndef get_approvers(evt):\n    " + strings.Join(body, "\n    ") + "\n"
	})
}

// Replace replaces a piece of the configuration.
func Replace(old, with string) func(*company.Options) {
	return Edit("breakglass.hcl", func(hcl string) string {
		if !strings.Contains(hcl, old) {
			panic("the example has no " + old)
		}
		return strings.Replace(hcl, old, with, 1)
	})
}

// Edit changes a file of the configuration.
func Edit(file string, change func(string) string) func(*company.Options) {
	return func(o *company.Options) {
		path := filepath.Join(o.Config, file)
		was, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(change(string(was))), 0o600)
		}
		if err != nil {
			panic(err) // the test's own directory
		}
	}
}

// ownConfig writes the example configuration into a directory of the test's own.
func ownConfig(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := company.WriteExample(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
