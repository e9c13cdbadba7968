package oidc

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"breakglass/flows"
)

// algorithms are the signatures that are believed: by a private key of the provider's,
// never by the client's own secret, and never none.
var algorithms = []string{gooidc.RS256, gooidc.RS384, gooidc.RS512, gooidc.PS256, gooidc.PS384, gooidc.PS512, gooidc.ES256, gooidc.ES384, gooidc.ES512, gooidc.EdDSA}

// freshFor is how old a token may be that comes as the answer to a code.
const freshFor = 10 * time.Minute

// claims are what is read of an ID token beside what go-oidc checks.
type claims struct {
	AuthorizedParty string      `json:"azp"`
	Email           string      `json:"email"`
	EmailVerified   verifiedTag `json:"email_verified"`
	AuthTime        int64       `json:"auth_time"`
	SlackUser       string      `json:"https://slack.com/user_id"`
	SlackTeam       string      `json:"https://slack.com/team_id"`
}

// verifiedTag is true only where the provider says true; some write it as text.
type verifiedTag bool

// UnmarshalJSON implements json.Unmarshaler.
func (v *verifiedTag) UnmarshalJSON(b []byte) error {
	*v = string(b) == "true" || string(b) == `"true"`
	return nil
}

// believe verifies an ID token: signature, issuer, audience, time, nonce, and that it
// was made for us just now.
func (p *Provider) believe(ctx context.Context, found *gooidc.Provider, a Attempt, raw string) (flows.Identity, error) {
	verifier := found.VerifierContext(gooidc.ClientContext(context.WithoutCancel(ctx), p.http), &gooidc.Config{
		ClientID: p.o.ClientID, Now: p.o.Clock.Now, SupportedSigningAlgs: algorithms,
	})
	token, err := verifier.Verify(gooidc.ClientContext(ctx, p.http), raw)
	if err != nil {
		return flows.Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return flows.Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	now := p.o.Clock.Now()
	switch {
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(a.nonce())) != 1:
		return flows.Identity{}, fmt.Errorf("%w: it is the answer to another sign-in", ErrToken)
	case len(token.Audience) > 1 && c.AuthorizedParty != p.o.ClientID, c.AuthorizedParty != "" && c.AuthorizedParty != p.o.ClientID:
		return flows.Identity{}, fmt.Errorf("%w: it was made for another client", ErrToken)
	case token.Subject == "":
		return flows.Identity{}, fmt.Errorf("%w: it names nobody", ErrToken)
	case now.Sub(token.IssuedAt) > freshFor || token.IssuedAt.Sub(now) > time.Minute:
		return flows.Identity{}, fmt.Errorf("%w: it was not made just now", ErrToken)
	}
	id := flows.Identity{Provider: p.o.Provider, Issuer: token.Issuer, Subject: token.Subject, At: now}
	if c.AuthTime > 0 {
		id.At = time.Unix(c.AuthTime, 0).UTC()
		id.AuthTime = id.At
	}
	if c.EmailVerified {
		id.Email = c.Email
	}
	if p.o.Provider != flows.SignInSlack {
		return id, nil
	}
	if c.SlackUser == "" || c.SlackTeam == "" {
		return flows.Identity{}, fmt.Errorf("%w: it names no Slack user", ErrToken)
	}
	id.Person = flows.Person(c.SlackTeam, c.SlackUser)
	return id, nil
}
