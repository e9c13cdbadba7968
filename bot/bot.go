// Package bot is Slack's front door: it verifies what comes in, turns it into
// commands for the engine, and shows requests as cards, modals and notices. It may
// import flows and slack-go's Block Kit types (as vocabulary, never to call), and
// meets Slack, the store and the engine through the small interfaces in ports.go.
//
// Read first: verify.go (who may enter), payload.go (what comes in), inbox.go (what
// it becomes), card.go (what is shown), announce.go (how it is sent).
package bot
