// Package history shows what the store remembers to people who may see it: requests as
// rows for JSON, JSON Lines and CSV, a request's entries with their openings, events in
// Sym's shape, and exports of any length in flat memory. Every look is itself an audit
// entry. It imports flows and flows/audit/query; the store comes in as an interface.
//
// Read first: look.go (who may see what, and how that is recorded), then row.go and
// export.go.
package history

import (
	"context"

	"breakglass/flows"
)

// Finder answers searches, a page at a time.
type Finder interface {
	Search(ctx context.Context, f flows.Search) (flows.Found, error)
}

// Chains reads the entries of a request, with the openings that are left.
type Chains interface {
	Entries(ctx context.Context, chain string) ([]flows.Sealed, error)
}
