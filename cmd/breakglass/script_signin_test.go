package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/oidcfake"
)

// openProvider opens the company's sign-in beside a company that opens next.
func (h *hall) openProvider(ts *testscript.TestScript) error {
	p, err := company.NewSignIn(oidcfake.Options{})
	if err != nil {
		return err
	}
	ts.Defer(func() { _ = p.Close() })
	p.SetNow(h.clock.Now)
	h.provider, h.config = p, ts.MkAbs("signed")
	if err := writeExample(h.config, strings.NewReplacer()); err != nil {
		return err
	}
	file := h.config + "/breakglass.hcl"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(string(text)+company.SignInBlock(p.URL())), 0o600)
}

// tokenCmd signs somebody in at the company's provider, as a browser does, and makes a
// token, whose secret is put into the environment.
func tokenCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: token VARIABLE SLACK-USER SCOPES [SERVICE]")
	}
	h := hallOf(ts)
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	secret, err := h.token(ctx, args[1], strings.Split(args[2], ","), args[3:])
	ts.Check(err)
	ts.Setenv(args[0], secret)
}

func (h *hall) token(ctx context.Context, user string, scopes, service []string) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	browser, console := &http.Client{Jar: jar, Timeout: scriptPatience}, "http://"+h.company.App.InternalAddr()
	h.provider.Allow(console + "/sign-in/company/callback")
	page, _, err := visit(ctx, browser, http.MethodGet, console+"/sign-in", "", "")
	if err != nil {
		return "", err
	}
	link := regexp.MustCompile(`href="(/sign-in/company[^"]*)"`).FindStringSubmatch(page)
	if link == nil {
		return "", fmt.Errorf("no way to sign in: %s", page)
	}
	_, at, err := visit(ctx, browser, http.MethodGet, console+html.UnescapeString(link[1]), "", "")
	if err != nil {
		return "", err
	}
	if _, _, err = visit(ctx, browser, http.MethodPost, at, "application/x-www-form-urlencoded", url.Values{"subject": {"sub-" + user}}.Encode()); err != nil {
		return "", err
	}
	in := map[string]any{"name": "script", "scopes": scopes, "days": 1}
	if len(service) > 0 {
		in["name"], in["service"] = service[0], true
	}
	b, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	answer, _, err := visit(ctx, browser, http.MethodPost, console+"/v1/tokens", "application/json", string(b))
	if err != nil {
		return "", err
	}
	var made struct{ Secret string }
	return made.Secret, json.NewDecoder(bytes.NewReader([]byte(answer))).Decode(&made)
}

// visit is what a browser does with an address.
func visit(ctx context.Context, browser *http.Client, method, address, kind, body string) (page, at string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return "", "", err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := browser.Do(req)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 400 {
		err = fmt.Errorf("%s %s answers %d: %s", method, address, resp.StatusCode, b)
	}
	return string(b), resp.Request.URL.String(), err
}
