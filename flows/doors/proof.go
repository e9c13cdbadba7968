package doors

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
)

// A login is bound to its machine: each request carries a signature by the machine's
// key, over what is asked and when. A copied token alone opens nothing.

// ProofHeader is the header with the signature.
const ProofHeader = "Breakglass-Proof"

// proofWindow is how far the machine's clock may be off.
const proofWindow = 2 * time.Minute

func publicKey(b64 string) (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, errors.New("no Ed25519 public key")
	}
	return raw, nil
}

func proofText(token, method, uri string, at int64, body []byte) []byte {
	sum := sha256.Sum256(body)
	return []byte(strings.Join([]string{"breakglass proof v1", Hash(token), method, uri, strconv.FormatInt(at, 10), hex.EncodeToString(sum[:])}, "\n"))
}

// Prove signs a request: what the machine does.
func Prove(key ed25519.PrivateKey, token, method, uri string, at time.Time, body []byte) string {
	sig := ed25519.Sign(key, proofText(token, method, uri, at.Unix(), body))
	return strconv.FormatInt(at.Unix(), 10) + "." + base64.StdEncoding.EncodeToString(sig)
}

// Proven reports whether a request is the machine's own, where the pass is bound to one.
func (d *Doors) Proven(p *flows.Pass, token, method, uri, proof string, body []byte) bool {
	if p.Kind != flows.PassLogin {
		return true
	}
	key, err := publicKey(p.Key)
	if err != nil {
		return false
	}
	when, b64, _ := strings.Cut(proof, ".")
	at, err := strconv.ParseInt(when, 10, 64)
	if err != nil || d.o.Clock.Now().Sub(time.Unix(at, 0)).Abs() > proofWindow {
		return false
	}
	sig, err := base64.StdEncoding.DecodeString(b64)
	return err == nil && ed25519.Verify(key, proofText(token, method, uri, at, body), sig)
}
