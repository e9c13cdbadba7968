// Package storetest is the contract of a store: what the ports of package flows
// promise, as tests that every store must pass (Run), the same promise as a model in
// memory (Model), and a throw-away PostgreSQL to run it against (Postgres). It is
// imported by tests only and imports flows and nothing else of ours.
//
// Read first: model.go (the promise in one file), then jobs.go and ledger.go.
package storetest

import (
	"database/sql"
	"testing"

	"breakglass/flows"
)

// Store is what the contract is about.
type Store interface {
	flows.Ledger
	flows.Chains
	flows.Inbox
	flows.Queue
	flows.Timetable
	flows.Finder
	flows.Counts
	flows.Denials
}

// Subject is one store under test, empty when it is handed over.
type Subject struct {
	Store Store
	// Raw is another way into the same database, for what a program other than the
	// store might try. Nil for a store without a database: what needs it is skipped.
	Raw *sql.DB
	// Reopen closes the store and opens it again. Nil for one that forgets.
	Reopen func() Store
}

// contractCase is one promise.
type contractCase struct {
	name string
	test func(*fixture)
}

// Run holds the stores that open returns to the contract, a fresh one for each case.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for _, group := range [][]contractCase{
		ledgerCases(), holdingCases(), chainCases(), cardCases(), jobCases(), queueCases(), laneCases(),
		inboxCases(), finderCases(), identifierCases(), schemaCases(), treeCases(), raceCases(), freezeCases(), eraseCases(), propertyCases(), doorCases(), linkCases(),
		reviewCases(),
		followedCases(),
	} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.test(newFixture(t, open(t)))
			})
		}
	}
}
