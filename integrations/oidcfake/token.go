package oidcfake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"time"
)

// codeLife is how long a code waits for its client.
const codeLife = time.Minute

// token gives an ID token for a code: once, to the client it was made for, with the
// verifier behind the challenge.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != p.o.ClientID || subtle.ConstantTimeCompare([]byte(secret), []byte(p.o.ClientSecret)) != 1 {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	p.mu.Lock()
	g, err := p.redeem(r)
	bend := p.bend
	p.mu.Unlock()
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": err.Error()})
		return
	}
	raw, err := p.sign(g, bend)
	if err != nil {
		http.Error(w, "cannot sign", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": "unused", "token_type": "Bearer", "expires_in": 300, "id_token": raw})
}

// redeem takes a code. The lock is held.
func (p *Provider) redeem(r *http.Request) (*grant, error) {
	g := p.codes[r.PostFormValue("code")]
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case r.PostFormValue("grant_type") != "authorization_code":
		return nil, p.wrong("token: grant_type is not authorization_code")
	case g == nil:
		return nil, fmt.Errorf("token: no such code")
	case g.used:
		return nil, fmt.Errorf("token: the code was used already")
	case p.now().Sub(g.at) > codeLife:
		return nil, fmt.Errorf("token: the code is too old")
	}
	g.used = true // one try, good or bad
	switch {
	case r.PostFormValue("redirect_uri") != g.redirect:
		return nil, p.wrong("token: another redirect_uri than the code was made for")
	case base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		return nil, fmt.Errorf("token: the verifier is not the one behind the challenge")
	}
	return g, nil
}

func (p *Provider) alg() string {
	if p.o.EC {
		return "ES256"
	}
	return "RS256"
}

// sign makes the ID token of a grant.
func (p *Provider) sign(g *grant, bend Bend) (string, error) {
	now := p.time()
	header := map[string]any{"alg": p.alg(), "kid": "key-1", "typ": "JWT"}
	claims := map[string]any{
		"iss": p.url, "sub": g.user.Subject, "aud": p.o.ClientID, "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(),
		"auth_time": now.Unix(), "nonce": g.nonce, "name": g.user.Name, "email": g.user.Email, "email_verified": g.user.Verified,
	}
	if bend != nil {
		bend(header, claims)
	}
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	if header["alg"] == "none" {
		return signed + ".", nil
	}
	sum := sha256.Sum256([]byte(signed))
	sig, err := p.key.Sign(p.o.Random, sum[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	if p.o.EC {
		if sig, err = flat(sig); err != nil {
			return "", err
		}
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// flat turns an ASN.1 signature into the form that JWTs have: r and s, 32 bytes each.
func flat(sig []byte) ([]byte, error) {
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sig, &rs); err != nil {
		return nil, err
	}
	out := make([]byte, 64)
	rs.R.FillBytes(out[:32])
	rs.S.FillBytes(out[32:])
	return out, nil
}

// keys publishes the public key.
func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	b64 := base64.RawURLEncoding.EncodeToString
	key := map[string]string{"kid": "key-1", "use": "sig", "alg": p.alg()}
	switch pub := p.key.Public().(type) {
	case *rsa.PublicKey:
		key["kty"], key["n"], key["e"] = "RSA", b64(pub.N.Bytes()), b64(big.NewInt(int64(pub.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 4, then x and y
		if err != nil {
			http.Error(w, "no key", http.StatusInternalServerError)
			return
		}
		key["kty"], key["crv"], key["x"], key["y"] = "EC", "P-256", b64(point[1:33]), b64(point[33:])
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{key}})
}
