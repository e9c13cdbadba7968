package app

import (
	"context"
	"encoding/json"
	"fmt"

	"breakglass/flows"
	"breakglass/flows/config"
	"breakglass/integrations/secrets"
)

// Secrets makes the function by which the configuration opens its secret blocks.
func Secrets(s *secrets.Sources) func(config.SecretSpec) (flows.SecretReader, error) {
	return func(spec config.SecretSpec) (flows.SecretReader, error) {
		return s.Open(secrets.Spec{
			Source: secrets.Source(spec.Source), Name: spec.Variable, Path: spec.Path, JSONKey: spec.JSONKey,
			Region: spec.Region, Endpoint: spec.Endpoint,
		})
	}
}

// checkSecrets reads what must be there at start. In a simulated world a secret that
// looks real is refused: it does not belong there.
func (a *App) checkSecrets(ctx context.Context) error {
	s := a.config.Settings
	for name, secret := range map[string]flows.Secret{
		"slack bot_token": s.Slack.BotToken, "slack signing_secret": s.Slack.SigningSecret, "pagerduty api_token": s.PagerDuty.APIToken,
	} {
		value, err := secret.Reveal(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if value == "" {
			return fmt.Errorf("%s: %s is empty; nothing was started", name, secret)
		}
		if a.config.Catalog.World == flows.WorldSimulated && secrets.LooksReal(value) {
			return fmt.Errorf("%s: %s looks like a real vendor's secret, and this configuration is simulated; nothing was started", name, secret)
		}
	}
	return nil
}

// signing is the signing secret with the one before it, so that requests signed
// during a rotation still verify.
func signing(current, previous flows.Secret) flows.Secret {
	if previous.IsZero() {
		return current
	}
	return flows.NewSecret(current.Name(), rotating{current, previous})
}

type rotating struct{ current, previous flows.Secret }

// Value implements flows.SecretReader.
func (r rotating) Value(ctx context.Context, which flows.SecretVersion) (string, error) {
	if which == flows.SecretPrevious {
		return r.previous.Reveal(ctx)
	}
	return r.current.Reveal(ctx)
}

// faultNotice tells the operators' channel that a job was given up.
func faultNotice(j flows.Job, channel string, clock flows.Clock) flows.Job {
	n := flows.Notice{Channel: channel, About: flows.AboutFault, Detail: "job " + j.Key + " was given up; the log has the cause"}
	args, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings only
	}
	return flows.Job{Kind: flows.JobNotice, Key: flows.JobKey(flows.JobNotice, "given-up/"+j.Key), Subject: j.Subject, RunAt: clock.Now(), Args: args}
}
