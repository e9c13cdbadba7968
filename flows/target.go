package flows

import (
	"context"
	"time"
)

// Order asks a target for an effect. Key is the same for every try of the same
// effect; Fence rises with every order for the same person, target and scope, and a
// target that can must refuse an order with a lower fence than one it has seen.
type Order struct {
	Key      string
	Fence    int64
	Request  RequestID
	Person   PersonID
	Profile  Profile // who that is, for kinds that need an e-mail
	Link     Link
	Target   *TargetSpec
	Scope    Scope
	Until    time.Time // for kinds that can end access by themselves
	Incident IncidentRef
}

// Receipt is a target's confirmation.
type Receipt struct {
	ID string // the target's own name for the grant; may be empty
}

// Reading is what a target says a person really has.
type Reading struct {
	Has   Tri
	Until time.Time // where the target knows; may be zero
}

// Target executes grants: one value a kind. Errors are *Temporary where another try
// may help (the outcome is then unknown), *Permanent where none can.
type Target interface {
	// Grant gives the access; a repeat with the same key gives the same receipt.
	Grant(ctx context.Context, o Order) (Receipt, error)
	// Revoke takes it back; revoking what is not there is a success.
	Revoke(ctx context.Context, o Order) error
	// Read says what the person really has.
	Read(ctx context.Context, o Order) (Reading, error)
}
