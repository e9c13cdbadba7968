package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/oidcfake"
)

// auditor is a person of the demo besides those of the example: she sees everything.
const auditor = `
person "audi" {
  slack     = "` + company.Audi + `"
  pagerduty = "PAUDI01"
  email     = "audi@demo.example"
}
`

// openSignIn opens a simulated company sign-in, so that the console has a door, and
// writes the example with it into dir.
func (s *stage) openSignIn(dir string) (config string, err error) {
	if s.signIn, err = company.NewSignIn(oidcfake.Options{Now: s.clock.Now}); err != nil {
		return "", err
	}
	config = filepath.Join(dir, "access")
	if err := errors.Join(os.Mkdir(config, 0o700), company.WriteExample(config)); err != nil {
		return "", err
	}
	file, err := os.OpenFile(filepath.Join(config, "breakglass.hcl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(auditor + company.SignInBlock(s.signIn.URL()))
	return config, errors.Join(err, file.Close())
}

// auditorAsks has the auditor open the console: what was done for the incident, and
// whether anything of it was altered since.
func auditorAsks(ctx context.Context, s *stage) error {
	b := &browser{at: "http://" + s.c.App.InternalAddr()}
	if err := b.signIn(ctx, "sub-"+company.Audi); err != nil {
		return err
	}
	all := s.c.PagerDuty.Incidents()
	page, err := b.get(ctx, fmt.Sprintf("/audit/incidents/%d", all[len(all)-1].Number))
	if err != nil {
		return err
	}
	for _, want := range []string{"Production database", "stuck payouts since 02:40"} {
		if !strings.Contains(page, want) {
			return fmt.Errorf("the page of the incident does not say %q", want)
		}
	}
	fmt.Fprintf(s.out, "   console %s/audit/incidents/%d: who asked, on which shift it rested, when it ended\n", b.at, all[len(all)-1].Number)
	if err := s.push(ctx, time.Minute); err != nil { // entries take their places in the tree
		return err
	}
	return s.verify(ctx)
}

// verify runs the command that an auditor runs on the server.
func (s *stage) verify(ctx context.Context) error {
	var out, errs bytes.Buffer
	args := []string{"audit", "verify", "--db", filepath.Join(s.dir, "breakglass.db")}
	fmt.Fprintf(s.out, "   $ breakglass audit verify\n")
	if code := run(ctx, args, func(string) string { return "" }, strings.NewReader(""), &out, &errs); code != exitOK {
		return fmt.Errorf("audit verify ended with %d: %s%s", code, &out, &errs)
	}
	for line := range strings.Lines(out.String()) {
		fmt.Fprintf(s.out, "           %s", line)
	}
	return nil
}

// browser is somebody's browser at the console, as far as the demo needs one.
type browser struct {
	at     string
	client http.Client
}

var signInLink = regexp.MustCompile(`href="(/sign-in/company[^"]*)"`)

// signIn goes the way of a person who opens the console and says at the company's
// sign-in who they are.
func (b *browser) signIn(ctx context.Context, subject string) (err error) {
	if b.client.Jar, err = cookiejar.New(nil); err != nil {
		return err
	}
	page, err := b.get(ctx, "/audit")
	if err != nil {
		return err
	}
	link := signInLink.FindStringSubmatch(page)
	if link == nil {
		return errors.New("the console does not lead to the company's sign-in")
	}
	var provider *url.URL
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error { provider = r.URL; return nil }
	if _, err := b.get(ctx, html.UnescapeString(link[1])); err != nil {
		return err
	}
	if provider == nil {
		return errors.New("the console does not send the browser to the company's sign-in")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, provider.String(), strings.NewReader(url.Values{"subject": {subject}}.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err = b.do(req)
	return err
}

func (b *browser) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.at+path, http.NoBody)
	if err != nil {
		return "", err
	}
	return b.do(req)
}

func (b *browser) do(req *http.Request) (string, error) {
	resp, err := b.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", req.Method, req.URL.Path, resp.Status)
	}
	return string(body), err
}
