package config

import (
	"strconv"
	"strings"
	"time"
)

// defaultEvery is how often the Slack channel gets a checkpoint at most.
const defaultEvery = time.Hour

// defaultRetention is how long what is kept about people must be kept: an auditor's
// year, and the month in which the report on it is written.
const defaultRetention = 400 * 24 * time.Hour

func (ld *loader) readAudit(d *decl) {
	f := ld.fieldsOf(d)
	a := Audit{SigningKey: f.handle("signing_key"), Channel: f.channel("channel"), File: f.text("file", ""), Every: defaultEvery}
	if every := f.duration("every", 0); every > 0 {
		a.Every = every
	}
	a.AllowPrivate, a.Retention = f.flag("allow_private"), f.retention()
	a.Webhook, a.WebhookSecret = f.text("webhook", ""), f.handle("webhook_secret")
	switch {
	case f.given("webhook") && f.sound("webhook"):
		f.receiver("webhook", a.Webhook, a.AllowPrivate)
		if !f.given("webhook_secret") {
			f.need("webhook_secret", "secret."+exampleName(ld.names("secret")))
		}
	case f.given("webhook_secret") && !f.given("webhook"):
		f.wrong("webhook_secret", `Write webhook = "https://…", or remove it.`, "webhook_secret of %s has nothing to sign.", f.what)
	}
	if f.given("signing_key") && a.SigningKey.Name() != "" {
		f.distinct("signing_key", a.SigningKey.Name(), "webhook_secret", a.WebhookSecret.Name())
	}
	f.finish()
	ld.audit = a
}

// retention reads a number of days, or "none".
func (f *fields) retention() time.Duration {
	s := f.text("retention", "400d")
	if !f.given("retention") || !f.sound("retention") {
		return defaultRetention
	}
	if s == "none" {
		return 0
	}
	digits, ok := strings.CutSuffix(s, "d")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > 36500 {
		f.wrong("retention", `Write it like "400d", or "none".`, "retention of %s is not a number of days.", f.what)
		return defaultRetention
	}
	return time.Duration(n) * 24 * time.Hour
}
