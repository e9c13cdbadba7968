// Package flows is the domain of Breakglass: what may be asked, who decides, what
// follows from a decision, and what is written down about it. It uses the standard
// library only and imports nothing of ours; everything outside (store, Slack,
// PagerDuty, targets, time) meets it in the small ports of ports.go.
//
// Read first: lifecycle.go (the table of states), request.go (what is asked),
// decide.go (the pure heart), engine.go (load, reduce, decide, apply).
package flows
