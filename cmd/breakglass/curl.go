package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/itchyny/gojq"
	"github.com/spf13/cobra"
)

// curling is a call as it was typed.
type curling struct {
	server, method, output, json, jq string
	data, headers                    []string
	include, silent                  bool
}

func (c *cli) curl() *cobra.Command {
	var in curling
	cmd := &cobra.Command{
		Use: "curl PATH", Short: "Call an adapter, with curl's options", Args: oneArg,
		Long: "Calls an adapter of the server, as you: breakglass curl /v1/apis/http/pagerduty/incidents. You need no\n" +
			"credential of the upstream; what you may call, its rules and your access say. Data is sent as JSON\n" +
			"unless -H says otherwise. --jq needs no jq on this machine.\n\n" +
			"Exit codes:  0 answered · 1 the upstream says no, or is not there · 2 not understood · 3 refused by Breakglass",
		RunE: func(cmd *cobra.Command, args []string) error { return c.curled(cmd.Context(), args[0], in) },
	}
	c.serverFlag(cmd, &in.server)
	f := cmd.Flags()
	f.StringVarP(&in.method, "request", "X", "", "`METHOD`; unless said GET, or POST with data")
	f.StringArrayVarP(&in.data, "data", "d", nil, "`DATA` to send; @FILE reads a file, @- or - standard input; more are joined with &")
	f.StringVar(&in.json, "json", "", "`DATA` like -d, and Accept: application/json")
	f.StringArrayVarP(&in.headers, "header", "H", nil, "`HEADER` to send, 'Name: value'; may be repeated")
	f.BoolVarP(&in.include, "include", "i", false, "show the status and the headers of the answer")
	f.BoolVarP(&in.silent, "silent", "s", false, "do not say that the upstream said no; the exit code does")
	f.StringVarP(&in.output, "output", "o", "", "write the answer into a `FILE`")
	f.StringVar(&in.jq, "jq", "", "show what this `FILTER` of jq makes of the answer")
	return cmd
}

// mostSent is the largest body that an adapter can take.
const mostSent = 16 << 20

// curled makes the call and prints the answer.
func (c *cli) curled(ctx context.Context, path string, in curling) error {
	code, err := readJQ(in)
	if err != nil {
		return err
	}
	r, err := c.remote(in.server)
	if err != nil {
		return err
	}
	req, err := c.callOf(ctx, r, path, in)
	if err != nil {
		return err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return hint(fmt.Errorf("the server does not answer: %w", err), "is it running at %s? say where with --server", r.server)
	}
	defer resp.Body.Close()
	if err := refusedCall(r, path, resp); err != nil {
		return err
	}
	if err := c.answer(ctx, resp, in, code); err != nil {
		return err
	}
	switch {
	case resp.StatusCode < http.StatusBadRequest:
		return nil
	case in.silent:
		return &failure{err: errSaid, code: exitError}
	}
	return fmt.Errorf("the upstream answered %s", resp.Status)
}

// callOf makes the request of what was typed.
func (c *cli) callOf(ctx context.Context, r *remote, path string, in curling) (*http.Request, error) {
	u, err := url.Parse(r.server + path)
	if !strings.HasPrefix(path, "/") || err != nil || u.Fragment != "" {
		return nil, usageError{err: fmt.Errorf("%q is no path at the server", path), next: "write it like /v1/apis/http/pagerduty/incidents"}
	}
	body, given, err := c.body(in)
	if err != nil {
		return nil, err
	}
	method := in.method
	if method == "" {
		method = map[bool]string{true: http.MethodPost, false: http.MethodGet}[given]
	}
	req, err := http.NewRequestWithContext(ctx, strings.ToUpper(method), u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, misused("-X %s: it is no method", method)
	}
	if given {
		req.Header.Set("Content-Type", "application/json")
	}
	if in.json != "" {
		req.Header.Set("Accept", "application/json")
	}
	req.Header.Set("User-Agent", "breakglass/"+Version)
	for _, h := range in.headers {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || !headerName.MatchString(name) {
			return nil, misused("-H: write 'Name: value'")
		}
		if strings.EqualFold(name, "Authorization") {
			return nil, usageError{err: errors.New("-H Authorization: the upstream's credential is the server's to send, and yours to the server is sent by itself; nothing was sent"), next: "leave it out"}
		}
		req.Header.Set(name, strings.TrimSpace(value))
	}
	r.sign(req, body)
	return req, nil
}

// body is the data that is sent, as curl joins it.
func (c *cli) body(in curling) (body []byte, given bool, err error) {
	all := in.data
	if in.json != "" {
		if len(all) > 0 {
			return nil, false, misused("-d and --json are too many: say one")
		}
		all = []string{in.json}
	}
	for i, d := range all {
		part := []byte(d)
		if name, isFile := strings.CutPrefix(d, "@"); isFile || d == "-" {
			if d == "-" {
				name = "-"
			}
			if part, err = c.readFile(name, mostSent); err != nil {
				return nil, false, err
			}
		}
		if i > 0 {
			body = append(body, '&')
		}
		body = append(body, part...)
	}
	return body, len(all) > 0, nil
}

// answer prints what came back: as it comes, for an answer may go on for a while.
func (c *cli) answer(ctx context.Context, resp *http.Response, in curling, code *gojq.Code) error {
	out := c.out
	if terminalAt(c.out) {
		out = &calm{w: c.out}
	}
	if in.output != "" && in.output != "-" {
		f, err := os.Create(in.output)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // closed below, where it counts
		out = f
	}
	if in.include {
		fmt.Fprintf(out, "%s %s\n", resp.Proto, resp.Status)
		if err := resp.Header.Write(out); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	if code != nil && resp.StatusCode < http.StatusBadRequest {
		if err := throughJQ(ctx, code, resp.Body, out); err != nil {
			return err
		}
		return closed(out)
	}
	if _, err := io.Copy(out, resp.Body); err != nil {
		return hint(fmt.Errorf("the answer broke off: %w", err), "what came is not all of it")
	}
	return closed(out)
}

// closed closes a file that was written; anything else stays open.
func closed(w io.Writer) error {
	if f, ok := w.(*os.File); ok && f != os.Stdout {
		return f.Close()
	}
	return nil
}

// calm is a terminal on which what a stranger wrote does nothing: control characters
// become "?".
type calm struct{ w io.Writer }

// Write implements io.Writer.
func (c *calm) Write(b []byte) (int, error) {
	out := bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, b)
	if _, err := c.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}
