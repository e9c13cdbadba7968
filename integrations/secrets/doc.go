// Package secrets reads secrets where they are kept: the environment, a file, AWS
// Secrets Manager. Each is a flows.SecretReader, to be wrapped by flows.NewSecret.
// It imports flows and the AWS SDK, and never bot or store. No value it reads is in
// any error or log line of it.
//
// Read first: open.go (what a source is), then file.go and aws.go; real.go tells
// values that look like a real vendor's from made-up ones (DESIGN rule 16).
package secrets
