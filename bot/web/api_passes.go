package web

import (
	"context"
	"net"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// LoginInput begins a machine's login.
type LoginInput struct {
	Body struct {
		Hash    string `json:"hash" doc:"SHA-256 of the secret that the machine made, in small hex" minLength:"64" maxLength:"64"`
		Key     string `json:"key" doc:"the machine's Ed25519 public key, base64" maxLength:"60"`
		Machine string `json:"machine" doc:"what the machine is called" maxLength:"100"`
	}
	from string
}

// Resolve implements huma.Resolver: where the machine is, which the person sees.
func (in *LoginInput) Resolve(ctx huma.Context) []error {
	in.from, _, _ = net.SplitHostPort(ctx.RemoteAddr()) // an address that does not split is not shown
	return nil
}

// LoginBegun says how the login goes on.
type LoginBegun struct {
	Body struct {
		Code    string    `json:"code" doc:"what the person compares"`
		URL     string    `json:"url" doc:"where they confirm it"`
		Expires time.Time `json:"expires_at"`
	}
}

// LoginBegin is POST /v1/login: a machine asks to act as whoever confirms it. With its
// secret it can ask at /v1/me whether somebody did.
func (w *Web) LoginBegin(ctx context.Context, _ *doors.Caller, in *LoginInput) (*LoginBegun, error) {
	if len(w.o.Providers) == 0 { // nobody could confirm it
		return nil, flows.Refuse(flows.RefusedState, "Nobody can sign in here: the configuration has no sign_in block.").
			Then("An admin adds one; see the README of flows/config.")
	}
	code, p, err := w.o.Doors.StartDevice(ctx, doors.Device{Hash: in.Body.Hash, Key: in.Body.Key, Name: in.Body.Machine, From: in.from})
	if err != nil {
		return nil, err
	}
	out := &LoginBegun{}
	out.Body.Code, out.Body.URL, out.Body.Expires = code, w.o.Console()+"/login?code="+url.QueryEscape(code), p.ExpiresAt
	return out, nil
}

// Token is a token or session as lists show it.
type Token struct {
	ID      string            `json:"id"`
	Kind    flows.PassKind    `json:"kind"`
	Name    string            `json:"name"`
	Holder  string            `json:"holder" doc:"who it acts as"`
	By      string            `json:"made_by"`
	Scopes  []flows.PassScope `json:"scopes,omitempty"`
	Created time.Time         `json:"created_at"`
	Used    *time.Time        `json:"used_at,omitempty"`
	Expires time.Time         `json:"expires_at"`
}

type (
	// TokenInput is a token that is wanted.
	TokenInput struct {
		Body struct {
			Name    string            `json:"name" doc:"what it is for; of a service, its name" maxLength:"60"`
			Service bool              `json:"service,omitempty" doc:"acts for itself and never decides; for admins to make"`
			Scopes  []flows.PassScope `json:"scopes" doc:"read, ask, decide, call" minItems:"1"`
			Days    int               `json:"days,omitempty" minimum:"1" maximum:"90" default:"30"`
		}
	}
	// TokenMade is a new token, with its secret this once.
	TokenMade struct {
		Body struct {
			Token
			Secret string `json:"secret" doc:"shown this once"`
		}
	}
	// TokensInput says whose.
	TokensInput struct {
		All bool `query:"all" doc:"everybody's, for admins"`
	}
	// Tokens is a list of them.
	Tokens struct {
		Body struct {
			Tokens []Token `json:"tokens"`
		}
	}
	// TokenID names one in an address.
	TokenID struct {
		ID string `path:"id" maxLength:"40"`
	}
)

func (w *Web) tokenShape(p *flows.Pass) Token {
	return Token{
		ID: p.ID, Kind: p.Kind, Name: p.Name, Holder: w.name(p.Holder), By: w.name(p.By), Scopes: p.Scopes,
		Created: p.CreatedAt, Used: maybe(p.UsedAt), Expires: p.ExpiresAt,
	}
}

// TokenCreate is POST /v1/tokens.
func (w *Web) TokenCreate(ctx context.Context, c *doors.Caller, in *TokenInput) (*TokenMade, error) {
	b := in.Body
	secret, p, err := w.o.Doors.CreateToken(ctx, *c, doors.Wish{
		Name: b.Name, Service: b.Service, Scopes: b.Scopes, Life: time.Duration(b.Days) * 24 * time.Hour,
	})
	if err != nil {
		return nil, err
	}
	out := &TokenMade{}
	out.Body.Token, out.Body.Secret = w.tokenShape(&p), secret
	return out, nil
}

// TokenList is GET /v1/tokens: sessions and logins too.
func (w *Web) TokenList(ctx context.Context, c *doors.Caller, in *TokensInput) (*Tokens, error) {
	all, err := w.o.Doors.List(ctx, *c, in.All)
	if err != nil {
		return nil, err
	}
	out := &Tokens{}
	out.Body.Tokens = []Token{}
	for i := range all {
		out.Body.Tokens = append(out.Body.Tokens, w.tokenShape(&all[i]))
	}
	return out, nil
}

// TokenEnd is DELETE /v1/tokens/{id}.
func (w *Web) TokenEnd(ctx context.Context, c *doors.Caller, in *TokenID) (*struct{}, error) {
	return nil, w.o.Doors.End(ctx, *c, in.ID)
}
