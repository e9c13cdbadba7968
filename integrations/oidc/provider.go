package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"breakglass/flows"
)

// Options are what a Provider is made of. All but Transport are required.
type Options struct {
	Provider flows.SignInProvider
	Issuer   string
	ClientID string
	Secret   flows.Secret
	Redirect func() string // where the provider sends the browser back to
	Clock    flows.Clock
	// Transport sends requests; nil: a transport of its own. Redirects are never followed.
	Transport http.RoundTripper
}

// Provider is one OpenID Connect provider. It is asked for its endpoints at the first
// sign-in, so that starting never waits for it.
type Provider struct {
	o    Options
	http *http.Client

	mu    sync.Mutex
	found *gooidc.Provider // nil until it answered
}

// New makes a provider; it asks nobody yet.
func New(o Options) *Provider {
	rt := o.Transport
	if rt == nil {
		rt = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &Provider{o: o, http: &http.Client{
		Transport: capped{rt}, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Name is how it is called in addresses: "company" or "slack".
func (p *Provider) Name() flows.SignInProvider { return p.o.Provider }

// capped reads at most a megabyte of an answer.
type capped struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, 1<<20)
	}
	return resp, err
}

var _ io.Closer = (*Provider)(nil)

// Close lets idle connections go.
func (p *Provider) Close() error { p.http.CloseIdleConnections(); return nil }

// discover reads the provider's own description, once.
func (p *Provider) discover(ctx context.Context) (*gooidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	found, err := gooidc.NewProvider(gooidc.ClientContext(ctx, p.http), p.o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its endpoints: %w", p.o.Issuer, err)
	}
	if err := p.checkEndpoints(found); err != nil {
		return nil, err
	}
	p.found = found
	return found, nil
}

// checkEndpoints holds a description to the transport that its issuer has: one over
// https does not send secrets elsewhere in the open.
func (p *Provider) checkEndpoints(found *gooidc.Provider) error {
	own, err := url.Parse(p.o.Issuer)
	if err != nil {
		return err
	}
	for _, endpoint := range []string{found.Endpoint().AuthURL, found.Endpoint().TokenURL} {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != own.Scheme {
			return fmt.Errorf("%s describes an endpoint that cannot be trusted: %q", p.o.Issuer, endpoint)
		}
	}
	return nil
}

func (p *Provider) config(found *gooidc.Provider, secret string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: secret, Endpoint: found.Endpoint(), RedirectURL: p.o.Redirect(),
		Scopes: []string{gooidc.ScopeOpenID, "profile", "email"},
	}
}

// pkce reports whether the code is bound to the browser by a verifier: always at the
// company's provider; at Slack where its description offers it.
func (p *Provider) pkce(found *gooidc.Provider) bool {
	var says struct {
		Methods []string `json:"code_challenge_methods_supported"`
	}
	if p.o.Provider == flows.SignInCompany || found.Claims(&says) != nil {
		return true
	}
	return slices.Contains(says.Methods, "S256")
}

// Begin is where the browser is sent to sign in. fresh asks the provider to look anew
// who it is, even if they are signed in there.
func (p *Provider) Begin(ctx context.Context, a Attempt, fresh bool) (string, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	opts := []oauth2.AuthCodeOption{gooidc.Nonce(a.nonce())}
	if p.pkce(found) {
		opts = append(opts, oauth2.S256ChallengeOption(a.verifier()))
	}
	if fresh {
		opts = append(opts, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return p.config(found, "").AuthCodeURL(a.state(), opts...), nil
}

// Errors of an answer that is not believed. What a provider writes is not shown.
var (
	// ErrState: the answer is not to this browser's attempt.
	ErrState = errors.New("the answer does not belong to a sign-in that this browser began")
	// ErrDenied: the provider says no.
	ErrDenied = errors.New("the provider did not sign this person in")
	// ErrToken: the provider's token is not good.
	ErrToken = errors.New("the provider's answer does not verify")
)

// Finish turns the answer that the browser brought back into an identity.
func (p *Provider) Finish(ctx context.Context, a Attempt, answer url.Values) (flows.Identity, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return flows.Identity{}, err
	}
	switch iss := answer.Get("iss"); {
	case !a.fits(answer.Get("state")):
		return flows.Identity{}, ErrState
	case iss != "" && iss != p.o.Issuer: // RFC 9207: another provider answered in this one's name
		return flows.Identity{}, fmt.Errorf("%w: it comes from another issuer", ErrState)
	case answer.Get("error") != "":
		return flows.Identity{}, ErrDenied
	case answer.Get("code") == "":
		return flows.Identity{}, fmt.Errorf("%w: it has no code", ErrState)
	}
	raw, err := p.exchange(ctx, found, a, answer.Get("code"))
	if err != nil {
		return flows.Identity{}, err
	}
	return p.believe(ctx, found, a, raw)
}

// exchange gives the code for an ID token, with the client's secret.
func (p *Provider) exchange(ctx context.Context, found *gooidc.Provider, a Attempt, code string) (string, error) {
	var opts []oauth2.AuthCodeOption
	if p.pkce(found) {
		opts = append(opts, oauth2.VerifierOption(a.verifier()))
	}
	var raw string
	err := p.o.Secret.Try(ctx, func(secret string) (rejected bool, err error) {
		token, err := p.config(found, secret).Exchange(gooidc.ClientContext(ctx, p.http), code, opts...)
		if err != nil {
			return exchangeError(err)
		}
		raw, _ = token.Extra("id_token").(string)
		return false, nil
	})
	if err == nil && raw == "" {
		err = fmt.Errorf("%w: there is no ID token in it", ErrToken)
	}
	return raw, err
}

// exchangeError keeps of a provider's error only its status, and says whether it was
// the client's secret that was refused.
func exchangeError(err error) (rejected bool, _ error) {
	var re *oauth2.RetrieveError
	if !errors.As(err, &re) || re.Response == nil {
		return false, fmt.Errorf("ask for the token: %w", err)
	}
	return re.ErrorCode == "invalid_client" || re.ErrorCode == "bad_client_secret", fmt.Errorf("%w: the code was refused (HTTP %d)", ErrDenied, re.Response.StatusCode)
}
