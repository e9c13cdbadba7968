// Package slack talks to a Slack workspace: it sends messages and modals, and it
// answers who people are (flows.Directory). It is the only package that calls
// slack-go; it imports flows and never bot or store. Block Kit comes in as JSON
// that the caller has built and escaped, and goes out unchanged.
//
// Every way in which slack-go or Slack would surprise is closed in one place:
// guard.go (what may come back), pace.go (how fast we call), errors.go (what an
// error means for the worker), methods.go (the table of methods). Read client.go
// first, then methods.go.
package slack
