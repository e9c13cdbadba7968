// Package receiver is the other side of the webhook protocol (../README.md): a target
// with a ledger of its own that honours keys and fences, and that can be told to lose,
// hold, repeat and refuse. Tests and the demo use it; whoever writes a real receiver
// can start from it.
//
// It imports the standard library and the Standard Webhooks library, nothing of ours
// and never testing. Read receiver.go (one message), then ledger.go (what is done),
// then fault.go.
package receiver
