// Package pagerduty asks PagerDuty who is on call and reads and writes incidents,
// through go-pagerduty behind a hardened HTTP client. An answer that is late, cut,
// malformed, redirected or incomplete is never believed: it is unknown. It imports
// package flows and nothing else of ours, and implements its ports OnCall, Incidents
// and IncidentWriter.
//
// Read first: client.go (Options, Client), then call.go (one request: time-outs,
// retries, budget, rotation), answer.go (who is on call), board.go (the snapshot that
// keeps decisions from waiting), incidents.go and webhook.go.
package pagerduty
