package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	program "breakglass/cmd/breakglass"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// victimOrder names, in the environment of a child process, what it is to run until
// it is killed: a victim as JSON.
const victimOrder = "BREAKGLASS_TEST_VICTIM"

func TestMain(m *testing.M) {
	if order := os.Getenv(victimOrder); order != "" {
		os.Exit(serveUntilKilled(order, os.Stdin, os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){"breakglass": program.Main})
}

// victim is the whole program in a process of its own, against simulators that survive
// it. Only its clock is not the real one: it runs ahead by as much as it is told.
type victim struct {
	DSN    string
	Config string
	At     company.Addresses
	Ahead  time.Duration
}

// serveUntilKilled is the child: what `breakglass serve` does, with a clock that each
// line of standard input pushes. It ends well on SIGTERM, and when its parent is gone.
func serveUntilKilled(order string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, stop, order, in, out, errs); err != nil {
		fmt.Fprintln(errs, "error:", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, stop func(), order string, in io.Reader, out, errs io.Writer) error {
	var v victim
	if err := json.Unmarshal([]byte(order), &v); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(errs, nil))
	clock := flows.NewPushableClock(app.SystemClock{})
	clock.Push(v.Ahead)
	cfg, diags := company.Load(v.Config, v.At, clock, log)
	if err := diags.Err(); err != nil {
		return err
	}
	a, err := app.New(ctx, app.Options{
		Config: cfg, DSN: v.DSN, PublicListen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", Clock: clock, IDs: app.RandomIDs{},
		Log: log, Owner: fmt.Sprint("victim/", os.Getpid()), Version: "killed",
	})
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "ready", a.PublicAddr())
	go func() {
		defer stop()
		for lines := bufio.NewScanner(in); lines.Scan(); {
			if d, err := time.ParseDuration(lines.Text()); err == nil {
				clock.Push(d)
			}
		}
	}()
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return a.Stop(end)
}

// logName is the file that all victims of a test write to.
const logName = "victim.log"

// process is a victim that runs.
type process struct {
	cmd   *exec.Cmd
	push  io.WriteCloser
	addr  string
	ready time.Duration // from exec to both doors open
	log   string
}

// run starts a victim and waits until it takes traffic.
func (v victim) run(dir string) (*process, error) {
	order, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(os.Args[0]), log: filepath.Join(dir, logName)}
	p.cmd.Env = append(os.Environ(), victimOrder+"="+string(order))
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.push, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("the victim did not start: %q", line), err, p.cmd.Process.Kill(), p.cmd.Wait())
	}
	p.addr, p.ready = addr, time.Since(began)
	return p, nil
}

// kill ends the process as a power cut would, and makes sure that it had not ended by
// itself before.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill the victim: %w", err)
	}
	return p.expect("signal: killed")
}

// stop ends the process as an operator would.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the victim: %w", err)
	}
	return p.expect("")
}

func (p *process) expect(how string) error {
	said := ""
	if err := p.cmd.Wait(); err != nil {
		said = err.Error()
	}
	if said != how {
		return fmt.Errorf("the victim ended with %q, want %q", said, how)
	}
	return nil
}

// lastWords is the end of what the victims logged, for failures.
func (p *process) lastWords() string {
	all, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(all[max(0, len(all)-20_000):])
}
