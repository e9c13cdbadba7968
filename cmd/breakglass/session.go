package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"breakglass/flows/doors"
)

// defaultServer is where a server on this machine listens unless it is told otherwise.
const defaultServer = "http://127.0.0.1:8301"

// login is what this machine knows after breakglass login. The key is made of the seed
// and of the machine's own id: a copy of the file on another machine opens nothing.
type login struct {
	Token   string    `json:"token"`
	Seed    []byte    `json:"seed"`
	Expires time.Time `json:"expires_at"`
}

func (l login) key() ed25519.PrivateKey {
	seed := sha256.Sum256(append(append([]byte("breakglass machine v1\n"), l.Seed...), machineID()...))
	return ed25519.NewKeyFromSeed(seed[:])
}

// machineID tells this machine from others, as far as it can be told.
func machineID() []byte {
	for _, file := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if b, err := os.ReadFile(file); err == nil && len(bytes.TrimSpace(b)) > 0 {
			return bytes.TrimSpace(b)
		}
	}
	return []byte(hostName())
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown machine"
	}
	return name
}

// remote is a server that commands ask over its API.
type remote struct {
	server string
	login  login
	token  string // of BREAKGLASS_TOKEN, instead of a login
	client *http.Client
}

// serverFlag adds --server.
func (c *cli) serverFlag(cmd *cobra.Command, server *string) {
	cmd.Flags().StringVar(server, "server", c.anyServer(), "`URL` of the server's internal listener or console, also BREAKGLASS_SERVER")
}

// anyServer is the server that is meant where none is named.
func (c *cli) anyServer() string {
	if server := c.getenv("BREAKGLASS_SERVER"); server != "" {
		return server
	}
	return defaultServer
}

// remote finds how this machine comes in at a server.
func (c *cli) remote(server string) (*remote, error) {
	r, err := newRemote(server)
	if err != nil {
		return nil, err
	}
	if r.token = c.getenv("BREAKGLASS_TOKEN"); r.token != "" {
		return r, nil
	}
	all, err := c.logins()
	if err != nil {
		return nil, err
	}
	l, ok := all[r.server]
	if !ok || !now().Before(l.Expires) {
		return nil, hint(fmt.Errorf("this machine is not signed in at %s", r.server), "breakglass login --server %s", r.server)
	}
	r.login = l
	return r, nil
}

func newRemote(server string) (*remote, error) {
	u, err := url.Parse(strings.TrimRight(server, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" {
		return nil, misused("--server %s: write it like https://breakglass.example.com", server)
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && !strings.HasPrefix(host, "127.") && host != "::1" {
		return nil, misused("--server %s: over http anybody on the way could read the token; write https://", server)
	}
	return &remote{server: u.String(), client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// loginFile is where logins are kept, for their owner alone.
func (c *cli) loginFile() (string, error) {
	dir := c.getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home := c.getenv("HOME")
		if home == "" {
			return "", hint(errors.New("there is no place to keep a login: neither XDG_CONFIG_HOME nor HOME is set"), "set one, or use a token in BREAKGLASS_TOKEN")
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "breakglass", "logins.json"), nil
}

// logins reads what is kept, by server.
func (c *cli) logins() (map[string]login, error) {
	file, err := c.loginFile()
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return map[string]login{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the logins: %w", err)
	}
	all := map[string]login{}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, hint(fmt.Errorf("%s is not what breakglass login wrote", file), "remove it, and run breakglass login")
	}
	return all, nil
}

// keep writes the logins, whole, for their owner alone.
func (c *cli) keep(all map[string]login) error {
	file, err := c.loginFile()
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keep the login: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".logins-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the login: %w", err)
	}
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Close(), os.Rename(tmp.Name(), file)); err != nil {
		return fmt.Errorf("keep the login: %w", err)
	}
	return nil
}

// said is what a server answers when it says no.
type said struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

// Error is the server's sentence.
func (s *said) Error() string {
	text := s.Detail
	for _, e := range s.Errors {
		text += "; " + strings.TrimPrefix(e.Location, "body.") + ": " + e.Message
	}
	return text
}

// request makes a request that shows who this machine is.
func (r *remote) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, r.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	r.sign(req, body)
	return req, nil
}

// sign shows who this machine is, and that it is this machine that asks.
func (r *remote) sign(req *http.Request, body []byte) {
	switch {
	case r.token != "":
		req.Header.Set("Authorization", "Bearer "+r.token)
	case r.login.Token != "":
		req.Header.Set("Authorization", "Bearer "+r.login.Token)
		req.Header.Set(doors.ProofHeader, doors.Prove(r.login.key(), r.login.Token, req.Method, req.URL.RequestURI(), now(), body))
	}
}

// call asks the server and reads its answer into out. What the server refuses is an
// error with its sentence.
func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := r.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return r.silent(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if resp.StatusCode >= 300 {
		return refusedBy(resp.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// silent says that the server did not answer.
func (r *remote) silent(err error) error {
	return hint(fmt.Errorf("the server does not answer: %w", err), "is it running at %s? say where with --server", r.server)
}

func refusedBy(status int, body []byte) error {
	s := &said{}
	if json.Unmarshal(body, s) != nil || s.Detail == "" {
		return fmt.Errorf("the server answered %d, and not as its API does; is it a breakglass?", status)
	}
	return &failure{err: s, code: exitRefuse}
}
