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

// Documents is what a Finder may be besides: it answers with requests as encoding/json
// writes them, so that an export takes apart no more than it shows.
type Documents interface {
	// SearchDocs calls each for a page of what f asks for, newest first, and returns where
	// the next page begins; zero on the last one. i counts from 0, and begins there anew
	// when the page has to be read again. doc is good until each returns.
	SearchDocs(ctx context.Context, f flows.Search, each func(i int, doc []byte) error) (next flows.Place, err error)
}

// Chains reads the entries of a request, with the openings that are left.
type Chains interface {
	Entries(ctx context.Context, chain string) ([]flows.Sealed, error)
}
