package slackfake_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/integrations/slackfake"
)

// nodeProject installs Slack's packages into a temporary directory. Without
// node or the packages the test is skipped by name; in CI it fails.
func nodeProject(t *testing.T) string {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	if testing.Short() {
		t.Skip("installs npm packages: left out with -short")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		missing("node is missing: Slack's Node SDK and Bolt were not tried against the simulator")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "node"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
		"--fetch-retries=0", "--fetch-timeout=20000")
	cmd.Dir, cmd.WaitDelay = dir, 5*time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		missing("the packages cannot be installed, Slack's Node SDK and Bolt were not tried: %v\n%s", err, out)
	}
	return dir
}

// nodeEnv is what the scripts need to know.
func nodeEnv(ws *slackfake.Workspace, more ...string) []string {
	c := ws.Config()
	return append(os.Environ(), append(more,
		"SLACK_BOT_TOKEN="+c.BotToken, "SLACK_SIGNING_SECRET="+c.SigningSecret, "SLACK_API_URL="+ws.URL()+"/api/")...)
}

// TestNodeInterop runs Slack's official Node packages, unchanged, against the
// simulator: the SDK as a client, Bolt as the receiver of what it signs.
func TestNodeInterop(t *testing.T) {
	t.Parallel()
	dir := nodeProject(t)
	t.Run("SDK", func(t *testing.T) { t.Parallel(); nodeSDK(t, dir) })
	t.Run("Bolt", func(t *testing.T) { t.Parallel(); nodeBolt(t, dir) })
}

// onRealTime makes the workspace sign with the time that Bolt compares with.
func onRealTime(o *slackfake.Options) { o.Now = time.Now }

func nodeSDK(t *testing.T, dir string) {
	b := setup(t, onRealTime)
	b.AddUserGroup(slackfake.UserGroup{ID: "S0SRE", Name: "SRE", Handle: "sre", Users: []string{"U0SAM"}})
	said, err := b.User("U0SAM").Say("C0PROD", "hi")
	noError(t, err)
	b.Fail(slackfake.Fault{Method: "chat.getPermalink", Times: 1, Status: 429, RetryAfter: 1})
	cmd := exec.CommandContext(t.Context(), "node", "client.js")
	cmd.Dir, cmd.Env = dir, nodeEnv(b.Workspace, "TS="+said.TS)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("client.js: %v\n%s", err, stderr.Bytes())
	}
	got := map[string]string{}
	for line := range strings.Lines(string(out)) {
		var r struct {
			Name  string
			Value json.RawMessage
		}
		noError(t, json.Unmarshal([]byte(line), &r))
		got[r.Name] = string(r.Value)
	}
	for name, want := range map[string]string{
		"auth.test":             `"user_id":"U0BREAKGLASS"`,
		"users.list":            `["U0BREAKGLASS","U0DANA","U0SAM","U0GONE"]`,
		"users.info":            `"email":"dana@acme.example"`,
		"users.lookupByEmail":   `"error":"users_not_found"`,
		"usergroups.users.list": `"users":["U0SAM"]`,
		"conversations.open":    `"id":"D0DANA"`,
		"conversations.info":    `"is_ext_shared":false`,
		"chat.postMessage":      `"channel":"C0PROD"`,
		"bad blocks":            `invalid additional property: disabled [json-pointer:/blocks/0/elements/0]`,
		"unknown method":        `"error":"unknown_method"`,
		"rate limited once":     `/archives/C0PROD/p`,
	} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s = %s, want it to contain %s", name, got[name], want)
		}
	}
	if n := len(b.Calls("chat.getPermalink")); n != 2 {
		t.Errorf("the SDK called chat.getPermalink %d times, want once more after the 429", n)
	}
}

// startBolt starts the Bolt app and tells the workspace where it listens.
func startBolt(t *testing.T, b *bundle, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "bolt.js")
	cmd.Dir, cmd.Env, cmd.Stderr = dir, nodeEnv(b.Workspace), os.Stderr
	stdout, err := cmd.StdoutPipe()
	noError(t, err)
	noError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended with the test's context
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if port, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			url := "http://127.0.0.1:" + port + "/slack/events"
			b.SetEndpoints(slackfake.Endpoints{Commands: url, Interactions: url, Events: url})
			return
		}
	}
	t.Fatal("the Bolt app never said that it listens")
}

func nodeBolt(t *testing.T, dir string) {
	b := setup(t, onRealTime, func(o *slackfake.Options) { o.Events = []string{"app_home_opened"} })
	startBolt(t, b, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dana := b.User("U0DANA")
	noError(t, b.VerifyEvents())

	_, err := dana.Slash("/access", "help")
	noError(t, err)
	if got := dana.Ephemerals(); len(got) != 1 || got[0].Text != "usage: /access" {
		t.Errorf("ephemerals = %+v", got)
	}
	_, err = dana.In("#prod-access").Slash("/access", "later")
	noError(t, err)
	noError(t, b.Wait(ctx, func() bool { return len(b.Messages("#prod-access")) == 1 }))

	_, err = dana.Slash("/access", "")
	noError(t, err)
	noError(t, b.Wait(ctx, func() bool { _, ok := dana.Front(); return ok }))
	view, _ := dana.Front()
	_, err = dana.Submit(view, slackfake.Values{"target": "staging", "reason": "why"})
	noError(t, err)
	if view, _ = dana.Front(); view.Errors["reason"] != "say a little more" {
		t.Fatalf("errors = %v", view.Errors)
	}
	_, err = dana.Submit(view, slackfake.Values{"reason": "deploy is stuck"})
	noError(t, err)
	noError(t, b.Wait(ctx, func() bool { return len(dana.DM()) == 1 }))
	if got := dana.DM()[0].Shown(); !strings.Contains(got, "staging: deploy is stuck") {
		t.Errorf("card = %q", got)
	}
	_, err = dana.Click(dana.DM()[0], "Approve")
	noError(t, err)
	noError(t, b.Wait(ctx, func() bool { return dana.DM()[0].Text == "approved r1" && len(dana.Ephemerals()) == 2 }))

	_, err = dana.Shortcut("request")
	noError(t, err)
	noError(t, b.Wait(ctx, func() bool { return len(dana.DM()) == 2 }))
	noError(t, dana.OpenHome())
	noError(t, b.Wait(ctx, func() bool { home, ok := dana.Home(); return ok && home.Shown() == "*Welcome*" }))
	boltRefusesForgeries(t, b)
	b.noViolations(t)
}

// boltRefusesForgeries shows that the signature faults are real: Bolt's own
// check refuses them.
func boltRefusesForgeries(t *testing.T, b *bundle) {
	t.Helper()
	for name, fault := range map[string]slackfake.DeliveryFault{
		"bad signature": {Kind: "*", Times: 1, BadSignature: true},
		"stale":         {Kind: "*", Times: 1, Stale: 10 * time.Minute},
	} {
		b.FailDelivery(fault)
		out, err := b.User("U0DANA").Slash("/access", "help")
		if err == nil || out.Exchange.Status != 401 {
			t.Errorf("%s: status %d, error %v; want 401", name, out.Exchange.Status, err)
		}
	}
}
