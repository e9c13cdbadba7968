// Package oidcfake is an OpenID Connect provider on loopback, to sign in with in tests
// and in the demo: discovery, a page to pick who one is, codes that work once and only
// with their PKCE verifier, and ID tokens that are really signed. It refuses what a
// strict provider refuses, and writes down what a correct client would not do
// (Violations). Bend changes what it issues, for tests of the client. It imports nothing
// of ours and never testing.
//
// Read first: this file, authorize.go (the browser's part), token.go (the client's).
package oidcfake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options say which provider it is. All but EC and Key are required (Now until SetNow).
type Options struct {
	Now          func() time.Time
	ClientID     string
	ClientSecret string
	Random       io.Reader
	EC           bool            // sign with ES256 instead of RS256
	Key          *rsa.PrivateKey // to sign with RS256; one is made unless set
}

// User is somebody who can sign in.
type User struct {
	Subject  string
	Name     string
	Email    string
	Verified bool
}

// Bend changes the header and the claims of an ID token before it is signed. Alg "none"
// in the header leaves the signature out.
type Bend func(header, claims map[string]any)

// Provider is the provider.
type Provider struct {
	o      Options
	key    crypto.Signer
	server *http.Server
	url    string

	mu         sync.Mutex
	now        func() time.Time
	redirects  map[string]bool
	users      []User
	codes      map[string]*grant
	bend       Bend
	down       bool
	violations []string
}

// grant is what a code stands for.
type grant struct {
	user      User
	redirect  string
	challenge string
	nonce     string
	at        time.Time
	used      bool
}

// New makes a provider; Start lets it listen.
func New(o Options) (*Provider, error) {
	p := &Provider{o: o, now: o.Now, redirects: map[string]bool{}, codes: map[string]*grant{}}
	var err error
	switch {
	case o.EC:
		p.key, err = ecdsa.GenerateKey(elliptic.P256(), o.Random)
	case o.Key != nil:
		p.key = o.Key
	default:
		p.key, err = rsa.GenerateKey(o.Random, 2048)
	}
	if err != nil {
		return nil, fmt.Errorf("oidcfake: make a key: %w", err)
	}
	return p, nil
}

// Start listens on addr; port 0 picks one.
func (p *Provider) Start(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("oidcfake: listen on %s: %w", addr, err)
	}
	p.url = "http://" + ln.Addr().String()
	p.server = &http.Server{Handler: p.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = p.server.Serve(ln) }() // ends with Close
	return nil
}

// Close stops listening.
func (p *Provider) Close() error {
	if p.server == nil {
		return nil
	}
	return p.server.Close()
}

// URL is the issuer.
func (p *Provider) URL() string { return p.url }

// Handler is every door of the provider on one page.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.configuration)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /authorize", p.picked)
	mux.HandleFunc("POST /token", p.token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		down := p.down
		p.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// AddUser lets somebody sign in.
func (p *Provider) AddUser(u User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users = append(p.users, u)
}

// SetNow gives the provider another clock.
func (p *Provider) SetNow(now func() time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
}

func (p *Provider) time() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now()
}

// SetUser replaces the user with the same subject.
func (p *Provider) SetUser(u User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.users {
		if p.users[i].Subject == u.Subject {
			p.users[i] = u
		}
	}
}

// Allow registers where browsers may be sent back to, exactly.
func (p *Provider) Allow(redirect string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.redirects[redirect] = true
}

// Bend has every further ID token changed; nil changes nothing.
func (p *Provider) Bend(b Bend) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bend = b
}

// SetDown has every request answered 503, or not any more.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Violations are what a correct client would not have done.
func (p *Provider) Violations() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.violations...)
}

// wrong notes a violation. The lock is held.
func (p *Provider) wrong(format string, args ...any) error {
	s := fmt.Sprintf(format, args...)
	p.violations = append(p.violations, s)
	return errors.New(s)
}

func (p *Provider) configuration(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{p.alg()}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

func (p *Provider) text() (string, error) {
	var b [24]byte
	if _, err := io.ReadFull(p.o.Random, b[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
