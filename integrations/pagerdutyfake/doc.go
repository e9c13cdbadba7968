// Package pagerdutyfake is a PagerDuty account as a real HTTP server: users,
// schedules whose on-call is computed, escalation policies, incidents, webhooks
// v3 with signatures and retries, rate limits, error codes, and faults on demand.
// It serves tests, the demo, and anyone's client; what it received can be read
// back from its ledger. It imports nothing of this project, never "testing",
// and takes its time and randomness from Options.
//
// Read account.go first (Options, Account), then routes.go (every door on one
// page), rota.go (who is on call) and faults.go (what can go wrong on request).
package pagerdutyfake
