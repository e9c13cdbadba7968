package secrets

import (
	"regexp"
	"strings"
)

// The forms of vendors' secrets. A made-up one ("xoxb-fake-bot-token") has none.
var (
	slackToken    = regexp.MustCompile(`xox[a-z]-[0-9]{5,}|xoxe(\.xox[a-z])?-[0-9]-[A-Za-z0-9]{20,}|xapp-[0-9]-A[A-Z0-9]{8,}-[0-9]+-[0-9a-f]{32,}`)
	slackSigning  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	pagerDutyKey  = regexp.MustCompile(`^[A-Za-z0-9_+-]{20}$`)
	pagerDutyApp  = regexp.MustCompile(`pd[a-z]{2}\+[A-Za-z0-9_-]{10,}`)
	awsAccessKey  = regexp.MustCompile(`\b(AKIA|ASIA)[A-Z2-7]{16}\b`)
	githubToken   = regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,})`)
	privateKeyPEM = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)
)

// LooksReal reports whether a value has the form of a real vendor's secret: a Slack
// token or signing secret, a PagerDuty key, an AWS or GitHub key, a private key. A
// simulated world refuses those.
func LooksReal(value string) bool {
	value = strings.TrimSpace(value)
	for _, form := range []*regexp.Regexp{slackToken, slackSigning, pagerDutyApp, awsAccessKey, githubToken, privateKeyPEM} {
		if form.MatchString(value) {
			return true
		}
	}
	return pagerDutyKey.MatchString(value) && random(value)
}

// random tells twenty letters of a key from twenty letters of words: a key has
// capitals, small letters and digits.
func random(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' }) &&
		strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' }) &&
		strings.ContainsFunc(s, func(r rune) bool { return r >= '0' && r <= '9' })
}
