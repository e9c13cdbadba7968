// Package awsfake is AWS Secrets Manager as a real HTTP server, as far as reading
// secrets goes: the wire protocol, staging labels and rotation, the error types, and
// faults on demand. Tests and the demo use it; any AWS client can, by
// AWS_ENDPOINT_URL_SECRETS_MANAGER.
//
// It imports the standard library only, nothing of this project, and never testing.
// Read server.go first, then store.go.
package awsfake
