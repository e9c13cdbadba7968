// Package slackfake is a Slack workspace as a real HTTP server: the Web API
// with Slack's limits, scopes, rate limits and error codes on one side, signed
// slash commands, interactions and events to the app on the other, and people
// who click, type and read in between. It serves tests, the demo and anyone
// else's client; it links no test code.
//
// It imports the standard library only and nothing of this project. Start with
// workspace.go (what a Workspace is), then actor.go (what a person can do),
// api.go (how a method call is judged) and deliver.go (how the app is called).
package slackfake
