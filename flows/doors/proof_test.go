package doors_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// A machine's proof fits one request, one token and one moment.
func TestProof(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	clock := flows.NewHandClock(at)
	d := doors.New(doors.Options{Clock: clock})
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("no public key")
	}
	p := &flows.Pass{Kind: flows.PassLogin, Key: base64.StdEncoding.EncodeToString(public)}
	body := []byte(`{"reason":"x"}`)
	good := doors.Prove(key, "token", "POST", "/v1/requests?a=b", at, body)
	other := ed25519.NewKeyFromSeed([]byte("another machine's seed, 32 bytes"))
	for name, c := range map[string]struct {
		token, method, uri, proof string
		body                      []byte
		want                      bool
	}{
		"as it is":        {"token", "POST", "/v1/requests?a=b", good, body, true},
		"another token":   {"tokem", "POST", "/v1/requests?a=b", good, body, false},
		"another method":  {"token", "PUT", "/v1/requests?a=b", good, body, false},
		"another address": {"token", "POST", "/v1/requests?a=c", good, body, false},
		"another body":    {"token", "POST", "/v1/requests?a=b", good, []byte(`{}`), false},
		"another machine": {"token", "POST", "/v1/requests?a=b", doors.Prove(other, "token", "POST", "/v1/requests?a=b", at, body), body, false},
		"too old":         {"token", "POST", "/v1/requests?a=b", doors.Prove(key, "token", "POST", "/v1/requests?a=b", at.Add(-3*time.Minute), body), body, false},
		"of the future":   {"token", "POST", "/v1/requests?a=b", doors.Prove(key, "token", "POST", "/v1/requests?a=b", at.Add(3*time.Minute), body), body, false},
		"none":            {"token", "POST", "/v1/requests?a=b", "", body, false},
		"no signature":    {"token", "POST", "/v1/requests?a=b", "1772452800.", body, false},
		"what is no time": {"token", "POST", "/v1/requests?a=b", "now." + good, body, false},
		"what is no base": {"token", "POST", "/v1/requests?a=b", "1772452800.%%", body, false},
	} {
		if got := d.Proven(p, c.token, c.method, c.uri, c.proof, c.body); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, bad := range []string{"", "x", base64.StdEncoding.EncodeToString(public[:16])} {
		if d.Proven(&flows.Pass{Kind: flows.PassLogin, Key: bad}, "token", "POST", "/v1/requests?a=b", good, body) {
			t.Errorf("a login with the key %q is proven", bad)
		}
	}
	if !d.Proven(&flows.Pass{Kind: flows.PassSession}, "", "", "", "", nil) {
		t.Error("a session needs a machine")
	}
}

// What each kind of pass may be used for.
func TestMay(t *testing.T) {
	t.Parallel()
	all := []flows.PassScope{flows.ScopeRead, flows.ScopeAsk, flows.ScopeDecide}
	for kind, want := range map[flows.PassKind]string{
		flows.PassSession: "yyy", flows.PassLogin: "yyy", flows.PassPersonal: "yyy", flows.PassService: "yyn", flows.PassDevice: "nnn", "": "nnn",
	} {
		p := &flows.Pass{Kind: kind, Scopes: all}
		got := ""
		for _, s := range all {
			if p.May(s) {
				got += "y"
			} else {
				got += "n"
			}
		}
		if got != want {
			t.Errorf("%q may %s, want %s", kind, got, want)
		}
	}
	if p := (&flows.Pass{Kind: flows.PassPersonal, Scopes: all[:1]}); p.May(flows.ScopeAsk) || p.May(flows.ScopeDecide) || !p.May(flows.ScopeRead) {
		t.Error("a token may more than its scopes")
	}
}
