package main_test

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
)

// The program as an operator runs it: SIGHUP has it load its configuration again, a bad
// one does not end it, and nothing is left of its door when it was told to stop.
func TestHangUp(t *testing.T) {
	t.Parallel()
	c, err := company.OpenSimulators(t.Context(), company.Options{Clock: app.SystemClock{}, IDs: app.RandomIDs{}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	dir := t.TempDir()
	conf, at := filepath.Join(dir, "conf"), c.Addresses()
	if err := writeExample(conf, strings.NewReplacer("http://127.0.0.1:8401", at.Slack, "http://127.0.0.1:8402", at.PagerDuty, "http://127.0.0.1:8403/access", at.Database)); err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: os.Args[0], Args: []string{
		"breakglass", "serve", "--config", conf, "--db", filepath.Join(dir, "breakglass.db"), "--public", "127.0.0.1:0", "--internal", "127.0.0.1:0",
	}}
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PAGERDUTY_API_KEY", "PAGERDUTY_WEBHOOK_SECRET", "DATABASE_WEBHOOK_KEY"} {
		cmd.Env = append(cmd.Env, name+"="+company.Getenv(name))
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() // it has ended, unless the test failed
	lines := bufio.NewScanner(log)
	says := func(what string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), what) {
				return
			}
		}
		t.Fatalf("it does not say %q", what)
	}
	change := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(conf, "prod.py"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	says("msg=serving")
	change("def get_approvers(evt):\n    return None\n")
	says(`msg="configuration loaded"`)
	change("def get_approvers(evt:\n")
	says("error prod.py:1:")
	says(`msg="the configuration was not loaded again"`)
	change("def get_approvers(evt):\n    return []\n")
	says(`msg="configuration loaded"`)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "breakglass.db.door")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the door file after the end: %v", err)
	}
}
