// Package sink is where audit entries stream to: files, an HTTP endpoint, syslog. Each
// entry is sent at least once, in the order of the audit tree (so in order within a
// request), and again after a crash from where the store's cursor stands. It imports
// flows and never bot or store. README.md says what receivers get and may rely on.
//
// Read first: README.md, stream.go (how entries flow), then the kind you care about:
// file.go, http.go, syslog.go.
package sink

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"breakglass/flows"
)

// Kind is what a sink writes to.
type Kind string

// The kinds.
const (
	KindFile   Kind = "file"
	KindHTTP   Kind = "http"
	KindSyslog Kind = "syslog"
)

// Spec is a sink as the configuration says it.
type Spec struct {
	Name     string
	Kind     Kind
	Openings bool // send personal values beside the commitments to them
	FromNow  bool // a new sink begins with what comes, not with what is there

	Path     string // file
	MaxBytes int64  // file: begin another one before it grows larger; 0: never

	URL    string       // http
	Secret flows.Secret // http: what batches are signed with

	Address string // syslog: "udp://host:514", "tcp://host:601", "tls://host:6514", "unix:///dev/log"
}

// Options are what sinks need from outside.
type Options struct {
	Clock flows.Clock // required
	Host  string      // this machine's name, for syslog
	// RootCAs are the authorities that receivers' certificates may come from.
	// Default: the machine's.
	RootCAs *x509.CertPool
}

// Sink takes entries.
type Sink interface {
	// Send delivers entries in their order. nil means that all of them were taken;
	// after an error some may have been. ErrTooLarge asks for fewer at a time.
	Send(ctx context.Context, batch []flows.Leaf) error
	// Close lets go of files and connections.
	Close() error
}

// ErrTooLarge says that the receiver does not take so much at once.
var ErrTooLarge = errors.New("the batch is too large for the receiver")

// New makes the sink of a spec. It opens nothing yet: that is tried with each batch.
func New(s Spec, o Options) (Sink, error) {
	if o.Clock == nil {
		return nil, errors.New("sink: Options.Clock is needed")
	}
	switch s.Kind {
	case KindFile:
		return &file{spec: s, clock: o.Clock}, nil
	case KindHTTP:
		return newEndpoint(s, o), nil
	case KindSyslog:
		return newSyslog(s, o)
	}
	return nil, fmt.Errorf("sink %s: there is no kind %q", s.Name, s.Kind)
}
