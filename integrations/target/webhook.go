package target

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
)

// Options says how webhooks are called.
type Options struct {
	// Clock stamps the signatures. Required.
	Clock flows.Clock
	// Random makes the ids of reads. Required.
	Random func([]byte)
	// Timeout bounds one call from dialling to the last byte. Default: 10 s.
	Timeout time.Duration
	// RootCAs are the authorities that receivers' certificates may come from.
	// Default: the machine's.
	RootCAs *x509.CertPool
}

// webhook asks the owner of a target to do it.
type webhook struct {
	clock  flows.Clock
	random func([]byte)
	doors  doors
}

func newWebhook(opt Options) (*webhook, error) {
	if opt.Clock == nil || opt.Random == nil {
		return nil, errors.New("target: Options.Clock and Options.Random are needed")
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 10 * time.Second
	}
	return &webhook{clock: opt.Clock, random: opt.Random, doors: newDoors(opt)}, nil
}

// Grant implements flows.Target. Only an answer that says "granted", to this very
// order, is a confirmation.
func (w *webhook) Grant(ctx context.Context, o flows.Order) (flows.Receipt, error) {
	a, err := w.ask(ctx, typeGrant, o.Key, o)
	if err != nil {
		return flows.Receipt{}, err
	}
	if a.Status != statusGranted {
		return flows.Receipt{}, unbelievable(o, "the status of a grant is %q", a.Status)
	}
	if len(a.Receipt) > maxReceipt || !plain(a.Receipt) {
		return flows.Receipt{}, unbelievable(o, "the receipt is longer than %d bytes, or not plain text", maxReceipt)
	}
	return flows.Receipt{ID: a.Receipt}, nil
}

// Revoke implements flows.Target.
func (w *webhook) Revoke(ctx context.Context, o flows.Order) error {
	a, err := w.ask(ctx, typeRevoke, o.Key, o)
	if err != nil {
		return err
	}
	if a.Status != statusRevoked {
		return unbelievable(o, "the status of a revocation is %q", a.Status)
	}
	return nil
}

// Read implements flows.Target. An answer that does not say is Unknown. Each read has
// an id of its own: a receiver that answers known ids from memory would otherwise
// answer with what was true before.
func (w *webhook) Read(ctx context.Context, o flows.Order) (flows.Reading, error) {
	var b [16]byte
	w.random(b[:])
	a, err := w.ask(ctx, typeRead, "read:"+hex.EncodeToString(b[:]), o)
	if err != nil {
		return flows.Reading{}, err
	}
	switch {
	case a.Has == nil:
		return flows.Reading{Has: flows.Unknown}, nil
	case *a.Has:
		return flows.Reading{Has: flows.Yes, Until: a.until()}, nil
	}
	return flows.Reading{Has: flows.No}, nil
}

// maxReceipt bounds the receiver's own name for a grant.
const maxReceipt = 200

// plain reports whether s is printable ASCII: it is shown and recorded.
func plain(s string) bool {
	for _, r := range s {
		if r < 0x20 || r > 0x7e {
			return false
		}
	}
	return true
}

// unbelievable is an answer that says neither yes nor no: what was done is unknown.
func unbelievable(o flows.Order, format string, args ...any) error {
	return &flows.Temporary{Err: fmt.Errorf(
		"the receiver of target %s gave an answer that cannot be believed: %s; whether it was done is not known",
		o.Target.ID, fmt.Sprintf(format, args...))}
}
