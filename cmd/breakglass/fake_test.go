package main_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	program "breakglass/cmd/breakglass"
	"breakglass/flows/config"
)

// What the pages of the simulators say is done here as it is written: the blocks make
// a configuration without mistakes, the commands are accepted.
func TestWhatTheSimulatorsSayWorks(t *testing.T) {
	t.Parallel()
	for _, people := range []string{"empty", "demo"} {
		t.Run(people, func(t *testing.T) {
			t.Parallel()
			slack := simulator(t, "fake", "slack", "--addr", "127.0.0.1:0", "--app", "", "--people", people)
			pager := simulator(t, "fake", "pagerduty", "--addr", "127.0.0.1:0", "--app", "", "--people", people)
			hcl := blocks(t, slack) + blocks(t, pager) + restOfConfig
			_, diags := config.LoadFS(fstest.MapFS{
				config.MainFile: {Data: []byte(hcl)}, "prod.py": {Data: []byte("def get_approvers(evt):\n    return None\n")},
			}, config.Options{})
			for _, d := range diags.All() {
				t.Error(d)
			}
			for _, page := range []string{slack, pager} {
				typed(t, page)
			}
		})
	}
}

const restOfConfig = `
environment "prod" {
  integrations = { slack = integration.slack.main, pagerduty = integration.pagerduty.main }
  errors_to    = "#access-errors"
}
roles {
  admins = ["U0DANA"]
}
target "console" {
  kind = "approval_only"
}
flow "prod" {
  environment    = environment.prod
  targets        = [target.console]
  channel        = "#prod-access"
  implementation = "prod.py"
  requesters     = ["@engineering"]
  durations      = ["30m"]
  fallback       = { approvers = ["U0DANA", "U0MARA"] }
}
`

// simulator runs a command until the test ends, and returns the page it prints.
func simulator(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	page := &page{whole: make(chan struct{})}
	var errs bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- program.Run(ctx, args, func(string) string { return "" }, strings.NewReader(""), page, &errs)
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("%v exits with %d: %s", args, code, errs.String())
		}
	})
	select {
	case <-page.whole:
	case code := <-done:
		done <- code
		t.Fatalf("%v ended: %s", args, errs.String())
	case <-time.After(scriptPatience):
		t.Fatalf("%v says only: %s", args, page)
	}
	return page.String()
}

// page is what a simulator prints when it is ready.
type page struct {
	mu    sync.Mutex
	b     strings.Builder
	whole chan struct{}
	once  sync.Once
}

// Write implements io.Writer.
func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.b.Write(b)
	if strings.Contains(p.b.String(), "Ctrl-C stops it.") {
		p.once.Do(func() { close(p.whole) })
	}
	return len(b), nil
}

// String is everything so far.
func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

var (
	hclBlocks  = regexp.MustCompile(`(?ms)^In breakglass\.hcl:\n\n(.*?)\n\n`)
	tokenLine  = regexp.MustCompile(`TOKEN='Authorization: (.*)'`)
	curlLine   = regexp.MustCompile(`curl -s -X (\w+) -H "\$TOKEN" (\S+) -d '(.*)'`)
	noApp      = "dispatch_failed" // nobody listens at --app, so commands cannot arrive
	slashNoApp = regexp.MustCompile(`/slash$`)
)

func blocks(t *testing.T, page string) string {
	t.Helper()
	m := hclBlocks.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page has no blocks:\n%s", page)
	}
	return m[1] + "\n"
}

// typed does what the page says to type.
func typed(t *testing.T, page string) {
	t.Helper()
	token, lines := tokenLine.FindStringSubmatch(page), curlLine.FindAllStringSubmatch(page, -1)
	if token == nil || len(lines) == 0 {
		t.Fatalf("the page has nothing to type:\n%s", page)
	}
	for _, m := range lines {
		req, err := http.NewRequestWithContext(t.Context(), m[1], m[2], strings.NewReader(m[3]))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", token[1])
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if slashNoApp.MatchString(m[2]) && strings.Contains(string(answer), noApp) {
			continue
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s\nis answered %d: %s", m[0], resp.StatusCode, answer)
		}
	}
}
