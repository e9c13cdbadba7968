// Package oidc lets people sign in with an OpenID Connect provider: the company's own,
// or Slack's. It sends the browser there, and turns what comes back into a verified
// flows.Identity, or into an error. It keeps nothing: what ties an answer to the browser
// that asked comes from a secret that only that browser holds. It imports package flows
// and go-oidc.
//
// Read first: provider.go (both ways), attempt.go (state, nonce and PKCE), claims.go
// (what is believed).
package oidc
