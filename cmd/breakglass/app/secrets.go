package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/config"
	"breakglass/integrations/secrets"
)

// Secrets makes the function by which the configuration opens its secret blocks. What
// the configuration does not say otherwise is read at Amazon's own address, whatever
// other address the machine's AWS settings name.
func Secrets(s *secrets.Sources) func(config.SecretSpec) (flows.SecretReader, error) {
	return func(spec config.SecretSpec) (flows.SecretReader, error) {
		at := secrets.Spec{
			Source: secrets.Source(spec.Source), Name: spec.Variable, Path: spec.Path, JSONKey: spec.JSONKey,
			Region: spec.Region, Endpoint: spec.Endpoint,
		}
		r, err := s.Open(at)
		if err != nil || spec.Source != config.SourceAWS || spec.Simulated || spec.AddressIsVendor {
			return r, err
		}
		return amazonOnly{r, func(ctx context.Context) (string, error) { return s.Endpoint(ctx, at) }}, nil
	}
}

// amazonOnly reads a secret only where Amazon keeps it.
type amazonOnly struct {
	flows.SecretReader
	address func(context.Context) (string, error)
}

// Value implements flows.SecretReader.
func (r amazonOnly) Value(ctx context.Context, which flows.SecretVersion) (string, error) {
	address, err := r.address(ctx)
	if err != nil {
		return "", err
	}
	if address != "" && !amazon(address) {
		return "", fmt.Errorf("the AWS settings of this machine (AWS_ENDPOINT_URL…) name %s, which is not Amazon's; nothing was asked there. "+
			"If that is meant, say endpoint and address_is_vendor or simulated in the secret block", address)
	}
	return r.SecretReader.Value(ctx, which)
}

func amazon(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") || strings.HasSuffix(host, ".api.aws")
}

// Credential is a secret that the program uses.
type Credential struct {
	At     string // where the configuration names it, as in config.Config.Where
	Secret flows.Secret
	Needed bool // nothing is started without it
}

// Credentials lists the secrets that a configuration names for something.
func Credentials(c *config.Config) []Credential {
	slack, pager := c.Settings.Slack, c.Settings.PagerDuty
	inSlack, inPager := "integration.slack."+slack.Name, "integration.pagerduty."+pager.Name
	all := []Credential{
		{inSlack + ".bot_token", slack.BotToken, true},
		{inSlack + ".signing_secret", slack.SigningSecret, true},
		{inSlack + ".previous_signing_secret", slack.PreviousSigning, false},
		{inPager + ".api_token", pager.APIToken, true},
		{inPager + ".webhook_secret", pager.WebhookSecret, false},
	}
	for _, id := range sorted(c.Catalog.Targets) {
		t := c.Catalog.Targets[id]
		for _, name := range sorted(t.Secrets) {
			all = append(all, Credential{"target." + string(id) + "." + name, t.Secrets[name], false})
		}
	}
	all = append(all, Credential{"audit.signing_key", c.Settings.Audit.SigningKey, false}, Credential{"audit.webhook_secret", c.Settings.Audit.WebhookSecret, false})
	for _, s := range c.Settings.Sinks {
		all = append(all, Credential{"sink." + s.Key() + ".secret", s.Secret, false})
	}
	return slices.DeleteFunc(all, func(c Credential) bool { return !c.Needed && c.Secret.IsZero() })
}

// Check reads the secret and says what is wrong with it, never its value. In a
// simulated world one that looks real is refused: it does not belong there.
func (c Credential) Check(ctx context.Context, w flows.World) error {
	value, err := c.Secret.Reveal(ctx)
	switch {
	case err != nil:
		return err
	case value == "":
		return fmt.Errorf("secret %q is empty", c.Secret.Name())
	case w == flows.WorldSimulated && secrets.LooksReal(value):
		return fmt.Errorf("secret %q looks like a real vendor's, and this configuration is simulated", c.Secret.Name())
	}
	return nil
}

// checkSecrets reads what must be there at start.
func (a *App) checkSecrets(ctx context.Context) error {
	for _, c := range Credentials(a.conf()) {
		if !c.Needed {
			continue
		}
		if err := c.Check(ctx, a.Catalog().World); err != nil {
			return fmt.Errorf("%s: %w; nothing was started", c.At, err)
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
	n := operatorNotice("given-up/"+j.Key, channel, "job "+j.Key+" was given up; the log has the cause", clock.Now())
	n.Subject = j.Subject
	return n
}

// operatorNotice tells the operators' channel something that belongs to no request.
func operatorNotice(key, channel, detail string, now time.Time) flows.Job {
	args, err := json.Marshal(flows.Notice{Channel: channel, About: flows.AboutFault, Detail: detail})
	if err != nil {
		panic(err) // strings only
	}
	return flows.Job{Kind: flows.JobNotice, Key: flows.JobKey(flows.JobNotice, key), Subject: key, RunAt: now, Args: args}
}
