package oidc_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/integrations/oidc"
	"breakglass/integrations/oidcfake"
)

const redirect = "https://console.example/sign-in/company/callback"

var at = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// word is a secret that never rotates.
type word string

func (w word) Value(context.Context, flows.SecretVersion) (string, error) { return string(w), nil }

// desk is a client with its provider.
type desk struct {
	*testing.T
	clock *flows.HandClock
	idp   *oidcfake.Provider
	rp    *oidc.Provider
}

func open(t *testing.T, edit ...func(*oidcfake.Options, *oidc.Options)) *desk {
	t.Helper()
	d := &desk{T: t, clock: flows.NewHandClock(at)}
	f := oidcfake.Options{Now: d.clock.Now, ClientID: "breakglass", ClientSecret: "client-secret", Random: rand.Reader, EC: true}
	o := oidc.Options{Provider: flows.SignInCompany, ClientID: "breakglass", Secret: flows.NewSecret("sign_in", word("client-secret")),
		Redirect: func() string { return redirect }, Clock: d.clock}
	for _, e := range edit {
		e(&f, &o)
	}
	var err error
	if d.idp, err = oidcfake.New(f); err != nil {
		t.Fatal(err)
	}
	if err := d.idp.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.idp.Close() })
	d.idp.Allow(redirect)
	d.idp.AddUser(oidcfake.User{Subject: "s-1", Name: "Dana", Email: "dana@acme.example", Verified: true})
	if o.Issuer == "" {
		o.Issuer = d.idp.URL()
	}
	d.rp = oidc.New(o)
	t.Cleanup(func() { _ = d.rp.Close() })
	return d
}

// begins starts an attempt of a new browser and signs in at the provider: what the
// browser brings back.
func (d *desk) begins() (oidc.Attempt, url.Values) {
	d.Helper()
	var raw [32]byte
	_, _ = rand.Read(raw[:])
	a := oidc.NewAttempt(flows.SignInCompany, base64.RawURLEncoding.EncodeToString(raw[:]))
	away, err := d.rp.Begin(d.Context(), a, false)
	if err != nil {
		d.Fatal(err)
	}
	return a, d.picks(away)
}

// picks is the browser at the provider.
func (d *desk) picks(away string) url.Values {
	d.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(away, url.Values{"subject": {"s-1"}})
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		d.Fatalf("the provider answers %d: %v", resp.StatusCode, err)
	}
	return back.Query()
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	for name, ec := range map[string]bool{"RS256": false, "ES256": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, func(f *oidcfake.Options, _ *oidc.Options) { f.EC = ec })
			a, back := d.begins()
			got, err := d.rp.Finish(t.Context(), a, back)
			want := flows.Identity{Provider: flows.SignInCompany, Issuer: d.idp.URL(), Subject: "s-1", Email: "dana@acme.example", At: at, AuthTime: at}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if v := d.idp.Violations(); len(v) > 0 {
				t.Errorf("the provider's rules: %v", v)
			}
		})
	}
}

// What an attacker brings, or has the provider issue, is not believed. (A provider that
// is the attacker's own has no key of the real one, so bending is all that can be tried.)
func TestAttackers(t *testing.T) {
	t.Parallel()
	claim := func(name string, v any) func(*desk) {
		return func(d *desk) { d.idp.Bend(func(_, c map[string]any) { c[name] = v }) }
	}
	for name, c := range map[string]struct {
		before func(*desk)
		after  func(d *desk, a oidc.Attempt, back url.Values) oidc.Attempt
		want   error
	}{
		"another nonce":      {before: claim("nonce", "of-another-sign-in"), want: oidc.ErrToken},
		"no nonce":           {before: claim("nonce", nil), want: oidc.ErrToken},
		"another audience":   {before: claim("aud", "other-client"), want: oidc.ErrToken},
		"among audiences":    {before: claim("aud", []string{"breakglass", "other-client"}), want: oidc.ErrToken},
		"for another party":  {before: claim("azp", "other-client"), want: oidc.ErrToken},
		"another issuer":     {before: claim("iss", "https://evil.example"), want: oidc.ErrToken},
		"expired":            {before: claim("exp", at.Add(-time.Minute).Unix()), want: oidc.ErrToken},
		"made long ago":      {before: claim("iat", at.Add(-time.Hour).Unix()), want: oidc.ErrToken},
		"made in the future": {before: claim("iat", at.Add(time.Hour).Unix()), want: oidc.ErrToken},
		"nobody":             {before: claim("sub", ""), want: oidc.ErrToken},
		"unsigned": {before: func(d *desk) {
			d.idp.Bend(func(h, _ map[string]any) { h["alg"] = "none" })
		}, want: oidc.ErrToken},
		"signed by the secret": {before: func(d *desk) {
			d.idp.Bend(func(h, _ map[string]any) { h["alg"] = "HS256" })
		}, want: oidc.ErrToken},
		"an unknown key": {before: func(d *desk) {
			d.idp.Bend(func(h, _ map[string]any) { h["kid"] = "of-the-attacker" })
		}, want: oidc.ErrToken},
		"another state": {after: func(_ *desk, a oidc.Attempt, back url.Values) oidc.Attempt {
			back.Set("state", strings.Repeat("x", 43))
			return a
		}, want: oidc.ErrState},
		"no state": {after: func(_ *desk, a oidc.Attempt, back url.Values) oidc.Attempt {
			back.Del("state")
			return a
		}, want: oidc.ErrState},
		"another browser": {after: func(*desk, oidc.Attempt, url.Values) oidc.Attempt {
			return oidc.NewAttempt(flows.SignInCompany, strings.Repeat("y", 43))
		}, want: oidc.ErrState},
		"a browser without a secret": {after: func(_ *desk, _ oidc.Attempt, back url.Values) oidc.Attempt {
			return oidc.NewAttempt(flows.SignInCompany, "")
		}, want: oidc.ErrState},
		"the attempt of another provider": {after: func(_ *desk, _ oidc.Attempt, _ url.Values) oidc.Attempt {
			return oidc.NewAttempt(flows.SignInSlack, strings.Repeat("y", 43))
		}, want: oidc.ErrState},
		"mixed up: another issuer answers": {after: func(_ *desk, a oidc.Attempt, back url.Values) oidc.Attempt {
			back.Set("iss", "https://evil.example")
			return a
		}, want: oidc.ErrState},
		"no code": {after: func(_ *desk, a oidc.Attempt, back url.Values) oidc.Attempt {
			back.Del("code")
			return a
		}, want: oidc.ErrState},
		"the provider says no": {after: func(_ *desk, a oidc.Attempt, back url.Values) oidc.Attempt {
			back.Set("error", "access_denied")
			return a
		}, want: oidc.ErrDenied},
		"a code that was used": {after: func(d *desk, a oidc.Attempt, back url.Values) oidc.Attempt {
			if _, err := d.rp.Finish(d.Context(), a, back); err != nil {
				d.Error(err)
			}
			return a
		}, want: oidc.ErrDenied},
		"the code of another's sign-in": {after: func(d *desk, a oidc.Attempt, back url.Values) oidc.Attempt {
			_, theirs := d.begins()
			back.Set("code", theirs.Get("code")) // its challenge is another's: PKCE
			return a
		}, want: oidc.ErrDenied},
		"a late code": {after: func(d *desk, a oidc.Attempt, _ url.Values) oidc.Attempt {
			d.clock.Push(2 * time.Minute)
			return a
		}, want: oidc.ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			if c.before != nil {
				c.before(d)
			}
			a, back := d.begins()
			if c.after != nil {
				a = c.after(d, a, back)
			}
			id, err := d.rp.Finish(t.Context(), a, back)
			if !errors.Is(err, c.want) || id != (flows.Identity{}) {
				t.Errorf("believed %+v, %v; want %v", id, err, c.want)
			}
		})
	}
}

// An address counts only where the provider says that it verified it.
func TestUnverifiedEmail(t *testing.T) {
	t.Parallel()
	for name, verified := range map[string]any{"false": false, "missing": nil, "words": "yes", "text false": "false"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			d.idp.Bend(func(_, c map[string]any) {
				c["email_verified"] = verified
				if verified == nil {
					delete(c, "email_verified")
				}
			})
			a, back := d.begins()
			if id, err := d.rp.Finish(t.Context(), a, back); err != nil || id.Email != "" || id.Subject != "s-1" {
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
}

// A provider that is away at the start is asked again; a wrong issuer, a wrong secret
// and a redirect are said plainly, and no secret is.
func TestProviderTrouble(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.idp.SetDown(true)
	a := oidc.NewAttempt(flows.SignInCompany, strings.Repeat("y", 43))
	if _, err := d.rp.Begin(t.Context(), a, false); err == nil {
		t.Error("a provider that is away is no error")
	}
	d.idp.SetDown(false)
	if away, err := d.rp.Begin(t.Context(), a, true); err != nil || !strings.Contains(away, "prompt=login") {
		t.Errorf("when it is back: %s, %v", away, err)
	}
	other := open(t, func(_ *oidcfake.Options, o *oidc.Options) { o.Issuer = d.idp.URL() + "/" })
	if _, err := other.rp.Begin(t.Context(), a, false); err == nil {
		t.Error("an issuer that calls itself otherwise is believed")
	}
	wrong := open(t, func(_ *oidcfake.Options, o *oidc.Options) {
		o.Secret = flows.NewSecret("sign_in", word("not-the-secret"))
	})
	mine, back := wrong.begins()
	_, err := wrong.rp.Finish(t.Context(), mine, back)
	if !errors.Is(err, flows.ErrSecretRejected) || strings.Contains(err.Error(), "not-the-secret") {
		t.Errorf("a wrong client secret: %v", err)
	}
}
