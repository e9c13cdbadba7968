package bot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"breakglass/flows"
)

// How far a request's time stamp may be from our clock. Slack allows five minutes
// of age; of the future only what clocks differ by.
const (
	maxAge    = 5 * time.Minute
	maxFuture = 60 * time.Second
)

// minSecret is the least length of a signing secret; Slack's have 32.
const minSecret = 16

// refreshEvery bounds how often a flood of forged requests can have the secret read
// at its source.
const refreshEvery = 2 * time.Second

// reject is why a request was not let in. It is for our log only: whoever sent it
// is told the same, whatever the reason.
type reject string

func (r reject) Error() string { return "slack request refused: " + string(r) }

// The reasons.
const (
	rejectHeaders   reject = "headers"   // signature or time stamp missing, twice, or malformed
	rejectStale     reject = "stale"     // older than five minutes
	rejectFuture    reject = "future"    // ahead of our clock
	rejectSignature reject = "signature" // not made with our secret
	rejectSecret    reject = "no_secret" // our secret could not be read
	rejectBody      reject = "body"      // could not be read
	rejectTooLarge  reject = "too_large" // over the cap
	rejectMalformed reject = "malformed" // signed, but not what Slack sends
	rejectForeign   reject = "foreign"   // another team, organisation or app
)

// verifier checks Slack's signature (v0, HMAC-SHA256 over time stamp and raw body).
// Every request goes through it before a byte of the body is interpreted.
type verifier struct {
	secret flows.Secret
	clock  flows.Clock
	key    atomic.Pointer[signingKey] // made from the secret's current value

	mu        sync.Mutex
	refreshed time.Time
	others    []*signingKey // the values a refresh gave: fresh and previous
}

// newVerifier refuses a secret that is missing, empty or too short to be one: with
// it anybody could sign.
func newVerifier(ctx context.Context, secret flows.Secret, clock flows.Clock) (*verifier, error) {
	value, err := secret.Reveal(ctx)
	if err != nil {
		return nil, fmt.Errorf("slack signing secret: %w", err)
	}
	if !usable(value) {
		return nil, fmt.Errorf("slack signing secret %q is empty or shorter than %d characters: anybody could sign with it; "+
			"copy it from the app's Basic Information page", secret.Name(), minSecret)
	}
	v := &verifier{secret: secret, clock: clock}
	v.key.Store(newSigningKey(value))
	return v, nil
}

func usable(secret string) bool { return len(strings.TrimSpace(secret)) >= minSecret }

// check lets a request in or says why not.
func (v *verifier) check(ctx context.Context, h http.Header, body []byte) error {
	stamp, sig, err := v.headers(h)
	if err != nil {
		return err
	}
	key, err := v.current(ctx)
	if err == nil && key.signed(stamp, body, sig) {
		return nil
	}
	if v.signedByOther(ctx, stamp, body, sig) {
		return nil
	}
	if err != nil {
		return rejectSecret
	}
	return rejectSignature
}

// headers reads time stamp and signature; each must be there once.
func (v *verifier) headers(h http.Header) (stamp string, sig [sha256.Size]byte, err error) {
	stamps, sigs := h["X-Slack-Request-Timestamp"], h["X-Slack-Signature"]
	if len(stamps) != 1 || len(sigs) != 1 {
		return "", sig, rejectHeaders
	}
	stamp = stamps[0]
	seconds, ok := digits(stamp)
	given, isV0 := strings.CutPrefix(sigs[0], "v0=")
	if !ok || !isV0 || len(given) != hex.EncodedLen(len(sig)) {
		return "", sig, rejectHeaders
	}
	if _, err := hex.Decode(sig[:], []byte(given)); err != nil {
		return "", sig, rejectHeaders
	}
	switch age := v.clock.Now().Sub(time.Unix(seconds, 0)); {
	case age > maxAge:
		return "", sig, rejectStale
	case age < -maxFuture:
		return "", sig, rejectFuture
	}
	return stamp, sig, nil
}

// signedAt is the time stamp of a request that was let in, in Unix seconds.
func signedAt(h http.Header) int64 {
	seconds, _ := digits(h.Get("X-Slack-Request-Timestamp"))
	return seconds
}

// digits reads a number that is written in digits only.
func digits(s string) (int64, bool) {
	if len(s) == 0 || len(s) > 11 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// current is the key of the secret's current value, which the handle gives from
// memory; a rotation shows here first.
func (v *verifier) current(ctx context.Context) (*signingKey, error) {
	value, err := v.secret.Reveal(ctx)
	if err != nil {
		return nil, err
	}
	key := v.key.Load()
	if key.value == value {
		return key, nil
	}
	if !usable(value) {
		return nil, errors.New("the signing secret has become empty or too short")
	}
	key = newSigningKey(value)
	v.key.Store(key)
	return key, nil
}

// signedByOther tries the value before the last rotation, and one newer than what
// is in memory. A flood of forgeries reads the source once in refreshEvery.
func (v *verifier) signedByOther(ctx context.Context, stamp string, body []byte, sig [sha256.Size]byte) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.clock.Now()
	if age := now.Sub(v.refreshed); age < 0 || age >= refreshEvery {
		v.refreshed = now
		v.others = v.others[:0]
		err := v.secret.Try(ctx, func(value string) (bool, error) {
			if usable(value) {
				v.others = append(v.others, newSigningKey(value))
			}
			return true, nil // ask for the next one too
		})
		if err != nil && len(v.others) == 0 {
			return false
		}
	}
	for _, k := range v.others {
		if k.signed(stamp, body, sig) {
			return true
		}
	}
	return false
}

// signingKey makes MACs with one value of the secret.
type signingKey struct {
	value string
	macs  sync.Pool
}

// mac is a keyed hasher with room for its sum.
type mac struct {
	h   hash.Hash
	buf []byte
}

func newSigningKey(value string) *signingKey {
	k := &signingKey{value: value}
	k.macs.New = func() any {
		return &mac{h: hmac.New(sha256.New, []byte(k.value)), buf: make([]byte, 0, 64)}
	}
	return k
}

// signed compares in constant time.
func (k *signingKey) signed(stamp string, body []byte, sig [sha256.Size]byte) bool {
	m := k.macs.Get().(*mac) //nolint:forcetypeassert // the pool holds nothing else
	defer k.macs.Put(m)
	m.h.Reset()
	m.buf = append(append(append(m.buf[:0], "v0:"...), stamp...), ':')
	m.h.Write(m.buf)
	m.h.Write(body)
	m.buf = m.h.Sum(m.buf[:0])
	return hmac.Equal(m.buf, sig[:])
}

// readBody reads at most limit bytes, before anything is parsed.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, rejectTooLarge
	}
	in := http.MaxBytesReader(w, r.Body, limit)
	var body []byte
	var err error
	if r.ContentLength > 0 {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(in, body)
	} else {
		body, err = io.ReadAll(in)
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, rejectTooLarge
	case err != nil:
		return nil, rejectBody
	}
	return body, nil
}
