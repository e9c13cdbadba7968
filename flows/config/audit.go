package config

import "time"

// defaultEvery is how often the Slack channel gets a checkpoint at most.
const defaultEvery = time.Hour

func (ld *loader) readAudit(d *decl) {
	f := ld.fieldsOf(d)
	a := Audit{SigningKey: f.handle("signing_key"), Channel: f.channel("channel"), File: f.text("file", ""), Every: defaultEvery}
	if every := f.duration("every", 0); every > 0 {
		a.Every = every
	}
	a.AllowPrivate = f.flag("allow_private")
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
