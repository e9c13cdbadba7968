package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/bot/bottest"
	main "breakglass/cmd/breakglass"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// terminal is somebody's terminal, with a home of its own.
type terminal struct {
	t    *testing.T
	s    *bottest.Story
	home string
	more map[string]string
	in   string // what is typed

	server string // empty: the company's own
}

func newTerminal(t *testing.T, s *bottest.Story) *terminal {
	return &terminal{t: t, s: s, home: t.TempDir(), more: map[string]string{}}
}

func (m *terminal) getenv(name string) string {
	switch name {
	case "HOME":
		return m.home
	case "BREAKGLASS_SERVER":
		if m.server != "" {
			return m.server
		}
		return m.s.URL("")
	}
	return m.more[name]
}

// buffer can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// runs runs a command and wants its exit code; it returns what was printed.
func (m *terminal) runs(code int, args ...string) string {
	m.t.Helper()
	var out, errs buffer
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.t.Context()), time.Minute)
	defer cancel()
	if got := main.Run(ctx, args, m.getenv, strings.NewReader(m.in), &out, &errs); got != code {
		m.t.Fatalf("breakglass %s exits %d, not %d:\n%s%s", strings.Join(args, " "), got, code, out.String(), errs.String())
	}
	return out.String() + errs.String()
}

// logsIn runs breakglass login and confirms it in a browser that is signed in.
func (m *terminal) logsIn(b *bottest.Browser) {
	m.t.Helper()
	var out, errs buffer
	done := make(chan int, 1)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.t.Context()), time.Minute)
	defer cancel()
	go func() { done <- main.Run(ctx, []string{"login"}, m.getenv, strings.NewReader(""), &out, &errs) }()
	link := regexp.MustCompile(`http://\S+/login\?code=(\S+)`)
	m.s.Until("the login's address", func() bool { return link.MatchString(out.String()) })
	found := link.FindStringSubmatch(out.String())
	if page := b.Get(found[0]); !strings.Contains(page.Text(), "Is this your machine?") {
		m.t.Fatalf("the page to confirm: %s", page.Text())
	}
	code, err := url.QueryUnescape(found[1])
	if err != nil {
		m.t.Fatal(err)
	}
	if page := b.Post("/login", url.Values{"code": {code}}); !strings.Contains(page.Text(), "acts as you until") {
		m.t.Fatalf("confirming: %s", page.Text())
	}
	if exit := <-done; exit != 0 {
		m.t.Fatalf("login exits %d:\n%s%s", exit, out.String(), errs.String())
	}
}

// onRealTime lets the company live in real time, as commands do.
func onRealTime(o *company.Options) { o.Clock = flows.NewPushableClock(app.SystemClock{}) }

// A login works on its machine, for its owner, until it is ended; a copy of its file
// without the machine, and a changed clock, open nothing.
func TestLoginIsTheMachines(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, onRealTime, with)
	mara := s.Browser()
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	s.In("C0ERRS", "mara signed in")
	m := newTerminal(t, s)
	if said := m.runs(1, "token", "list"); !strings.Contains(said, "this machine is not signed in") || !strings.Contains(said, "hint: breakglass login") {
		t.Errorf("before the login: %s", said)
	}
	m.logsIn(mara)
	file := filepath.Join(m.home, ".config", "breakglass", "logins.json")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file of the login: %v, %v", info, err)
	}
	if said := m.runs(0, "token", "list"); !strings.Contains(said, "login") || !strings.Contains(said, "session") {
		t.Errorf("the list of passes: %s", said)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept map[string]struct {
		Token string `json:"token"`
		Seed  []byte `json:"seed"`
	}
	if err := json.Unmarshal(b, &kept); err != nil {
		t.Fatal(err)
	}
	token := kept[s.URL("")].Token
	if a := s.API(token).Call("GET", "/v1/me", nil); a.Status != http.StatusForbidden || !strings.Contains(a.Text("detail"), "another machine") {
		t.Errorf("the token alone: %d %s", a.Status, a.Text("detail"))
	}
	copied := newTerminal(t, s)
	other := bytes.ReplaceAll(b, []byte(`"seed": "`), []byte(`"seed": "AAAA`))
	if err := os.MkdirAll(filepath.Join(copied.home, ".config", "breakglass"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(copied.home, ".config", "breakglass", "logins.json"), other, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := copied.runs(3, "token", "list"); !strings.Contains(said, "another machine") {
		t.Errorf("with another machine's key: %s", said)
	}
	m.runs(0, "logout")
	if said := m.runs(1, "token", "list"); !strings.Contains(said, "not signed in") {
		t.Errorf("after logging out: %s", said)
	}
	if a := s.API(token).Call("GET", "/v1/me", nil); a.Status != http.StatusUnauthorized {
		t.Errorf("the token after logging out: %d", a.Status)
	}
}

// An admin uses the kill switch from another machine, as who is signed in there; who is
// no admin does not, and nobody who is not signed in.
func TestKillSwitchFromAnotherMachine(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, onRealTime, with, bottest.Set("requesters", `["U0SAM", "U0DANA"]`))
	mara, sam := s.Browser(), s.Browser()
	mara.SignsIn(p, "sub-"+company.Mara, "/")
	sam.SignsIn(p, "sub-"+company.Sam, "/")
	maras, sams := newTerminal(t, s), newTerminal(t, s)
	if said := maras.runs(1, "freeze"); !strings.Contains(said, "there is no breakglass.hcl in ., and this machine is not signed in") {
		t.Errorf("on a machine that is not signed in: %s", said)
	}
	maras.logsIn(mara)
	sams.logsIn(sam)
	id := strings.TrimSpace(sams.runs(0, "request", "create", "prod_database", "--for", "20m", "--incident", "none", "--reason", "the ledger is stuck"))
	s.Quiet()
	maras.runs(0, "request", "approve", id)
	sams.runs(0, "request", "wait", id)

	for _, args := range [][]string{{"end", "--all", "--yes"}, {"freeze"}, {"unfreeze"}} {
		if said := sams.runs(3, args...); !strings.Contains(said, "This door is for an admin") {
			t.Errorf("Sam's %s: %s", args, said)
		}
	}
	s.Has(company.Sam)
	if said := maras.runs(3, "end", "--target", "prod_datbase"); !strings.Contains(said, "There is no target") {
		t.Errorf("a target that is none: %s", said)
	}
	if said := maras.runs(0, "end", "--person", "sam", "--reason", "the laptop was stolen"); !strings.Contains(said, "1 of 1 are over.") {
		t.Errorf("ending: %s", said)
	}
	s.Has()
	if said := maras.runs(0, "freeze", "--reason", "we are being attacked"); !strings.Contains(said, "Everything is frozen") {
		t.Errorf("freezing: %s", said)
	}
	if said := maras.runs(0, "unfreeze"); !strings.Contains(said, "Nothing is frozen any more") {
		t.Errorf("unfreezing: %s", said)
	}
	by := "breakglass serve"
	if said := maras.runs(1, "end", "--door", filepath.Join(t.TempDir(), "none.door"), "--all", "--yes"); !strings.Contains(said, by) {
		t.Errorf("by a door file that is not there: %s", said)
	}
	s.Overlook()
}
