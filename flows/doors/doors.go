// Package doors says who comes in at the doors besides Slack: the web console, the API
// and the command line. It makes sessions after a sign-in, confirms machines, makes and
// ends tokens, and finds the caller behind a secret. Every pass that is made or ended is
// an audit entry, in the same transaction. It imports package flows and the standard
// library.
//
// Read first: caller.go (who somebody is), signin.go (whose subject it is), session.go,
// device.go, token.go.
package doors

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"time"

	"breakglass/flows"
)

// Store keeps passes and pins.
type Store interface {
	Passes
	Uses
	Pins
}

// Passes are the passes as stored. flows.ErrNotFound where there is none.
type Passes interface {
	// Pass reads a pass by its id.
	Pass(ctx context.Context, id string) (flows.Pass, error)
	// PassByHash reads the pass whose secret has the hash.
	PassByHash(ctx context.Context, hash string) (flows.Pass, error)
	// PassByCode reads the device whose code has the hash.
	PassByCode(ctx context.Context, hash string) (flows.Pass, error)
}

// Uses are the passes as they are used.
type Uses interface {
	// Passes lists what is live at now: somebody's, or everybody's.
	Passes(ctx context.Context, holder flows.PersonID, now time.Time) ([]flows.Pass, error)
	// TouchPass notes that a pass was used.
	TouchPass(ctx context.Context, id string, at time.Time) error
	// AddDevice keeps a device that waits to be confirmed, if fewer than most do.
	AddDevice(ctx context.Context, p flows.Pass, most int, now time.Time) error
}

// Pins tie subjects of providers to people. flows.ErrNotFound where there is none.
type Pins interface {
	// PinOf reads who a subject belongs to.
	PinOf(ctx context.Context, issuer, subject string) (flows.Pin, error)
	// PinFor reads which subject a person has.
	PinFor(ctx context.Context, issuer string, p flows.PersonID) (flows.Pin, error)
}

// Recorder writes entries onto a chain, with the passes they are about.
type Recorder interface {
	Record(ctx context.Context, chain string, e flows.Entry, fin flows.Finish) error
}

// Options are what Doors work with; all are required.
type Options struct {
	Store    Store
	Recorder Recorder
	Roll     flows.Roll
	Clock    flows.Clock
	IDs      flows.IDs
	Domains  []string // whose verified e-mail addresses tie a first sign-in to a person
	Tell     string   // channel of the operators; may be empty
}

// Doors are the doors besides Slack.
type Doors struct{ o Options }

// New returns doors.
func New(o Options) *Doors { return &Doors{o: o} }

// How long things live.
const (
	SessionIdle = time.Hour           // a session that nobody uses
	SessionLife = 12 * time.Hour      // any session
	LoginLife   = 12 * time.Hour      // a machine's login
	DeviceLife  = 10 * time.Minute    // a machine that waits to be confirmed
	TokenLife   = 90 * 24 * time.Hour // the longest a token is made for
)

// chain is where entries about passes are written.
const chain = "system"

// secret makes a new secret, with a prefix that scanners know it by, and its hash.
func (d *Doors) secret(prefix string) (plain, hash string) {
	var raw [32]byte
	d.o.IDs.Random(raw[:])
	plain = prefix + base64.RawURLEncoding.EncodeToString(raw[:])
	return plain, Hash(plain)
}

// Hash is how a secret is kept: SHA-256, hex. Secrets are random, so it needs no salt.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// name makes the id of a pass: it sorts by time and opens nothing.
func (d *Doors) name(prefix string) string {
	return prefix + strings.TrimPrefix(string(d.o.IDs.RequestID(d.o.Clock.Now())), "req_")
}

// entry begins an audit entry about a pass.
func entry(verb string, by flows.Actor, p *flows.Pass, more map[string]any) flows.Entry {
	facts := map[string]any{"pass": p.ID, "kind": string(p.Kind), "expires_at": p.ExpiresAt.UnixMilli()}
	if p.Holder != "" {
		facts["holder"] = flows.Personal{About: p.Holder, Value: string(p.Holder)}
	}
	if p.Name != "" {
		facts["name"] = flows.Personal{About: p.Holder, Value: p.Name}
	}
	if p.From != "" {
		facts["from"] = flows.Personal{About: p.Holder, Value: p.From}
	}
	if s := p.SignIn; s.Subject != "" {
		facts["provider"], facts["issuer"], facts["confirmed"] = string(s.Provider), s.Issuer, s.Confirmed
		facts["subject"], facts["signed_in_at"] = flows.Personal{About: p.Holder, Value: s.Subject}, s.At.UnixMilli()
	}
	for _, s := range p.Scopes {
		if id := s.Confirms(); id != "" {
			facts["confirms"] = string(id)
			continue
		}
		facts["may_"+string(s)] = true
	}
	maps.Copy(facts, more)
	return flows.Entry{Verb: verb, Actor: by, Facts: facts}
}

// begin writes a new pass with its entry.
func (d *Doors) begin(ctx context.Context, verb string, by flows.Actor, p flows.Pass) error {
	return d.o.Recorder.Record(ctx, chain, entry(verb, by, &p, nil), flows.Finish{Passes: []flows.Pass{p}})
}

// End ends a pass: its holder's own, or, by an admin, anybody's. What has ended
// already is no error.
func (d *Doors) End(ctx context.Context, by Caller, id string) error {
	p, err := d.o.Store.Pass(ctx, id)
	switch {
	case errors.Is(err, flows.ErrNotFound), err == nil && p.Holder != by.Person && p.By != by.Person && !by.Is(flows.RoleAdmin):
		return flows.Refuse(flows.RefusedUnknownRequest, "There is no session or token %s of yours.", id)
	case err != nil:
		return err
	case !p.EndedAt.IsZero():
		return nil
	}
	p.Version++
	p.EndedAt, p.EndedBy = d.o.Clock.Now(), by.Person
	verb := map[flows.PassKind]string{flows.PassSession: "signed_out", flows.PassLogin: "signed_out"}[p.Kind]
	if verb == "" || p.Holder != by.Person {
		verb = "token_revoked"
	}
	err = d.o.Recorder.Record(ctx, chain, entry(verb, by.Actor(), &p, nil), flows.Finish{Passes: []flows.Pass{p}})
	if errors.Is(err, flows.ErrConflict) {
		return nil // somebody ended it meanwhile
	}
	return err
}

// List lists a person's live passes, or, for an admin who asks so, everybody's.
func (d *Doors) List(ctx context.Context, by Caller, all bool) ([]flows.Pass, error) {
	holder := by.Person
	if all && by.Is(flows.RoleAdmin) {
		holder = ""
	}
	return d.o.Store.Passes(ctx, holder, d.o.Clock.Now())
}
