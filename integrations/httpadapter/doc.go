// Package httpadapter is the authenticating proxy: people call a named upstream API
// with their own token, and the server calls it with a credential that only it knows.
// A call is judged by rules on the decoded path, recorded, and only then sent; what the
// caller may not see stays here, both ways. It imports package flows, integrations/reach
// and its own package place; where grants and records are kept come in as ports.
//
// Read first: proxy.go (the steps of a call), place/place.go (where a call goes), judge.go
// (which rule lets it through), record.go (what is kept), send.go and answer.go (out and
// back), watch.go (what ends a call).
package httpadapter
