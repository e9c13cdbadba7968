package doors

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"breakglass/flows"
)

// Device is a machine that asks to act as whoever confirms it. It makes its secret
// itself and shows only the hash, so that nobody else ever has it.
type Device struct {
	Hash string // SHA-256 of the secret, hex
	Key  string // the machine's public key, base64
	Name string // what it calls itself; shown as typed
	From string // network address
}

// mostDevices is how many machines may wait to be confirmed at once.
const mostDevices = 200

// letters are those of codes: no vowels, so that they spell nothing.
const letters = "BCDFGHJKLMNPQRSTVWXZ"

// StartDevice keeps a machine that waits to be confirmed. It returns the code that the
// machine shows and its person compares.
func (d *Doors) StartDevice(ctx context.Context, dev Device) (code string, p flows.Pass, err error) {
	if raw, err := hex.DecodeString(dev.Hash); err != nil || len(raw) != 32 || strings.ToLower(dev.Hash) != dev.Hash {
		return "", p, flows.Refuse(flows.RefusedInput, "The hash of the login is not a SHA-256 in small hex. Nothing was begun.")
	}
	if _, err := publicKey(dev.Key); err != nil {
		return "", p, flows.Refuse(flows.RefusedInput, "The key of the machine is no Ed25519 public key in base64. Nothing was begun.")
	}
	switch _, err := d.o.Store.PassByHash(ctx, dev.Hash); {
	case err == nil:
		return "", p, flows.Refuse(flows.RefusedDuplicate, "A login with this secret was begun before. Nothing was begun.").Then("Run breakglass login again.")
	case !errors.Is(err, flows.ErrNotFound):
		return "", p, fmt.Errorf("begin a login: %w", err)
	}
	code = d.code()
	now := d.o.Clock.Now()
	p = flows.Pass{
		ID: d.name("log_"), Version: 1, Kind: flows.PassDevice, Hash: dev.Hash, Key: dev.Key, Name: cutName(dev.Name), From: dev.From,
		Code: Hash(code), CreatedAt: now, ExpiresAt: now.Add(DeviceLife),
	}
	if err := d.o.Store.AddDevice(ctx, p, mostDevices, now); errors.Is(err, flows.ErrCrowded) {
		return "", p, flows.Refuse(flows.RefusedTooMany, "Too many machines wait to be confirmed. Nothing was begun.").Then("Try again in ten minutes.")
	} else if err != nil {
		return "", p, fmt.Errorf("begin a login: %w", err)
	}
	return code, p, nil
}

func (d *Doors) code() string {
	var raw [16]byte
	var b strings.Builder
	for b.Len() < 9 {
		d.o.IDs.Random(raw[:])
		for _, r := range raw {
			if int(r) < 256-256%len(letters) && b.Len() < 9 { // each letter as likely as another
				if b.Len() == 4 {
					b.WriteByte('-')
				}
				b.WriteByte(letters[int(r)%len(letters)])
			}
		}
	}
	return b.String()
}

// cutName is a name as it is kept: one line, not long.
func cutName(s string) string {
	s = strings.Join(strings.Fields(flows.NewText(s).Raw()), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

// Device finds the machine with a code, as people type it.
func (d *Doors) Device(ctx context.Context, code string) (flows.Pass, error) {
	code = strings.ToUpper(strings.Join(strings.Fields(code), ""))
	if len(code) == 8 && !strings.Contains(code, "-") {
		code = code[:4] + "-" + code[4:]
	}
	p, err := d.o.Store.PassByCode(ctx, Hash(code))
	if errors.Is(err, flows.ErrNotFound) || err == nil && (p.Kind != flows.PassDevice || !p.Live(d.o.Clock.Now())) {
		return flows.Pass{}, flows.Refuse(flows.RefusedUnknownRequest, "No machine waits with this code; it may be too late for it.").
			Then("Run breakglass login again.")
	}
	return p, err
}

// Confirm lets a machine act as the person of a session, for half a day.
func (d *Doors) Confirm(ctx context.Context, by Caller, code string) (flows.Pass, error) {
	if by.Pass.Kind != flows.PassSession {
		return flows.Pass{}, flows.Refuse(flows.RefusedNotAllowed, "A machine is confirmed in a browser, after signing in there. Nothing was confirmed.")
	}
	p, err := d.Device(ctx, code)
	if err != nil {
		return p, err
	}
	p.Version++
	p.Kind, p.Code, p.Holder, p.By, p.SignIn = flows.PassLogin, "", by.Person, by.Person, by.Pass.SignIn
	p.ExpiresAt = d.o.Clock.Now().Add(LoginLife)
	err = d.o.Recorder.Record(ctx, chain, entry("login_confirmed", by.Actor(), &p, nil), flows.Finish{Passes: []flows.Pass{p}})
	if errors.Is(err, flows.ErrConflict) {
		return flows.Pass{}, flows.Refuse(flows.RefusedAlreadyDecided, "This machine was confirmed just now.")
	}
	return p, err
}
