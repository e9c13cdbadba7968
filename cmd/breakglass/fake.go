package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/integrations/secrets"
)

func (c *cli) fake() *cobra.Command {
	return group("fake", "Run a simulated Slack or PagerDuty alone", c.fakeSlack(), c.fakePagerDuty())
}

// fakeOptions are the flags that both simulators have.
type fakeOptions struct {
	addr, app, people, token string
	verbose                  bool
}

func (o *fakeOptions) flags(cmd *cobra.Command, addr, sends string) {
	cmd.Flags().StringVar(&o.addr, "addr", addr, "`ADDRESS` to listen on, of this machine only")
	cmd.Flags().StringVar(&o.app, "app", "http://127.0.0.1:8300", "`URL` of Breakglass's public listener, where "+sends+" go; empty for none")
	cmd.Flags().StringVar(&o.people, "people", "empty", "`WHO` is there at first: empty, or demo for the people of breakglass demo")
	cmd.Flags().StringVar(&o.token, "control-token", "", "`TOKEN` of the control API; random unless given")
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "log every request and delivery")
}

// check refuses what a simulator must not do, before it listens. values are flags and
// the made-up secrets in them.
func (o *fakeOptions) check(values map[string]string) error {
	host, port, err := net.SplitHostPort(o.addr)
	if err != nil {
		return misused("--addr %s: write HOST:PORT, for example 127.0.0.1:8401", o.addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError{err: fmt.Errorf("--addr %s: a simulator listens on this machine only", o.addr), next: "--addr 127.0.0.1:" + port}
	}
	if u, err := url.Parse(o.app); o.app != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return misused("--app %s: write an address, for example http://127.0.0.1:8300", o.app)
	}
	o.app = strings.TrimRight(o.app, "/")
	if o.token == "" {
		o.token = rand.Text()
	}
	for flag, value := range values {
		if value == "" {
			return misused("--%s is empty", flag)
		}
		if secrets.LooksReal(value) {
			return usageError{err: fmt.Errorf("--%s looks like a real one; it does not belong here, and nothing was started", flag), next: "make one up; for a vendor's own you need no simulator"}
		}
	}
	return oneOf("people", o.people, "empty", "demo")
}

func (o *fakeOptions) log(w io.Writer) *slog.Logger {
	if !o.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// header is the shell variable that curl's lines take the control token from.
func (o *fakeOptions) header() string { return "TOKEN=" + quoted("Authorization: Bearer "+o.token) }

// curl is a request to the control API as it is typed.
func curl(method, address, body string) string {
	return fmt.Sprintf(`curl -s -X %s -H "$TOKEN" %s -d %s`, method, address, quoted(body))
}

// quoted is text as a shell takes it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// stay prints the page and waits to be told to stop.
func (c *cli) stay(ctx context.Context, page string, closing func() error) error {
	if _, err := io.WriteString(c.out, page); err != nil {
		return errors.Join(err, closing())
	}
	<-ctx.Done()
	if err := closing(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out, "\nStopped. Nothing is kept.")
	return err
}
