package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/config"
	"breakglass/integrations/oidcfake"
	"breakglass/integrations/slackfake"
)

// The scripts in testdata are the manual of the commands: each runs the program as
// people do and holds what they read against the page that is written there. Beside
// testscript's own commands they have:
//
//	company open|at TIME|alone   a company: the example configuration in conf, the
//	                             environment for it, and breakglass.db; alone: without
//	                             Breakglass, on the real clock
//	company empty                one whose configuration has no person blocks
//	company signed               one with the company's OpenID Connect provider
//	token VAR USER SCOPES [SERVICE]  signs in there and makes a token
//	company play                 Dana approves herself, Mara lets Sam in, Noor denies him
//	company push TIME            pushes the clock
//	company close                ends it; the database stays
//	exits N COMMAND…             runs it and wants that exit code
//	reads stdout|stderr FILE     what was printed is FILE, where ‹…› stands for anything
//	edit FILE OLD NEW            replaces text, which must be there
//	unpeople FILE                takes the person and roles blocks out of a configuration
//	damage FILE                  changes a recorded byte of a database
//	hide FILE                    takes the requests out of its lists by person
//	freeport NAME                puts a free port into the environment
//	listening ADDRESS            waits until somebody listens there
//	curl -s [-X M] [-H H] URL [-d BODY]
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Values["hall"] = &hall{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"company": companyCmd, "token": tokenCmd, "exits": exits, "reads": reads, "edit": edit, "unpeople": unpeople, "damage": damage, "hide": hide, "forge": forge, "freeport": freePort, "listening": listening, "curl": curl,
		},
		RequireUniqueNames: true,
	})
}

// scriptPatience is how long a script waits for something that must come. It only bounds
// a failure: a whole play has to fit, under the race detector and beside everything else.
const scriptPatience = 5 * time.Minute

// hall is where a script's company is.
type hall struct {
	company  *company.Company
	clock    *flows.HandClock
	config   string             // its directory; empty: the example
	provider *oidcfake.Provider // its sign-in; nil: none
	step     time.Duration      // by which a standing clock is pushed between the scenes
}

func hallOf(ts *testscript.TestScript) *hall {
	h, ok := ts.Value("hall").(*hall)
	if !ok {
		ts.Fatalf("there is no hall")
	}
	return h
}

func companyCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: company open|at TIME|alone|play|given|push TIME|close")
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	h := hallOf(ts)
	var err error
	switch args[0] {
	case "open":
		h.clock, h.step = flows.NewPushableClock(app.SystemClock{}), 0
		err = h.open(ctx, ts, company.Open)
	case "at":
		at, bad := time.Parse(time.RFC3339, args[1])
		ts.Check(bad)
		h.clock, h.step = flows.NewHandClock(at), time.Minute
		err = h.open(ctx, ts, company.Open)
	case "empty":
		h.clock, h.step = flows.NewPushableClock(app.SystemClock{}), 0
		dir := ts.MkAbs("empty")
		ts.Check(writeExample(dir, strings.NewReplacer()))
		ts.Check(unpeopled(filepath.Join(dir, "breakglass.hcl")))
		h.config = dir
		if err = h.open(ctx, ts, company.Open); err == nil {
			err = unpeopled(ts.MkAbs("conf/breakglass.hcl"))
		}
	case "signed":
		h.clock, h.step = flows.NewPushableClock(app.SystemClock{}), 0
		if err = h.openProvider(ts); err == nil {
			err = h.open(ctx, ts, company.Open)
		}
	case "alone":
		h.clock = flows.NewPushableClock(app.SystemClock{})
		err = h.open(ctx, ts, company.OpenSimulators)
	case "play":
		err = h.play(ctx)
	case "given":
		err = h.given(ctx)
	case "push":
		d, bad := time.ParseDuration(args[1])
		ts.Check(bad)
		ts.Check(h.company.Quiet(ctx)) // a push while something is in hand takes its lease away
		h.clock.Push(d)
		err = h.company.Quiet(ctx)
	case "close":
		err = h.close(ctx)
	default:
		ts.Fatalf("company has no %s", args[0])
	}
	ts.Check(err)
}

// open opens a company and writes the configuration with its addresses.
func (h *hall) open(ctx context.Context, ts *testscript.TestScript, with func(context.Context, company.Options) (*company.Company, error)) error {
	var err error
	// ctx ends before the company does: what is opened lives until it is closed.
	h.company, err = with(ctx, company.Options{Clock: h.clock, IDs: &counted{}, Dir: ts.MkAbs("."), Config: h.config, ControlToken: "open-sesame"})
	if err != nil {
		return err
	}
	ts.Defer(func() {
		ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
		defer cancel()
		if err := h.close(ctx); err != nil {
			ts.Logf("close the company: %v", err)
		}
	})
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PAGERDUTY_API_KEY", "PAGERDUTY_WEBHOOK_SECRET", "DATABASE_WEBHOOK_KEY"} {
		ts.Setenv(name, company.Getenv(name))
	}
	at := h.company.Addresses()
	ts.Setenv("SLACK", at.Slack)
	ts.Setenv("PAGERDUTY", at.PagerDuty)
	ts.Setenv("PAGERDUTY_HOST", strings.TrimPrefix(at.PagerDuty, "http://"))
	internal := "127.0.0.1:1" // nobody listens there
	if h.company.App != nil {
		internal = h.company.App.InternalAddr()
	}
	ts.Setenv("INTERNAL", internal)
	return writeExample(ts.MkAbs("conf"), strings.NewReplacer(
		"http://127.0.0.1:8401", at.Slack, "http://127.0.0.1:8402", at.PagerDuty, "http://127.0.0.1:8403/access", at.Database,
		"environment \"prod\" {", "server {\n  internal_listen = \""+internal+"\"\n}\n\nenvironment \"prod\" {"))
}

func writeExample(dir string, edit *strings.Replacer) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"breakglass.hcl", "prod.py"} {
		text, err := fs.ReadFile(config.Example(), name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(edit.Replace(string(text))), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (h *hall) close(ctx context.Context) error {
	if h.company == nil {
		return nil
	}
	defer func() { h.company = nil }()
	return h.company.Close(ctx)
}

// play has three people ask: one approves herself, one is let in, one is denied.
func (h *hall) play(ctx context.Context) error {
	c := h.company
	inc, err := c.PagerDuty.Trigger(company.Service, "Payments fail in eu-west", "PDANA01")
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return c.PagerDuty.Acknowledge(inc.ID, "PDANA01") },
		func() error {
			return c.Ask(ctx, company.Dana, "Production database", "stuck payouts since 02:40", slackfake.Values{"incident": inc.ID, "field/ticket/prod": "OPS-17"})
		},
		func() error { return h.decide(ctx, company.Dana, "you may approve this yourself", "bg:approve") },
		func() error { return h.quiet(ctx, h.step) },
		func() error { return c.Ask(ctx, company.Sam, "Production console", "reconcile the ledger", nil) },
		func() error { return h.decide(ctx, company.Mara, "reconcile the ledger", "bg:approve") },
		func() error { return h.quiet(ctx, h.step) },
		func() error { return c.Ask(ctx, company.Sam, "Production database", "curious", nil) },
		func() error { return h.decide(ctx, company.Noor, "curious", "bg:deny") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	form, err := c.Form(ctx, company.Noor, "why")
	if err != nil {
		return err
	}
	if _, err := c.Slack.User(company.Noor).Submit(form, slackfake.Values{"why": "use the read-only replica"}); err != nil {
		return err
	}
	return h.quiet(ctx, 0)
}

func (h *hall) decide(ctx context.Context, who, text, button string) error {
	card, err := h.company.See(ctx, who, text)
	if err != nil {
		return err
	}
	_, err = h.company.Slack.User(who).Click(card, button)
	return err
}

// quiet waits until all is done, and then pushes the clock.
func (h *hall) quiet(ctx context.Context, push time.Duration) error {
	err := h.company.Quiet(ctx)
	h.clock.Push(push)
	return err
}

// counted makes ids that a page can name: req_…01, req_…02.
type counted struct {
	mu sync.Mutex
	n  int
	r  *rand.Rand
}

// RequestID implements flows.IDs.
func (c *counted) RequestID(time.Time) flows.RequestID {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return flows.RequestID(fmt.Sprintf("req_%020dAAAA%02d", c.n, c.n))
}

// Random implements flows.IDs.
func (c *counted) Random(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.r == nil {
		c.r = rand.New(rand.NewPCG(1, 2))
	}
	for i := range b {
		b[i] = byte(c.r.Uint32())
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exits with %d, not %d", strings.Join(args[1:], " "), got, want)
	}
}

// reads holds what was printed against a page, line by line.
func reads(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: reads stdout|stderr FILE")
	}
	got, want := strings.Split(ts.ReadFile(args[0]), "\n"), strings.Split(ts.ReadFile(args[1]), "\n")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			ts.Fatalf("%s:%d: missing: %s", args[1], i+1, want[i])
		case i >= len(want):
			ts.Fatalf("%s: not expected: %s", args[1], got[i])
		case !like(want[i], got[i]):
			ts.Fatalf("%s:%d: the line is\n%s\nnot\n%s", args[1], i+1, got[i], want[i])
		}
	}
}

// like compares a line with one in which ‹…› stands for anything.
func like(want, got string) bool {
	parts := strings.Split(want, "‹…›")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".+") + "$").MatchString(got)
}

func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

var peopleBlocks = regexp.MustCompile(`(?m)^(person "[a-z]+"|roles) \{\n(  .*\n)*\}\n`)

func unpeople(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: unpeople FILE")
	}
	text := peopleBlocks.ReplaceAllString(ts.ReadFile(args[0]), "")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

var personBlocks = regexp.MustCompile(`(?m)^person "[a-z]+" \{\n(  .*\n)*\}\n`)

// unpeopled takes the person blocks out of a configuration.
func unpeopled(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, personBlocks.ReplaceAll(text, nil), 0o600)
}

// hide takes the requests out of the lists by person, as whoever writes into the database can.
func hide(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hide FILE")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.ExecContext(context.Background(), "DELETE FROM request_people")
	ts.Check(errors.Join(err, db.Close()))
}

// damage writes over an audit entry behind the back of the store, which forbids it.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage FILE")
	}
	file := ts.MkAbs(args[0])
	raw, err := os.ReadFile(file)
	ts.Check(err)
	found := denial.FindAllIndex(raw, -1)
	if found == nil {
		ts.Fatalf("%s has no denial", args[0])
	}
	for _, at := range found {
		raw[at[1]+1] ^= 1
	}
	ts.Check(os.WriteFile(file, raw, 0o600))
}

// denial is how the row of a denial lies in a SQLite file: its verb, the hash before and its
// own, and what says that its bytes are packed. Behind it stand how many hashes there are,
// and these.
var denial = regexp.MustCompile(`deny[0-9a-f]{128}-\x01`)

func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport NAME")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(ln.Addr().String())
	ts.Check(errors.Join(err, ln.Close()))
	ts.Setenv(args[0], port)
}

func listening(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listening ADDRESS")
	}
	for deadline := time.Now().Add(scriptPatience); ; {
		conn, err := net.DialTimeout("tcp", args[0], time.Second)
		if err == nil {
			ts.Check(conn.Close())
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("nobody listens at %s: %v", args[0], err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// curl is as much of it as the pages use; a status of 400 or more fails.
func curl(ts *testscript.TestScript, neg bool, args []string) {
	method, url, body := http.MethodGet, "", ""
	header := http.Header{}
	for len(args) > 0 {
		switch args[0] {
		case "-s":
			args = args[1:]
		case "-X":
			method, args = args[1], args[2:]
		case "-d":
			body, args = args[1], args[2:]
		case "-H":
			name, value, _ := strings.Cut(args[1], ": ")
			header.Set(name, value)
			args = args[2:]
		default:
			url, args = args[0], args[1:]
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	ts.Check(err)
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	var answer bytes.Buffer
	_, err = answer.ReadFrom(resp.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(answer.Bytes())
	ts.Check(err)
	if (resp.StatusCode >= 400) != neg {
		ts.Fatalf("status %d: %s", resp.StatusCode, answer.String())
	}
}
