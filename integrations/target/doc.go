// Package target executes grants: one flows.Target a kind. approval_only changes
// nothing anywhere; webhook asks the owner of the target over a published protocol
// (README.md). It imports flows and never bot or store.
//
// Read first: README.md (the protocol), registry.go, webhook.go (what each order
// means), post.go (one signed call), dial.go (which addresses are called at all).
// The folder receiver holds the other side, for tests, the demo and as a model.
package target
