// Package handler runs operators' handler files: a subset of Python, read by the
// package python below it, lowered to Starlark's syntax tree with exact positions, and
// run on go.starlark.net under limits of steps, bytes and time. It implements
// flows.Reducer. It may import flows, its own sub-packages and Starlark, and does no
// I/O of its own: every question goes through a port of package flows, is asked once in
// an evaluation, and is recorded as evidence.
//
// Read first: handler.go (Runner), compile.go, lower.go (Python to Starlark), guard.go
// (the limits), then one module, pagerduty.go. README.md tells operators how to write
// a flow.
package handler
