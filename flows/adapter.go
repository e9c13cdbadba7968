package flows

import (
	"context"
	"time"
)

// AdapterID is the name of an http_adapter block.
type AdapterID string

// Adapter is one http_adapter block: a named upstream HTTP API whose credential only
// the server knows. Immutable once loaded.
type Adapter struct {
	ID      AdapterID
	Hash    string          // SHA-256 of the block as canonical bytes, its secrets by name
	BaseURL string          // scheme, host and path, without a slash at the end
	Headers []AdapterHeader // set on every call, by name
	AWS     *AWSSigning     // how calls are signed; nil: they are not
	Allow   []Rule          // what Callers may do without a grant
	Callers []Principal     // with "service:NAME" for service tokens

	Origins []string // of pages in browsers that may call, as in "https://canvas.acme.example"

	// CallerAsFrom sets From to the e-mail address of the caller's pinned link; who has
	// none can only read.
	CallerAsFrom bool
	// ChangesOnCall: the operator said that rules may change who is on call.
	ChangesOnCall bool

	RequestHeaders  []string // let through to the upstream besides the usual ones, canonical
	ResponseHeaders []string // let through to the caller besides the usual ones, canonical
	ContentTypes    []string // of bodies, besides JSON; in small letters
	AllowPrivate    bool     // the upstream is inside the own network; http is then allowed
	Limits          AdapterLimits
}

// AdapterHeader is a header that the server sets on every call to the upstream.
type AdapterHeader struct {
	Name  string // canonical
	Value Filled
}

// Filled is a text that is filled from secrets when it is used.
type Filled interface {
	// String is the text as written: with the names of its secrets, without values.
	String() string
	// Secrets are the names of the secrets that it is filled from.
	Secrets() []string
	// Fill calls use with the text made from the secrets' cached values, and with those
	// values alone; while use reports that the text was rejected, with fresh and then
	// with previous values, as Secret.Try does. It ends with ErrSecretRejected.
	Fill(ctx context.Context, use func(text string, values []string) (rejected bool, err error)) error
}

// AWSSigning says how calls are signed for Amazon's APIs (Signature Version 4).
type AWSSigning struct {
	Service      string // "ec2"
	Region       string
	AccessKeyID  Secret
	SecretKey    Secret
	SessionToken Secret // may be zero
}

// AdapterLimits are the bounds of one adapter. All are set.
type AdapterLimits struct {
	Request         int64         // most bytes of a body to the upstream
	Response        int64         // most bytes of a body to the caller
	Wait            time.Duration // until the upstream has begun to answer
	Idle            time.Duration // while nothing comes, either way
	Lasts           time.Duration // of a whole call, streams too
	Rate            int           // calls a minute, per caller
	Concurrent      int           // calls at a time, per caller
	TotalRate       int           // calls a minute, of all callers
	TotalConcurrent int           // calls at a time, of all callers
}

// AdapterTarget is a target of kind http_adapter: what a grant of it opens besides.
type AdapterTarget struct {
	Target TargetID
	Allow  []Rule
}
