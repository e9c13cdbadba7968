package main_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
)

// How small the program is and how fast it is there. Sizes fail the benchmark; how long
// it takes is for reading.
const (
	mostBinary = 40_000_000 // bytes, stripped and without C
	mostIdle   = 40_000_000 // bytes in memory, idle
)

// BenchmarkProgram builds the program as it is shipped and starts it, as an operator
// does, against the simulators. Aim: 300 ms from exec to ready.
func BenchmarkProgram(b *testing.B) {
	dir := b.TempDir()
	binary := filepath.Join(dir, "breakglass")
	build := exec.CommandContext(b.Context(), "go", "build", "-ldflags=-s -w", "-o", binary, "breakglass/cmd/breakglass")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	size, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	c, err := company.OpenSimulators(b.Context(), company.Options{Clock: app.SystemClock{}, IDs: app.RandomIDs{}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := c.Close(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	}()
	if err := writeExample(filepath.Join(dir, "config"), strings.NewReplacer()); err != nil {
		b.Fatal(err)
	}
	var ready []time.Duration
	var idle int64
	for b.Loop() {
		took, rss, err := startOnce(binary, dir, c.Addresses())
		if err != nil {
			b.Fatal(err)
		}
		ready, idle = append(ready, took), max(idle, rss)
	}
	report(b, "exec-to-ready", ready)
	b.ReportMetric(float64(size.Size())/1e6, "binary-MB")
	if size.Size() > mostBinary {
		b.Errorf("the binary has %d bytes", size.Size())
	}
	if runtime.GOOS == "linux" {
		b.ReportMetric(float64(idle)/1e6, "idle-MB")
		if idle > mostIdle {
			b.Errorf("idle it takes %d bytes of memory", idle)
		}
	}
}

// startOnce starts the program, waits until it serves, looks at it after a moment and
// stops it.
func startOnce(binary, dir string, at company.Addresses) (ready time.Duration, rss int64, err error) {
	cmd := exec.Command(binary, "serve", "--config", filepath.Join(dir, "config"), "--db", filepath.Join(dir, "breakglass.db"),
		"--public", "127.0.0.1:0", "--internal", "127.0.0.1:0", "--var", "slack_api="+at.Slack+"/api/", "--var", "pagerduty_api="+at.PagerDuty,
		"--var", "database_webhook="+at.Database)
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PAGERDUTY_API_KEY", "PAGERDUTY_WEBHOOK_SECRET", "DATABASE_WEBHOOK_KEY"} {
		cmd.Env = append(cmd.Env, name+"="+company.Getenv(name))
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	said := ""
	lines := bufio.NewScanner(log)
	for ready == 0 && lines.Scan() {
		if said += lines.Text() + "\n"; strings.Contains(lines.Text(), "msg=serving") {
			ready = time.Since(began)
		}
	}
	if ready == 0 {
		return 0, 0, errors.Join(fmt.Errorf("it does not serve:\n%s", said), cmd.Wait())
	}
	go func() {
		for lines.Scan() { // whatever it says is read, so that it is never held up
		}
	}()
	time.Sleep(6 * time.Second) // idle
	rss, err = resident(cmd.Process.Pid)
	return ready, rss, errors.Join(err, cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
}

// resident is how much memory a process takes, where the system tells.
func resident(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, nil //nolint:nilerr // not on this system
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(after)
	if len(fields) < 1 {
		return 0, errors.New("no VmRSS")
	}
	kb, err := strconv.ParseInt(fields[0], 10, 64)
	return kb * 1024, err
}
