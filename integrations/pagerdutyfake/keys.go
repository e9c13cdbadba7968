package pagerdutyfake

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
)

// KeyKind is the kind of an API credential.
type KeyKind string

// The kinds of credential: general-access keys (full and read-only), a user's
// own token, and a scoped OAuth app token.
const (
	KeyFull     KeyKind = "full"
	KeyReadOnly KeyKind = "read_only"
	KeyUser     KeyKind = "user"
	KeyOAuth    KeyKind = "oauth"
)

// Key is one credential of the account. An empty Kind means KeyFull.
type Key struct {
	Token string  `json:"token"`
	Kind  KeyKind `json:"kind,omitempty"`
	// User is the id of the person a user token belongs to.
	User string `json:"user,omitempty"`
	// Scopes limit an OAuth token, as "oncalls.read".
	Scopes []string `json:"scopes,omitempty"`
}

// Fingerprint names a token in the ledger without giving it away.
func Fingerprint(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:6])
}

// AddKey makes a credential valid.
func (a *Account) AddKey(k Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k.Kind == "" {
		k.Kind = KeyFull
	}
	a.keys[k.Token] = &k
	a.notify()
}

// RotateKey puts a new token in the place of an old one: from now on the old
// one gets 401. It reports whether the old one was valid.
func (a *Account) RotateKey(old, next string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[old]
	if k == nil {
		return false
	}
	rotated := *k
	rotated.Token = next
	delete(a.keys, old)
	a.keys[next] = &rotated
	a.notify()
	return true
}

// RevokeKey makes a token invalid.
func (a *Account) RevokeKey(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.keys, token)
	a.notify()
}

// presented reads the token of a request and the scheme it came in.
func presented(h http.Header) (scheme, token string) {
	v := h.Get("Authorization")
	if t, ok := strings.CutPrefix(v, "Token token="); ok {
		return "Token", strings.TrimSpace(t)
	}
	if t, ok := strings.CutPrefix(v, "Bearer "); ok {
		return "Bearer", strings.TrimSpace(t)
	}
	return "", ""
}

// authenticate finds the key of a request; the caller holds a.mu.
func (a *Account) authenticate(h http.Header) (*Key, *apiError) {
	scheme, token := presented(h)
	var found *Key
	for t, k := range a.keys {
		if sameToken(t, token) {
			found = k
		}
	}
	if token == "" || found == nil {
		return nil, fail(http.StatusUnauthorized, codeAuthFailed)
	}
	if (found.Kind == KeyOAuth) != (scheme == "Bearer") {
		return nil, fail(http.StatusUnauthorized, codeAuthFailed)
	}
	return found, nil
}

// allow says whether a key may use a route.
func (k *Key) allow(method, scope string) *apiError {
	switch {
	case k.Kind == KeyReadOnly && method != http.MethodGet:
		return fail(http.StatusForbidden, codeAccessDenied)
	case k.Kind == KeyOAuth && scope != "" && !slices.Contains(k.Scopes, scope):
		return fail(http.StatusForbidden, codeAccessDenied, "The token lacks the scope "+scope)
	}
	return nil
}

// limitID is what requests are counted by.
func (k *Key) limitID() string {
	if k.Kind == KeyUser {
		return "user:" + k.User
	}
	return "key:" + k.Token
}
