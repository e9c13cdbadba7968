package slackfake

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Sign in with Slack: the page where a member says that they are, and the endpoints that
// give an app an ID token for the code. Errors come as Slack's Web API gives them: with
// status 200 and ok false.

// openIDCodeLife is how long a code waits for the app.
const openIDCodeLife = 10 * time.Minute

// openID is the state of Sign in with Slack.
type openID struct {
	key   *rsa.PrivateKey
	codes map[string]*openIDCode
}

type openIDCode struct {
	user, redirect, nonce string
	at                    time.Time
}

// openIDPage asks who of the people somebody is.
func openIDPage(query string, users []User) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<!doctype html><meta charset="utf-8"><title>Sign in with Slack (simulated)</title>
<h1>Sign in with Slack</h1><p>Simulated: pick who you are.</p>
<form method="post" action="/openid/connect/authorize?%s">`, html.EscapeString(query))
	for _, u := range users {
		fmt.Fprintf(&b, `<p><button name="user" value="%s">%s</button></p>`, html.EscapeString(u.ID), html.EscapeString(u.RealName))
	}
	return b.String() + "</form>"
}

func (ws *Workspace) openIDConfiguration(w http.ResponseWriter, _ *http.Request) {
	at := ws.URL()
	ws.openIDAnswer(w, map[string]any{
		"issuer": at, "authorization_endpoint": at + "/openid/connect/authorize", "token_endpoint": at + "/api/openid.connect.token",
		"userinfo_endpoint": at + "/api/openid.connect.userInfo", "jwks_uri": at + "/openid/connect/keys",
		"scopes_supported": []string{"openid", "profile", "email"}, "response_types_supported": []string{"code"},
		"response_modes_supported": []string{"form_post"}, "grant_types_supported": []string{"authorization_code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
	})
}

func (ws *Workspace) openIDAnswer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		ws.opt.Log.Debug("the app did not wait for its answer", "error", err)
	}
}

// openIDCheck holds what the browser brought to what the app registered. The lock is held.
func (ws *Workspace) openIDCheck(q url.Values) string {
	switch {
	case ws.opt.ClientID == "" || q.Get("client_id") != ws.opt.ClientID:
		return "invalid_client_id"
	case !slices.Contains(ws.redirects, q.Get("redirect_uri")):
		ws.violate("bad_redirect_uri", "openid", "%q is not registered", q.Get("redirect_uri"))
		return "bad_redirect_uri"
	case q.Get("response_type") != "code" || q.Get("state") == "" || q.Get("nonce") == "":
		ws.violate("openid", "openid", "an app sends response_type=code, a state and a nonce")
		return "invalid_arguments"
	}
	return ""
}

// openIDAuthorize is the page, and, once somebody is picked, the way back to the app.
func (ws *Workspace) openIDAuthorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if wrong := ws.openIDCheck(q); wrong != "" {
		http.Error(w, wrong, http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodGet {
		var users []User
		for _, u := range ws.people.users {
			if !u.IsBot && !u.Deleted {
				users = append(users, *u)
			}
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if _, err := io.WriteString(w, openIDPage(r.URL.RawQuery, users)); err != nil {
			ws.opt.Log.Debug("the browser did not wait for its page", "error", err)
		}
		return
	}
	user := ws.people.users[r.PostFormValue("user")]
	if user == nil || user.Deleted || user.IsBot {
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"error": {"access_denied"}, "state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
		return
	}
	code := ws.random(24, mixedAlphabet)
	ws.openid.codes[code] = &openIDCode{user: user.ID, redirect: q.Get("redirect_uri"), nonce: q.Get("nonce"), at: ws.opt.Now()}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
}

// openIDToken is openid.connect.token: an ID token for a code, once.
func (ws *Workspace) openIDToken(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	c := ws.openid.codes[r.PostFormValue("code")]
	delete(ws.openid.codes, r.PostFormValue("code"))
	wrong := ""
	switch {
	case ws.opt.ClientID == "" || id != ws.opt.ClientID:
		wrong = "invalid_client_id"
	case subtle.ConstantTimeCompare([]byte(secret), []byte(ws.opt.ClientSecret)) != 1:
		wrong = "bad_client_secret"
	case r.PostFormValue("grant_type") != "authorization_code":
		wrong = "invalid_grant_type"
	case c == nil || ws.opt.Now().Sub(c.at) > openIDCodeLife:
		wrong = "invalid_code"
	case r.PostFormValue("redirect_uri") != c.redirect:
		wrong = "bad_redirect_uri"
	}
	if wrong != "" {
		ws.openIDAnswer(w, map[string]any{"ok": false, "error": wrong})
		return
	}
	raw, err := ws.openIDSign(c)
	if err != nil {
		http.Error(w, "cannot sign", http.StatusInternalServerError)
		return
	}
	ws.openIDAnswer(w, map[string]any{"ok": true, "access_token": "xoxp-simulated", "token_type": "Bearer", "id_token": raw})
}

// openIDSign makes the ID token of a code. The lock is held.
func (ws *Workspace) openIDSign(c *openIDCode) (string, error) {
	u, now := ws.people.users[c.user], ws.opt.Now()
	if u == nil {
		return "", fmt.Errorf("the user %s is gone", c.user)
	}
	header, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": "slack-1"})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": ws.baseURL, "sub": u.ID, "aud": ws.opt.ClientID, "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "auth_time": now.Unix(),
		"nonce": c.nonce, "https://slack.com/team_id": u.TeamID, "https://slack.com/user_id": u.ID, "name": u.RealName,
		"email": u.Email, "email_verified": !u.EmailUnconfirmed && u.Email != "", "locale": "en-US",
	})
	if err != nil {
		return "", err
	}
	key, err := ws.openIDKey()
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64(header) + "." + b64(claims)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	return signed + "." + b64(sig), err
}

// openIDKey makes the key when it is first needed. The lock is held.
func (ws *Workspace) openIDKey() (*rsa.PrivateKey, error) {
	if ws.openid.key == nil {
		key, err := rsa.GenerateKey(ws.opt.Rand, 2048)
		if err != nil {
			return nil, err
		}
		ws.openid.key = key
	}
	return ws.openid.key, nil
}

func (ws *Workspace) openIDKeys(w http.ResponseWriter, _ *http.Request) {
	ws.mu.Lock()
	key, err := ws.openIDKey()
	ws.mu.Unlock()
	if err != nil {
		http.Error(w, "no key", http.StatusInternalServerError)
		return
	}
	b64 := base64.RawURLEncoding.EncodeToString
	ws.openIDAnswer(w, map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "slack-1", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
	}}})
}

// AllowRedirect registers where Sign in with Slack may send browsers back to.
func (ws *Workspace) AllowRedirect(redirect string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.redirects = append(ws.redirects, redirect)
}
