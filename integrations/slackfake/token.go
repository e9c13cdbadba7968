package slackfake

import (
	"slices"
	"strings"
)

// TokenKind is what a token stands for.
type TokenKind string

// The kinds of token this workspace knows.
const (
	BotToken TokenKind = "bot" // xoxb: the installed app
	AppToken TokenKind = "app" // xapp: the app itself, for apps.connections.open
)

// Token is what a token may do.
type Token struct {
	Kind    TokenKind `json:"kind"`
	Scopes  []string  `json:"scopes"`
	Revoked bool      `json:"revoked"`
}

// SetToken adds a token or changes what it may do.
func (ws *Workspace) SetToken(token string, t Token) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	t.Scopes = slices.Clone(t.Scopes)
	ws.tokens[token] = t
	ws.touch()
}

// RevokeToken makes every further call with the token fail (token_revoked).
func (ws *Workspace) RevokeToken(token string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	t := ws.tokens[token]
	t.Revoked = true
	ws.tokens[token] = t
	ws.touch()
}

// authenticate finds the token of a call. Called with the lock held.
func (ws *Workspace) authenticate(token string) (Token, *apiError) {
	if token == "" {
		return Token{}, wrong("not_authed", "no token in the Authorization header or the form")
	}
	t, ok := ws.tokens[token]
	switch {
	case !ok:
		return Token{}, wrong("invalid_auth", "a token that this workspace does not know")
	case t.Revoked:
		return Token{}, fails("token_revoked")
	}
	return t, nil
}

// permit checks the scopes of a call: the token needs one of them, or all of
// them when the method says so by listing them with "+".
func (t Token) permit(m method) *apiError {
	if m.kind != "" && t.Kind != m.kind {
		return wrong("not_allowed_token_type", "the method wants a token of kind %s", m.kind)
	}
	for _, need := range m.scopes {
		if !t.has(need) {
			e := wrong("missing_scope", "needs the scope %s", need)
			e.extra = map[string]any{"needed": need, "provided": strings.Join(t.Scopes, ",")}
			return e
		}
	}
	return nil
}

func (t Token) has(scope string) bool { return slices.Contains(t.Scopes, scope) }
